"""Flows between workloads of different categories."""

from policy.flows import between
from pse.core.documents.category import Category
from pse.core.documents.snapshot import Flow, ProposedWorkload

GROUPS = [
    ProposedWorkload(id="records", members=("r1", "r2"), reasons=()),
    ProposedWorkload(id="portal", members=("p1",), reasons=()),
    ProposedWorkload(id="legacy", members=("l1",), reasons=()),
]
CATEGORIES = {"records": Category.SENSITIVE, "portal": Category.PUBLIC, "legacy": None}


def flow(client: str, server: str, port: int = 443) -> Flow:
    return Flow(client=client, server=server, protocol="tcp", port=port, service="https")


def test_looser_workload_is_named_whichever_side_began() -> None:
    for flows in ([flow("r1", "p1")], [flow("p1", "r1")]):
        (found,) = between(flows, GROUPS, CATEGORIES)
        assert (found.code, found.subject) == ("PSE-R109", "portal")
        assert "it is public and talks with records, which is sensitive" in found.message
        assert f"https on port 443 of {'portal' if flows[0].server == 'p1' else 'records'}" in found.message


def test_many_ways_of_two_workloads_are_one_finding() -> None:
    flows = [flow("p1", member, port) for member in ("r1", "r2") for port in (22, 80, 443, 5432)]
    (found,) = between(flows, GROUPS, CATEGORIES)
    assert "4 ways" in found.message
    assert "and 1 more" in found.message


def test_workload_that_talks_with_many_stricter_ones_is_one_finding_with_the_strictest_first() -> None:
    names = [f"w{number}" for number in range(6)]
    groups = [*GROUPS, *(ProposedWorkload(id=name, members=(name,), reasons=()) for name in names)]
    categories = {**CATEGORIES, **dict.fromkeys(names, Category.RESTRICTED)}
    flows = [flow("p1", "r1"), *(flow(name, "p1") for name in names)]
    (found,) = [finding for finding in between(flows, groups, categories) if finding.subject == "portal"]
    assert "talks with records, which is sensitive: 1 way" in found.message
    assert "and with 4 more workloads that are stricter" in found.message
    assert "w1, which is restricted" in found.message
    assert "w2" not in found.message


def test_talk_within_a_workload_with_equals_strangers_or_the_unclassified_is_no_finding() -> None:
    same = {**CATEGORIES, "portal": Category.SENSITIVE}
    assert not list(between([flow("r1", "r2"), flow("r1", "l1"), flow("r1", "external:192.0.2.1")], GROUPS, CATEGORIES))
    assert not list(between([flow("r1", "p1")], GROUPS, same))
