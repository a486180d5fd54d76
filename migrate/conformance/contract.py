"""The behaviours."""

from functools import partial

import pytest

from migrate.conformance.house import House
from migrate.conformance.journey import Journey, judge
from migrate.replicators.ports import CLOSING
from pse.core.errors import PseError
from pse.core.findings import Severity


class ReplicatorContract:
    """A subclass gives the fixture ``house``, which ends its hosts."""

    @pytest.fixture
    def house(self) -> House:
        """Two hosts; a subclass overrides it."""
        raise NotImplementedError

    def test_there_and_back_under_writers_by_controllers_that_die(self, house: House) -> None:
        """What users wrote at either end is at both, wherever a controller died, and whoever does a step once more."""
        house.fill()
        journey = Journey(house)
        assert [f for f in journey.replicator.preflight(journey.task()) if f.severity is Severity.ERROR] == []
        assert sum(journey.dying().values()) > 0
        there = house.contents("target")
        assert there == house.contents("source")
        journey.dying(back=True)
        back = house.contents("source")
        assert back == house.contents("target") != there
        # Whoever tidies up may be killed and begin again.
        task = house.task(f"plan/work/{CLOSING}", back=True)
        assert journey.replicator.cleanup(task) == ()
        assert journey.replicator.cleanup(task) == ()
        assert house.leftovers() == []
        assert house.contents("source") == back

    def test_one_changed_thing_stops_it_and_the_next_attempt_carries_it(self, house: House) -> None:
        """A target that somebody spoilt never passes, whether that was before or after the last pass."""
        house.fill()
        journey = Journey(house)
        for name, act in journey.there():
            if name == "verify":
                house.spoil("target")
                found = journey.replicator.verify(journey.task())
                assert any(not one.equal and one.detail for one in found)
                break
            act(journey.task())
        journey.replicator.disarm(journey.task())
        journey.replicator.thaw(journey.task(), at_target=False)
        assert journey.replicator.cleanup(journey.task()) == ()
        Journey(house, "plan/work/a2").go()
        assert house.contents("target") == house.contents("source")

    def test_what_runs_on_the_hosts_may_be_killed(self, house: House) -> None:
        """Kill -9 in the first pass: it goes on by itself, or when it is begun again."""
        house.fill()
        journey = Journey(house)
        with journey.struck(journey.replicator.seed) as strike:
            assert strike() > 0
        house.write("source", 1)
        task = journey.task()
        journey.replicator.freeze(task, at_target=False)
        with journey.struck(partial(journey.replicator.delta, final=True)) as strike:
            strike()
        journey.replicator.finish(task)
        found = journey.replicator.verify(task)
        assert found
        assert [(one.subject, one.detail) for one in found if not one.equal] == []
        assert house.contents("target") == house.contents("source")
        journey.replicator.thaw(task, at_target=False)

    def test_the_line_is_cut_before_every_step(self, house: House) -> None:
        """Whatever an earlier step left running between the hosts may be gone."""
        house.fill()
        journey = Journey(house)
        for back in (False, True):
            cut = 0
            for name, act in journey.back() if back else journey.there():
                cut += house.cut()
                judge(name, act(journey.task(back=back)))
            assert cut > 0
            assert house.contents("target") == house.contents("source")

    def test_nothing_is_never_equal_to_nothing(self, house: House) -> None:
        """Two ends that hold nothing are no proof that anything was carried."""
        house.empty()
        replicator, task = house.replicator(), house.task()
        try:
            found = replicator.verify(task)
        except PseError:
            return
        assert not found or not all(one.equal and one.items for one in found)
