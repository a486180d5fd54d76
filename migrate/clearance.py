"""Before writers are stopped: the change window is open, and who has to agree has agreed."""

from datetime import UTC, datetime

from migrate.durable import Parked
from migrate.limits import local
from pse.core.errors import Waiting
from pse.core.moving import is_for
from pse.core.settings import Workspace

_LOOK_S = 20.0
"""Seconds after which somebody looks again whether a person has agreed."""


def cleared(workspace: Workspace, plan: str, workload: str, *, at: datetime | None = None) -> str:
    """What allows the cut-over now, in words; empty where nothing is asked.

    Args:
        workspace: Its settings and its ledger.
        plan: Hash of the plan.
        workload: Its id.
        at: By default now.

    Raises:
        Parked: A person has yet to agree, or the window is closed.
    """
    from policy.cutovers import require_cut_over
    from policy.gate import effective_day
    from pse.core.time import today

    settings = workspace.settings.migrate
    row = next((one for one in settings.cut_over if is_for(one.workloads, workload)), None)
    if row is None:
        return ""
    notes = []
    if row.approvals:
        try:
            day = effective_day(workspace, today())
            people = require_cut_over(workspace, plan, workload, row.approvals, day=day)
        except Waiting as exc:
            raise Parked(f"{exc.message}. {exc.hint}", in_s=_LOOK_S) from exc
        notes.append(f"approved by {', '.join(people)}")
    now = local(settings, at or datetime.now(UTC))
    opens = row.opens(now)
    if opens is not None:
        seconds = (opens - now).total_seconds()
        raise Parked(f"its window opens on {opens:%Y-%m-%d at %H:%M}", in_s=seconds, person=False)
    return "; ".join([*notes, *(["its window is open"] if row.begin else [])])
