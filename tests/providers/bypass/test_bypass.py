"""Attempts to place or pass data where it may not be: each refused by the gate it is aimed at, and written down."""

import pytest

from tests.providers.bypass import names, papers, plans, programs, references, units
from tests.providers.bypass.conftest import ROWS, TRIED
from tests.providers.bypass.scene import ATTEMPTS, Attempt, Stage

LEAST = 100


@pytest.mark.parametrize("tried", ATTEMPTS, ids=lambda tried: tried.name)
def test_attempt_is_refused_by_its_gate_and_is_in_the_ledger(tried: Attempt, request: pytest.FixtureRequest) -> None:
    stage: Stage = request.getfixturevalue(tried.stage)
    TRIED.append(tried.name)
    said = tried.act(stage)
    refusing = stage.refused(tried.gate) & set(tried.rules)
    assert refusing, f"said {said!r}, and the ledger has {stage.refused(tried.gate)}"
    assert any(rule in said for rule in refusing)
    assert stage.abroad() == []
    ROWS.append((tried.name, tried.gate, ", ".join(sorted(refusing))))


def test_there_are_many_and_each_has_a_name_of_its_own() -> None:
    assert len(ATTEMPTS) >= LEAST
    assert len({tried.name for tried in ATTEMPTS}) == len(ATTEMPTS)
    assert {tried.gate for tried in ATTEMPTS} == {"plan", "program", "pack", "check", "audit"}
    assert {module.__name__.rpartition(".")[2] for module in (names, papers, plans, programs, references, units)}
