"""The rooms' own answers about an oracle's world, and where the two disagree."""

import random
from collections.abc import Iterator
from datetime import date, timedelta

import policy
from policy.gate import gate_for, judge, subject_of
from policy.labels import Labels
from policy.load import Policy
from policy.nocs import Noc, Nocs
from policy.register import Register
from policy.registerfile import CSP, Cloud, RegisterFile, Site, State, StateRow
from policy.rulebook import load_rules
from pse.core.documents.category import Category
from tests.policy import oracle

RULES = load_rules()
_LATER = (0, 1, 30, 200, 800)


def disagreements(seed: int) -> Iterator[str]:
    """Invent the world of ``seed`` and say where oracle, plan and gate do not say the same."""
    rng = random.Random(seed)
    told = oracle.world(rng)
    law = _policy(told)
    categories = {name: Category(value) if value else None for name, value in told.categories.items()}
    verdicts = policy.decide(law, categories, as_of=told.day)
    by_key = {(verdict.class_id, verdict.place): verdict for verdict in verdicts.verdicts}
    for workload, category in categories.items():
        class_id = verdicts.assignments[workload]
        for place in told.places:
            wanted = oracle.may(told, workload, place, told.day)
            if by_key[class_id, place.id].allowed is not wanted:
                yield f"{seed}: plan, {workload} at {place.id}: the oracle says {wanted}"
        if category is None:
            continue
        gate = gate_for(law, verdicts, workload, (workload,), class_id, category, as_of=told.day)
        for resource in oracle.resources(rng, told, workload):
            day = told.day + timedelta(days=rng.choice(_LATER))
            subject = subject_of(
                resource.kind,
                resource.inputs,
                urn="urn",
                place_of=lambda wire, _, targets=resource.targets: targets.get(wire),  # type: ignore[misc]
                unknown=lambda value: False,  # noqa: ARG005
            )
            passes = not judge(gate, subject, today=day)
            wanted = oracle.fits(told, workload, resource, day)
            if passes is not wanted:
                yield f"{seed}: gate, {resource} on {day}: the oracle says {wanted}"
            alone = resource.inputs["place"]
            if wanted and not by_key[class_id, str(alone)].allowed:
                yield f"{seed}: the gate lets pass what the plan refuses: {resource}"


def _policy(told: oracle.World) -> Policy:
    csps = []
    for name, rows in told.rows.items():
        sites = tuple(
            Site(
                region=place.region,
                site=place.site,
                name=place.site,
                country=place.country,
                cloud=Cloud.GOVERNMENT if place.government else Cloud.PUBLIC,
                provider="lab",
                endpoint=f"lab:{name}",
                evidence="invented",
            )
            for place in told.places
            if place.csp == name
        )
        states = tuple(
            StateRow(
                state=State(row.state),
                start=row.start,
                end=row.end,
                categories=tuple(Category(category) for category in row.categories),
                sites=row.sites,
                jurisdiction=row.jurisdiction,
            )
            for row in rows
        )
        csps.append(CSP(id=name, name=name, site=sites, state=states))
    file = RegisterFile(
        name="invented", issued=date(2026, 1, 1), valid_until=told.valid_until, sample=True, source="x", csp=tuple(csps)
    )
    nocs = tuple(
        Noc(
            reference=noc.reference,
            start=noc.start,
            end=noc.end,
            workloads=noc.workloads,
            places=noc.places,
            rules=noc.rules,
        )
        for noc in told.nocs
    )
    register = Register(file, hash_="0" * 64)
    return Policy(rules=RULES, register=register, nocs=Nocs(noc=nocs), labels=Labels())
