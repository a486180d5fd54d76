"""Which workloads users are on the new side of: what later plans, `up` and `destroy` must leave alone."""

import os
from collections.abc import Collection

import msgspec
from sqlalchemy import Engine, select

from pse.core.canonical import encode
from pse.core.database import PROGRESS, open_database
from pse.core.documents.campaign import MoveState, WorkloadProgress
from pse.core.settings import Workspace

NEW_SIDE = (MoveState.SWITCHED, MoveState.VERIFIED)
"""States in which users write to the target."""

UNDER_WAY = (MoveState.PROVISIONING, MoveState.SEEDING, MoveState.SYNCED, MoveState.FROZEN)
"""States in which a move has begun and not ended; in the last its source is stopped."""


def served(workspace: Workspace, states: Collection[MoveState] = NEW_SIDE) -> dict[str, str]:
    """Workloads whose users are on the new side now, and the hash of the plan that brought them there.

    With other ``states``, the workloads that are in one of them; of several plans that have one so, any.

    Raises: as `standing_of`.
    """
    return {workload: plan for workload, plan, _ in standing_of(workspace, states)}


def standing_of(workspace: Workspace, states: Collection[MoveState]) -> tuple[tuple[str, str, MoveState], ...]:
    """Workloads that are in one of ``states``, each with the hash of a plan that has it so and the state, by plan.

    A workspace without a database has moved nothing, so a pipeline that only provisions needs none.

    Raises:
        UsageError: In a pipeline with local SQLite and without ``allow_local_state``.
        BadInput: The database cannot be used.
        RemoteError: The database server cannot be reached.
    """
    named = os.environ.get("PSE_DATABASE_URL") or workspace.settings.database
    if not named and not (workspace.private / "pse.db").exists():
        return ()
    database = open_database(workspace)
    try:
        return tuple((one.workload, plan, one.state) for plan, one in _rows(database) if one.state in states)
    finally:
        database.dispose()


def mark_removed(workspace: Workspace, workloads: Collection[str]) -> None:
    """Remember that the new side of ``workloads`` was destroyed with the data on it."""
    if not set(served(workspace)) & set(workloads):
        return
    database = open_database(workspace)
    try:
        found = [(plan, one) for plan, one in _rows(database) if one.workload in workloads and one.state in NEW_SIDE]
        with database.begin() as connection:
            for plan, one in found:
                body = encode(msgspec.structs.replace(one, state=MoveState.REMOVED)).decode("utf-8")
                chosen = (PROGRESS.c.plan == plan) & (PROGRESS.c.workload == one.workload)
                connection.execute(PROGRESS.update().where(chosen).values(body=body))
    finally:
        database.dispose()


def _rows(database: Engine) -> list[tuple[str, WorkloadProgress]]:
    with database.connect() as connection:
        rows = connection.execute(select(PROGRESS.c.plan, PROGRESS.c.body).order_by(PROGRESS.c.plan)).all()
    return [(row.plan, msgspec.json.decode(row.body, type=WorkloadProgress)) for row in rows]
