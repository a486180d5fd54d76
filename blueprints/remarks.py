"""What a plan says beside its decisions: of the estate, the price book and each workload that is built."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from blueprints.model import Wanted
from blueprints.view import View
from inventory.losses import LEFT_OUT
from pse.core.findings import Finding, Severity

if TYPE_CHECKING:
    from blueprints.decide import Outcome
    from blueprints.planning import Inputs


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


def of_wanted(wanted: Wanted, outcome: "Outcome") -> Iterable[Finding]:
    """What is said of one workload that is built."""
    if outcome.built is None:
        return
    yield from wanted.findings
    if wanted.egress_gib is None and any(demand.published for demand in wanted.servers):
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
