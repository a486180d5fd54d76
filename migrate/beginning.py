"""What is in the way of beginning a move: another plan's move, a new side that is gone, a changed law."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from migrate.work import Work, chosen, works
from pse.core.documents.campaign import Campaign, MoveState
from pse.core.errors import Refused
from pse.core.served import NEW_SIDE, UNDER_WAY, served
from pse.core.settings import Workspace

if TYPE_CHECKING:
    from blueprints import Bundle


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
        Refused: Another plan moved one, or is at it; or the new side of one is gone.
    """
    for states, words in ((NEW_SIDE, "moved already, by plan"), (UNDER_WAY, "a move of it is under way, by plan")):
        found = served(workspace, states)
        other = {name: found[name] for name in workloads & found.keys() if found[name] != plan}
        if other:
            raise Refused(
                f"{words} {', '.join(sorted({by[:12] for by in other.values()}))}",
                where=", ".join(sorted(other)),
                hint="Roll it back with that plan first, or leave it out: --workload names what is to move.",
            )
    not_removed(workspace, plan, workloads)


def not_removed(workspace: Workspace, plan: str, workloads: set[str]) -> None:
    """Refuse what this plan moved and whose new side was destroyed since: its old side is stopped and stale.

    Raises:
        Refused: It is so with one of them.
    """
    removed = served(workspace, (MoveState.REMOVED,))
    gone = sorted(name for name in workloads & removed.keys() if removed[name] == plan)
    if gone:
        raise Refused(
            "its new side was destroyed after the cut-over, and the old side is still stopped",
            where=", ".join(gone),
            hint="Start the old side by its own commands, look at what it lacks, and make a new plan to move it again.",
        )
