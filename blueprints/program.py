"""The Pulumi program of one unit, with the gate's third point in it."""

from collections.abc import Callable

from pse.core.documents.deployment import Deployment
from pse.core.documents.plan import Unit
from pse.core.settings import Workspace


def program(unit: Unit, *, landing: Deployment | None, workspace: Workspace, plan: str = "") -> Callable[[], None]:
    """The program that builds ``unit``."""
    raise NotImplementedError
