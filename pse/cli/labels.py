"""Labels of a workspace: taking a new file, and what they say of the newest snapshot."""

from pathlib import Path
from typing import TYPE_CHECKING

from pse.core.canonical import read_bytes, write_bytes
from pse.core.settings import Workspace

if TYPE_CHECKING:
    from inventory import Estate
    from policy import Classification


def take(workspace: Workspace, file: Path) -> None:
    """Make ``file`` the workspace's labels, once it has been read without a fault.

    Raises:
        BadInput: It cannot be used; the old labels stay.
    """
    from policy.labels import load_labels

    load_labels(file)
    write_bytes(workspace.path("policy", "labels.toml"), read_bytes(file))


def classified(workspace: Workspace) -> tuple["Estate", "Classification"]:
    """The newest snapshot and the category of each workload and server in it; needs labels and no register."""
    import inventory
    from policy.labels import FILE, classify_by, load_labels

    estate = inventory.load_estate(workspace)
    return estate, classify_by(load_labels(workspace.path(FILE)), estate.servers, estate.workloads)
