"""Labels: which category which servers hold, and what is said of those without one."""

from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy.labels import Classification, Label, Labels, classify, load_labels
from policy.load import Policy
from policy.nocs import Nocs
from policy.rulebook import load_rules
from pse.core.documents.category import Category
from pse.core.documents.snapshot import ProposedWorkload, Server
from pse.core.errors import BadInput
from pse.core.findings import Severity
from tests.policy.house import LABELS
from tests.policy.test_policy_register import one

RULES = load_rules()
EMPTY = one()


def group(name: str, *members: str) -> ProposedWorkload:
    return ProposedWorkload(id=name, members=members, reasons=("test",) * len(members))


def run(labels: Labels, servers: list[Server], workloads: list[ProposedWorkload]) -> Classification:
    return classify(Policy(rules=RULES, register=EMPTY, nocs=Nocs(), labels=labels), servers, workloads)


def label(category: Category, **words: tuple[str, ...]) -> Label:
    said = {"owner": "Director", "reference": "F.1-2/2026", "signed": date(2026, 1, 2)}
    return Label(category=category, **said, **words)  # type: ignore[arg-type]  # hosts, tags, workloads by name


SERVERS = [
    Server(id="srv-1", hostname="portal"),
    Server(id="srv-2", hostname="Payments"),
    Server(id="srv-3", hostname="open", tags=("data=open",)),
    Server(id="srv-4", hostname="legacy"),
]


def test_hosts_tags_and_workloads_name_servers_and_the_strictest_counts(tmp_path: Path) -> None:
    (tmp_path / "labels.toml").write_text(LABELS)
    found = run(
        load_labels(tmp_path / "labels.toml"),
        SERVERS,
        [group("portal", "srv-1", "srv-2"), group("opendata", "srv-3"), group("legacy", "srv-4")],
    )
    assert found.by_workload == {"legacy": None, "opendata": Category.OPEN, "portal": Category.RESTRICTED}
    assert found.by_server["srv-1"].category is Category.PUBLIC
    assert found.by_server["srv-2"].category is Category.RESTRICTED
    assert "Director Payments" in found.by_server["srv-2"].reason
    assert found.by_server["srv-4"].category is None


def test_unclassified_is_found_by_name() -> None:
    found = run(Labels(label=(label(Category.OPEN, hosts=("portal",)),)), SERVERS, [group("all", "srv-1", "srv-2")])
    by_code = {finding.code: finding for finding in found.findings if finding.subject in ("all", "legacy")}
    assert by_code["PSE-R102"].severity is Severity.ERROR
    assert "Payments" in by_code["PSE-R102"].message
    assert "portal" not in by_code["PSE-R102"].message
    assert by_code["PSE-R101"].subject == "legacy"


def test_labelled_estate_has_no_findings_and_a_bare_member_only_its_workloads() -> None:
    everything = Labels(label=(label(Category.OPEN, hosts=("*",)),))
    assert run(everything, SERVERS, [group("all", *(server.id for server in SERVERS))]).findings == ()
    bare = run(Labels(), SERVERS[:1], [group("one", "srv-1")])
    assert [(finding.code, finding.subject) for finding in bare.findings] == [("PSE-R102", "one")]


def test_workload_without_a_known_member_is_unclassified() -> None:
    found = run(Labels(label=(label(Category.OPEN, hosts=("*",)),)), SERVERS, [group("ghost", "srv-9"), group("none")])
    assert found.by_workload == {"ghost": None, "none": None}


def test_template_without_a_label_is_no_finding() -> None:
    found = run(Labels(), [Server(id="srv-1", hostname="golden", is_template=True)], [])
    assert found.findings == ()


def test_mixed_group_and_label_without_effect_are_found() -> None:
    labels = Labels(
        label=(
            label(Category.OPEN, hosts=("portal",)),
            label(Category.SENSITIVE, hosts=("PAYMENTS",)),
            label(Category.SECRET, hosts=("nobody",)),
        )
    )
    found = run(labels, SERVERS[:2], [group("portal", "srv-1", "srv-2")])
    assert found.by_workload == {"portal": Category.SENSITIVE}
    assert [(f.code, f.subject) for f in found.findings] == [
        ("PSE-R103", "portal"),
        ("PSE-R104", "policy/labels.toml, label of nobody"),
    ]


def test_the_order_of_labels_and_of_their_lists_says_nothing() -> None:
    one = label(Category.OPEN, hosts=("b", "a"), workloads=("x",))
    two = label(Category.SECRET, hosts=("nobody",))
    there = Labels(label=(one, two))
    back = Labels(label=(two, label(Category.OPEN, hosts=("a", "b"), workloads=("x",))))
    assert there.hash == back.hash
    assert run(there, SERVERS, []).findings == run(back, SERVERS, []).findings
    assert there.hash != Labels(label=(one, label(Category.OPEN, hosts=("nobody",)))).hash


def test_labels_before_any_server_are_one_remark_and_no_labels_none() -> None:
    labels = Labels(label=tuple(label(Category.OPEN, hosts=(name,)) for name in "abc"))
    assert [(f.code, f.severity) for f in run(labels, [], []).findings] == [("PSE-R105", Severity.INFO)]
    assert run(Labels(), [], []).findings == ()


def test_host_names_cannot_write_on_the_terminal() -> None:
    found = run(Labels(), [Server(id="srv-1", hostname="evil\x1b[2J")], [group("w", "srv-1")])
    assert "\x1b" not in "".join(finding.message + finding.subject for finding in found.findings)


@pytest.mark.parametrize(
    ("text", "where", "message"),
    [
        ('[[label]]\ncategory = "open"\n', "row 1 of label", "has to name"),
        ('[[label]]\ncategory = "opne"\nhosts = ["*"]\n', "labels.toml", r"\$.label\[0\].category.*open, public"),
        ('[[label]]\nhosts = ["*"]\n', "labels.toml", "missing required field `category`"),
        ('[[label]]\ncategory = "open"\nhost = ["*"]\n', "labels.toml", "unknown field `host`.*hosts"),
        ('[[label]]\ncategory = "open"\nhosts = "*"\n', "labels.toml", "Expected `array`"),
        ("[[label]]\ncategory = open\n", "labels.toml", "line 2"),
    ],
)
def test_broken_labels_are_named_by_file_and_path(tmp_path: Path, text: str, where: str, message: str) -> None:
    path = tmp_path / "labels.toml"
    path.write_text(text)
    with pytest.raises(BadInput, match=message) as caught:
        load_labels(path)
    assert str(path) in caught.value.where
    assert where in caught.value.where


def test_missing_labels_label_nothing(tmp_path: Path) -> None:
    assert load_labels(tmp_path / "labels.toml") == Labels()


@given(
    categories=st.lists(st.sampled_from(Category), min_size=1, max_size=6),
    more=st.lists(st.sampled_from(Category), max_size=3),
)
def test_law_group_takes_the_strictest_and_a_further_label_never_loosens(
    categories: list[Category], more: list[Category]
) -> None:
    servers = [Server(id=f"srv-{n}", hostname=f"h{n}") for n in range(len(categories))]
    labels = [label(c, hosts=(f"h{n}",)) for n, c in enumerate(categories)]
    everyone = [group("w", *(server.id for server in servers))]
    before = run(Labels(label=tuple(labels)), servers, everyone).by_workload["w"]
    assert before is max(categories, key=lambda c: c.rank)
    after = run(Labels(label=(*labels, *(label(c, workloads=("w",)) for c in more))), servers, everyone).by_workload[
        "w"
    ]
    assert after is not None
    assert after.rank == max(c.rank for c in (*categories, *more))


@given(categories=st.lists(st.sampled_from(Category), max_size=5), at=st.integers(0, 5))
def test_law_one_member_without_a_label_makes_the_group_unclassified(categories: list[Category], at: int) -> None:
    names = [f"h{n}" for n in range(len(categories))]
    names.insert(at, "bare")
    servers = [Server(id=f"srv-{name}", hostname=name) for name in names]
    labels = Labels(label=tuple(label(c, hosts=(f"h{n}",)) for n, c in enumerate(categories)))
    assert run(labels, servers, [group("w", *(s.id for s in servers))]).by_workload == {"w": None}
