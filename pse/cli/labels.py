"""Policy as of a day, and what the labels say, for the verbs that show them."""

import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING

from pse.core.canonical import read_bytes, write_bytes
from pse.core.settings import Workspace
from pse.core.time import today

if TYPE_CHECKING:
    from inventory import Estate
    from policy import Classification, Policy


def policy_of(workspace: Workspace, as_of: dt.date | None) -> "Policy":
    """The workspace's policy on ``as_of``, today by default."""
    import policy

    return policy.load_policy(workspace, as_of=as_of or today())


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
    return estate, policy.classify(policy_of(workspace, as_of), estate.servers, estate.workloads)
