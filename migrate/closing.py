"""Ending moves for good: the way back ends, and nothing of them stays on any host."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from msgspec.structs import replace

from migrate.findings import finding
from migrate.floor import Floor, Opener, floor, opened
from migrate.limits import Touching
from migrate.replicators.ports import CLOSING
from migrate.standing import frozen_by, half_back, unsure
from migrate.turn import OPEN, TurnState, not_ended
from migrate.work import Runtime, Work, chosen, guards_of
from pse.core.documents.campaign import MoveState
from pse.core.errors import PseError, Refused
from pse.core.findings import Finding, Severity
from pse.core.progress import Event, Progress, silent
from pse.core.served import NEW_SIDE
from pse.core.settings import Workspace
from pse.core.text import printable

if TYPE_CHECKING:
    from blueprints import Bundle

LEFT = "PSE-M006"
"""Finding: something of a move is still on a host after the cleanup."""
ASKED = "PSE-M028"
"""Finding: a move is asked for still, so it was not closed."""


def cleanup(
    workspace: Workspace,
    bundle: "Bundle",
    *,
    workloads: Sequence[str] = (),
    progress: Progress = silent,
    opener: Opener = opened,
) -> tuple[Finding, ...]:
    """Remove what moves leave on hosts (keys, forwarders, slots, subscriptions, guards) and prove it by listing.

    Names may be remembered for as long as before again. The way back of what users are on the new side of ends with
    this: a rollback is refused from then on. Where the new server was destroyed, only the old side is cleaned. What was
    not begun is left alone.

    Returns:
        What is still there, each with code ``PSE-M006``, ``PSE-M007`` for servers that were destroyed, and ``PSE-M028``
        for workloads that were not named and whose move is asked for still; empty when all is gone from both sides.

    Raises:
        Refused: Another process runs a campaign, a move or rollback was interrupted half-way, the source of one was not
            given back, or the move of one that was named is asked for still.
        UsageError: Unknown workload.
    """
    found: list[Finding] = []
    plan = bundle.plan.hash
    parallel = workspace.settings.migrate.parallel
    opened_by = floor(workspace, lambda _plan: bundle, progress=progress, parallel=parallel, opener=opener)
    with opened_by as made:
        runtime, _ = made.runtime(plan)
        touching = Touching(workspace)
        asked = {one.workload: one for one in made.turns.all(plan) if one.kind == "move" and one.state in OPEN}
        for work in (work for _, members in chosen(bundle, (), workloads) for work in members):
            waits, state = asked.get(work.workload), runtime.store.get(work.workload).state
            if waits is not None and not workloads:
                remedy = "Run `pse migrate` to its end, then `pse close` again."
                found.append(
                    finding(ASKED, work.workload, not_ended(waits), remedy, Severity.WARNING, source="cleanup")
                )
                continue
            _refuse_close(made, plan, work.workload)
            if state is MoveState.WAITING and waits is None:
                continue
            # Only now: what was interrupted, or is asked for, keeps its own turn.
            turn = touching.turn(plan, work, "close")
            made.turns.seize(made.worker, turn)
            if state in NEW_SIDE:
                # Before anything is taken away: also what is cleaned only in part cannot be gone back any more.
                runtime.store.update(work.workload, lambda known: replace(known, closed=True))
            cleaned = _clean(runtime, work)
            _tell_closed(runtime, work, sum(one.code == LEFT for one in cleaned))
            found += cleaned
            made.turns.end(made.worker, turn, TurnState.DONE)
    return tuple(sorted(found))


def _refuse_close(made: Floor, plan: str, workload: str) -> None:
    """What was begun has to be at its end before anything of it is taken away.

    Raises:
        Refused: It is not.
    """
    runtime, _ = made.runtime(plan)
    progress, prefix = runtime.store.get(workload), f"{plan[:16]}/{workload}"
    begun = any(made.unfinished(plan, workload, kind) for kind in ("move", "settle", "back"))
    if begun or half_back(progress) is not None:
        raise Refused(
            "a move or a rollback of it was interrupted half-way",
            where=workload,
            hint="Run `pse migrate` or `pse rollback` again first: it goes on from there.",
        )
    if progress.state is MoveState.SWITCHED and unsure(runtime.journal, prefix):
        raise Refused(
            "it is not known whether its record was switched, and its source is stopped",
            where=workload,
            hint="Run `pse migrate` first: it completes the switch. Or `pse rollback`.",
        )
    if progress.state not in (*NEW_SIDE, MoveState.REMOVED) and frozen_by(runtime.journal, prefix):
        raise Refused(
            "its source was stopped for a cut-over and has not been given back, and what is known of that would go",
            where=workload,
            hint="Run `pse rollback` first: it gives the source back.",
        )


def _clean(runtime: Runtime, work: Work) -> list[Finding]:
    left: list[str] = []
    gone = sorted({move.target for move in work.moves if not runtime.stands(work, move.target)})
    for move in work.moves:
        try:
            left += runtime.replicator(move).cleanup(runtime.task(work, move, CLOSING))
        except PseError as exc:
            left.append(str(exc))
    for act in (guards_of(runtime, work, CLOSING).remove, lambda: runtime.give_back_ttls(work)):
        try:
            act()
        except PseError as exc:
            left.append(str(exc))
    remedy = "Run `pse close` again when the host can be reached."
    runtime.progress(Event(step="cleanup", state="failed" if left else "done", subject=work.workload))
    found = [finding(LEFT, work.workload, f"left: {printable(what)}", remedy, source="cleanup") for what in left]
    if gone:
        text = f"destroyed, with all that was on it: {', '.join(gone)}; only the old side had to be cleaned"
        found.append(finding("PSE-M007", work.workload, text, "None is needed.", Severity.INFO, source="cleanup"))
    return found


def _tell_closed(runtime: Runtime, work: Work, left: int) -> None:
    """Write the close of a workload into the ledger; once, until something is done to it again."""
    from policy import Ledger
    from policy.deeds import note

    of_it = {"plan": runtime.plan, "workload": work.workload}
    try:
        told = [e for e in Ledger(runtime.workspace).entries() if {k: e.data.get(k) for k in of_it} == of_it]
    except PseError:
        told = []  # `note` says it
    entry = {**of_it, "left": left}
    if not told or told[-1].kind != "close" or told[-1].data != entry:
        note(runtime.workspace, "close", entry, runtime.progress)
