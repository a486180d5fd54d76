"""What differs between two plans: decisions, places, sizes, waves, costs and findings."""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Protocol

import msgspec

from blueprints.bills.pricing import FREE
from blueprints.comparing.costdiff import same_currency
from pse.core.documents.plan import Cost, Decision, Plan, PlannedServer, Unit
from pse.core.findings import Finding


class Whole(Protocol):
    """A plan with its units: a `blueprints.planning.bundle.Bundle`, or an outline that nobody signed."""

    @property
    def plan(self) -> Plan:
        """For review."""

    @property
    def units(self) -> Mapping[str, Unit]:
        """By unit id."""


class Outline(msgspec.Struct, frozen=True, kw_only=True):
    """A plan that nobody signed and that has no hash, no gates and no file: to look at, and for nothing else."""

    plan: Plan
    units: Mapping[str, Unit]


class FieldChange(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that is not what it was; empty where there is none.

    Attributes:
        field: ``strategy``, ``category``, ``place``, ``architecture``, ``service``, ``wave``, ``refused`` (the rules),
            or ``size of`` a server.
        before: In the old plan.
        after: In the new one.
    """

    field: str
    before: str
    after: str


class DecisionChange(msgspec.Struct, frozen=True, kw_only=True):
    """A workload, or a landing zone, that is not planned as it was.

    Attributes:
        workload: Id.
        what: ``added``, ``removed`` or ``changed``.
        before: Its cost in the old plan; None when it was not there.
        after: Its cost in the new one; None when it is not there.
        monthly: How much more it is a month, of what has a price on either side.
        fields: What of it differs, besides its cost.
    """

    workload: str
    what: str
    before: Cost | None
    after: Cost | None
    monthly: Decimal
    fields: tuple[FieldChange, ...]


class PlanDiff(msgspec.Struct, frozen=True, kw_only=True):
    """Two plans beside each other.

    Attributes:
        old: Hash of the old plan; empty for an outline.
        new: Hash of the new one.
        currency: Of all amounts.
        inputs: Names of the inputs that differ, ``as_of`` among them.
        before: Total of the old plan.
        after: Total of the new one.
        monthly: How much more the new one is a month, of what has a price.
        one_time: How much more it is once.
        waves: Numbers of waves before and after.
        workloads: Those that differ, by id; landing zones among them.
        found: Findings of the new plan that the old one has not, sorted.
        gone: Findings of the old plan that the new one has not, sorted.
    """

    old: str
    new: str
    currency: str
    inputs: tuple[str, ...]
    before: Cost
    after: Cost
    monthly: Decimal
    one_time: Decimal
    waves: tuple[int, int]
    workloads: tuple[DecisionChange, ...]
    found: tuple[Finding, ...]
    gone: tuple[Finding, ...]


class _Side(msgspec.Struct, frozen=True):
    """One workload or landing zone as one plan has it."""

    fields: dict[str, str]
    cost: Cost


def plan_diff(old: Whole, new: Whole) -> PlanDiff:
    """What of ``new`` is not as in ``old``; linear in their size.

    Raises:
        BadInput: They are in two currencies.
    """
    same_currency(old.plan.currency, new.plan.currency, where=new.plan.hash[:12])
    before, after = _sides(old), _sides(new)
    was, now = old.plan, new.plan
    known, found = set(was.findings), set(now.findings)
    inputs = {name for name in was.inputs.keys() | now.inputs.keys() if was.inputs.get(name) != now.inputs.get(name)}
    return PlanDiff(
        old=was.hash,
        new=now.hash,
        currency=now.currency,
        inputs=tuple(sorted(inputs | ({"as_of"} if was.as_of != now.as_of else set()))),
        before=was.cost,
        after=now.cost,
        monthly=now.cost.monthly - was.cost.monthly,
        one_time=now.cost.one_time - was.cost.one_time,
        waves=(len(was.waves), len(now.waves)),
        workloads=tuple(
            _change(name, before.get(name), after.get(name))
            for name in sorted(before.keys() | after.keys())
            if before.get(name) != after.get(name)
        ),
        found=tuple(sorted(found - known)),
        gone=tuple(sorted(known - found)),
    )


def _sides(whole: Whole) -> dict[str, _Side]:
    servers: dict[str, list[PlannedServer]] = {}
    for unit in whole.units.values():
        servers.setdefault(unit.workload, []).extend(unit.servers)
    sides = {
        decision.workload: _Side(_of_decision(decision) | _sizes(servers.get(decision.workload, [])), decision.cost)
        for decision in whole.plan.decisions
    }
    for name, unit in whole.units.items():
        if unit.landing:
            sides[name] = _Side({"strategy": "landing zone", "place": unit.place, "network": unit.cidr}, unit.cost)
    return sides


def _of_decision(decision: Decision) -> dict[str, str]:
    return {
        "strategy": decision.strategy.value if decision.strategy else "REFUSED",
        "category": decision.category.value if decision.category else "none",
        "place": decision.place,
        "architecture": decision.blueprint,
        "service": decision.saas,
        "wave": str(decision.wave) if decision.wave else "",
        "refused": ", ".join(sorted({refusal.rule for refusal in decision.refusals})),
    }


def _sizes(servers: list[PlannedServer]) -> dict[str, str]:
    return {f"size of {server.name}": " + ".join(_parts(server)) for server in servers}


def _parts(server: PlannedServer) -> Iterator[str]:
    yield server.shape
    yield server.image
    for volume in server.volumes:
        yield f"{volume.size_gib} GiB {volume.storage_class}".rstrip()


def _change(name: str, before: _Side | None, after: _Side | None) -> DecisionChange:
    was, now = (side.fields if side else {} for side in (before, after))
    differs = [key for key in (was | now) if was.get(key, "") != now.get(key, "")]
    return DecisionChange(
        workload=name,
        what="added" if before is None else "removed" if after is None else "changed",
        before=before.cost if before else None,
        after=after.cost if after else None,
        monthly=(after.cost if after else FREE).monthly - (before.cost if before else FREE).monthly,
        fields=tuple(FieldChange(field=key, before=was.get(key, ""), after=now.get(key, "")) for key in differs),
    )
