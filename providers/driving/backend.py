"""Questions to the state's backend by the CLI, without opening a stack."""

from pathlib import Path
from typing import TYPE_CHECKING

from providers.driving.endings import last_line
from providers.driving.state import State
from pse.core.errors import RemoteError
from pse.core.settings import Workspace

if TYPE_CHECKING:
    from providers.driving.project import Project


def stacks(workspace: Workspace, cli: Path) -> tuple[str, ...]:
    """Names of the stacks, sorted.

    Raises:
        RemoteError: The backend cannot be asked.
    """
    from pulumi.automation import CommandError

    try:
        return tuple(sorted(stack.name.rpartition("/")[2] for stack in _project(workspace, cli).list_stacks()))
    except CommandError as exc:
        raise _unusable(exc) from exc


def exported(workspace: Workspace, stack: str, cli: Path) -> State:
    """The state of a stack; empty when there is none.

    Raises:
        RemoteError: The backend cannot be asked.
    """
    from pulumi.automation import CommandError, StackNotFoundError

    try:
        return State(_project(workspace, cli).export_stack(stack).deployment or {})
    except StackNotFoundError:
        return State({})
    except CommandError as exc:
        raise _unusable(exc) from exc


def _project(workspace: Workspace, cli: Path) -> "Project":
    from providers.driving.project import CLI, Project, environment, write_project

    return Project(
        work_dir=str(write_project(workspace)), env_vars=environment(workspace, "", plan=""), pulumi_command=CLI(cli)
    )


def _unusable(error: Exception) -> RemoteError:
    return RemoteError(f"the state's backend cannot be used: {last_line(error)}")
