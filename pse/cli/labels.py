"""Labels of a workspace: taking a new file, and what they say of the newest snapshot."""

import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING

from pse.core.canonical import read_bytes, write_bytes
from pse.core.settings import Workspace
from pse.core.time import today

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


def classified(workspace: Workspace, as_of: dt.date | None) -> tuple["Estate", "Classification"]:
    """The newest snapshot and the category of each workload and server in it."""
    import inventory
    import policy

    estate = inventory.load_estate(workspace)
    rules = policy.load_policy(workspace, as_of=as_of or today())
    return estate, policy.classify(rules, estate.servers, estate.workloads)
