"""What the gate says when it refuses, what it lists, and what a later day takes out of it."""

from datetime import date
from typing import Any

import msgspec
import pytest

import policy
from policy import gatefiles
from policy.gate import Value, gate_for, is_local, judge, narrowed
from policy.load import Policy
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
