"""The sample workspace (``pse init --sample``) and the old server room of a small ministry that it describes.

Everything in it is invented and marked sample: the entity, the cloud service providers, the prices. No person is
named. `create` writes the workspace, `start_room` brings the six old servers and the name server up in the lab. What
the services expect of a server, old or new, is said in `room`.
"""

from pathlib import Path

from pse.core.progress import Progress, silent
from pse.core.settings import Workspace


def create(root: Path, *, progress: Progress = silent) -> Workspace:
    """Make the sample workspace at ``root``: settings, hosts, workloads, environments, policy, keys. Starts nothing.

    Raises:
        UsageError: There is a workspace at ``root`` already, or a file that it would overwrite.
        BadInput: The folder cannot be written.
        MissingTool: PostgreSQL is not installed, so that the sample cannot name its programs.
    """
    from providers.lab.sample.workspace import create as make

    return make(root, progress=progress)


def start_room(workspace: Workspace, progress: Progress = silent) -> None:
    """Start the old server room and the name server; what runs already is left alone.

    Raises:
        RemoteError: A host or one of its services did not come up; the others are left running.
        MissingTool: A program of the room is not on this machine; the message lists the packages.
    """
    from providers.lab.sample.room import start_room as start

    start(workspace, progress)
