"""Many workers on PostgreSQL, one of them killed: `make bench-campaign` in short."""

from pathlib import Path

from benchmarks.campaign.running import Shape, run
from tests.migrate.stores import server

__all__ = ["server"]


def test_workers_share_a_campaign_within_its_limits_and_one_that_is_killed_is_replaced(
    server: str, tmp_path: Path
) -> None:
    found = run(tmp_path, server, Shape(moves=40, workers=3, parallel=4, mean_s=0.5, total=7, waves=2, kills=1))
    assert found.states == ("verified",)
    assert found.moved == 40
    assert found.kept, found.worst
    # The limits were met, or they would have shown nothing.
    assert found.worst["all"] == "7 of 7"
    assert found.taken_up_s is not None
    assert found.taken_up_s < 60
