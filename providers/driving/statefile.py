"""A local state, read without the CLI: the file of Pulumi's DIY backend."""

import gzip
from contextlib import suppress
from pathlib import Path

import msgspec

from providers.driving.state import State
from pse.core.errors import BadInput
from pse.core.settings import Workspace

_FILE = "file://"


def folder(workspace: Workspace) -> Path | None:
    """Folder of a local backend; None when the state is elsewhere."""
    backend = workspace.settings.backend or f"{_FILE}{workspace.private / 'state'}"
    return Path(backend.removeprefix(_FILE)) if backend.startswith(_FILE) else None


def prepared(url: str) -> str:
    """A backend's URL as the engine is to be given it; the folder of a local one is made.

    The DIY backend writes a state into a new file and renames it, but beside it, and not so, a file ``.attrs`` that it
    reads first: an engine that is killed just then leaves an empty one, and a stack that nothing can read. Nobody needs
    those files, so it is told to write none, and empty ones that are there are removed.
    Source: gocloud.dev/blob/fileblob, parameter ``metadata``.
    """
    if not url.startswith(_FILE) or "?" in url:
        return url
    root = Path(url.removeprefix(_FILE))
    root.mkdir(parents=True, exist_ok=True)
    for part in ("stacks", "locks"):
        for path in (root / ".pulumi" / part).rglob("*.attrs"):
            with suppress(FileNotFoundError):
                if not path.stat().st_size:
                    path.unlink()
    return f"{url}?metadata=skip"


def is_remote(workspace: Workspace) -> bool:
    """Whether the state can only be asked by the CLI."""
    return folder(workspace) is None


def local_stacks(workspace: Workspace, project: str) -> tuple[str, ...]:
    """Names of the stacks of a local backend, sorted; none when it is elsewhere."""
    root = folder(workspace)
    found = () if root is None else (root / ".pulumi" / "stacks" / project).glob("*.json*")
    names = (path.name.removesuffix(".gz") for path in found)
    return tuple(sorted({name.removesuffix(".json") for name in names if name.endswith(".json")}))


def read_state(workspace: Workspace, project: str, stack: str) -> State | None:
    """The state of a stack; None when the backend is elsewhere or has no such stack.

    Source: `Checkpoint` in Pulumi's sdk/go/common/apitype, version 3.

    Raises:
        BadInput: The file cannot be read.
    """
    root = folder(workspace)
    if root is None:
        return None
    path = root / ".pulumi" / "stacks" / project / f"{stack}.json"
    packed = path.with_name(f"{path.name}.gz")
    try:
        raw = path.read_bytes() if path.exists() else gzip.decompress(packed.read_bytes())
        checkpoint = msgspec.json.decode(raw, type=dict).get("checkpoint") or {}
        return State(checkpoint.get("latest") or {})
    except FileNotFoundError:
        return None
    except (OSError, ValueError, AttributeError, EOFError) as exc:
        raise BadInput(f"the state cannot be read: {exc}", where=str(path)) from exc
