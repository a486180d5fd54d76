"""Provisioning: the plan's units through the engine, landing zones first."""

from collections.abc import Collection

from blueprints.bundle import Bundle
from blueprints.preview import Preview
from pse.core.documents.deployment import Deployment
from pse.core.progress import Progress, silent
from pse.core.settings import Workspace


def up(
    workspace: Workspace,
    bundle: Bundle,
    *,
    landing: bool = False,
    waves: Collection[int] = (),
    units: Collection[str] = (),
    progress: Progress = silent,
) -> tuple[Deployment, ...]:
    """Build the chosen units; everything when nothing is chosen, landing zones only with ``landing``."""
    raise NotImplementedError


def ensure(workspace: Workspace, bundle: Bundle, unit_id: str, progress: Progress = silent) -> Deployment:
    """Build one unit, and its landing zone before it; does nothing where both stand as planned."""
    raise NotImplementedError


def preview(
    workspace: Workspace,
    bundle: Bundle,
    *,
    offline: bool = False,
    units: Collection[str] = (),
    progress: Progress = silent,
) -> Preview:
    """What `up` would create, change and delete; nothing is touched."""
    raise NotImplementedError


def destroy(workspace: Workspace, units: Collection[str] = (), progress: Progress = silent) -> tuple[str, ...]:
    """Take the units' stacks down, landing zones last; all when none is named. Returns what was taken down."""
    raise NotImplementedError
