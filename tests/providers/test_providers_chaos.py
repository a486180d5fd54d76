"""`make chaos-providers` in short, on the file cloud with every kind; and that it sees what must not be."""

import msgspec
import pytest

from providers.conformance import Rig
from tests.chaos.__main__ import figures, table
from tests.chaos.arenas import FileArena
from tests.chaos.campaign import Campaign, Score, Trouble
from tests.providers.house import HERE, UNIT, House

# The engine that is killed cannot end the stream of its events.
pytestmark = pytest.mark.filterwarnings("ignore:Error in event stream")


def test_kills_at_random_moments_leave_what_an_undisturbed_run_leaves(engine_house: House) -> None:
    told: list[str] = []
    score = Campaign(FileArena(), engine_house, seed="short", tell=told.append).run(4)
    assert score.troubles == []
    assert (score.total, score.duplicates, score.orphans, score.lost) == (4, 0, 0, 0)
    assert score.recovered >= 1
    assert len(told) > 4
    assert engine_house.objects("Volume") or engine_house.engine.stacks() == ()


def test_what_is_doubled_orphaned_or_lost_is_seen(engine_house: House) -> None:
    campaign = Campaign(FileArena(), engine_house, seed="", tell=lambda _: None)
    campaign._learn("up")
    store = campaign._cloud.store("Volume")
    first = next(made for made in store.list() if made.inputs.name == "disk")
    assert first.identity is not None
    again = store.create(first.inputs, identity=msgspec.structs.replace(first.identity, op="0" * 32))
    with pytest.raises(Trouble, match=f"twice.*orphans: .*{again.id}.*too many"):
        campaign._check("up")
    store.delete(again.id)
    rig = Rig(campaign._cloud, place=HERE)
    stranger = rig.make("Volume")
    with pytest.raises(Trouble, match=f"after up: orphans: .*{stranger.id}"):
        campaign._check("up")
    rig.clear()
    campaign._check("up")
    (gone,) = (made for made in campaign._cloud.store("Bucket").list())
    campaign._cloud.store("Bucket").delete(gone.id)
    with pytest.raises(Trouble, match=f"lost: .*{gone.id}.*too few"):
        campaign._check("up")
    assert (campaign.score.duplicates, campaign.score.orphans, campaign.score.lost) == (1, 2, 1)
    engine_house.engine.destroy(UNIT)


def test_table_and_figures_say_who_was_killed_and_what_came_of_it() -> None:
    score = Score("lab", recovered=2, orphans=1, troubles=["after up: orphans"])
    score.kills.update(engine=2, plugin=1, up=3)
    shown = table([score], {"aws": "moto is missing"})
    assert "lab      3      2       1       3" in shown
    assert "lab: after up: orphans" in shown
    assert "aws: not run: moto is missing" in shown
    told = figures([score], seed="x")
    assert (told["kills"], told["orphans"], told["troubles"]) == (3, 1, 1)
