"""Replicators, one module a kind, found by entry point (group ``pse.replicators``)."""

from functools import cache
from importlib import import_module
from importlib.metadata import entry_points
from typing import Any

from migrate.replicators.ports import Moved, Replication, Replicator, Reversible, Task
from pse.core.errors import BadInput

__all__ = ["Moved", "Replication", "Replicator", "Reversible", "Task", "load", "names"]

GROUP = "pse.replicators"
_OURS = {
    "blocks": "migrate.replicators.blocks.replicator:Blocks",
    "files": "migrate.replicators.files.replicator:Files",
    "postgresql": "migrate.replicators.postgresql.replicator:PostgreSQL",
}
# The same as in pyproject.toml: a checkout whose metadata is older than its tree still finds them.


def names() -> tuple[str, ...]:
    """All kinds that can be moved."""
    return tuple(sorted({*_OURS, *(point.name for point in entry_points(group=GROUP))}))


def load(kind: str) -> Replication:
    """The replicator for ``kind``.

    Raises:
        BadInput: Nobody carries this kind.
    """
    made: Replication = _class_of(kind)()
    return made


@cache
def _class_of(kind: str) -> Any:
    """Looked for once: a campaign asks again and again."""
    if kind in _OURS:
        module, _, name = _OURS[kind].partition(":")
        return getattr(import_module(module), name)
    for point in entry_points(group=GROUP):
        if point.name == kind:
            return point.load()
    raise BadInput(f"nothing carries moves of kind {kind!r}", hint=f"Known kinds: {', '.join(names())}.")
