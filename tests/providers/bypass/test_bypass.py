"""Attempts to place or pass data where it may not be: each refused by the gate it is aimed at, and written down."""

import pytest

from tests.providers.bypass import names, papers, programs, references
from tests.providers.bypass.conftest import ROWS
from tests.providers.bypass.scene import ATTEMPTS, Attempt, Scene

LEAST = 40


@pytest.mark.parametrize("tried", ATTEMPTS, ids=lambda tried: tried.name)
def test_attempt_is_refused_by_its_gate_and_is_in_the_ledger(tried: Attempt, scene: Scene) -> None:
    said = tried.act(scene)
    refusing = scene.refused(tried.gate) & set(tried.rules)
    assert refusing, f"said {said!r}, and the ledger has {scene.house.refusals()}"
    assert any(rule in said for rule in refusing)
    assert scene.abroad() == []
    ROWS.append((tried.name, tried.gate, ", ".join(sorted(refusing))))


def test_there_are_many_and_each_has_a_name_of_its_own() -> None:
    assert len(ATTEMPTS) >= LEAST
    assert len({tried.name for tried in ATTEMPTS}) == len(ATTEMPTS)
    assert {module.__name__.rpartition(".")[2] for module in (names, papers, programs, references)}
