"""What the gate says when it refuses, what it lists, and what a later day takes out of it."""

from datetime import date, timedelta
from typing import Any

import msgspec
import pytest

import policy
from policy import gatefiles
from policy.categories import inputs_of, refuse_stricter
from policy.gate import Value, gate_for, is_local, judge, narrowed, subject_of
from policy.load import Policy
from policy.nocs import Noc, Nocs
from policy.rulebook import Rules
from pse.core.canonical import digest
from pse.core.documents.category import Category
from pse.core.documents.gate import AllowedPlace, RefusedPlace
from pse.core.errors import Refused
from pse.core.schema import Rests
from pse.core.settings import Workspace
from tests.policy import resources
from tests.policy.house import ELSEWHERE, IBEX, MARKHOR
from tests.policy.test_policy_gatefiles import gate_of
from tests.policy.world import register


@pytest.mark.parametrize(
    ("changes", "value", "rule_id", "message"),
    [
        ({}, Value("place", Rests.PLACE, None), "PSE-G001", "place in Volume.place is not known"),
        ({}, Value("encryptionKey", Rests.PLACE, None), "PSE-G001", "reference in Volume.encryptionKey is not known"),
        (
            {},
            Value("place", Rests.PLACE, "x/y/z"),
            "PSE-G002",
            "Volume.place is 'x/y/z', which is no place of the register that this gate knows",
        ),
        ({}, Value("placement.disk", Rests.COPY, "x\x1b"), "PSE-G004", None),
        ({}, Value("place", Rests.PLACE, ELSEWHERE), "PSE-R003", f"Volume.place is '{ELSEWHERE}': It is abroad."),
        (
            {"refused": (RefusedPlace(place=ELSEWHERE, refusals=()),)},
            Value("place", Rests.PLACE, ELSEWHERE),
            "PSE-G002",
            f"Volume.place is '{ELSEWHERE}', which is no place of the register that this gate knows",
        ),
        (
            {"allowed": (AllowedPlace(place=MARKHOR, until=date(2026, 6, 30)),)},
            Value("place", Rests.PLACE, MARKHOR),
            "PSE-G007",
            f"Volume.place is '{MARKHOR}', which was allowed until 2026-06-30",
        ),
        (
            {"endpoints": {}},
            Value("place", Rests.PLACE, MARKHOR),
            "PSE-G003",
            f"Volume.place is '{MARKHOR}', whose service address this gate does not list",
        ),
        (
            {"endpoints": {MARKHOR: "https://cloud.example"}},
            Value("place", Rests.PLACE, MARKHOR),
            "PSE-G009",
            f"Volume.place is '{MARKHOR}', a real cloud, and the register is a sample",
        ),
        ({}, Value("api", Rests.ENDPOINT, "lab:x"), "PSE-G003", "Volume.api is 'lab:x', which is not listed"),
        (
            {"as_of": date(2026, 7, 2)},
            Value("place", Rests.PLACE, MARKHOR),
            "PSE-G008",
            "the day is 2026-07-01, and the plan was made for 2026-07-02",
        ),
        (
            {"workloads": ("records",)},
            Value("place", Rests.PLACE, MARKHOR),
            "PSE-G005",
            "workload 'portal' is not in the gate of unit portal",
        ),
    ],
)
def test_gate_says_what_it_refuses(changes: dict[str, Any], value: Value, rule_id: str, message: str | None) -> None:
    gate = msgspec.structs.replace(resources.GATE, **changes)
    one = resources.subject("Volume", resources.inputs("Volume"))
    kept = () if value.field == "place" else tuple(v for v in one.values if v.field == "place")
    found = judge(gate, msgspec.structs.replace(one, values=(*kept, value)), today=resources.DAY)
    assert [refusal.rule for refusal in found] == [rule_id]
    (refusal,) = found
    assert refusal.message == (
        message or "Volume.placement.disk is 'x\\\\x1b', which is no place of the register that this gate knows"
    )
    assert refusal.clause
    assert refusal.source


def test_unknown_kind_is_named_and_long_text_is_cut() -> None:
    one = msgspec.structs.replace(resources.subject("Volume", resources.inputs("Volume")), kind="Q" * 300, values=())
    (refusal,) = judge(resources.GATE, one, today=resources.DAY)
    assert refusal.message == f"{'Q' * 200!r} is not a kind whose places are known"


def test_gate_without_words_refuses_with_the_floor() -> None:
    one = msgspec.structs.replace(resources.subject("Volume", resources.inputs("Volume")), workload="x")
    (refusal,) = judge(msgspec.structs.replace(resources.GATE, rules=()), one, today=resources.DAY)
    assert (refusal.rule, refusal.clause, refusal.source) == (
        "PSE-G000",
        "Our own rule: what the gate does not know is refused",
        "design of the gate; confidence C; not legal advice",
    )


@pytest.mark.parametrize(
    ("endpoint", "local"),
    [
        ("lab:x-1", True),
        ("lab:X", False),
        ("lab:x y", False),
        ("http://localhost:1", True),
        ("http://127.9.9.9/x", True),
        ("http://[::1]", True),
        ("http://[::2]", False),
        ("http://[", False),
        ("http://10.0.0.1", False),
        ("http://localhost.example", False),
        ("", False),
        ("x", False),
    ],
)
def test_address_of_this_machine(endpoint: str, local: bool) -> None:
    assert is_local(endpoint) is local


def test_gate_lists_what_the_verdicts_of_its_class_allow_and_refuse(house: Workspace) -> None:
    day = date(2026, 7, 1)
    has = policy.load_policy(house, as_of=day)
    verdicts = policy.decide(has, {"portal": Category.RESTRICTED, "other": Category.OPEN}, as_of=day)
    gate = gate_for(has, verdicts, "u", ["portal", "b", "portal"], "restricted", Category.RESTRICTED, as_of=day)
    assert (gate.unit, gate.workloads, gate.as_of, gate.sample) == ("u", ("b", "portal"), day, True)
    assert [(place.place, place.until) for place in gate.allowed] == [
        (IBEX, date(2026, 8, 31)),
        (MARKHOR, date(2027, 6, 30)),
    ]
    assert [place.place for place in gate.refused] == [ELSEWHERE]
    assert {refusal.rule for refusal in gate.refused[0].refusals} == {"PSE-R003", "PSE-R004"}
    assert gate.endpoints == {IBEX: "lab:sample-ibex", MARKHOR: "lab:sample-markhor"}
    assert (gate.category, gate.class_id, gate.plan_inputs) == (Category.RESTRICTED, "restricted", has.inputs)
    assert gate.rules == has.gate_rules(day)


def test_law_of_a_later_day_takes_places_away_and_says_why(house: Workspace) -> None:
    gate = gate_of(house)
    has = policy.load_policy(house, as_of=date(2026, 9, 1))
    now = narrowed(has, gate, day=date(2026, 9, 1))
    assert [place.place for place in now.allowed] == [MARKHOR]
    assert [place.place for place in now.refused] == [ELSEWHERE, IBEX]
    assert [refusal.rule for refusal in now.refused[1].refusals] == ["PSE-R005"]
    assert narrowed(has, gate, day=gate.as_of) == gate
    stricter = narrowed(has, gate, day=gate.as_of, categories={"portal": Category.SECRET, "x": None})
    assert stricter.allowed == ()
    assert narrowed(has, gate, day=gate.as_of, categories={"portal": None}).allowed == ()
    gone = Policy(rules=has.rules, register=register(), nocs=has.nocs, labels=has.labels)
    assert narrowed(gone, gate, day=gate.as_of).allowed == (), "a place that is no longer in the register"


def test_refusal_of_a_gate_that_cannot_be_believed() -> None:
    found = gatefiles.refusal_of(Refused("wrong", where="here", hint="Mend it."))
    assert (found.rule, found.message) == ("PSE-G010", "here: wrong. Mend it.")
    assert found.clause == "Our own rule: a gate that cannot be believed lets nothing through"
    assert found.source == "design of the gate; confidence C; not legal advice"
    assert gatefiles.refusal_of(Refused("wrong")).message == "wrong"


def test_gate_of_a_place_that_is_gone_keeps_the_others(house: Workspace) -> None:
    gate = gate_of(house)
    has = policy.load_policy(house, as_of=gate.as_of)
    more = msgspec.structs.replace(gate, allowed=(AllowedPlace(place="gone/at/all"), *gate.allowed))
    assert narrowed(has, more, day=gate.as_of).allowed == gate.allowed


def test_noc_that_the_class_does_not_name_lifts_nothing(house: Workspace) -> None:
    gate = gate_of(house)
    has = policy.load_policy(house, as_of=gate.as_of)
    rules = tuple(rule.id for rule in has.rules.all)
    noc = Noc(reference="N-1", start=gate.as_of, end=date(2027, 1, 1), workloads=("*",), places=("*",), rules=rules)
    granted = Policy(rules=has.rules, register=has.register, nocs=Nocs(noc=(noc,)), labels=has.labels)
    wide = msgspec.structs.replace(gate, allowed=(*gate.allowed, AllowedPlace(place=ELSEWHERE)), refused=())
    for class_id, places in (("restricted", [IBEX, MARKHOR]), ("restricted+N-1", [IBEX, MARKHOR, ELSEWHERE])):
        named = msgspec.structs.replace(wide, class_id=class_id)
        assert [place.place for place in narrowed(granted, named, day=gate.as_of).allowed] == places


def test_law_that_narrows_is_that_of_the_entitys_jurisdiction(house: Workspace) -> None:
    gate = gate_of(house)
    has = policy.load_policy(house, as_of=gate.as_of)
    of_sindh = Policy(rules=has.rules, register=has.register, nocs=has.nocs, labels=has.labels, jurisdiction="sindh")
    assert narrowed(of_sindh, gate, day=gate.as_of).allowed == ()


def test_law_that_has_more_or_less_in_it_changed() -> None:
    assert gatefiles.changed_law({"a": "1", "b": "1", "d": "1"}, {"a": "1", "b": "2", "c": "1"}) == ["b", "c", "d"]


def test_words_of_the_gate_are_those_in_force_on_the_plans_day(house: Workspace) -> None:
    has = policy.load_policy(house, as_of=resources.DAY)
    ended = [
        msgspec.structs.replace(rule, valid_to=date(2026, 1, 1)) if rule.id == "PSE-G001" else rule
        for rule in has.rules.all
    ]
    late = Policy(rules=Rules(ended, notice=""), register=has.register, nocs=has.nocs, labels=has.labels)
    verdicts = policy.decide(late, {"portal": Category.RESTRICTED}, as_of=resources.DAY)
    gate = gate_for(late, verdicts, "u", ["portal"], "restricted", Category.RESTRICTED, as_of=resources.DAY)
    assert {rule.rule for rule in has.gate_rules(resources.DAY)} - {rule.rule for rule in gate.rules} == {"PSE-G001"}


def test_function_is_judged_like_a_resource() -> None:
    one = subject_of(
        "getImage",
        {"place": ELSEWHERE, "name": "x", "workload": "portal"},
        urn="u",
        place_of=lambda *_: None,
        unknown=lambda _: False,
    )
    assert [v.text for v in one.values if v.field == "place"] == [ELSEWHERE]
    assert {"PSE-R003"} == {refusal.rule for refusal in judge(resources.GATE, one, today=resources.DAY)}


def test_schemas_word_counts_and_long_names_are_cut() -> None:
    server = resources.subject("Server", resources.inputs("Server"))
    said = msgspec.structs.replace(server, values=(*server.values, Value("firewalls[7]", Rests.NONE, None)))
    (refusal,) = judge(resources.GATE, said, today=resources.DAY)
    assert refusal.message == "reference in Server.firewalls[7] is not known"
    long = msgspec.structs.replace(server, values=(*server.values, Value("x" * 300, Rests.PLACE, None)))
    (refusal,) = judge(resources.GATE, long, today=resources.DAY)
    assert refusal.message == f"place in Server.{'x' * 200} is not known"


def test_landing_zone_has_no_category_of_its_own(house: Workspace) -> None:
    has = policy.load_policy(house, as_of=resources.DAY)
    landing = msgspec.structs.replace(gate_of(house), unit=f"landing-{MARKHOR.replace('/', '-')}")
    refuse_stricter(house, has, [landing])
    with pytest.raises(Refused):
        refuse_stricter(house, has, [landing, gate_of(house)])


def test_what_categories_come_from_is_named_with_its_hash(house: Workspace) -> None:
    has = policy.load_policy(house, as_of=resources.DAY)
    assert inputs_of(house, has) == {"labels": has.labels.hash, "snapshot": ""}
    (house.private / "snapshot").write_bytes(b"abc\xff\n")
    house.path("environments").mkdir()
    for name in ("hosts.toml", "workloads.toml", "environments/one.toml"):
        house.path(name).write_text(name)
    files = {name: digest(name.encode()) for name in ("hosts.toml", "workloads.toml", "environments/one.toml")}
    assert inputs_of(house, has) == {"labels": has.labels.hash, "snapshot": "abc\ufffd", **files}
    assert inputs_of(house, has, snapshot="s")["snapshot"] == "s"


def test_noc_that_ended_is_told_where_it_lifted_something(house: Workspace) -> None:
    gate = gate_of(house)
    has = policy.load_policy(house, as_of=gate.as_of)
    end = gate.as_of + timedelta(days=3)
    given: dict[str, Any] = {"start": gate.as_of, "end": end, "workloads": ("*",), "rules": ("PSE-R003",)}
    nocs = (Noc(reference="N-1", places=("*",), **given), Noc(reference="N-2", places=("nowhere/*",), **given))
    granted = Policy(rules=has.rules, register=has.register, nocs=Nocs(noc=nocs), labels=has.labels)
    wide = msgspec.structs.replace(
        gate, class_id="restricted+N-1+N-2", allowed=(AllowedPlace(place=ELSEWHERE),), refused=()
    )
    for day, words in ((end, ""), (end + timedelta(days=1), f" N-1 lifted it until {end}.")):
        (place,) = narrowed(granted, wide, day=day).refused
        told = {refusal.rule: refusal.message for refusal in place.refusals}
        assert told["PSE-R004"].endswith("is a public cloud.")
        assert told.get("PSE-R003", "").endswith(f"is in XA.{words}" if words else "")
        assert ("PSE-R003" in told) is bool(words)
