"""Data that flows between workloads of different categories: what the looser one takes in may be the stricter one's."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping

from pse.core.documents.category import Category
from pse.core.documents.snapshot import Flow, ProposedWorkload
from pse.core.findings import Finding, Severity
from pse.core.text import counted

_SHOWN = 3


def between(
    flows: Iterable[Flow], workloads: Iterable[ProposedWorkload], categories: Mapping[str, Category | None]
) -> Iterator[Finding]:
    """PSE-R109 for every two workloads that talk and whose categories differ.

    A conversation carries data both ways, and nobody sees from outside which: so it is a finding, to be looked at by a
    person, and no category is changed by it. Unclassified workloads are refused anyway.

    Args:
        flows: Conversations of the estate.
        workloads: Its groups.
        categories: By workload id.
    """
    home = {member: workload.id for workload in workloads for member in workload.members}
    found: dict[tuple[str, str], set[str]] = defaultdict(set)
    for flow in flows:
        client, server = home.get(flow.client), home.get(flow.server)
        if client is None or server is None or client == server:
            continue
        one, other = categories.get(client), categories.get(server)
        if one is None or other is None or one is other:
            continue
        pair = (client, server) if one.rank > other.rank else (server, client)
        found[pair].add(f"{flow.service or flow.protocol} on port {flow.port} of {server}")
    for (stricter, looser), ways in sorted(found.items()):
        shown = ", ".join(sorted(ways)[:_SHOWN]) + (f" and {len(ways) - _SHOWN} more" if len(ways) > _SHOWN else "")
        yield Finding(
            code="PSE-R109",
            severity=Severity.WARNING,
            subject=looser,
            message=f"it is {_word(categories[looser])} and talks with {stricter}, which is "
            f"{_word(categories[stricter])}: {counted(len(ways), 'way')} ({shown})",
            remedy="See what flows there. If it is the stricter data, label it as strictly, or stop the flow.",
            source="policy.md, five data categories: confidence C",
        )


def _word(category: Category | None) -> str:
    return category.value if category else "unclassified"
