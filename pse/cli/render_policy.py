"""Views of policy: the register and the ledger."""

import datetime as dt
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from pse.cli.view import Grid, View, grid
from pse.core.documents.category import Category
from pse.core.text import counted

if TYPE_CHECKING:
    from policy import Place, Register
    from policy.approvals import Approval
    from policy.registerdiff import Difference
    from policy.registerfile import Audit
    from pse.core.documents.evidence import LedgerHead
    from pse.core.documents.plan import Plan
    from pse.core.settings import Settings


def register_view(register: "Register", settings: "Settings", day: dt.date) -> View:
    """The register's places and how each stands for each category on ``day``, by every jurisdiction's register."""
    from policy.jurisdictions import jurisdictions

    own = settings.jurisdiction
    others = tuple(name for name in register.jurisdictions if name != own)
    items = [
        {
            "place": place,
            "standing": _standing(register, place, own, day),
            "elsewhere": {name: _standing(register, place, name, day) for name in others},
            "audit": register.last_audit(place, day),
        }
        for place in register.places
    ]
    rows = (
        (
            p.id,
            p.provider,
            p.site_name,
            p.country,
            *_standing(register, p, own, day).values(),
            _audit(register.last_audit(p, day), day),
            p.evidence,
        )
        for p in register.places
    )
    columns = f"place|provider|site|country|{'|'.join(c.value for c in Category)}|audit|evidence"
    sample = ", SAMPLE: its entries are invented" if register.sample else ""
    title = f"Register on {day} ({settings.jurisdiction}){sample}"
    states = [jurisdictions()[name] for name in (own, *others)]
    data = {"sample": register.sample, "hash": register.hash, "as_of": day, "items": items, "jurisdictions": states}
    return View(data, (grid(title, columns, rows), *_elsewhere(register, others, day), *(one.words for one in states)))


def _elsewhere(register: "Register", others: Sequence[str], day: dt.date) -> tuple[Grid, ...]:
    """What the registers of other jurisdictions say: they serve their own entities."""
    from policy.verdicts import SERVES

    columns = f"place|{'|'.join(c.value for c in Category)}"
    return tuple(
        grid(
            f"The {name} register, which serves its own entities only ({SERVES})",
            columns,
            ((p.id, *_standing(register, p, name, day).values()) for p in register.places),
        )
        for name in others
    )


def _standing(register: "Register", place: "Place", jurisdiction: str, day: dt.date) -> dict[Category, str | None]:
    states = ((c, register.standing(place, c, day, jurisdiction=jurisdiction).state) for c in Category)
    return {category: state.value if state else None for category, state in states}


def _audit(audit: "Audit | None", day: dt.date) -> str | None:
    if audit is None:
        return None
    due = audit.next_due
    late = f", next was due until {due}" if due and due < day else f", next until {due}" if due else ""
    return f"{audit.outcome.value} on {audit.on}{late}"


def diff_view(diff: "Difference") -> View:
    """What another register changes: in what it says, and in who may hold what."""
    rows = ((change.subject, change.what, change.old, change.new) for change in diff.changes)
    turns = ((turn.place, turn.category.value, turn.old or "not in it", turn.new or "not in it") for turn in diff.turns)
    blocks: list[str | Grid] = [f"{diff.old_hash[:12]} to {diff.new_hash[:12]}, as they stand on {diff.as_of}"]
    if diff.turns:
        blocks.append(grid("Who may hold what", "place|category|now|then", turns))
    if diff.changes:
        blocks.append(grid("What it says", "of|what|now|then", rows))
    if not diff.changes and not diff.turns:
        blocks.append("they say the same")
    data = {"as_of": diff.as_of, "old": diff.old_hash, "new": diff.new_hash, "items": diff.changes, "turns": diff.turns}
    return View(data, tuple(blocks))


def verified_view(register: "Register", day: dt.date) -> View:
    """The register's signature held: what was read, by hash, and whether it may be used on ``day``."""
    until = register.file.valid_until
    expired = day > until
    data = {
        "verified": True,
        "hash": register.hash,
        "places": len(register.places),
        "valid_until": until,
        "expired": expired,
    }
    line = f"the signature holds: {counted(len(register.places), 'place')}, SHA-256 {register.hash}"
    use = f"it EXPIRED on {until}, and is refused: get the current one" if expired else f"it is valid until {until}"
    return View(data, (line, use))


def ledger_view(entries: Sequence[Any]) -> View:
    """Ledger entries, oldest first."""
    rows = ((e.seq, f"{e.at:%Y-%m-%d %H:%M:%S}", e.kind, _words(e.data)) for e in entries)
    return View({"items": entries}, (grid("Ledger", ">entry|when (UTC)|kind|what", rows),))


def clock_view(last: dt.date | None) -> View:
    """What accepting the clock would mean."""
    from pse.core.time import now

    line = f"the ledger was last written on {last or '–'}; from now on the day is {now():%Y-%m-%d %H:%M} UTC"
    return View({"ledger": last, "clock": now()}, (line,))


def head_view(head: "LedgerHead") -> View:
    """The chain holds up to here."""
    return View(
        {"verified": True, "entries": head.entries, "hash": head.hash},
        (f"the chain holds: {counted(head.entries, 'entry', 'entries')}, last {head.hash[:12]}",),
    )


def _words(data: dict[str, Any]) -> str:
    return ", ".join(f"{key}={value}" for key, value in data.items() if value not in ("", None, [], ()))


def approval_intent(plan: "Plan", by: str, reference: str, workload: str = "") -> View:
    """What a person is about to approve: the plan, its places and its bill; or the cut-over of one workload."""
    rows = (
        (
            d.workload,
            d.category.value if d.category else "unclassified",
            d.strategy.value if d.strategy else "refused",
            d.place or None,
        )
        for d in plan.decisions
        if not workload or d.workload == workload
    )
    data: dict[str, object] = {"plan": plan.hash, "as_of": plan.as_of, "by": by, "reference": reference}
    data |= {"workload": workload} if workload else {}
    what = f"the cut-over of {workload}" if workload else "it"
    return View(
        data,
        (
            f"plan {plan.hash} of {plan.as_of}{', SAMPLE' if plan.sample else ''}",
            grid("What it does", "workload|category|strategy|place", rows),
            f"{by} approves {what} ({reference})",
        ),
    )


def approval_view(made: "Approval", needed: int, workload: str = "") -> View:
    """An approval that was recorded: of the plan, or of the cut-over of a workload."""
    if workload:
        text = f"the cut-over of {workload} is approved by {made.by} until {made.until} ({made.reference})"
        return View({"approval": made}, (text,))
    asked = f"; the workspace asks for {counted(needed, 'approval')}" if needed else "; the workspace asks for none"
    text = f"plan {made.plan[:12]} is approved by {made.by} until {made.until} ({made.reference}){asked}"
    return View({"approval": made, "needed": needed}, (text,))
