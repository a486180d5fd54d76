"""The fifth gate over everything that exists at the places, whether a plan, a state or nobody knows it."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, cast

from pse.core.canonical import digest, encode, read, write_bytes
from pse.core.documents.audit import Audit
from pse.core.documents.category import Category, strictest
from pse.core.progress import Event, Progress
from pse.core.settings import Workspace

if TYPE_CHECKING:
    from blueprints import Bundle
    from policy import Policy
    from providers.engine import Engine
    from pse.core.documents.gate import UnitGate


def audit_units(workspace: Workspace, bundle: "Bundle", progress: Progress) -> Audit:
    """Ask the clouds what exists, compare it with plan and states, and judge what is ours.

    Every account is listed as a whole; what a state knows and no listing has is looked for by its tags. The plan's own
    gates judge, whatever a later `pse up` has put into ``.pse/gate``; `Bundle.read` verified them. Places that today's
    law refuses count as refused, and a category of today that is stricter than the plan's counts instead of it. A stack
    that the plan does not name is judged by today's law and category alone.

    The audit is kept for the plan's evidence, and the ledger tells its hash.

    Raises:
        Refused: The clock is behind the ledger, so what has expired would count again, or the register is expired.
        RemoteError: A cloud could not be asked, or another account would be than the one that a stack was made in: an
            audit that did not see everything is none.
        MissingTool: A vendor's SDK is not installed.
    """
    from blueprints.building.holdings import by_tag, changes, held_by, leftovers, owners, rests, strangers
    from blueprints.building.outside import outside
    from blueprints.estate.categories import note_today
    from policy import load_policy
    from policy.gatefiles import effective_day
    from providers.audit import judge_live, must_ask_where_it_was_made
    from providers.engine import Engine
    from providers.places import Places
    from providers.survey import Tags, survey
    from pse.core.time import today

    day = max(effective_day(workspace, today()), bundle.plan.as_of)
    policy = load_policy(workspace, as_of=day)
    note_today(workspace, policy)
    engine = Engine(workspace)
    others = outside(workspace, bundle.units, engine)
    states = {name: engine.standing(name) for name in sorted({*bundle.units, *(other.unit for other in others)})}
    traced = {name for name in states if states[name].ours() or _traces(workspace, engine, name)}
    held = {key: one for name in states for key, one in held_by(name, states[name]).items()}
    tags = Tags(workspace, frozenset(states))
    places = Places(workspace)
    try:
        for state in states.values():
            must_ask_where_it_was_made(places, state)
        progress(Event("audit", "start", message="listing every account"))
        listed = survey(places)
        lives = (*listed, *by_tag(places, held, listed, tags))
        mine = owners(lives, held, tags)
        findings = changes(places, held, lives)
    finally:
        places.close()
    at = {other.unit: other.place for other in others}
    at |= {name: some[0].place for name, some in mine.items() if name not in at and name not in bundle.units}
    gates = {name: bundle.gates[name].gate for name in bundle.units if name in traced or name in mine}
    gates |= _gates_today(workspace, policy, bundle, at)
    refused = {}
    for name, gate in sorted(gates.items()):
        progress(Event("audit", "start", name))
        refused[name] = judge_live(workspace, name, gate, mine.get(name, ()), plan=bundle.plan.hash)
        progress(Event("audit", "done", name, f"{len(refused[name])} refused"))
    found = rests(lives, held, mine, bundle.units)
    findings += (other.finding(refused[other.unit]) for other in others)
    findings += strangers(found)
    findings += leftovers(found, traced, [name for name, some in refused.items() if some])
    made = Audit(plan=bundle.plan.hash, as_of=day, refused=refused, rests=found, findings=tuple(sorted(set(findings))))
    _keep(workspace, made, progress)
    return made


def audit_path(workspace: Workspace, plan: str) -> Path:
    """Where the last audit of a plan is kept."""
    return workspace.private / "audits" / f"{plan[:12]}.json"


def last_audit(workspace: Workspace, plan: str) -> Audit | None:
    """The last audit of a plan; None when there was none.

    Raises:
        BadInput: The file cannot be read.
    """
    path = audit_path(workspace, plan)
    return read(path, Audit) if path.exists() else None


def _keep(workspace: Workspace, made: Audit, progress: Progress) -> None:
    from policy.deeds import note

    raw = encode(made)
    write_bytes(audit_path(workspace, made.plan), raw)
    refused = {name: len(refusals) for name, refusals in made.refused.items() if refusals}
    codes = sorted({finding.code for finding in made.findings})
    entry = {"plan": made.plan, "judged": sorted(made.refused), "refused": refused, "found": codes}
    note(workspace, "audit", {**entry, "document": digest(raw)}, progress)


def _traces(workspace: Workspace, engine: "Engine", name: str) -> bool:
    """Whether a unit without a state was begun: a run that was cut off leaves objects and no Deployment."""
    from providers.identity import PROJECT
    from providers.known import intents_of, path_of

    meant = (path_of(workspace.private, PROJECT, name), intents_of(workspace.private, PROJECT, name))
    return engine.deployment(name) is not None or any(path.exists() for path in meant)


def _gates_today(
    workspace: Workspace, policy: "Policy", bundle: "Bundle", at: Mapping[str, str]
) -> "dict[str, UnitGate]":
    """Gates of stacks that the plan does not name, by what their workloads are today.

    A workload that nobody gives a category to any more is unclassified, and may be nowhere. A landing zone is as its
    most sensitive guest; without one it holds a network and no data, and is as open data.

    Args:
        workspace: Whose categories count.
        policy: Today's law.
        bundle: The plan, whose own units may be guests of such a landing zone.
        at: Place of each such stack.
    """
    from policy import decide
    from policy.categories import read_categories
    from policy.gate import gate_for
    from pse.core.time import today

    if not at:
        return {}
    known = read_categories(workspace, policy) or {}
    zones = {name: place for name, place in at.items() if name.startswith("landing-")}
    places = {name: place for name, place in at.items() if name not in zones}
    categories = {name: known.get(name) for name in places}
    places |= {unit.id: unit.place for unit in bundle.units.values() if not unit.landing}
    for name, zone in zones.items():
        guests = [known.get(guest) for guest, place in places.items() if place == zone]
        categories[name] = strictest(guests) if guests else Category.OPEN
    day = max(today(), bundle.plan.as_of)
    verdicts = decide(policy, categories, as_of=day)
    return {
        # None is unclassified, whose class every place refuses.
        name: gate_for(
            policy, verdicts, name, (name,), verdicts.assignments[name], cast("Category", category), as_of=day
        )
        for name, category in categories.items()
    }
