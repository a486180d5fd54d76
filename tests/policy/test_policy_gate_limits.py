"""The gate's limits: service addresses, samples and days."""

from datetime import date, timedelta

import msgspec
import pytest

from policy.gate import Subject, Value, is_local, judge
from pse.core.schema import Rests
from tests.policy.house import ELSEWHERE, IBEX, MARKHOR
from tests.policy.resources import DAY, GATE, inputs, rules_of, subject


@pytest.mark.parametrize(
    ("place", "endpoint", "passes"),
    [
        (MARKHOR, "lab:sample-markhor", True),
        (MARKHOR, "lab:sample-ibex", False),
        (IBEX, "lab:sample-ibex", True),
        (MARKHOR, "LAB:sample-markhor", False),
        (MARKHOR, "lab:sample-markhor/", False),
        (MARKHOR, "https://elsewhere.example", False),
        (MARKHOR, None, False),
        (MARKHOR, "", False),
    ],
)
def test_endpoint_has_to_be_the_places_own(place: str, endpoint: str | None, passes: bool) -> None:
    made = Subject(
        urn="urn:x",
        kind="Volume",
        workload="portal",
        values=(Value("place", Rests.PLACE, place), Value("endpoint", Rests.ENDPOINT, endpoint)),
    )
    assert (judge(GATE, made, today=DAY) == ()) is passes


def test_endpoint_is_held_to_the_place_and_not_to_another_value() -> None:
    values = (
        Value("placement.disk", Rests.PLACE, IBEX),
        Value("place", Rests.PLACE, MARKHOR),
        Value("endpoint", Rests.ENDPOINT, "lab:sample-ibex"),
    )
    made = Subject(urn="urn:x", kind="Volume", workload="portal", values=values)
    assert rules_of(judge(GATE, made, today=DAY)) == ["PSE-G003"]


@pytest.mark.parametrize(
    ("endpoint", "rules"), [("lab:sample-ibex", ["PSE-R003"]), ("lab:x", ["PSE-G003", "PSE-R003"])]
)
def test_endpoint_beside_a_refused_place_has_to_be_listed_at_least(endpoint: str, rules: list[str]) -> None:
    values = (Value("place", Rests.PLACE, ELSEWHERE), Value("endpoint", Rests.ENDPOINT, endpoint))
    made = Subject(urn="urn:x", kind="Volume", workload="portal", values=values)
    assert rules_of(judge(GATE, made, today=DAY)) == rules


def test_allowed_place_without_a_listed_endpoint_is_refused() -> None:
    gate = msgspec.structs.replace(GATE, endpoints={})
    assert rules_of(judge(gate, subject("Network", inputs("Network")), today=DAY)) == ["PSE-G003"]


def test_sample_register_opens_no_real_cloud() -> None:
    gate = msgspec.structs.replace(GATE, endpoints={MARKHOR: "https://cloud.example"})
    assert rules_of(judge(gate, subject("Network", inputs("Network")), today=DAY)) == ["PSE-G009"]
    real = msgspec.structs.replace(gate, sample=False)
    assert judge(real, subject("Network", inputs("Network")), today=DAY) == ()


@pytest.mark.parametrize(
    ("endpoint", "local"),
    [
        ("lab:sample", True),
        ("http://127.0.0.1:5000/v3", True),
        ("https://127.9.9.9", True),
        ("https://[::1]:8443", True),
        ("https://localhost:8443", True),
        ("https://localhost.evil.example", False),
        ("https://127.0.0.1@evil.example", False),
        ("https://127.0.0.1.evil.example", False),
        ("https://10.0.0.1", False),
        ("https://0.0.0.0", False),
        ("127.0.0.1", False),
        ("https://[::1", False),
        ("lab:Sample", False),
        ("lab:", False),
        ("lab:x\n", False),
        ("", False),
    ],
)
def test_what_counts_as_this_machine(endpoint: str, local: bool) -> None:
    assert is_local(endpoint) is local


def test_place_is_allowed_to_its_last_day_and_a_day_before_the_plan_is_refused() -> None:
    volume = subject("Network", inputs("Network"))
    assert judge(GATE, volume, today=date(2026, 12, 31)) == ()
    assert rules_of(judge(GATE, volume, today=date(2027, 1, 1))) == ["PSE-G007"]
    assert judge(GATE, volume, today=GATE.as_of) == ()
    assert rules_of(judge(GATE, volume, today=GATE.as_of - timedelta(days=1))) == ["PSE-G008"]
