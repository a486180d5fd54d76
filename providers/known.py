"""The ids that the state knows: what tells an orphan from a live object that the engine is about to delete.

The engine driver writes them before each operation; the plugin reads them where ``PSE_KNOWN`` points. Without them the
plugin adopts nothing.
"""

from collections.abc import Iterable
from pathlib import Path

import msgspec

from pse.core.canonical import read, write

VARIABLE = "PSE_KNOWN"


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """The file.

    Attributes:
        schema: Version of this document.
        project: Pulumi project.
        stack: Stack name.
        ids: Ids of all resources in the state, also of those that wait to be deleted; sorted.
    """

    schema: int = 1
    project: str
    stack: str
    ids: tuple[str, ...]


def path_of(private: Path, project: str, stack: str) -> Path:
    """Where the file of a stack is, under the workspace's ``.pse``."""
    return private / "known" / f"{project}.{stack}.json"


def write_known(private: Path, project: str, stack: str, ids: Iterable[str]) -> Path:
    """Write the file and return its path."""
    path = path_of(private, project, stack)
    write(path, Known(project=project, stack=stack, ids=tuple(sorted(set(ids)))), mode=0o600)
    return path


def read_known(where: str, project: str, stack: str) -> frozenset[str] | None:
    """The ids for one stack, or None when ``where`` says nothing of it.

    Args:
        where: Value of ``PSE_KNOWN``: a file, or a folder of files for a server of many stacks.
        project: Pulumi project.
        stack: Stack name.

    Raises:
        BadInput: A file is named and cannot be read.
    """
    if not where:
        return None
    path = Path(where)
    if path.is_dir():
        path = path / f"{project}.{stack}.json"
        if not path.exists():
            return None
    known = read(path, Known)
    return frozenset(known.ids) if (known.project, known.stack) == (project, stack) else None
