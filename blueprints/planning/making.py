"""From snapshot, verdicts and offers to a plan: the same inputs give the same bytes."""

from collections.abc import Iterable, Mapping
from datetime import date
from typing import TYPE_CHECKING

import msgspec

from blueprints.bills.bought import of_the_bills, prices_of
from blueprints.bills.catalogue import Catalogue
from blueprints.bills.pricing import add
from blueprints.bills.remarks import Mandate, unpriced
from blueprints.estate.environments import wanted_environment
from blueprints.estate.view import View
from blueprints.estate.wanted import wanted_of
from blueprints.model import Wanted
from blueprints.names import landing_id
from blueprints.planning.abilities import Places, missing_images
from blueprints.planning.bundle import Bundle, misplaced
from blueprints.planning.decide import Decider, Outcome
from blueprints.planning.inputs import Inputs, hashes_of, read_inputs
from blueprints.planning.matching import Matcher
from blueprints.planning.network import landing_range
from blueprints.planning.parts import Parts, Spool
from blueprints.planning.remarks import of_sizes, of_the_whole, of_wanted
from blueprints.planning.units import landings_of, ruled, site_of, units_of
from blueprints.waves import Waves, make_waves
from blueprints.waves.uses import uses_of
from policy.deeds import noting_refusal
from pse.core import canonical
from pse.core.collector import without_collector
from pse.core.documents.environment import Environment
from pse.core.documents.gate import SignedGate, UnitGate
from pse.core.documents.plan import Cost, Decision, Plan, Unit
from pse.core.documents.snapshot import ProposedWorkload
from pse.core.documents.workloads import WorkloadDeclaration
from pse.core.findings import Finding
from pse.core.forked import forked
from pse.core.progress import Event, Progress, silent
from pse.core.settings import Workspace
from pse.core.text import counted

if TYPE_CHECKING:
    from policy import Policy


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """A plan without gates and hashes.

    Attributes:
        inputs: What it was made from.
        decisions: Of each workload and environment.
        waves: When what moves.
        units: What is built, by unit id, as it is written.
        heads: The same without firewall rules, so that nobody has to read a unit again to know its place and class.
        cost: Of everything.
        findings: Everything that came up.
    """

    inputs: Inputs
    decisions: tuple[Decision, ...]
    waves: Waves
    units: Parts[Unit]
    heads: Mapping[str, Unit]
    cost: Cost
    findings: tuple[Finding, ...]


def make_plan(workspace: Workspace, *, as_of: date, progress: Progress = silent) -> Bundle:
    """Plan the workspace's estate and environments, and sign a gate for every unit.

    Writes nothing but the refusals, which go to the ledger; `Bundle.write` writes the plan.

    Args:
        workspace: Where everything is.
        as_of: Day that accreditations, NOCs and rules are read for.
        progress: Told of the steps.

    Raises:
        BadInput: A file of the workspace cannot be used, or there is nothing to plan.
        Refused: Register or NOCs are not signed by the pinned key, or a category became less strict and nobody agreed;
            the ledger has it.
    """
    from policy import load_policy

    with without_collector(), noting_refusal(workspace, "plan", {"as_of": as_of.isoformat()}, progress):
        policy = load_policy(workspace, as_of=as_of)
        inputs = read_inputs(workspace, policy, as_of=as_of)
    progress(Event("plan", "start", message=f"planning {counted(len(inputs.estate.workloads), 'workload')}"))
    with without_collector():
        spool = Spool(workspace.private)
        bundle = seal(workspace, policy, draft_plan(inputs, spool=spool), spool)
    _remember(workspace, bundle)
    progress(Event("plan", "done", message=f"plan {bundle.plan.hash[:12]}", done=len(bundle.plan.decisions)))
    return bundle


def draft_plan(inputs: Inputs, *, matcher: Matcher | None = None, spool: Spool | None = None) -> Draft:
    """Decide everything. Pure: no clock; the order of rows does not matter, and no file but ``spool``, if given."""
    view = View(inputs.estate)
    catalogue = Catalogue(inputs.offers, inputs.settings.cost, horizon_months=inputs.settings.horizon_months)
    places = sorted(inputs.places, key=lambda p: p.id)
    abilities = inputs.abilities
    mandate = Mandate(countries={p.id: p.country for p in places}, rules=inputs.residency)
    decider = Decider(
        view=view,
        verdicts={(v.class_id, v.place): v for v in inputs.verdicts.verdicts},
        places=Places(mandate=mandate, abilities=abilities),
        catalogue=catalogue,
        matcher=matcher or Matcher(),
        horizon_months=inputs.settings.horizon_months,
        reserved={"verdicts", *(landing_id(p.id) for p in places)},
        blockers={(f.code, f.subject): f.message for f in inputs.estate.manifest.findings},
    )
    wants = _Wants(inputs, view)

    def considered(thing: ProposedWorkload | Environment) -> _Considered:
        wanted = wants(thing)
        return _Considered(wanted, decider.decide(wanted))

    things: list[ProposedWorkload | Environment] = [*view.workloads.values(), *inputs.environments]
    found = forked(considered, sorted(things, key=lambda thing: thing.id), _Considered)
    wanted = [one.wanted for one in found]
    by_id = {w.id: w for w in wanted}
    outcomes = decider.weighed(by_id, {one.wanted.id: one.outcome for one in found})
    moving = [w for w in wanted if outcomes[w.id].built is not None and not w.new]
    uses = uses_of(wanted, view)
    waves = make_waves(
        moving,
        capacity=inputs.settings.wave_servers,
        uses=uses,
        settings=inputs.settings.schedule,
        calendar=inputs.calendar,
    )
    ranges = {p.id: landing_range(p.id) for p in places}
    sites = {w.id: site_of(w, outcomes[w.id], ranges) for w in wanted}
    known = {p.id: p for p in places}
    units = units_of(known, by_id, outcomes, waves, sample=inputs.verdicts.sample or inputs.offers.sample)
    landings = landings_of(units, catalogue, ranges)
    units |= landings
    decisions = tuple(_dated(outcomes[w.id].decision, uses[w.id], waves) for w in wanted)
    findings = {
        *inputs.findings,
        *waves.findings,
        *missing_images(units.values(), abilities),
        *of_the_whole(inputs, view, by_id),
        *of_sizes(inputs, view, [(w, b) for w in wanted if (b := outcomes[w.id].built) is not None], catalogue),
        *of_the_bills(units.values(), wanted, catalogue),
        *(f for u in landings.values() for f in unpriced(u.id, u.place, u.costs)),
        *(f for w in wanted for f in (*outcomes[w.id].findings, *of_wanted(w, outcomes[w.id]))),
    }
    return Draft(
        inputs=inputs,
        decisions=decisions,
        waves=waves,
        heads=units,
        units=ruled(units, known, view, by_id, sites, controllers=inputs.settings.controllers, spool=spool),
        cost=add([*(d.cost for d in decisions), *(u.cost for u in landings.values())]),
        findings=tuple(sorted(findings)),
    )


def seal(workspace: Workspace, policy: "Policy", draft: Draft, spool: Spool | None = None) -> Bundle:
    """Sign a gate for every unit, judge every unit by it, name the plan by its hash, and sign it.

    Raises:
        Refused: A unit is where its own gate does not let it be: a defect of planning, and never shipped.
    """
    from policy.gate import gate_for, signed_gate
    from policy.signing import Signer
    from pse.core.errors import Refused

    inputs = draft.inputs
    signer = Signer(workspace)
    units = draft.heads
    of_class: dict[tuple[str, str], UnitGate] = {}
    for unit in units.values():
        # Gates of one class differ in the unit that they are for, and in nothing that a place is judged by.
        if (unit.class_id, unit.place) not in of_class:
            gate = gate_for(
                policy, inputs.verdicts, unit.id, (unit.workload,), unit.class_id, unit.category, as_of=inputs.as_of
            )
            refusals = misplaced(unit, gate)
            if refusals:
                raise Refused(f"{refusals[0].rule}: {refusals[0].message}", where=f"unit {unit.id} at {unit.place}")
            of_class[unit.class_id, unit.place] = gate

    def gated(name: str) -> bytes:
        unit = units[name]
        gate = msgspec.structs.replace(of_class[unit.class_id, unit.place], unit=name, workloads=(unit.workload,))
        return canonical.encode(signed_gate(signer, gate))

    gates = Parts.made(SignedGate, gated, units, spool)
    return Bundle.sealed(workspace, plan_of(draft), units=draft.units, gates=gates, verdicts=inputs.verdicts)


def plan_of(draft: Draft) -> Plan:
    """``draft`` as a plan that has no hash yet, and so is of no use to whatever builds."""
    inputs = draft.inputs
    return Plan(
        entity=inputs.entity,
        as_of=inputs.as_of,
        sample=inputs.verdicts.sample or inputs.offers.sample,
        currency=inputs.offers.currency,
        inputs=hashes_of(inputs),
        servers=sum(not s.is_template for s in inputs.estate.servers),
        decisions=draft.decisions,
        waves=draft.waves.waves,
        schedule=draft.waves.schedule if draft.waves.waves else msgspec.UNSET,
        cost=draft.cost,
        findings=draft.findings,
        units={},
        prices=prices_of(inputs.offers),
    )


class _Considered(msgspec.Struct, frozen=True):
    """A workload, and what becomes of it for its own part: before places are weighed with their landing zones."""

    wanted: Wanted
    outcome: Outcome


class _Wants:
    """What each workload and environment wants."""

    def __init__(self, inputs: Inputs, view: View) -> None:
        self._inputs = inputs
        self._view = view
        self._categories = {c.id: c.category for c in inputs.verdicts.classes}

    def __call__(self, thing: ProposedWorkload | Environment) -> Wanted:
        inputs = self._inputs
        class_id = inputs.verdicts.assignments.get(thing.id, "")
        if isinstance(thing, Environment):
            return wanted_environment(thing, class_id=class_id)
        return wanted_of(
            thing,
            inputs.declared.workload.get(thing.id, WorkloadDeclaration()),
            self._view,
            category=self._categories.get(class_id),
            class_id=class_id,
            settings=inputs.settings,
            usages=inputs.usages.of,
            as_of=inputs.as_of,
        )


def _dated(decision: Decision, uses: Iterable[str], waves: Waves) -> Decision:
    """``decision`` with its wave and why, and with the workloads that it depends on."""
    reasons = list(decision.reasons)
    if decision.workload in waves.reasons:
        reasons.append(waves.reasons[decision.workload])
    for name in uses:
        number = waves.number.get(name, 0)
        reasons.append(f"uses {name}, which {f'moves in wave {number}' if number else 'is in no wave'}")
    return msgspec.structs.replace(decision, wave=waves.number.get(decision.workload, 0), reasons=tuple(reasons))


def _remember(workspace: Workspace, bundle: Bundle) -> None:
    from policy import Ledger

    ledger = Ledger(workspace)
    for decision in bundle.plan.decisions:
        if decision.strategy is None and decision.refusals:
            ledger.refuse(
                plan=bundle.plan.hash,
                unit=decision.workload,
                urn=decision.workload,
                gate="plan",
                refusals=decision.refusals,
            )
