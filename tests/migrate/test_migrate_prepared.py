"""Transactions of PostgreSQL that are prepared, and that somebody else ends later."""

import pytest

from pse.core.errors import Refused
from tests.migrate.houses import PostgresHouse
from tests.migrate.rig import Rig

PREPARE = "begin; insert into public.payment (citizen, amount) values (1, 77); prepare transaction "


def test_a_prepared_transaction_stops_the_cut_over_and_the_way_back(rig: Rig) -> None:
    """Its rows are at neither end, which are equal without them, and its end would come too late."""
    house = PostgresHouse(rig)
    house.fill()
    task, does = house.task(), house.replicator()
    source, target = house.admin("source"), house.admin("target")
    does.seed(task)
    source.rows("payments", f"{PREPARE} 'late'")
    does.freeze(task, at_target=False)
    with pytest.raises(Refused, match="prepared and neither committed nor rolled back: late"):
        does.delta(task, final=True)
    source.rows("payments", "commit prepared 'late'")
    does.delta(task, final=True)
    does.finish(task)
    assert all(r.equal for r in does.verify(task))
    does.arm(task)
    target.rows("payments", f"{PREPARE} 'later'")
    does.freeze(task, at_target=True)
    with pytest.raises(Refused, match="prepared and neither committed nor rolled back: later"):
        does.catch_up(task)
    assert target.one("payments", "select count(*) from public.payment where amount = 77") == "1"
