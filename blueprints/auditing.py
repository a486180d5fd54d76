"""The fifth gate over every stack that stands, in whole or in part, whether the plan names it or not."""

from typing import TYPE_CHECKING, cast

import msgspec

from pse.core.documents.category import Category, strictest
from pse.core.findings import Finding
from pse.core.progress import Event, Progress
from pse.core.settings import Workspace

if TYPE_CHECKING:
    from blueprints import Bundle
    from blueprints.outside import Outside
    from policy import Policy
    from pse.core.documents.gate import UnitGate
    from pse.core.documents.verdicts import Refusal


class Audit(msgspec.Struct, frozen=True, kw_only=True):
    """What an audit found.

    Attributes:
        refused: What is refused, by the id of each stack that stands.
        findings: One for each stack that the plan does not name.
    """

    refused: dict[str, tuple["Refusal", ...]]
    findings: tuple[Finding, ...]


def audit_units(workspace: Workspace, bundle: "Bundle", progress: Progress) -> Audit:
    """Ask the cloud of each stack that stands, in whole or in part, what rests where, and judge it.

    The plan's own gates judge, whatever a later `pse up` has put into ``.pse/gate``; `Bundle.read` verified them.
    Places that today's law refuses count as refused, and a category of today that is stricter than the plan's counts
    instead of it. A stack that the plan does not name is judged by today's law and category alone.

    Raises:
        Refused: The clock is behind the ledger, so what has expired would count again, or the register is expired.
        RemoteError: A cloud could not be asked, or another account would be than the one that a stack was made in.
    """
    from blueprints.categories import note_today
    from blueprints.outside import outside
    from policy import load_policy
    from policy.deeds import note
    from policy.gatefiles import effective_day
    from providers.audit import audit, must_ask_where_it_was_made
    from providers.engine import Engine
    from providers.identity import PROJECT
    from providers.known import path_of
    from pse.core.time import today

    policy = load_policy(workspace, as_of=max(effective_day(workspace, today()), bundle.plan.as_of))
    note_today(workspace, policy)
    engine = Engine(workspace)
    gates = {}
    for name in sorted(bundle.units):
        # A run that was cut off leaves objects and no Deployment: what it knew or meant to make is looked at too.
        traces = (path_of(workspace.private, PROJECT, name), workspace.private / "intents" / f"{name}.jsonl")
        if engine.deployment(name) is not None or engine.standing(name).ours() or any(p.exists() for p in traces):
            gates[name] = bundle.gates[name].gate
    others = outside(workspace, bundle.units, engine)
    gates |= _gates_today(workspace, policy, bundle, others)
    found: dict[str, tuple[Refusal, ...]] = {}
    for name, gate in sorted(gates.items()):
        progress(Event("audit", "start", name))
        must_ask_where_it_was_made(workspace, engine.standing(name))
        found[name] = audit(workspace, name, gate, plan=bundle.plan.hash)
        progress(Event("audit", "done", name, f"{len(found[name])} refused"))
    if found:
        refused = {name: len(refusals) for name, refusals in found.items() if refusals}
        entry = {"plan": bundle.plan.hash, "judged": sorted(found), "refused": refused}
        note(workspace, "audit", entry, progress)
    return Audit(refused=found, findings=tuple(other.finding(found[other.unit]) for other in others))


def _gates_today(
    workspace: Workspace, policy: "Policy", bundle: "Bundle", others: "tuple[Outside, ...]"
) -> "dict[str, UnitGate]":
    """Gates of stacks that the plan does not name, by what their workloads are today.

    A workload that nobody gives a category to any more is unclassified, and may be nowhere. A landing zone is as its
    most sensitive guest; without one it holds a network and no data, and is as open data.
    """
    from policy import decide
    from policy.categories import read_categories
    from policy.gate import gate_for
    from pse.core.time import today

    if not others:
        return {}
    known = read_categories(workspace, policy) or {}
    zones = {other.unit: other.place for other in others if other.unit.startswith("landing-")}
    places = {other.unit: other.place for other in others if other.unit not in zones}
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
