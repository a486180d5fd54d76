"""Approvals: a named person agrees to one plan, by its hash and until a day; `pse.toml` says how many it takes.

An approval is an entry of the ledger, signed with the workspace's key besides: an entry that somebody else wrote counts
no more than one of another plan or one that has expired.
"""

from collections.abc import Iterable
from datetime import date, timedelta
from typing import Any, TypeVar

import msgspec

from policy.ledger import Ledger
from policy.people import person
from policy.signing import pin, sign, verify
from pse.core.canonical import encode
from pse.core.documents.category import Category
from pse.core.errors import Refused, UsageError, Waiting
from pse.core.settings import Workspace
from pse.core.text import counted, printable

APPROVAL = "approval"
"""Kind of the entry."""
_SIGNED = b"pse approval\n"
"""Stands before what is signed, so that no signature of another document is one of an approval."""


A = TypeVar("A", bound="Approval")


class Approval(msgspec.Struct, frozen=True, kw_only=True):
    """One approval.

    Attributes:
        plan: Hash of the plan.
        by: Who approved it: a person by name and office.
        reference: Letter or file that says so.
        on: Day of the approval.
        until: Last day on which it counts.
    """

    plan: str
    by: str
    reference: str
    on: date
    until: date


def approve(workspace: Workspace, plan: str, *, by: str, reference: str, on: date) -> Approval:
    """Write an approval into the ledger, signed.

    Args:
        workspace: Whose ledger and key.
        plan: Hash of the plan; the caller has verified the plan.
        by: Who approves it.
        reference: Letter or file that says so.
        on: Today.

    Raises:
        UsageError: No name, one with letters of other alphabets, or no reference.
        Refused: ``pse.toml`` names who may approve, and this is somebody else; or the ledger was altered, or the key
            here is not the pinned one.
        BadInput: No key here, or the ledger cannot be written.
    """
    who, letter = who_approves(workspace, by, reference)
    until = on + timedelta(days=workspace.settings.approvals.days)
    made = Approval(plan=plan, by=who, reference=letter, on=on, until=until)
    signature = sign(workspace, _SIGNED + encode(made))
    Ledger(workspace).record(APPROVAL, {**msgspec.to_builtins(made), "signature": signature})
    return made


def who_approves(workspace: Workspace, by: str, reference: str) -> tuple[str, str]:
    """Who approves, as `pse.toml` writes the name, and the letter; raises as `approve`."""
    settings = workspace.settings.approvals
    who, letter = " ".join(by.split()), reference.strip()
    if not who or not letter:
        raise UsageError("an approval needs a name and a reference", hint="Give --by and --reference.")
    if not person(who):
        raise UsageError(
            f"a name that another may look like: {printable(who)!r}", hint="Write it in English or Urdu letters only."
        )
    known = next((name for name in settings.people if person(name) == person(who)), None)
    if settings.people and known is None:
        raise Refused(
            f"{printable(who)!r} is not among those who may approve",
            where=str(workspace.path("pse.toml")),
            hint=f"They are: {', '.join(settings.people)}.",
        )
    return known or who, letter


def approvals(workspace: Workspace) -> tuple[Approval, ...]:
    """All approvals in the ledger that the workspace's key signed, of any plan, in their order.

    Raises:
        Refused: The ledger was altered, or no signer is pinned.
    """
    signer = pin(workspace)
    entries = (entry for entry in Ledger(workspace).entries() if entry.kind == APPROVAL)
    return tuple(made for entry in entries if (made := believed(entry.data, Approval, _SIGNED, signer)) is not None)


def require_approvals(workspace: Workspace, plan: str, categories: Iterable[Category], *, day: date) -> None:
    """Return when as many people approved the plan as the workspace demands for these categories.

    Args:
        workspace: Whose ``[approvals]`` counts.
        plan: Hash of the plan.
        categories: Of what is to be done.
        day: Today, by `policy.gatefiles.effective_day`.

    Raises:
        Waiting: More people have to approve it; says what does not count and why.
        Refused: The ledger was altered.
    """
    settings = workspace.settings.approvals
    asked = sorted({one.value for one in categories if one.rank >= settings.least.rank})
    if settings.count == 0 or not asked:
        return
    every = approvals(workspace)
    mine = [one for one in every if one.plan == plan and may(one, settings.people)]
    standing = {person(one.by) for one in mine if one.on <= day <= one.until}
    if len(standing) >= settings.count:
        return
    told = [f"{len(standing)} of {counted(settings.count, 'approval')} for {', '.join(asked)} data"]
    expired = sorted({one.by for one in mine if person(one.by) not in standing})
    others = sorted({one.plan[:12] for one in every if one.plan != plan})
    told += [f"expired: {', '.join(expired)}"] * bool(expired)
    told += [f"of another plan: {', '.join(others)}"] * bool(others)
    raise Waiting(
        "; ".join(told),
        where=f"plan {plan[:12]}",
        hint=f"`pse approve {plan[:12]} --by 'NAME, OFFICE' --reference LETTER` records one.",
    )


def believed(data: dict[str, Any], kind: type[A], prefix: bytes, signer: str) -> A | None:
    """The approval that an entry of the ledger is, signed by the workspace's key; None when it is none."""
    try:
        made = msgspec.convert({name: data.get(name) for name in kind.__struct_fields__}, kind)
        verify(signer, prefix + encode(made), str(data.get("signature")))
    except (msgspec.ValidationError, Refused):
        return None
    return made


def may(made: Approval, people: tuple[str, ...]) -> bool:
    """Who made it is one of those who may; empty is anybody who is named."""
    who = person(made.by)
    return bool(who) and (not people or who in map(person, people))
