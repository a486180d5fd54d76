"""What becomes of a workload: strategy, architecture and place, with the reasons of each."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from decimal import Decimal

import msgspec

from blueprints.bills.catalogue import Catalogue
from blueprints.bills.estimating import Estimates
from blueprints.bills.placing import Choice, Placed, Weigher
from blueprints.bills.pricing import FREE, build_at, saas_bill, totals
from blueprints.bills.remarks import unpriced
from blueprints.estate.view import View
from blueprints.model import Built, Wanted
from blueprints.planning.abilities import Able, Places, needs_of
from blueprints.planning.matching import Matcher
from blueprints.planning.remarks import renewed
from blueprints.sizing.proposals import Proposals
from pse.core.documents.offers import Offer, OfferKind
from pse.core.documents.plan import Cost, Decision, PlaceOption, Strategy
from pse.core.documents.verdicts import Refusal, Verdict
from pse.core.findings import Finding, Severity
from pse.core.names import is_file_name
from pse.core.text import counted, printable

MOST_RESOURCES = 250
"""Resources of one stack; above it every step rewrites too large a state."""

_STAYS = frozenset({Strategy.RETIRE, Strategy.RETAIN})


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What was decided of a workload; ``built`` is None when nothing of it is built."""

    decision: Decision
    built: Built | None = None
    findings: tuple[Finding, ...] = ()


class Decider:
    """Decides workload by workload; the same answer for the same inputs."""

    def __init__(
        self,
        *,
        view: View,
        verdicts: Mapping[tuple[str, str], Verdict],
        places: Places,
        catalogue: Catalogue,
        matcher: Matcher,
        horizon_months: int,
        reserved: Collection[str],
        blockers: Mapping[tuple[str, str], str],
    ) -> None:
        """Remember what to decide by.

        Args:
            view: The estate.
            verdicts: By class and place.
            places: The places of the register.
            catalogue: Offers.
            matcher: Blueprints.
            horizon_months: Months over which one-time and monthly costs are weighed against each other.
            reserved: Ids that parts of a plan have already.
            blockers: Message of a finding by its code and subject, to say in words what stops a server.
        """
        self._view = view
        self._verdicts = verdicts
        self._places: Sequence[str] = sorted(places.mandate.countries)
        self._mandate = places.mandate
        self._able = Able(places.abilities)
        self._catalogue = catalogue
        self._estimates = Estimates(catalogue, self._places)
        self._matcher = matcher
        self._horizon = horizon_months
        self._reserved = reserved
        self._blockers = blockers
        self._proposals = Proposals(view, catalogue)

    def weighed(self, wanted: Mapping[str, Wanted], outcomes: Mapping[str, Outcome]) -> dict[str, Outcome]:
        """``outcomes`` of all workloads, decided each by itself, with their places weighed with the landing zones'."""
        choices = [
            Choice(
                workload=name,
                place=outcome.built.place,
                options=outcome.decision.options,
                demanded=bool(wanted[name].place),
            )
            for name, outcome in outcomes.items()
            if outcome.built is not None
        ]
        placed = Weigher(self._catalogue, horizon_months=self._horizon).weigh(choices)
        again = {name: self.decide(wanted[name], placed=where) for name, where in placed.items() if where.why}
        return {**outcomes, **again}

    def decide(self, wanted: Wanted, *, placed: Placed | None = None) -> Outcome:
        """What becomes of ``wanted``, which is built at ``placed`` where it is given, else where it is cheapest."""
        outcome = self._decided(wanted, placed)
        proposed, why = self._proposals.of(wanted, outcome.decision.options)
        if proposed in (None, outcome.decision.strategy) or wanted.declared.strategy is not None:
            return outcome
        reasons = (*outcome.decision.reasons, f"{proposed} is proposed, and a person decides in workloads.toml: {why}")
        decision = msgspec.structs.replace(outcome.decision, proposed=proposed, reasons=reasons)
        return msgspec.structs.replace(outcome, decision=decision)

    def _decided(self, wanted: Wanted, placed: Placed | None) -> Outcome:
        declared = wanted.declared.strategy
        if declared in _STAYS:
            return self._stays(wanted, declared, (f"declared: {wanted.declared.reason or 'no reason is given'}",))
        if wanted.category is None:
            return self._refused(
                wanted, self._options(wanted, {}), ("it has no category, and what has none is refused",)
            )
        blocked = self._blocked(wanted)
        if blocked and declared is None:
            return self._stays(wanted, Strategy.RETAIN, blocked)
        findings = [self._overruled(wanted, blocked)] if blocked else []
        if wanted.declared.saas and declared in (None, Strategy.SAAS):
            outcome = self._saas(wanted, findings)
            if outcome is not None:
                return outcome
        return self._built(wanted, declared, findings, placed)

    # -- strategies --

    def _stays(self, wanted: Wanted, strategy: Strategy, reasons: tuple[str, ...], *findings: Finding) -> Outcome:
        decision = Decision(
            workload=wanted.id,
            members=wanted.members,
            category=wanted.category,
            strategy=strategy,
            reasons=reasons,
            cost=FREE,
        )
        return Outcome(decision=decision, findings=findings)

    def _refused(self, wanted: Wanted, options: tuple[PlaceOption, ...], reasons: tuple[str, ...]) -> Outcome:
        here = [o for o in options if o.place == wanted.place] if wanted.place else options
        refusals = sorted({refusal for option in here for refusal in option.refusals})
        if wanted.place and not here:
            refusals = [_no_such_place(wanted)]
        decision = Decision(
            workload=wanted.id,
            members=wanted.members,
            category=wanted.category,
            strategy=None,
            reasons=reasons,
            options=options,
            refusals=tuple(refusals),
            cost=FREE,
        )
        if wanted.category is None:
            # Told already by the policy room, with the members that no label names.
            return Outcome(decision=decision)
        finding = Finding(
            code="PSE-B001",
            severity=Severity.ERROR,
            subject=wanted.id,
            message=f"refused: {reasons[-1]}",
            remedy="Correct its place, or ask for what the refusals of its decision name.",
            source=", ".join(sorted({refusal.rule for refusal in refusals})),
        )
        return Outcome(decision=decision, findings=(finding,))

    def _blocked(self, wanted: Wanted) -> tuple[str, ...]:
        if wanted.new:
            return ()
        servers = [self._view.servers[d.source] for d in wanted.servers]
        blocked = [
            f"{server.hostname}: {code} {self._blockers.get((code, printable(server.hostname)), '')}".rstrip()
            for server in servers
            for code in server.blockers
        ]
        if not servers:
            return ("it has no servers: nothing matches its members",)
        if all(server.power_state == "off" for server in servers):
            blocked.append("all its servers are switched off; declare retire or rehost when it is known which")
        return tuple(blocked)

    def _overruled(self, wanted: Wanted, blocked: tuple[str, ...]) -> Finding:
        return Finding(
            code="PSE-B005",
            severity=Severity.WARNING,
            subject=wanted.id,
            message=f"declared {wanted.declared.strategy} overrules what speaks against a move: {'; '.join(blocked)}",
            remedy="Make sure that the declared strategy deals with it.",
            source="workloads.toml",
        )

    def _saas(self, wanted: Wanted, findings: list[Finding]) -> Outcome | None:
        chosen: dict[str, tuple[Offer, Cost]] = {}
        for place in self._places:
            offers = [o for o in self._catalogue.at(place, OfferKind.SAAS) if o.capability == wanted.declared.saas]
            priced = [(offer, totals(saas_bill(wanted, offer, self._catalogue))) for offer in offers]
            if priced:
                chosen[place] = min(priced, key=lambda pair: (*self._rank(pair[1]), pair[0].id))
        options = self._options(wanted, {place: cost for place, (_, cost) in chosen.items()})
        best = self._best(wanted, options)
        if best is None or best.cost is None:
            findings.append(
                Finding(
                    code="PSE-B013",
                    severity=Severity.INFO,
                    subject=wanted.id,
                    message=f"no allowed place offers {wanted.declared.saas} as a service",
                    remedy="Add such an offer to the price book, if there is one.",
                    source="workloads.toml",
                )
            )
            return None
        offer, cost = chosen[best.place]
        lines = saas_bill(wanted, offer, self._catalogue)
        reasons = (
            f"a software service comes before platform and infrastructure, and {offer.name} gives {offer.capability}",
            self._why_place(wanted, best, options),
        )
        mandate_monthly, against = self._mandate.cost(best, options)
        decision = Decision(
            workload=wanted.id,
            members=wanted.members,
            category=wanted.category,
            strategy=Strategy.SAAS,
            reasons=reasons,
            place=best.place,
            options=options,
            mandate_monthly=mandate_monthly,
            mandate_against=against,
            cost=cost,
            saas=offer.id,
            lines=lines,
        )
        return Outcome(decision=decision, findings=(*findings, *unpriced(wanted.id, best.place, lines)))

    def _built(
        self, wanted: Wanted, declared: Strategy | None, findings: list[Finding], placed: Placed | None
    ) -> Outcome:
        resources = 1 + sum(2 + 2 * len(demand.volumes) for demand in wanted.servers)
        if resources > MOST_RESOURCES:
            words = f"it takes {counted(resources, 'resource')}, and one stack holds at most {MOST_RESOURCES}"
            return self._impossible(wanted, "PSE-B008", words, "Split the workload by its members in workloads.toml.")
        reserved = wanted.id in self._reserved
        if reserved or not is_file_name(wanted.id):
            said = printable(wanted.id[:63])
            words = (
                f"{said!r} is {'the id of another part of every plan' if reserved else 'no id that a file can bear'}"
            )
            return self._impossible(wanted, "PSE-B011", words, "Give the workload another id in workloads.toml.")
        costs = self._estimates.of(wanted)
        options = self._options(wanted, costs)
        allowed = [o for o in options if o.allowed and wanted.place in ("", o.place)]
        if not allowed:
            why = f"the place {wanted.place} is not allowed" if wanted.place else "no place of the register is allowed"
            return self._refused(wanted, options, (why,))
        blueprint, fit = self._matcher.choose(wanted)
        needs = needs_of(self._matcher.get(blueprint), wanted)
        unable = {o.place: lacks for o in allowed if (lacks := self._able.unable(o.place, needs))}
        if not unable.keys().isdisjoint(costs):
            options = self._options(wanted, {place: cost for place, cost in costs.items() if place not in unable})
        best = self._best(wanted, options if placed is None else [o for o in options if o.place == placed.place])
        if best is None:
            lacking = [
                f"{o.place}: {what}"
                for o in allowed
                for what in build_at(wanted, o.place, self._catalogue).lacking or unable.get(o.place, ())
            ]
            return self._not_sold(wanted, options, lacking)
        built = build_at(wanted, best.place, self._catalogue)
        strategy = Strategy.NEW if wanted.new else declared or Strategy.REHOST
        reasons = (
            _why_strategy(wanted, strategy),
            f"{blueprint}: {'; '.join(fit)}",
            *(f"{demand.name}: {demand.why}" for demand in wanted.servers),
            *built.notes,
            self._why_place(wanted, best, options, placed),
        )
        mandate_monthly, against = self._mandate.cost(best, options)
        decision = Decision(
            workload=wanted.id,
            members=wanted.members,
            category=wanted.category,
            strategy=strategy,
            reasons=reasons,
            blueprint=blueprint,
            place=best.place,
            options=options,
            mandate_monthly=mandate_monthly,
            mandate_against=against,
            cost=built.cost,
        )
        warned = self._warned(wanted, best.place)
        found = (*findings, *unpriced(wanted.id, best.place, built.lines), *renewed(wanted.id, built), *warned)
        return Outcome(decision=decision, built=built, findings=found)

    def _impossible(self, wanted: Wanted, code: str, words: str, remedy: str) -> Outcome:
        refusal = Refusal(
            rule=code, clause="Our own rule: what cannot be built is refused, by name", message=words, source="design"
        )
        outcome = self._stays(wanted, Strategy.RETAIN, (words,))
        decision = msgspec.structs.replace(outcome.decision, strategy=None, refusals=(refusal,))
        finding = Finding(
            code=code, severity=Severity.ERROR, subject=wanted.id, message=words, remedy=remedy, source="plan"
        )
        return Outcome(decision=decision, findings=(finding,))

    def _not_sold(self, wanted: Wanted, options: tuple[PlaceOption, ...], lacking: list[str]) -> Outcome:
        words = f"no allowed place sells or makes what it needs: {'; '.join(lacking)}"
        remedy = "Add the offers to the price book, register another place, or declare another strategy."
        outcome = self._impossible(wanted, "PSE-B002", words, remedy)
        return msgspec.structs.replace(outcome, decision=msgspec.structs.replace(outcome.decision, options=options))

    # -- places --

    def _options(self, wanted: Wanted, costs: Mapping[str, Cost]) -> tuple[PlaceOption, ...]:
        found = []
        for place in self._places:
            verdict = self._verdicts.get((wanted.class_id, place))
            found.append(
                PlaceOption(
                    place=place,
                    allowed=verdict is not None and verdict.allowed,
                    cost=costs.get(place),
                    refusals=verdict.refusals if verdict else (),
                )
            )
        return tuple(sorted(found, key=lambda o: (*self._rank(o.cost), o.place)))

    def _warned(self, wanted: Wanted, place: str) -> Iterator[Finding]:
        """What rules that only warn say of the chosen place; the same for every workload of a category there."""
        for warning in self._verdicts[wanted.class_id, place].warnings:
            yield Finding(
                code="PSE-R108",
                severity=Severity.WARNING,
                subject=place,
                message=f"{warning.rule}: {warning.message}",
                remedy="Ask the CSP or the Cloud Office, and bring a register that says otherwise.",
                source=f"{warning.clause}; {warning.source}",
            )

    def _rank(self, cost: Cost | None) -> tuple[bool, int, Decimal]:
        # What lacks a price may be dear: it comes after whatever lacks fewer.
        if cost is None:
            return (True, 0, Decimal(0))
        return (False, cost.no_price, cost.monthly * self._horizon + cost.one_time)

    def _best(self, wanted: Wanted, options: Iterable[PlaceOption]) -> PlaceOption | None:
        return next(
            (o for o in options if o.allowed and o.cost is not None and wanted.place in ("", o.place)),
            None,
        )

    def _why_place(
        self, wanted: Wanted, best: PlaceOption, options: tuple[PlaceOption, ...], placed: Placed | None = None
    ) -> str:
        allowed = [o for o in options if o.allowed and o.cost is not None]
        refused = [o.place for o in options if not o.allowed]
        lacking = [o.place for o in allowed if o.place != best.place and o.cost is not None and o.cost.no_price]
        cheapest = self._best(wanted, options)
        if wanted.place:
            words = f"{best.place}: declared, and allowed"
        elif len(allowed) == 1:
            words = f"{best.place}: the only allowed place that sells it"
        elif cheapest is not None and cheapest.place != best.place:
            words = f"{best.place}: cheapest with landing zones counted"
        else:
            words = f"{best.place}: cheapest of {len(allowed)} allowed places over {counted(self._horizon, 'month')}"
            if lacking:
                words += f", those without a price for all of it last: {', '.join(lacking)}"
        if best.cost is not None and best.cost.no_price and len(allowed) > 1 and not wanted.place:
            words += f"; it lacks a price for {counted(best.cost.no_price, 'line')}, so this may turn out otherwise"
        if placed is not None and placed.why:
            words += f"; {placed.why}"
        return words + (f"; not allowed: {', '.join(sorted(refused))}" if refused else "")


def _why_strategy(wanted: Wanted, strategy: Strategy) -> str:
    if wanted.new:
        return "new: wanted by an environment, with no server behind it"
    if wanted.declared.strategy is not None:
        return f"{strategy}: declared: {wanted.declared.reason or 'no reason is given'}"
    return f"{strategy}: nothing found speaks against a fresh image of the same OS family with its data moved"


def _no_such_place(wanted: Wanted) -> Refusal:
    return Refusal(
        rule="PSE-B012",
        clause="Our own rule: what the register does not know is refused",
        message=f"the place {wanted.place} is not in the register",
        source="register",
    )
