"""Approvals of cut-overs: a named person agrees that the writers of one workload may be stopped.

Beside the approval of the plan (`policy.approvals`), which says that it may be carried out at all: this one is given
when the data is there and was looked at. The same people may give it, and it counts as many days.
"""

from datetime import date, timedelta

import msgspec

from policy.approvals import Approval, believed, may, who_approves
from policy.ledger import Ledger
from policy.people import person
from policy.signing import pin, sign
from pse.core.canonical import encode
from pse.core.errors import Waiting
from pse.core.settings import Workspace
from pse.core.text import counted

CUT_OVER_APPROVAL = "cut-over-approval"
"""Kind of the entry."""
_USED_BY = ("cut-over", "rollback")
"""Kinds of entries that an approval from before them is used up by."""
_SIGNED = b"pse cut-over approval\n"


class CutOverApproval(Approval, frozen=True, kw_only=True):
    """One approval of a cut-over.

    Attributes:
        workload: Whose writers may be stopped.
    """

    workload: str


def approve_cut_over(
    workspace: Workspace, plan: str, workload: str, *, by: str, reference: str, on: date
) -> CutOverApproval:
    """Write an approval of a cut-over into the ledger, signed; raises as `policy.approvals.approve`."""
    who, letter = who_approves(workspace, by, reference)
    until = on + timedelta(days=workspace.settings.approvals.days)
    made = CutOverApproval(plan=plan, workload=workload, by=who, reference=letter, on=on, until=until)
    signature = sign(workspace, _SIGNED + encode(made))
    Ledger(workspace).record(CUT_OVER_APPROVAL, {**msgspec.to_builtins(made), "signature": signature})
    return made


def cut_over_approvals(
    workspace: Workspace, plan: str, workload: str, *, unused: bool = False
) -> tuple[CutOverApproval, ...]:
    """Approvals of a workload's cut-over in the ledger that the workspace's key signed, in their order.

    Args:
        workspace: Whose ledger.
        plan: Hash of the plan.
        workload: Its id.
        unused: Only those since its last cut-over or rollback by this plan: those before were for that one.

    Raises:
        Refused: The ledger was altered, or no signer is pinned.
    """
    signer, found = pin(workspace), list[CutOverApproval]()
    for entry in Ledger(workspace).entries():
        of = (entry.data.get("plan"), entry.data.get("workload"))
        if unused and entry.kind in _USED_BY and of == (plan, workload):
            found.clear()
        made = believed(entry.data, CutOverApproval, _SIGNED, signer) if entry.kind == CUT_OVER_APPROVAL else None
        if made is not None and (made.plan, made.workload) == (plan, workload):
            found.append(made)
    return tuple(found)


def require_cut_over(workspace: Workspace, plan: str, workload: str, count: int, *, day: date) -> tuple[str, ...]:
    """Return who approved the cut-over when they are as many as asked; an approval counts for one cut-over.

    Args:
        workspace: Whose people may.
        plan: Hash of the plan.
        workload: Its id.
        count: As many people.
        day: Today.

    Raises:
        Waiting: There are fewer.
        Refused: The ledger was altered.
    """
    standing = {
        person(one.by): one.by
        for one in cut_over_approvals(workspace, plan, workload, unused=True)
        if one.on <= day <= one.until and may(one, workspace.settings.approvals.people)
    }
    if len(standing) < count:
        raise Waiting(
            f"{len(standing)} of {counted(count, 'approval')} of its cut-over",
            where=workload,
            hint=f"`pse approve {plan[:12]} --workload {workload} --by 'NAME, OFFICE' --reference LETTER` records one.",
        )
    return tuple(sorted(standing.values()))
