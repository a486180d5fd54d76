"""A category that becomes less strict: a reason and a second person, or nothing."""

from collections.abc import Mapping
from typing import Any

import pytest

from policy.classified import FILE, KEPT, LOWERED, RECORD, downgrades, remember
from policy.labels import Label, Labelled, Labels, classify_by
from policy.ledger import Ledger
from pse.core.canonical import hash_of
from pse.core.documents.category import Category
from pse.core.documents.snapshot import Server
from pse.core.errors import Refused
from pse.core.progress import Event
from pse.core.settings import Workspace

SERVERS = [Server(id="s1", hostname="db1"), Server(id="s2", hostname="web1")]
AGREED: dict[str, Any] = {
    "owner": "Director Payments",
    "agreed_by": "Director General",
    "reason": "Published since May",
}


def labels(category: Category, **words: Any) -> Labels:
    return Labels(label=(Label(category=category, hosts=("db1",), **words),))


def said(given: Labels) -> Mapping[str, Labelled]:
    return classify_by(given, SERVERS, []).by_server


def plan(house: Workspace, given: Labels) -> int:
    """What `pse plan` does of it; how many downgrades."""
    found = downgrades(house, given, SERVERS, said(given))
    remember(house, said(given), found)
    return len(found)


def kinds(house: Workspace) -> list[str]:
    return [entry.kind for entry in Ledger(house).entries()]


def test_category_that_stays_or_becomes_stricter_needs_nobody(house: Workspace) -> None:
    assert plan(house, labels(Category.PUBLIC)) == 0
    assert plan(house, labels(Category.PUBLIC)) == 0
    assert plan(house, labels(Category.SECRET)) == 0
    assert kinds(house) == [KEPT, KEPT], "the same again is no entry"


@pytest.mark.parametrize(
    "words",
    [
        {},
        {"owner": "Director Payments", "agreed_by": "Director General"},
        {"owner": "Director Payments", "reason": "Published since May"},
        {"agreed_by": "Director General", "reason": "Published since May"},
        {**AGREED, "agreed_by": "director  payments"},
        {**AGREED, "reason": "  "},
    ],
    ids=["nothing", "no reason", "one person", "no owner", "the same person", "blank reason"],
)
def test_category_that_becomes_less_strict_is_refused_without_reason_and_two_people(
    house: Workspace, words: dict[str, str]
) -> None:
    plan(house, labels(Category.SENSITIVE))
    with pytest.raises(Refused, match=r"db1 \(sensitive to restricted\)") as caught:
        plan(house, labels(Category.RESTRICTED, **words))
    assert "agreed_by" in caught.value.hint
    assert "labels.toml" in caught.value.where
    assert plan(house, labels(Category.SENSITIVE)) == 0


def test_agreed_downgrade_counts_once_and_is_in_the_ledger_with_both_names(house: Workspace) -> None:
    plan(house, labels(Category.SENSITIVE))
    assert plan(house, labels(Category.OPEN, **AGREED, reference="File 9")) == 1
    assert plan(house, labels(Category.OPEN)) == 0
    (entry,) = [entry for entry in Ledger(house).entries() if entry.kind == LOWERED]
    assert entry.data == {"server": "db1", "was": "sensitive", "becomes": "open", **AGREED, "reference": "File 9"}


def test_agreement_in_a_label_that_says_something_else_does_not_count(house: Workspace) -> None:
    plan(house, labels(Category.SENSITIVE))
    both = Labels(
        label=(
            Label(category=Category.OPEN, hosts=("db1",), **AGREED),
            Label(category=Category.PUBLIC, hosts=("db*",)),
        )
    )
    with pytest.raises(Refused, match="sensitive to public"):
        plan(house, both)


def test_losing_the_label_in_between_is_no_way_round(house: Workspace) -> None:
    plan(house, labels(Category.SENSITIVE))
    assert plan(house, Labels()) == 0
    with pytest.raises(Refused, match="sensitive to open"):
        plan(house, labels(Category.OPEN))


def test_record_that_is_gone_altered_or_of_another_key_is_refused(house: Workspace) -> None:
    plan(house, labels(Category.SENSITIVE))
    path = house.private / FILE
    whole = path.read_bytes()
    for wrong in (whole.replace(b"sensitive", b"open"), b"{}", b"\xff", whole[:-20]):
        path.write_bytes(wrong)
        with pytest.raises(Refused):
            plan(house, labels(Category.OPEN))
    path.unlink()
    with pytest.raises(Refused, match="is gone"):
        plan(house, labels(Category.OPEN))
    path.write_bytes(whole)
    assert plan(house, labels(Category.SENSITIVE)) == 0


def test_server_that_was_not_seen_for_a_while_keeps_its_last_category(house: Workspace) -> None:
    plan(house, labels(Category.SENSITIVE))
    remember(house, {"s2": Labelled(category=Category.OPEN)})
    record = RECORD.read(house)
    assert record is not None
    assert record.categories == {"s1": Category.SENSITIVE, "s2": Category.OPEN}


def said_of(given: Labels, servers: list[Server]) -> Any:
    return classify_by(given, servers, []).by_server


def labels_of(category: Category, *hosts: str, **words: Any) -> Labels:
    return Labels(label=(Label(category=category, hosts=hosts, **words),))


def test_every_server_is_looked_at_and_every_downgrade_is_in_the_ledger(house: Workspace) -> None:
    servers = [Server(id=f"s{n}", hostname=f"db{n}") for n in range(3)]
    was = labels_of(Category.SECRET, "db1", "db2")
    remember(house, said_of(was, servers))
    words = {"owner": "Director", "agreed_by": "Director General", "reason": "why", "reference": "File 1"}
    now = labels_of(Category.OPEN, "db*", **words)
    lowered = downgrades(house, now, servers, said_of(now, servers))
    assert [(one.server, one.was, one.becomes) for one in lowered] == [
        ("db1", Category.SECRET, Category.OPEN),
        ("db2", Category.SECRET, Category.OPEN),
    ]
    remember(house, said_of(now, servers), lowered)
    entries = [(entry.kind, entry.data) for entry in Ledger(house).entries()]
    assert entries[1:3] == [
        (LOWERED, {"server": name, "was": "secret", "becomes": "open", **words}) for name in ("db1", "db2")
    ]
    kept = {f"s{n}": Category.OPEN for n in range(3)}
    assert entries[3] == (KEPT, {"servers": 3, "hash": hash_of(kept)})
    assert [kind for kind, _ in entries] == [KEPT, LOWERED, LOWERED, KEPT]


def test_ledger_that_takes_no_entry_is_told(house: Workspace) -> None:
    told: list[Event] = []

    def hear(event: Event) -> None:
        told.append(event)

    servers = [Server(id="s0", hostname="db0")]
    agreed = {"owner": "Director", "agreed_by": "Director General", "reason": "why"}
    was, now = labels_of(Category.SECRET, "db0"), labels_of(Category.OPEN, "db0", **agreed)
    remember(house, said_of(was, servers))
    (house.private / "ledger.jsonl").write_text("not an entry\n")
    lowered = downgrades(house, now, servers, said_of(now, servers))
    remember(house, said_of(now, servers), lowered, hear)
    assert [(event.state, "NOT in the ledger" in event.message) for event in told] == [("failed", True)] * 2


def test_what_today_says_nothing_of_is_kept_as_it_was(house: Workspace) -> None:
    servers = [Server(id="s0", hostname="db0"), Server(id="s1", hostname="db1")]
    remember(house, said_of(labels_of(Category.SECRET, "db0", "db1"), servers))
    remember(house, said_of(labels_of(Category.SECRET, "db0"), servers))
    open_now = labels_of(Category.OPEN, "db1")
    with pytest.raises(Refused, match="db1"):
        downgrades(house, open_now, servers, said_of(open_now, servers))


def test_paper_that_nobody_named_is_left_empty_in_the_ledger(house: Workspace) -> None:
    servers = [Server(id="s0", hostname="db0")]
    agreed = {"owner": "Director", "agreed_by": "Director General", "reason": "why"}
    was, now = labels_of(Category.SECRET, "db0"), labels_of(Category.OPEN, "db0", **agreed)
    remember(house, said_of(was, servers))
    remember(house, said_of(now, servers), downgrades(house, now, servers, said_of(now, servers)))
    (entry,) = (entry for entry in Ledger(house).entries() if entry.kind == LOWERED)
    assert entry.data == {"server": "db0", "was": "secret", "becomes": "open", "reference": "", **agreed}
