"""What a plan says beside its decisions: of the estate, the price book and each workload that is built."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from blueprints.bills.catalogue import Catalogue
from blueprints.estate.view import View
from blueprints.model import Built, Wanted
from blueprints.sizing.shapes import unstated
from inventory.losses import LEFT_OUT
from pse.core.findings import Finding, Severity
from pse.core.text import counted, few, printable

if TYPE_CHECKING:
    from blueprints.planning.decide import Outcome
    from blueprints.planning.inputs import Inputs

_Findings = Iterable[Finding]
_SHOWN = 5
"""Names beside the first that a finding lists."""


def of_the_whole(inputs: "Inputs", view: View, wanted: Mapping[str, Wanted]) -> Iterable[Finding]:
    """What is said of the estate and the price book as a whole."""
    # Without a snapshot the file speaks of what was not looked at yet.
    strangers = set(inputs.declared.workload) - set(wanted) if view.servers else set()
    strangers -= {finding.subject for finding in inputs.findings if finding.code == "PSE-I031"}  # it is said already
    for name in sorted(strangers):
        yield Finding(
            code="PSE-B006",
            severity=Severity.WARNING,
            subject=name,
            message="workloads.toml speaks of a workload that the snapshot does not have",
            remedy="Correct its name, or discover its servers.",
            source="workloads.toml",
        )
    owned = {member for workload in view.workloads.values() for member in workload.members}
    for server in view.servers.values():
        if server.id not in owned:
            yield Finding(
                code="PSE-B015",
                severity=Severity.ERROR,
                subject=server.hostname,
                message="the server is in no workload, so nothing is planned for it",
                remedy="Add it to the members of a workload in workloads.toml.",
                source=server.id,
            )
    for finding in inputs.estate.manifest.findings:
        if finding.code in LEFT_OUT:
            yield Finding(
                code="PSE-B020",
                severity=Severity.WARNING,
                subject=finding.subject,
                message=f"left out at import, so not planned and not in the bill: {finding.message}",
                remedy=finding.remedy,
                source=finding.source,
            )
    if inputs.offers.tax_percent is None:
        yield Finding(
            code="PSE-B016",
            severity=Severity.WARNING,
            subject=inputs.offers.book,
            message="the price book states no tax; all totals are without it",
            remedy="State tax_percent in the price book, 0 where none is due.",
            source="price book",
        )
    yield from _ahead(inputs)
    if inputs.offers.currency != inputs.settings.currency:
        yield Finding(
            code="PSE-B017",
            severity=Severity.WARNING,
            subject=inputs.offers.book,
            message=f"amounts are in {inputs.offers.currency}, the price book's currency, "
            f"and not in {inputs.settings.currency}",
            remedy="Use a price book in the currency of plan.currency; nothing is converted.",
            source="pse.toml",
        )


def _ahead(inputs: "Inputs") -> _Findings:
    """Days after the plan's own: prices that nobody asks yet, and measurements of what has not been."""
    offers = inputs.offers
    days = [(f"the price book {offers.book}", offers.dated)]
    days += [(f"the rate of {rate.currency}", rate.dated) for rate in offers.rates]
    days += [(f"the price of {offer.id}", offer.dated) for offer in offers.offers if offer.dated is not None]
    days += [(f"what was measured of {host}", usage.last) for host, usage in inputs.usages.of.items()]
    late = [f"{what} ({day})" for what, day in days if day > inputs.as_of]
    if late:
        yield Finding(
            code="PSE-B074",
            severity=Severity.WARNING,
            subject=offers.book,
            message=f"dated after {inputs.as_of}, the day of the plan: {few([printable(w) for w in late], _SHOWN)}",
            remedy="Correct the day, or plan for a later one with --as-of.",
            source=offers.file,
        )


def of_sizes(inputs: "Inputs", view: View, pairs: Iterable[tuple[Wanted, Built]], catalogue: Catalogue) -> _Findings:
    """What is said of sizes, places and CPUs alike: once each, and not for every server.

    Args:
        inputs: What the plan is made from.
        view: The estate.
        pairs: What is built, with what it was wanted as.
        catalogue: Offers.
    """
    silent: dict[tuple[str, str], set[str]] = {}
    unscored = 0
    inside: list[str] = []
    for wanted, built in pairs:
        if wanted.egress_gib is None and not _published(wanted):
            inside.append(wanted.id)
        shapes = catalogue.shapes(built.place)
        for demand in wanted.servers:
            unscored += demand.unscored
            shape = shapes.cheapest(demand)
            if shape is None:
                continue
            for what in unstated(shape, demand):
                silent.setdefault((built.place, what), set()).add(shape.name)
    for (place, what), names in sorted(silent.items()):
        yield Finding(
            code="PSE-B061",
            severity=Severity.INFO,
            subject=place,
            message=f"taken to have what servers need of {what}, of which they state nothing: {_few(names)}",
            remedy="State the limits of the shapes in the price book.",
            source=inputs.offers.book,
        )
    if inside:
        yield Finding(
            code="PSE-B024",
            severity=Severity.WARNING,
            subject="egress",
            message=f"not declared, so not in the bill, of {counted(len(inside), 'workload')} that nobody was seen to "
            f"reach from outside: {_few(inside)}",
            remedy="Declare egress_gib, the GiB a month that leave the place, to the entity's own offices too; 0 where "
            "there is none.",
            source="workloads.toml",
        )
    if unscored:
        yield Finding(
            code="PSE-B064",
            severity=Severity.INFO,
            subject=inputs.offers.book,
            message=f"{counted(unscored, 'server')} of measured CPU are sized as if every vCPU, theirs and the "
            "shapes', did the same work",
            remedy="Give performance to the shapes of the price book and cpu_performance in usage.csv, with a source.",
            source="usage.csv",
        )
    strange = set(inputs.usages.of) - {server.hostname for server in view.servers.values()}
    if strange:
        yield Finding(
            code="PSE-B065",
            severity=Severity.WARNING,
            subject="usage.csv",
            message=f"it has hosts that the snapshot does not have: {_few(strange)}",
            remedy="Correct the host names, or discover the servers.",
            source="usage.csv",
        )


def _published(wanted: Wanted) -> bool:
    return any(demand.published for demand in wanted.servers)


def _few(names: Iterable[str]) -> str:
    return few([printable(name) for name in sorted(names)], _SHOWN)


def of_wanted(wanted: Wanted, outcome: "Outcome") -> Iterable[Finding]:
    """What is said of one workload: that its servers do little, and what matters where it is built."""
    yield from (one.finding(wanted.id) for one in wanted.idle)
    if outcome.built is None:
        return
    yield from wanted.findings
    if wanted.egress_gib is None and _published(wanted):
        yield Finding(
            code="PSE-B023",
            severity=Severity.WARNING,
            subject=wanted.id,
            message="it is reached from outside, and its egress is not declared: not in the bill",
            remedy="Declare egress_gib, the GiB a month that leave the place; 0 where there is none.",
            source="environments" if wanted.new else "workloads.toml",
        )
    still = [d.source_host for d in wanted.servers if d.source and all(m.target != d.name for m in wanted.moves)]
    if still:
        yield Finding(
            code="PSE-B007",
            severity=Severity.WARNING,
            subject=wanted.id,
            message=f"nothing would be moved from {', '.join(sorted(still))}: no path is declared, no database known",
            remedy="Declare paths or databases for the hosts in workloads.toml.",
            source="workloads.toml",
        )


def renewed(workload: str, built: Built) -> _Findings:
    """Servers of ``workload`` whose image is of another version than the source's system (PSE-B014)."""
    for note in built.notes:
        older = note in built.older
        yield Finding(
            code="PSE-B014",
            severity=Severity.WARNING if older else Severity.INFO,
            subject=workload,
            message=f"{'an OLDER' if older else 'another'} version of the operating system: {note}",
            remedy="Test the workload on it, or add an image of its own version to the price book.",
            source="price book",
        )
