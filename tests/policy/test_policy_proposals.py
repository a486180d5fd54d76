"""Proposals: what was found leads to them, an owner's signature makes labels of them, and nothing else does."""

import tomllib
from datetime import date
from pathlib import Path
from typing import Any

import msgspec
import pytest

from policy.clues import Confidence, Look, Seen, load_clues
from policy.found import found_in, read_found
from policy.labels import Label, Labels, classify_by, parse_labels
from policy.proposals import (
    Proposal,
    Proposals,
    accept,
    appended,
    load_proposals,
    propose,
    stricter,
    text_of,
    undecided,
)
from pse.core.documents.category import Category
from pse.core.documents.snapshot import Database, Filesystem, Listener, ProposedWorkload, Server
from pse.core.errors import BadInput

CLUES = load_clues()
DAY = date(2026, 11, 26)
DB, WEB, BARE = (Server(id=f"srv-{name}", hostname=name) for name in ("db1", "web1", "bare"))
SERVERS = (DB, WEB, BARE)
WORKLOADS = (
    ProposedWorkload(id="portal", members=(DB.id, WEB.id), reasons=("", "")),
    ProposedWorkload(id="bare", members=(BARE.id,), reasons=("",)),
)


def seen(look: str, name: str, server: Server = DB) -> Seen:
    return Seen(server=server.id, look=Look(look), name=name)


def proposed(*names: Seen) -> dict[str, Proposal]:
    return propose(CLUES, SERVERS, WORKLOADS, names)


def test_strictest_clue_on_any_member_is_proposed_and_every_reason_is_told() -> None:
    found = proposed(
        seen("column", "citizen.cnicNo"),
        seen("column", "staff.cnic"),
        seen("column", "staff.basic_pay"),
        seen("path", "/srv/fingerprints", WEB),
    )
    assert set(found) == {"portal"}, "what has no clue has no proposal"
    one = found["portal"]
    assert (one.proposed, one.category, one.confidence) == (Category.SENSITIVE, Category.SENSITIVE, Confidence.HIGH)
    assert one.reasons == (
        "BIOMETRIC, fingerprints, faces and other biometrics: path /srv/fingerprints on web1",
        "CNIC, numbers of national identity cards: column citizen.cnicNo on db1, column staff.cnic on db1",
        "SALARY, pay, pensions and service records of staff: column staff.basic_pay on db1",
    )
    assert (one.owner, one.reference, one.signed) == ("", "", None)


def test_confidence_is_that_of_the_category_and_long_lists_are_cut() -> None:
    one = proposed(*(seen("column", f"t{n}.cnic") for n in range(5)), seen("host", "police-1"))["portal"]
    assert (one.proposed, one.confidence) == (Category.SENSITIVE, Confidence.LOW)
    assert one.reasons[-1].endswith("column t2.cnic on db1 and 2 more")


def test_discovery_says_hosts_tags_mounts_services_and_databases() -> None:
    tagged = msgspec.structs.replace(DB, tags=("data=opendata",))
    found = found_in(
        (tagged,),
        filesystems=(Filesystem(server=DB.id, mount="/srv/passports", fstype="ext4"),),
        listeners=(
            Listener(server=DB.id, protocol="tcp", address="::", port=389, process="slapd", service="ldap"),
            Listener(server=DB.id, protocol="tcp", address="::", port=993, process="dovecot"),
            Listener(server=DB.id, protocol="tcp", address="::", port=1),
        ),
        databases=(Database(server=DB.id, engine="postgresql", port=5432, name="payroll"),),
    )
    assert {(one.look.value, one.name) for one in found} == {
        ("host", "db1"),
        ("tag", "data=opendata"),
        ("path", "/srv/passports"),
        ("service", "ldap"),
        ("service", "dovecot"),
        ("database", "payroll"),
    }
    words = " ".join(propose(CLUES, (tagged,), WORKLOADS, found)["portal"].reasons)
    assert all(clue in words for clue in ("PASSPORT", "SALARY", "IDENTITY-SERVICE", "MAIL", "PUBLISHED"))


def test_listed_names_are_read(tmp_path: Path) -> None:
    file = tmp_path / "names.csv"
    file.write_bytes('\ufeffHost,Kind,Name\r\nDB1,column,citizen.cnic\r\n\r\nweb1,PATH,"/srv/a,b"\r\n'.encode())
    assert read_found(file, SERVERS) == (seen("column", "citizen.cnic"), seen("path", "/srv/a,b", WEB))


@pytest.mark.parametrize(
    ("text", "where", "message"),
    [
        ("a,b,c\n", "row 1", "not a file of names"),
        ("host,kind,name\nnobody,column,x\n", "row 2", "no server is called 'nobody'"),
        ("host,kind,name\n\ndb1,face,x\n", "row 3", "not a kind of name: 'face'"),
        ("host,kind,name\ndb1,column\n", "row 2", "a host, a kind and a name"),
        ("host,kind,name\ndb1,column,\n", "row 2", "a host, a kind and a name"),
        ('host,kind,name\ndb1,column,"x\n', "names.csv", "not CSV"),
        ("host,kind,name\ndb1,column,\xff\n", "names.csv", "not UTF-8"),
    ],
)
def test_list_that_cannot_be_used_is_named_by_row(tmp_path: Path, text: str, where: str, message: str) -> None:
    file = tmp_path / "names.csv"
    file.write_bytes(text.encode("latin-1"))
    with pytest.raises(BadInput, match=message) as refused:
        read_found(file, SERVERS)
    assert refused.value.where.endswith(where)


def test_only_what_has_no_category_is_proposed_and_what_an_owner_wrote_is_kept() -> None:
    found = proposed(seen("column", "x.cnic"), seen("host", "police", BARE))
    assert [one.workload for one in undecided(found, {"portal": None, "bare": Category.OPEN})] == ["portal"]
    (first,) = undecided(found, {"bare": Category.OPEN})
    signed = msgspec.structs.replace(
        first, category=Category.PUBLIC, reason="only samples", owner="Director", reference="File 1", signed=DAY
    )
    assert undecided(found, {"bare": Category.OPEN}, [signed]) == (signed,)
    more = proposed(seen("column", "x.cnic"), seen("column", "x.fingerprint"))
    (anew,) = undecided(more, {}, [signed])
    assert (anew.owner, anew.signed, anew.category) == ("", None, Category.SENSITIVE), "what is worse is signed anew"


def test_label_that_is_less_strict_than_what_was_found_is_a_finding() -> None:
    found = proposed(seen("column", "x.cnic"), seen("column", "x.fir_no", BARE))
    (one,) = stricter(found, {"portal": Category.PUBLIC, "bare": Category.SENSITIVE})
    assert (one.code, one.subject) == ("PSE-R111", "portal")
    assert "labelled public" in one.message
    assert "restricted data (high confidence)" in one.message
    assert "column x.cnic on db1" in one.message
    assert list(stricter(found, {"portal": None, "bare": Category.SECRET})) == []


def test_file_says_the_same_when_it_is_read_and_nothing_in_a_name_breaks_it(tmp_path: Path) -> None:
    found = proposed(seen("path", '/srv/"cnic"\n[[proposal]]\x7f\u202e'), seen("column", "شناختی.cnic"))
    file = tmp_path / "proposals.toml"
    file.write_bytes(text_of(found.values()))
    read = load_proposals(file).proposal
    assert read == tuple(found.values())
    assert len(tomllib.loads(file.read_text())["proposal"]) == 1
    assert load_proposals(tmp_path / "none.toml") == Proposals()


def test_unsigned_proposal_decides_nothing_and_is_no_file_of_labels() -> None:
    found = tuple(proposed(seen("column", "x.cnic")).values())
    assert accept(Proposals(proposal=found), Labels(), today=DAY, where="f") == ()
    with pytest.raises(BadInput, match="proposal"):
        parse_labels(text_of(found), where="f")


SIGNED: dict[str, Any] = {"owner": " Director Payments ", "reference": "File 12/2026", "signed": DAY}


def accepted(labels: Labels | None = None, **changes: Any) -> tuple[Label, ...]:
    (one,) = proposed(seen("column", "x.cnic")).values()
    row = msgspec.structs.replace(one, **changes)
    return accept(Proposals(proposal=(row,)), labels or Labels(), today=DAY, where="f")


def test_signed_proposal_becomes_a_label_once(tmp_path: Path) -> None:
    (label,) = accepted(**SIGNED)
    assert (label.category, label.workloads, label.owner) == (Category.RESTRICTED, ("portal",), "Director Payments")
    assert (label.reference, label.signed, label.hosts, label.tags) == ("File 12/2026", DAY, (), ())
    text = appended(b'[[label]]\ncategory = "open"\nhosts = ["bare"]', [label])
    labels = parse_labels(text, where="f")
    assert labels.label[1] == label
    assert classify_by(labels, SERVERS, WORKLOADS).by_workload == {"portal": Category.RESTRICTED, "bare": Category.OPEN}
    assert accepted(labels, **SIGNED) == ()
    assert parse_labels(appended(b"", [label]), where="f").label == (label,)


def test_owner_decides_otherwise_with_a_reason() -> None:
    (label,) = accepted(**SIGNED, category=Category.PUBLIC, reason=" invented people ", agreed_by="Director General")
    assert (label.category, label.reason, label.agreed_by) == (Category.PUBLIC, "invented people", "Director General")
    assert accepted(**SIGNED, category=Category.SECRET)[0].category is Category.SECRET, "stricter needs no reason"


@pytest.mark.parametrize(
    ("changes", "where", "message"),
    [
        ({"owner": "Director"}, "f, $.proposal[0]", "portal is signed by halves"),
        ({"signed": DAY}, "f, $.proposal[0]", "by halves"),
        (SIGNED | {"reference": " "}, "f, $.proposal[0]", "by halves"),
        (SIGNED | {"signed": date(2026, 11, 27)}, "f, $.proposal[0].signed", "a day to come"),
        (SIGNED | {"category": Category.OPEN}, "f, $.proposal[0].reason", "portal is to be open, and restricted"),
        (SIGNED | {"category": Category.OPEN, "reason": " "}, "f, $.proposal[0].reason", "is proposed"),
    ],
)
def test_what_is_not_signed_properly_is_refused(changes: dict[str, Any], where: str, message: str) -> None:
    with pytest.raises(BadInput, match=message) as refused:
        accepted(**changes)
    assert refused.value.where == where
