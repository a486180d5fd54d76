"""`make chaos-migrate` in short; and that it sees what must not be."""

from pathlib import Path

import pytest

from tests.migrate.chaos import Attack, figures, small
from tests.migrate.rig import Rig


def test_a_few_kills_lose_nothing_and_what_is_lost_is_seen(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []
    rig.target.stop()
    small(rig)
    rig.target.start()
    attack = Attack("blocks", rig, "short", told.append)
    score = attack.run(3)
    assert sum(" struck after " in line for line in told) == score.kills.total() == 3
    assert (score.lost, score.doubled, score.leftovers) == (0, 0, 0)
    assert figures([score], seed="short")["by_kind"]
    # What somebody wrote at one end only, and a key that stayed.
    attack.house.spoil("target")
    (rig.target.inside / f"srv/{attack.house.task().job}").touch()

    def nothing(*_args: object, **_named: object) -> None:
        score.kills["hosts"] += 1

    monkeypatch.setattr(attack, "_step", nothing)
    monkeypatch.setattr(attack.house, "write", nothing)
    seen = attack.run(4)
    assert (seen.lost, seen.doubled) == (2, 2)
    assert seen.leftovers == 1
    assert Path(rig.target.inside / f"srv/{attack.house.task().job}").exists()
