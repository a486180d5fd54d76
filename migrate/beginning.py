"""What is in the way of beginning a move: another plan's move, a new side that is gone, a changed law."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from migrate.journal import SqlJournal
from migrate.standing import frozen_by
from migrate.store import Store
from migrate.work import Work, chosen, works
from pse.core.database import open_database
from pse.core.documents.campaign import Campaign, MoveState
from pse.core.errors import Refused
from pse.core.journal import Journal
from pse.core.served import NEW_SIDE, UNDER_WAY, served, standing_of
from pse.core.settings import Workspace

if TYPE_CHECKING:
    from blueprints import Bundle

_MOVED = "moved already, by plan"


def refuse(
    workspace: Workspace,
    bundle: "Bundle",
    standing: Campaign | None,
    *,
    waves: Sequence[int] = (),
    workloads: Sequence[str] = (),
) -> None:
    """Refuse what `migrate.run` refuses before it begins, for a dry run; changes nothing.

    Args:
        workspace: The workspace.
        bundle: The plan and its parts.
        standing: Where its campaign stands.
        waves: Wave numbers; empty means all.
        workloads: Workload ids; empty means all.

    Raises:
        Refused: The plan or the law that it was made by was changed, or another plan moved a workload already.
        UsageError: An unknown workload or wave.
    """
    from blueprints.building.guards import may_begin
    from blueprints.building.provision import choose

    bundle.verify(workspace)
    named = named_in(chosen(bundle, waves, workloads))
    not_anothers(workspace, bundle.plan.hash, named)
    begun = {one.workload for one in standing.workloads if one.state in (*NEW_SIDE, *UNDER_WAY)} if standing else set()
    known = works(bundle)
    if units := [unit.id for name in named - begun for unit in known[name].units]:
        may_begin(workspace, bundle, choose(bundle, units=units))


def named_in(waves: Iterable[tuple[int, Iterable[Work]]]) -> set[str]:
    """Ids of the workloads in waves."""
    return {work.workload for _, members in waves for work in members}


def not_anothers(workspace: Workspace, plan: str, workloads: set[str]) -> None:
    """Refuse what another plan has in hand: its old side is stale, or stopped in the middle of a cut-over.

    Args:
        workspace: The workspace.
        plan: Hash of the plan.
        workloads: What it is to move.

    Raises:
        Refused: Another plan moved one, is at it, or has stopped its old side and not given it back; or the new side of
            one is gone.
    """
    states = (*NEW_SIDE, *UNDER_WAY, MoveState.FAILED)
    found = [
        (name, by, state) for name, by, state in standing_of(workspace, states) if name in workloads and by != plan
    ]
    if found:
        database = open_database(workspace)
        try:
            _refuse_others(SqlJournal(database), found)
        finally:
            database.dispose()
    not_removed(workspace, plan, workloads)


def still_ours(store: Store, journal: Journal, workload: str) -> None:
    """Refuse for one workload what `not_anothers` does, at the moment when something is to be done to it.

    Raises:
        Refused: As `not_anothers`.
    """
    _refuse_others(journal, [(workload, by, state) for by, state in store.elsewhere(workload).items()])
    if store.get(workload).state is MoveState.REMOVED:
        raise _gone([workload])


def not_moved_by_another(store: Store, workload: str) -> None:
    """Refuse what users are on the new side of by another plan: whatever is done to the old side now does harm.

    Raises:
        Refused: It is so.
    """
    _refuse([(workload, by) for by, state in store.elsewhere(workload).items() if state in NEW_SIDE], _MOVED)


def _refuse_others(journal: Journal, found: Sequence[tuple[str, str, MoveState]]) -> None:
    _refuse([(name, by) for name, by, state in found if state in NEW_SIDE], _MOVED)
    _refuse([(name, by) for name, by, state in found if state in UNDER_WAY], "a move of it is under way, by plan")
    stopped = [one for one in found if one[2] is MoveState.FAILED and frozen_by(journal, f"{one[1][:16]}/{one[0]}")]
    words = "its old side was stopped for a cut-over and not given back, by plan"
    _refuse([(name, by) for name, by, _ in stopped], words)


def _refuse(others: Sequence[tuple[str, str]], words: str) -> None:
    if others:
        raise Refused(
            f"{words} {', '.join(sorted({by[:12] for _, by in others}))}",
            where=", ".join(sorted({name for name, _ in others})),
            hint="Roll it back with that plan first, or leave it out: --workload names what is to move.",
        )


def not_removed(workspace: Workspace, plan: str, workloads: set[str]) -> None:
    """Refuse what this plan moved and whose new side was destroyed since: its old side is stopped and stale.

    Raises:
        Refused: It is so with one of them.
    """
    removed = served(workspace, (MoveState.REMOVED,))
    gone = sorted(name for name in workloads & removed.keys() if removed[name] == plan)
    if gone:
        raise _gone(gone)


def _gone(workloads: Sequence[str]) -> Refused:
    return Refused(
        "its new side was destroyed after the cut-over, and the old side is still stopped",
        where=", ".join(workloads),
        hint="Start the old side by its own commands, look at what it lacks, and make a new plan to move it again.",
    )
