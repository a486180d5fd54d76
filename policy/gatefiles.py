"""Gate files on disk: signed when the plan was made, believed only with the pinned signer's signature."""

import re
from collections.abc import Iterable, Mapping
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from policy.categories import refuse_stricter
from policy.ledger import Ledger
from policy.signing import Signer, believe
from pse.core.canonical import encode, read_bytes, write_bytes
from pse.core.documents.category import Category, strictest
from pse.core.documents.gate import RefusedPlace, SignedGate, UnitGate
from pse.core.documents.verdicts import Refusal, VerdictClass
from pse.core.errors import BadInput, Refused
from pse.core.settings import Workspace

if TYPE_CHECKING:
    from policy.load import Policy
    from policy.nocs import Noc

_UNIT = re.compile(r"[a-z0-9][a-z0-9-]{0,127}", re.ASCII)
_HINT = "Make the plan again and run `pse up` with it; it puts the signed gate there."


def sign_gate(workspace: Workspace, gate: UnitGate) -> SignedGate:
    """Sign ``gate`` with the workspace's key. Writes nothing.

    Raises:
        BadInput: No key here.
        Refused: The key here is not the pinned one.
    """
    return signed_gate(Signer(workspace), gate)


def signed_gate(signer: Signer, gate: UnitGate) -> SignedGate:
    """``gate`` and the signature of ``signer`` over its canonical bytes."""
    return SignedGate(gate=gate, signer=signer.public, signature=signer.sign(encode(gate)))


def open_gate(workspace: Workspace, raw: bytes, *, where: str) -> UnitGate:
    """The gate in the bytes of a signed gate file.

    Raises:
        Refused: Not a gate file, altered in any bit, or signed by another key.
    """
    try:
        signed = msgspec.json.decode(raw, type=SignedGate)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as exc:
        raise Refused("not a signed gate file", where=where, hint=_HINT) from exc
    if encode(signed) != raw:
        # The signature covers the gate's canonical bytes; the rest of the file must not be free to differ.
        raise Refused("the gate file was altered", where=where, hint=_HINT)
    believe(workspace, signed.signer, encode(signed.gate), signed.signature, where=where, hint=_HINT)
    return signed.gate


def write_gate(workspace: Workspace, signed: SignedGate) -> Path:
    """Put a signed gate where the plugin looks for it, once its signature is verified, and return the path.

    Raises:
        Refused: It is not the pinned signer's.
    """
    path = _path(workspace, signed.gate.unit)
    raw = encode(signed)
    open_gate(workspace, raw, where=str(path))
    write_bytes(path, raw)
    return path


def sign_anew(old: Workspace, new: Workspace) -> None:
    """Sign the gates of all units with another key; quiet where that was done.

    Args:
        old: The workspace with its former pin.
        new: The same with its new one.

    Raises:
        Refused: Neither key signed one of them.
    """
    for path in sorted((new.private / "gate").glob("*.json")):
        raw = read_bytes(path)
        try:
            open_gate(new, raw, where=str(path))
        except Refused:
            write_gate(new, sign_gate(new, open_gate(old, raw, where=str(path))))


def read_gate(workspace: Workspace, unit_id: str, *, now: date) -> UnitGate:
    """The gate of a unit, from ``.pse/gate``.

    Args:
        workspace: Where it is.
        unit_id: Stack id.
        now: The clock's day in Pakistan.

    Raises:
        Refused: Missing, unsigned, altered, signed by another key, of another unit, or not to be used on this day: see
            `gate_today`.

    Returns:
        The gate as `gate_today` has it.
    """
    path = _path(workspace, unit_id)
    try:
        raw = read_bytes(path)
    except BadInput as exc:
        hint = (
            "Call the stack like a unit of the plan. `pse up` puts its gate there; for a program of your own copy "
            "gate/UNIT.json of the plan to .pse/gate."
        )
        raise Refused(f"no gate file for unit {unit_id}", where=str(path), hint=hint) from exc
    gate = open_gate(workspace, raw, where=str(path))
    if gate.unit != unit_id:
        raise Refused(f"the gate file is of unit {gate.unit}, not of {unit_id}", where=str(path), hint=_HINT)
    return gate_today(workspace, gate, now=now, where=str(path))


def gate_today(workspace: Workspace, gate: UnitGate, *, now: date, where: str) -> UnitGate:
    """``gate``, whose signature was verified, without the places that the law of today refuses.

    Reads rules, register, NOCs and labels once, some milliseconds: callers keep the answer for one run.

    Args:
        workspace: Whose law counts.
        gate: As it was signed.
        now: The clock's day in Pakistan.
        where: Its file, for messages.

    Raises:
        Refused: The clock is behind the day that it was made for or behind the ledger's last entry; the register is
            expired, unsigned or altered; rules, register, NOCs or labels are not those of the plan; or its workload
            has a stricter category today, or none.
    """
    day = effective_day(workspace, now)
    if day < gate.as_of:
        raise Refused(
            f"the clock says {now}, before {gate.as_of}, the day that the plan was made for",
            where=where,
            hint="Set the clock, or make the plan for a day that has come.",
        )
    from policy.load import load_policy

    try:
        policy = load_policy(workspace, as_of=day)
    except BadInput as exc:
        raise Refused(f"the law cannot be read: {exc.message}", where=exc.where, hint=exc.hint) from exc
    if changed := changed_law(policy.inputs, gate.plan_inputs):
        raise Refused(f"{', '.join(changed)} changed since the plan was made", where=where, hint=_HINT)
    refuse_stricter(workspace, policy, (gate,), where=where)
    return narrowed(policy, gate, day=day)


def changed_law(now: Mapping[str, str], then: Mapping[str, str]) -> list[str]:
    """Names of what decides and is another now than it was, sorted."""
    return sorted(name for name in now.keys() | then.keys() if now.get(name) != then.get(name))


def narrowed(
    policy: "Policy", gate: UnitGate, *, day: date, categories: Mapping[str, Category | None] | None = None
) -> UnitGate:
    """``gate`` without the allowed places that ``policy`` refuses on ``day``, with the rules that refuse them.

    A state that starts, a certificate or a NOC that ends: all of them are in the very register that the plan was made
    by. Nothing is ever added to a gate.

    Args:
        policy: What the law says; may be a later one, as for an audit.
        gate: As it was signed.
        day: Day to judge for.
        categories: Today's by workload, where they are known: a stricter one counts instead of the gate's.
    """
    from policy.verdicts import judge_class

    references = tuple(gate.class_id.split("+")[1:])
    known = VerdictClass(
        id=gate.class_id,
        category=_strictest(gate, categories or {}),
        jurisdiction=policy.jurisdiction,
        nocs=tuple(references),
    )
    granted = [noc for noc in policy.nocs.noc if noc.reference in references]
    nocs = [noc for noc in granted if noc.holds(day)]
    places = {place.id: place for place in policy.register.places}
    allowed, refused = [], list(gate.refused)
    for entry in gate.allowed:
        verdict = judge_class(policy, known, nocs, places[entry.place], as_of=day) if entry.place in places else None
        if verdict is None:
            continue
        if verdict.allowed:
            allowed.append(entry)
        else:
            refusals = tuple(_with_ended(refusal, granted, entry.place, day) for refusal in verdict.refusals)
            refused.append(RefusedPlace(place=entry.place, refusals=refusals))
    if len(allowed) == len(gate.allowed):
        return gate
    refused.sort(key=lambda entry: entry.place)
    return msgspec.structs.replace(gate, allowed=tuple(allowed), refused=tuple(refused))


def _with_ended(refusal: Refusal, nocs: Iterable["Noc"], place: str, day: date) -> Refusal:
    """The refusal, and which NOC lifted its rule there until it ended."""
    ended = [
        f"{n.reference} lifted it until {n.end}."
        for n in nocs
        if refusal.rule in n.rules and n.reaches(place) and n.end < day
    ]
    return msgspec.structs.replace(refusal, message=" ".join((refusal.message, *ended)))


def _strictest(gate: UnitGate, categories: Mapping[str, Category | None]) -> Category | None:
    return strictest((gate.category, *(categories[name] for name in gate.workloads if name in categories)))


def effective_day(workspace: Workspace, clock: date) -> date:
    """The day to judge by: the later of the clock's and the ledger's last entry's.

    Raises:
        Refused: The clock is behind the ledger, so accreditations that have expired would count again; or the ledger
            was altered.
    """
    last = Ledger(workspace).last_day()
    if last is not None and clock < last:
        raise Refused(
            f"the clock says {clock}, and the ledger was written on {last}",
            where=str(workspace.private / "ledger.jsonl"),
            hint="Set the clock. If it is right, and was wrong when the ledger was written: `pse ledger accept-clock`.",
        )
    return clock


def refusal_of(error: Refused) -> Refusal:
    """What `read_gate` raised, as a refusal for the ledger."""
    return Refusal(
        rule="PSE-G010",
        clause="Our own rule: a gate that cannot be believed lets nothing through",
        message=f"{error}. {error.hint}" if error.hint else str(error),
        source="design of the gate; confidence C; not legal advice",
    )


def _path(workspace: Workspace, unit_id: str) -> Path:
    if not _UNIT.fullmatch(unit_id):
        raise Refused(f"not a unit id: {unit_id[:80]!r}", hint="Lower-case letters, digits and hyphens.")
    return workspace.private / "gate" / f"{unit_id}.json"
