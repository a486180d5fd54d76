"""Every fact against its recorded answers, and against any bytes at all."""

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inventory.facts import TABLE, Frame, Outcome, published

FOLDER = Path(__file__).parent / "facts"
CASES = sorted(FOLDER.glob("*/*.json"))


class Case(msgspec.Struct, forbid_unknown_fields=True):
    """A fixture; ``raw`` holds one byte a character (Latin-1)."""

    host: str
    captured: str
    rc: int
    raw: str
    outcome: Outcome
    want: Any


@pytest.mark.parametrize("path", CASES, ids=lambda p: f"{p.parent.name}/{p.stem}")
def test_recorded_answer(path: Path) -> None:
    case = msgspec.json.decode(path.read_bytes(), type=Case)
    reading = TABLE[path.parent.name].read(Frame(raw=case.raw.encode("latin-1"), rc=case.rc))
    assert reading.outcome == case.outcome
    assert json.loads(msgspec.json.encode(reading.value)) == case.want
    assert (reading.outcome == Outcome.FAILED) == (reading.value is None and reading.reason != "")


@pytest.mark.parametrize("name", sorted(TABLE))
def test_every_fact_has_a_value_and_an_absent_case(name: str) -> None:
    outcomes = {msgspec.json.decode(p.read_bytes(), type=Case).outcome for p in CASES if p.parent.name == name}
    assert {Outcome.VALUE, Outcome.ABSENT} <= outcomes


def test_no_folder_without_a_fact() -> None:
    assert {p.parent.name for p in CASES} == set(TABLE)


@pytest.mark.parametrize("name", sorted(TABLE))
def test_no_answer_is_never_taken_for_none(name: str) -> None:
    fact = TABLE[name]
    for frame in (None, Frame(rc=None), Frame(rc=137), Frame(skipped=True)):
        reading = fact.read(frame)
        assert reading.outcome == Outcome.FAILED
        assert reading.reason


@pytest.mark.parametrize("name", sorted(TABLE))
@settings(deadline=None)
@given(data=st.data())
def test_any_bytes_are_read_or_refused(name: str, data: st.DataObject) -> None:
    fact = TABLE[name]
    recorded = [
        msgspec.json.decode(p.read_bytes(), type=Case).raw.encode("latin-1") for p in CASES if p.parent.name == name
    ]
    raw = data.draw(st.one_of(st.binary(max_size=300), st.sampled_from(recorded)))
    cut = data.draw(st.integers(0, len(raw)))
    insert = data.draw(st.binary(max_size=8))
    reading = fact.read(Frame(raw=raw[:cut] + insert + raw[cut:][: data.draw(st.integers(0, 400))]))
    assert reading.outcome in set(Outcome)
    msgspec.json.encode(reading.value)


def test_what_is_published_is_what_runs() -> None:
    rows = {row.fact: row for row in published()}
    assert set(rows) == {"probe", *TABLE}
    for name, fact in TABLE.items():
        assert rows[name].sh == fact.section.sh.strip()
        assert rows[name].doc
        assert rows[name].reads
