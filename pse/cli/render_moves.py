"""Views of moves: what a migration or a rollback would do, and where a campaign stands."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from pse.cli.render_plan import head
from pse.cli.view import View, grid
from pse.core.errors import Refused, UsageError
from pse.core.text import counted

if TYPE_CHECKING:
    from blueprints import Bundle
    from pse.cli.session import Session
    from pse.core.documents.campaign import Campaign, WorkloadProgress
    from pse.core.documents.plan import Unit
    from pse.core.findings import Finding
    from pse.core.settings import Workspace


def migrate_intent(bundle: "Bundle", *, waves: Sequence[int], workloads: Sequence[str]) -> View:
    """Moves, services and records that `pse migrate` would touch.

    Raises:
        UsageError: The plan has no such workload or wave.
    """
    _known(bundle, workloads, waves)
    units = [
        u
        for _, u in sorted(bundle.units.items())
        if u.moves and (not waves or u.wave in waves) and (not workloads or u.workload in workloads)
    ]
    return _intent(bundle, units, "Data that would move")


def rollback_intent(bundle: "Bundle", workload: str, campaign: "Campaign | None") -> View:
    """Moves, services and records that `pse rollback` would turn back.

    Raises:
        UsageError: The plan has no such workload.
        Refused: Nothing of it was moved.
    """
    _known(bundle, (workload,), ())
    states = {one.workload: one.state.value for one in campaign.workloads} if campaign else {}
    if states.get(workload, "waiting") == "waiting":
        raise Refused("nothing of it was moved by this plan: there is nothing to roll back", where=workload)
    units = [u for _, u in sorted(bundle.units.items()) if u.workload == workload and not u.landing]
    return _intent(bundle, units, "Back to the old side", back=True)


def _known(bundle: "Bundle", workloads: Sequence[str], waves: Sequence[int]) -> None:
    ids, numbers = {d.workload for d in bundle.plan.decisions}, {w.number for w in bundle.plan.waves}
    if unknown := sorted(set(workloads) - ids):
        raise UsageError(f"the plan has no workload {', '.join(unknown)}", hint=f"It has: {', '.join(sorted(ids))}.")
    if missing := sorted(set(waves) - numbers):
        known_waves = ", ".join(map(str, sorted(numbers))) or "none"
        raise UsageError(f"the plan has no wave {missing[0]}", hint=f"Its waves are: {known_waves}.")


def _intent(bundle: "Bundle", units: "list[Unit]", title: str, *, back: bool = False) -> View:
    moves = [
        {"workload": u.workload, "wave": u.wave, "kind": m.kind}
        | ({"source": m.target, "target": m.source} if back else {"source": m.source, "target": m.target})
        | {"what": m.database or " ".join(m.paths), "size_mib": m.size_mib}
        for u in units
        for m in u.moves
    ]
    columns = "workload|>wave|kind|source|target|what|>MiB"
    services = [f"{u.workload}: {s.name}" for u in units for s in u.services]
    records = [s.name for u in units for s in u.switches]
    return View(
        {"plan": bundle.plan.hash, "items": moves, "services": services, "records": records},
        (
            *head(bundle.plan),
            grid(title, columns, (tuple(m.values()) for m in moves)) if moves else f"{title}: none",
            f"services stopped and started: {', '.join(services) or 'none'}",
            f"DNS records switched: {', '.join(records) or 'none'}",
        ),
    )


def campaign_view(campaign: "Campaign | None", *, plan: str = "") -> View:
    """Each workload's move; nothing has begun where there is no campaign."""
    if campaign is None:
        return View({"plan": plan, "items": ()}, ("nothing has moved yet",))
    rows = (
        (
            w.workload,
            w.state.value,
            f"{w.bytes_moved:,}",
            len(w.checks),
            w.mismatches,
            None if w.downtime_s is None else f"{w.downtime_s:.2f}",
            w.steps[-1].step if w.steps else None,
        )
        for w in campaign.workloads
    )
    title = f"Moves of plan {campaign.plan[:12]}"
    columns = "workload|state|>bytes moved|>checks|>mismatches|>downtime s|last step"
    return View(
        {"plan": campaign.plan, "items": campaign.workloads},
        (grid(title, columns, rows),),
        getattr(campaign, "findings", ()),
    )


def close_intent(workspace: "Workspace", bundle: "Bundle", workloads: Sequence[str]) -> View:
    """Workloads whose way back `pse close` would end.

    Raises:
        UsageError: Nothing of them was moved by this plan.
    """
    import migrate

    campaign = migrate.status(workspace, bundle)
    items = [
        {"workload": one.workload, "state": one.state.value}
        for one in (campaign.workloads if campaign else ())
        if one.state.value != "waiting" and (not workloads or one.workload in workloads)
    ]
    if not items:
        raise UsageError("this plan moved nothing that could be closed", hint="Name the plan that moved it.")
    return View(
        {"plan": bundle.plan.hash, "items": items},
        (*head(bundle.plan), grid("The way back would end", "workload|state", (tuple(i.values()) for i in items))),
    )


def closed_view(bundle: "Bundle", left: "tuple[Finding, ...]") -> View:
    """What is left on hosts; nothing, when all went well."""
    words = "left on hosts, see below" if left else "nothing of the moves is left on any host, proved by listing"
    return View({"plan": bundle.plan.hash, "items": left}, (words,), left)


def refuse_unfinished(campaign: "Campaign") -> None:
    """Turn a campaign with an error in it into the exit code of unfinished effects.

    Raises:
        Incomplete: A workload failed; its reason is among the findings that were shown.
    """
    from pse.core.errors import Incomplete
    from pse.core.findings import Severity

    failed = sorted({finding.subject for finding in campaign.findings if finding.severity is Severity.ERROR})
    if failed:
        raise Incomplete(
            "not all of it was moved",
            where=", ".join(failed),
            hint="Correct what the findings say and run the same command again: it goes on from there.",
        )


def show_change(session: "Session", change: "WorkloadProgress", *, json_lines: bool) -> None:
    """One line about a move that changed: JSON on stdout, or words on stderr."""
    if json_lines:
        import sys

        import msgspec

        from pse.core.text import json_safe

        sys.stdout.write(json_safe(msgspec.json.encode(change).decode()) + "\n")
        sys.stdout.flush()
        return
    step = f", {change.steps[-1].step}" if change.steps else ""
    session.say(f"{change.workload}: {change.state.value}{step}, {counted(change.bytes_moved, 'byte')}")
