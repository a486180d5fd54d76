"""`pse approve`: put on record that a person agrees to a plan."""

from pathlib import Path

import click

from pse.cli.session import Session
from pse.cli.verb import change_options, plan_argument, verb


@verb("pse approve plans/4f1c09aa2b7d --by 'Director Records' --reference 'Letter 7 of 2026-11-25' --yes")
@plan_argument
@click.option("--workload", metavar="WORKLOAD", help="Approve the cut-over of this one, not the plan.")
@click.option("--by", required=True, metavar="NAME", help="Who approves it, by name and office.")
@click.option("--reference", required=True, help="Letter or file that says so.")
@change_options
def command(
    session: Session, plan: Path | None, *, workload: str | None, by: str, reference: str, yes: bool, dry_run: bool
) -> None:
    """Record that a person approves a plan.

    By its hash: a plan that is made again has to be approved again. The entry is signed and in the ledger, and counts
    until its last day. `[approvals]` in pse.toml says how many it takes, from which category on and by whom; while
    there are fewer, `pse up` and `pse migrate` end with exit code 7. With --workload: that the writers of this workload
    may be stopped, where a `[[migrate.cut_over]]` asks for it.
    """
    from policy.approvals import Approval, approve
    from policy.cutovers import approve_cut_over
    from policy.gate import effective_day
    from pse.cli.render_policy import approval_intent, approval_view
    from pse.core.time import today

    bundle = session.bundle(plan)
    if workload is not None:
        from migrate.work import chosen

        chosen(bundle, (), (workload,))
    if session.agreed(approval_intent(bundle.plan, by, reference, workload or ""), yes=yes, dry_run=dry_run):
        day = effective_day(session.workspace, today())
        made: Approval
        if workload is None:
            made = approve(session.workspace, bundle.plan.hash, by=by, reference=reference, on=day)
        else:
            made = approve_cut_over(session.workspace, bundle.plan.hash, workload, by=by, reference=reference, on=day)
        session.show(approval_view(made, session.workspace.settings.approvals.count, workload or ""))
