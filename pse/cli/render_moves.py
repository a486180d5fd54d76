"""Views of moves: what a migration or a rollback would do, and where a campaign stands."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from pse.cli.render_plan import head
from pse.cli.view import View, grid
from pse.core.documents.campaign import WorkloadProgress
from pse.core.errors import Refused, UsageError
from pse.core.progress import Event
from pse.core.text import counted, duration, size

if TYPE_CHECKING:
    from blueprints import Bundle
    from migrate.ongoing import Going
    from migrate.paces import Pace
    from pse.cli.session import Session
    from pse.core.documents.campaign import Campaign
    from pse.core.documents.plan import Unit
    from pse.core.findings import Finding
    from pse.core.settings import Workspace


_OVER = {"verified": "moved already, left alone", "switched": "switched already, only checked again"}
"""What is said of a state that data is not moved again in."""


def migrate_intent(
    bundle: "Bundle", campaign: "Campaign | None", *, waves: Sequence[int], workloads: Sequence[str]
) -> View:
    """Moves, services and records that `pse migrate` would touch now, and what is done already.

    Raises:
        UsageError: The plan has no such workload or wave.
    """
    _known(bundle, workloads, waves)
    units = _chosen(bundle, waves, workloads)
    states = _states(campaign)
    over = {name: sorted({u.workload for u in units if states.get(u.workload) == name}) for name in _OVER}
    left = [u for u in units if u.moves and states.get(u.workload) not in _OVER]
    view = _intent(bundle, left, "Data that would move")
    said = tuple(f"{_OVER[name]}: {', '.join(names)}" for name, names in over.items() if names)
    return replace(view, data={**view.data, "done": over}, blocks=(*view.blocks, *said))


def _chosen(bundle: "Bundle", waves: Sequence[int], workloads: Sequence[str]) -> "list[Unit]":
    return [
        u
        for _, u in sorted(bundle.units.items())
        if not u.landing and (not waves or u.wave in waves) and (not workloads or u.workload in workloads)
    ]


def _states(campaign: "Campaign | None") -> dict[str, str]:
    return {one.workload: one.state.value for one in campaign.workloads} if campaign else {}


def rollback_intent(bundle: "Bundle", workload: str, campaign: "Campaign | None") -> View:
    """Moves, services and records that `pse rollback` would turn back.

    Raises:
        UsageError: The plan has no such workload.
        Refused: Nothing of it was moved, or its way back was ended.
    """
    import migrate

    _known(bundle, (workload,), ())
    if _states(campaign).get(workload, "waiting") == "waiting":
        raise Refused("nothing of it was moved by this plan: there is nothing to roll back", where=workload)
    for one in campaign.workloads if campaign else ():
        if one.workload == workload:
            migrate.refuse_closed(one)
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
            w.state.value + (", closed" if w.closed else ""),
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


def paused_view(scopes: Sequence[str]) -> View:
    """What is paused."""
    words = [f"paused: {scope.replace(':', ' ') or 'everything'}" for scope in scopes]
    return View({"paused": list(scopes)}, tuple(words) or ("nothing is paused",))


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
    """What is left on hosts, which were destroyed, and what was not closed; nothing, when all stand and went well."""
    codes = {finding.code for finding in left}
    of = "the moves that were closed" if "PSE-M028" in codes else "the moves"
    there = "PSE-M006" in codes
    words = "left on hosts, see below" if there else f"nothing of {of} is left on any host, proved by listing"
    return View({"plan": bundle.plan.hash, "items": left}, (words,), left)


def refuse_unfinished(
    campaign: "Campaign", bundle: "Bundle", *, waves: Sequence[int], workloads: Sequence[str]
) -> None:
    """Turn what was asked for and is not moved into the exit code of unfinished effects; others do not count.

    Raises:
        Incomplete: A workload that was asked for failed, or was not begun after such a one; the reason is among the
            findings that were shown.
    """
    from pse.core.errors import Incomplete

    asked = {unit.workload for unit in _chosen(bundle, waves, workloads) if unit.wave > 0}
    states = {name: state for name, state in _states(campaign).items() if name in asked and state != "verified"}
    if states:
        raise Incomplete(
            "not all of it was moved",
            where=", ".join(f"{name} ({state})" for name, state in sorted(states.items())),
            hint="Correct what the findings say and run the same command again: it goes on from there.",
        )


def with_going(view: View, going: "Going") -> View:
    """A campaign's view with who works on it, what waits for what, and how far each move is."""
    blocks = list(view.blocks)
    if going.paces:
        rows = (
            (
                one.move,
                one.doing,
                None if one.done is None else size(one.done),
                None if one.total is None else size(one.total),
                None if one.rate is None else f"{size(int(one.rate))}/s",
                None if one.left_s is None else duration(one.left_s),
                None if one.behind_s is None else f"{one.behind_s:.1f}",
            )
            for one in going.paces
        )
        blocks.append(grid("How far moves are", "move|doing|>done|>of|>rate|>left|>behind s", rows))
    if waiting := [one for one in going.turns if one.state != "running"]:
        turns = ((one.workload, one.wave or None, one.kind, one.state, one.said or None) for one in waiting)
        blocks.append(grid("What waits", "workload|>wave|what|state|for", turns))
    if going.workers:
        workers = ((one.host, one.pid, ", ".join(one.workloads) or "nothing") for one in going.workers)
        blocks.append(grid("Who works", "host|>process|has in hand", workers))
    blocks += paused_view(going.paused).blocks if going.paused else ()
    data = {"paces": going.paces, "turns": going.turns, "workers": going.workers, "paused": going.paused}
    return replace(view, data={**view.data, **data}, blocks=tuple(blocks))


def show_change(session: "Session", change: "WorkloadProgress | Pace", *, json_lines: bool) -> None:
    """One line about a move that changed: JSON on stdout, or words and bars on stderr."""
    if json_lines:
        import sys

        import msgspec

        from pse.core.text import json_safe

        sys.stdout.write(json_safe(msgspec.json.encode(change).decode()) + "\n")
        sys.stdout.flush()
        return
    if isinstance(change, WorkloadProgress):
        _show_workload(session, change)
        return
    left = f", {duration(change.left_s)} left" if change.left_s is not None else ""
    rate = f"{size(int(change.rate))}/s{left}" if change.rate is not None else ""
    over = change.total is not None and change.done == change.total
    session.progress(
        Event(
            step=change.doing,
            state="done" if over else "update",
            subject=change.move,
            message=rate or change.message,
            done=change.done,
            total=change.total,
            unit="bytes",
        )
    )


def _show_workload(session: "Session", change: WorkloadProgress) -> None:
    step = f", {change.steps[-1].step}" if change.steps else ""
    session.say(f"{change.workload}: {change.state.value}{step}, {counted(change.bytes_moved, 'byte')}")
