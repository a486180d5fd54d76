"""Today's category of every workload, noted and signed so that the plugin can hold a gate against it in milliseconds.

Categories come from labels, tags, the estate and ``environments/``. Whoever reads all of these notes what came out in
``.pse/categories.json``, with a hash of each file that it came from: a note whose files changed since says nothing.
"""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

import msgspec

from policy.signing import believe, pin, sign
from pse.core.canonical import digest, encode, read_bytes, write_bytes
from pse.core.documents.category import Category
from pse.core.documents.gate import UnitGate
from pse.core.errors import BadInput, Refused
from pse.core.settings import Workspace

if TYPE_CHECKING:
    from policy.load import Policy

FILE = "categories.json"
_SIGNED = b"pse categories\n"
"""Stands before what is signed, so that no signature of another document is one of a note."""
_HINT = "Make the plan again with `pse plan`, and have it reviewed."


class Note(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What was noted.

    Attributes:
        inputs: SHA-256 of each file that categories come from, by its name; see `inputs_of`.
        categories: By workload; None is unclassified.
        signer: Public key, 64 hexadecimal digits; empty in what is signed.
        signature: 128 hexadecimal digits over the note without these two.
    """

    inputs: dict[str, str]
    categories: dict[str, Category | None]
    signer: str = ""
    signature: str = ""


def inputs_of(workspace: Workspace, policy: "Policy", *, snapshot: str | None = None) -> dict[str, str]:
    """Hashes of everything that categories come from.

    Args:
        workspace: Where the files are.
        policy: Its labels count.
        snapshot: Hash of the estate; that of the workspace's current snapshot when None.
    """
    found = {"labels": policy.labels.hash, "snapshot": _snapshot(workspace) if snapshot is None else snapshot}
    files = (workspace.path("hosts.toml"), workspace.path("workloads.toml"))
    for path in (*files, *sorted(workspace.path("environments").glob("*.toml"))):
        if path.exists():
            found[path.relative_to(workspace.root).as_posix()] = digest(read_bytes(path))
    return found


def write_categories(
    workspace: Workspace, inputs: Mapping[str, str], categories: Mapping[str, Category | None]
) -> None:
    """Note ``categories``, which came from ``inputs``.

    Raises:
        BadInput: No key here.
        Refused: The key here is not the pinned one.
    """
    _write(workspace, Note(inputs=dict(inputs), categories=dict(categories)))


def read_categories(workspace: Workspace, policy: "Policy") -> dict[str, Category | None] | None:
    """Today's categories by workload; None when none are noted or something that they came from changed since.

    Raises:
        Refused: The note was altered, or another key signed it.
    """
    note = _read(workspace)
    return None if note is None or note.inputs != inputs_of(workspace, policy) else note.categories


def sign_anew(old: Workspace, new: Workspace) -> None:
    """Sign the note with another key; quiet when that was done, or there is none.

    Args:
        old: The workspace with its former pin.
        new: The same with its new one.

    Raises:
        Refused: Neither signed it.
    """
    try:
        _read(new)
    except Refused:
        note = _read(old)
        if note is not None:
            _write(new, note)


def _write(workspace: Workspace, note: Note) -> None:
    signed = msgspec.structs.replace(note, signer=pin(workspace), signature=sign(workspace, _SIGNED + encode(note)))
    write_bytes(workspace.private / FILE, encode(signed))


def _read(workspace: Workspace) -> Note | None:
    path = workspace.private / FILE
    if not path.exists():
        return None
    try:
        signed = msgspec.json.decode(read_bytes(path), type=Note)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as exc:
        raise Refused("not a note of categories", where=str(path), hint="Take the file away, and plan again.") from exc
    note = msgspec.structs.replace(signed, signer="", signature="")
    believe(workspace, signed.signer, _SIGNED + encode(note), signed.signature, where=str(path), hint=_HINT)
    return note


def refuse_stricter(
    workspace: Workspace, policy: "Policy", gates: Iterable[UnitGate], *, where: str | None = None
) -> None:
    """Refuse gates that were made for a category that is not strict enough today.

    Landing zones hold no data and have no category of their own.

    Args:
        workspace: Where the note is.
        policy: What the law says today.
        gates: Their signatures verified.
        where: For messages; the unit of each when None.

    Raises:
        Refused: A workload has a stricter category today or none, or today's categories are not known.
    """
    landings = {f"landing-{place.id.replace('/', '-')}" for place in policy.register.places}
    wanted = [gate for gate in gates if gate.unit not in landings]
    if not wanted:
        return
    known = read_categories(workspace, policy)
    if known is None:
        raise Refused(
            "what today's categories come from changed since they were noted",
            where=where or str(workspace.private / FILE),
            hint=_HINT,
        )
    for gate in wanted:
        for name in gate.workloads:
            category = known.get(name)
            if category is None or category.rank > gate.category.rank:
                today = f"is {category.value}" if category else "has no category"
                raise Refused(
                    f"{name} {today} today, and the plan was made for {gate.category.value} data",
                    where=where or f"unit {gate.unit}",
                    hint=_HINT,
                )


def _snapshot(workspace: Workspace) -> str:
    try:
        return read_bytes(workspace.private / "snapshot").decode("ascii", "replace").strip()
    except BadInput:
        return ""
