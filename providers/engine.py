"""The only driver of Pulumi: real engine, Automation API, inline programs.

`Engine.ensure` makes a stack what its unit says, once for each hash of the unit; `Engine.preview` tells what that would
do; `Engine.destroy` takes it away. A stack is called like its unit, the project is always ``pse``.
"""

from collections.abc import Callable
from pathlib import Path

import msgspec

from pse.core.documents.deployment import Deployment
from pse.core.documents.plan import Unit
from pse.core.progress import Progress, silent
from pse.core.settings import Workspace

PROJECT = "pse"


class Change(msgspec.Struct, frozen=True, kw_only=True, order=True):
    """What the engine would do to one resource.

    Attributes:
        urn: Pulumi's name of the resource.
        type: Type token, for example ``pse:index:Server``.
        name: Name in the program.
        op: ``create``, ``update``, ``replace``, ``delete``, ``read`` or ``same``.
    """

    urn: str
    type: str
    name: str
    op: str


class Engine:
    """Drives the stacks of one workspace; safe to use from several threads for different units.

    Args:
        workspace: Where state, gate files and deployments are.
        progress: Told of every resource that is done.
        cli: Path of the Pulumi CLI; found by `providers.pulumi_cli` when not given.
    """

    def __init__(self, workspace: Workspace, *, progress: Progress = silent, cli: Path | None = None) -> None:
        """Remember where to work; nothing is started."""
        self._workspace = workspace
        self._progress = progress
        self._cli = cli

    def ensure(self, unit: Unit, program: Callable[[], None], *, plan: str, unit_hash: str) -> Deployment:
        """Make the unit's stack what ``program`` says, and write its Deployment.

        Does nothing when the Deployment has this ``unit_hash`` already.

        Raises:
            Refused: The gate refused a resource.
            Incomplete: Some resources stand and some do not; calling again goes on.
            RemoteError: The engine or a cloud failed before anything was changed.
            MissingTool: No Pulumi CLI of the pinned version.
        """
        raise NotImplementedError

    def preview(self, unit: Unit, program: Callable[[], None], *, plan: str) -> tuple[Change, ...]:
        """What `ensure` would do, sorted by URN; changes nothing.

        Raises:
            Refused: The gate would refuse a resource.
            RemoteError: The engine failed.
        """
        raise NotImplementedError

    def refresh(self, unit_id: str) -> tuple[Change, ...]:
        """Compare the state with the cloud and take over what changed there; drift makes the next `ensure` run."""
        raise NotImplementedError

    def destroy(self, unit_id: str) -> None:
        """Delete everything of the unit, also what a killed run left behind; quiet when there is no such stack."""
        raise NotImplementedError

    def deployment(self, unit_id: str) -> Deployment | None:
        """What stands, as the last successful `ensure` wrote it."""
        raise NotImplementedError

    def stacks(self) -> tuple[str, ...]:
        """Names of the stacks in the backend, sorted."""
        raise NotImplementedError
