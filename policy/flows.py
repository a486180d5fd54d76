"""Data that flows between workloads of different categories: what the looser one takes in may be the stricter one's."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from pse.core.documents.category import Category
from pse.core.documents.snapshot import Flow, ProposedWorkload
from pse.core.findings import Finding, Severity
from pse.core.text import counted

_SHOWN = 3


def between(
    flows: Iterable[Flow], workloads: Collection[ProposedWorkload], categories: Mapping[str, Category | None]
) -> Iterator[Finding]:
    """PSE-R109 for every workload that talks with stricter ones.

    A conversation carries data both ways, and nobody sees from outside which: so it is a finding, to be looked at by a
    person, and no category is changed by it. Unclassified workloads are refused anyway.

    Args:
        flows: Conversations of the estate.
        workloads: Its groups.
        categories: By workload id.
    """
    ranks = {w.id: category.rank for w in workloads if (category := categories.get(w.id)) is not None}
    home = {member: (w.id, ranks[w.id]) for w in workloads if w.id in ranks for member in w.members}
    found: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for flow in flows:
        client, server = home.get(flow.client), home.get(flow.server)
        if client is None or server is None or client[1] == server[1]:
            continue
        (stricter, _), (looser, _) = (client, server) if client[1] > server[1] else (server, client)
        found[looser][stricter].add(f"{flow.service or flow.protocol} on port {flow.port} of {server[0]}")
    for looser, talks in sorted(found.items()):
        ranked = sorted(talks.items(), key=lambda talk: (-_rank(categories[talk[0]]), talk[0]))
        words = [
            f"{name}, which is {_word(categories[name])}: {counted(len(ways), 'way')} ({_some(sorted(ways))})"
            for name, ways in ranked[:_SHOWN]
        ]
        more = len(ranked) - _SHOWN
        yield Finding(
            code="PSE-R109",
            severity=Severity.WARNING,
            subject=looser,
            message=f"it is {_word(categories[looser])} and talks with {'; '.join(words)}"
            + (
                f"; and with {counted(more, 'more workload')} that {'is' if more == 1 else 'are'} stricter"
                if more > 0
                else ""
            ),
            remedy="See what flows there. If it is the stricter data, label it as strictly, or stop the flow.",
            source="policy.md, five data categories: confidence C",
        )


def _some(ways: Sequence[str]) -> str:
    return ", ".join(ways[:_SHOWN]) + (f" and {len(ways) - _SHOWN} more" if len(ways) > _SHOWN else "")


def _rank(category: Category | None) -> int:
    return -1 if category is None else category.rank


def _word(category: Category | None) -> str:
    return category.value if category else "unclassified"
