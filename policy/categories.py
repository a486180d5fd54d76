"""Today's category of every workload, noted and signed so that the plugin can hold a gate against it in milliseconds.

Categories come from labels, tags, the estate and ``environments/``. Whoever reads all of these notes what came out in
``.pse/categories.json``, with a hash of each file that it came from: a note whose files changed since says nothing.
"""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from policy.signednote import Signed, SignedNote
from pse.core.canonical import digest, read_bytes
from pse.core.documents.category import Category
from pse.core.documents.gate import UnitGate
from pse.core.errors import BadInput, Refused
from pse.core.settings import Workspace

if TYPE_CHECKING:
    from policy.load import Policy

FILE = "categories.json"
_HINT = "Make the plan again with `pse plan`, and have it reviewed."


class Note(Signed, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What was noted.

    Attributes:
        inputs: SHA-256 of each file that categories come from, by its name; see `inputs_of`.
        categories: By workload; None is unclassified.
    """

    inputs: dict[str, str]
    categories: dict[str, Category | None]


NOTE = SignedNote(FILE, Note, before=b"pse categories\n", hint=_HINT)


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
    NOTE.write(workspace, Note(inputs=dict(inputs), categories=dict(categories)))


def read_categories(workspace: Workspace, policy: "Policy") -> dict[str, Category | None] | None:
    """Today's categories by workload; None when none are noted or something that they came from changed since.

    Raises:
        Refused: The note was altered, or another key signed it.
    """
    note = NOTE.read(workspace)
    return None if note is None or note.inputs != inputs_of(workspace, policy) else note.categories


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
