"""From snapshot, verdicts and offers to a plan."""

from datetime import date

from blueprints.bundle import Bundle
from pse.core.progress import Progress, silent
from pse.core.settings import Workspace


def make_plan(workspace: Workspace, *, as_of: date, progress: Progress = silent) -> Bundle:
    """Plan the workspace's estate and environments."""
    raise NotImplementedError
