"""Pauses: a workload, a wave or everything waits at its next step until somebody lets it go on."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from migrate.turns import Turns
from migrate.work import chosen
from pse.core.database import open_database
from pse.core.settings import Workspace

if TYPE_CHECKING:
    from blueprints import Bundle


def pause(
    workspace: Workspace, bundle: "Bundle", *, waves: Sequence[int] = (), workloads: Sequence[str] = ()
) -> tuple[str, ...]:
    """Let waves and workloads of the plan, or all of it, wait from their next step on.

    Returns:
        What is paused now: everything (empty), ``wave:2``, ``workload:portal``.

    Raises:
        UsageError: An unknown wave or workload.
    """
    return _each(workspace, bundle, waves, workloads, Turns.pause)


def resume(
    workspace: Workspace, bundle: "Bundle", *, waves: Sequence[int] = (), workloads: Sequence[str] = ()
) -> tuple[str, ...]:
    """Take these pauses away, or all; returns and raises as `pause`."""
    return _each(workspace, bundle, waves, workloads, Turns.resume)


def _each(
    workspace: Workspace,
    bundle: "Bundle",
    waves: Sequence[int],
    workloads: Sequence[str],
    act: Callable[[Turns, str, str], object],
) -> tuple[str, ...]:
    for number in waves:
        chosen(bundle, (number,), ())
    for name in workloads:
        chosen(bundle, (), (name,))
    scopes = [f"wave:{number}" for number in waves] + [f"workload:{name}" for name in workloads]
    database = open_database(workspace)
    try:
        turns = Turns(database, {})
        for scope in scopes or [""]:
            act(turns, bundle.plan.hash, scope)
        return turns.pauses(bundle.plan.hash)
    finally:
        database.dispose()
