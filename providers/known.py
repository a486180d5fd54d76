"""The ids that the state knows, and whose: what tells an orphan from a live object that the engine is about to delete.

The engine driver writes them before each operation; the plugin reads them where ``PSE_KNOWN`` points. Without them the
plugin adopts nothing.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path

import msgspec

from providers.identity import PROJECT, parse_urn
from pse.core.canonical import read, write

VARIABLE = "PSE_KNOWN"


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """The file.

    Attributes:
        schema: Version of this document.
        project: Pulumi project.
        stack: Stack name.
        ids: Ids of all resources in the state, also of those that wait to be deleted; sorted.
        urns: The same ids by the hash of the URN that holds them.
    """

    schema: int = 1
    project: str
    stack: str
    ids: tuple[str, ...]
    urns: dict[str, tuple[str, ...]] = {}

    def holders(self, object_id: str) -> frozenset[str]:
        """Hashes of the URNs that hold an id."""
        return frozenset(urn for urn, ids in self.urns.items() if object_id in ids)


def path_of(private: Path, project: str, stack: str) -> Path:
    """Where the file of a stack is, under the workspace's ``.pse``."""
    return private / "known" / f"{project}.{stack}.json"


def intents_of(private: Path, project: str, stack: str) -> Path:
    """Where the journal of a stack's intents is: another project's stack of the same name has one of its own.

    What is still open in it is cleared away after a good run, and nobody may do that to another program's.
    """
    folder = private / "intents"
    return (folder if project == PROJECT else folder / f"of-{project}") / f"{stack}.jsonl"


def write_known(private: Path, project: str, stack: str, held: Mapping[str, Iterable[str]]) -> Path:
    """Write the file and return its path.

    Args:
        private: The workspace's ``.pse``.
        project: Pulumi project.
        stack: Stack name.
        held: Ids by URN.
    """
    path = path_of(private, project, stack)
    urns = {parse_urn(urn).hash: tuple(sorted(ids)) for urn, ids in held.items()}
    ids = tuple(sorted({one for some in urns.values() for one in some}))
    write(path, Known(project=project, stack=stack, ids=ids, urns=urns), mode=0o600)
    return path


def read_known(where: str, project: str, stack: str) -> Known | None:
    """What is known of one stack, or None when ``where`` says nothing of it.

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
    return known if (known.project, known.stack) == (project, stack) else None
