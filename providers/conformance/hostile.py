"""How an adapter bears a cloud that misbehaves on the way: lost, late, wrong and endless answers."""

import threading
import time
from collections.abc import Callable, Collection
from typing import Protocol

import pytest

from providers.conformance.base import Contract
from providers.conformance.rig import Rig
from providers.ports import Identity, Made, PartlyMade, PortError, settle_s
from pse.core.schema import Inputs

MANY = 1_000_000
"""More requests than any test sends."""
SOON_S = 30.0
"""Seconds within which a large answer has to be refused, on a busy machine."""


class Trouble(Protocol):
    """Makes the way to the cloud misbehave; the rig of a `HostileContract` has one.

    What it has to know: ``lost`` (done, and the connection is cut), ``before`` (cut, and nothing is done), ``error``
    (done, and the answer is a 500), ``garbage-after`` (done, and the answer is no answer), ``throttle`` (429 with
    ``Retry-After: 2``), ``throttle-wait`` (429 without), ``busy`` (503), ``forbidden`` (403), ``garbage``, ``empty``,
    ``huge`` (50 MiB), ``redirect`` (302 to itself), ``small-pages``, ``circle`` (a list whose next page is itself),
    ``elsewhere`` (all answers are about another region), ``quota`` and ``capacity`` (the cloud's own words for either,
    and nothing is done), ``half`` (from the second call on that changes something and takes nothing away, all are
    forbidden), ``hang`` (not done, and no answer until it is calm), ``stuck`` (done, and no answer until then) and
    ``late`` (the same question to a list gets the answer that it got first).
    """

    @property
    def knows(self) -> Collection[str]:
        """The names of those that it can do."""

    def plant(self, what: str, kind: str, *, making: bool, times: int = 1) -> Callable[[], int]:
        """Misbehave for the next calls that make an object of a kind, or that look at such; tells how often it did."""

    def calm(self) -> None:
        """Take all of it away."""


class HostileContract(Contract):
    """For adapters whose cloud is reached over a network: give the fixtures ``rig`` and ``trouble``."""

    light = ("Network", "KeyPair", "Volume", "Firewall")
    """Kinds that are made over and over."""

    def test_lost_answer_makes_nothing_twice(self, rig: Rig, trouble: Trouble) -> None:
        for kind in self.light:
            _once(rig, trouble, "lost", kind)

    def test_error_after_the_effect_makes_nothing_twice(self, rig: Rig, trouble: Trouble) -> None:
        for kind in self.light:
            _once(rig, trouble, "error", kind)

    def test_garbage_after_the_effect_makes_nothing_twice(self, rig: Rig, trouble: Trouble) -> None:
        for kind in ("Network", "Volume"):
            _once(rig, trouble, "garbage-after", kind)

    def test_request_that_never_arrived_may_be_sent_again(self, rig: Rig, trouble: Trouble) -> None:
        for kind in ("KeyPair", "Volume"):
            _once(rig, trouble, "before", kind)

    def test_storm_of_429_is_throttle_and_nothing_asks_again_by_itself(self, rig: Rig, trouble: Trouble) -> None:
        error, hits = _said(rig, trouble, "throttle", times=MANY)
        assert (error.reason, error.retry_after_s, hits) == ("throttle", 2.0, 1)

    def test_busy_cloud_is_transient_and_nothing_asks_again_by_itself(self, rig: Rig, trouble: Trouble) -> None:
        error, hits = _said(rig, trouble, "busy", times=MANY)
        assert (error.reason, hits) == ("transient", 1)

    def test_forbidden_is_auth_and_makes_nothing(self, rig: Rig, trouble: Trouble) -> None:
        inputs, before = rig.inputs("Network"), rig.count("Network")
        trouble.plant("forbidden", "Network", making=True)
        with pytest.raises(PortError) as caught:
            rig.make("Network", inputs)
        assert caught.value.reason == "auth"
        assert rig.count("Network") == before

    def test_used_up_quota_is_told_with_the_clouds_code_and_makes_nothing(self, rig: Rig, trouble: Trouble) -> None:
        _unmade(rig, trouble, "quota", "Volume")

    def test_lack_of_capacity_is_told_with_the_clouds_code_and_makes_nothing(self, rig: Rig, trouble: Trouble) -> None:
        _unmade(rig, trouble, "capacity", "Server")

    def test_half_made_object_is_told_with_its_id_or_not_there(self, rig: Rig, trouble: Trouble) -> None:
        for kind in ("Firewall", "Server"):
            inputs, identity, store = rig.inputs(kind), rig.identity(), rig.store(kind)
            inputs = (kind == "Firewall" and rig.changed(kind, inputs)) or inputs
            trouble.plant("half", kind, making=True, times=MANY)
            said, told = _told(rig, kind, inputs, identity)
            trouble.calm()
            assert said in {"", "auth"}
            assert [found.id for found in store.find(identity.stack, identity.urn)] == told
            for object_id in told:
                mended = store.update(object_id, inputs, inputs)
                assert (mended.id, mended.healthy, mended.inputs) == (object_id, True, inputs)

    def test_cut_while_looking_is_transient_and_the_next_look_sees(self, rig: Rig, trouble: Trouble) -> None:
        made = rig.make("Network")
        error, _ = _said(rig, trouble, "lost")
        assert error.reason == "transient"
        assert rig.store("Network").read(made.id, made.inputs) == made

    @pytest.mark.parametrize("what", ["garbage", "empty"])
    def test_broken_answer_is_transient_and_not_quoted(self, rig: Rig, trouble: Trouble, what: str) -> None:
        error, _ = _said(rig, trouble, what)
        assert error.reason == "transient"
        assert "<" not in error.message

    def test_answer_of_50_mib_is_refused_soon(self, rig: Rig, trouble: Trouble) -> None:
        begun = time.monotonic()
        error, _ = _said(rig, trouble, "huge")
        assert error.reason == "transient"
        assert time.monotonic() - begun < SOON_S

    def test_redirect_is_not_followed(self, rig: Rig, trouble: Trouble) -> None:
        error, hits = _said(rig, trouble, "redirect", times=MANY)
        assert hits == 1
        assert error.reason in {"invalid", "transient"}

    def test_many_small_pages_are_one_list(self, rig: Rig, trouble: Trouble) -> None:
        mine = rig.identity()
        made = {rig.make("Volume").id for _ in range(2)} | {rig.make("Volume", identity=mine).id}
        hits = trouble.plant("small-pages", "Volume", making=False, times=MANY)
        assert made <= {found.id for found in rig.store("Volume").list()}
        assert len(rig.store("Volume").find(mine.stack, mine.urn)) == 1
        assert hits() > 3

    def test_pages_in_a_circle_end(self, rig: Rig, trouble: Trouble) -> None:
        _, hits = _said(rig, trouble, "circle", times=MANY)
        assert hits < 5

    def test_answer_about_another_region_stops_everything(self, rig: Rig, trouble: Trouble) -> None:
        trouble.plant("elsewhere", "Network", making=False, times=MANY)
        with rig.again() as other, pytest.raises(PortError) as caught:
            other.store("Network").list()
        assert caught.value.reason == "invalid"

    def test_throttled_wait_goes_on(self, rig: Rig, trouble: Trouble) -> None:
        inputs = rig.inputs("Volume")
        trouble.plant("throttle-wait", "Volume", making=False, times=2)
        assert rig.make("Volume", inputs).healthy

    def test_close_ends_a_wait(self, rig: Rig, trouble: Trouble) -> None:
        inputs, identity = rig.inputs("Volume"), rig.identity()
        with rig.again() as other:
            other.store("Volume").list()
            hits = trouble.plant("throttle-wait", "Volume", making=False, times=MANY)
            said: list[PortError] = []

            def make() -> None:
                try:
                    other.store("Volume").create(inputs, identity=identity)
                except PortError as exc:
                    said.append(exc)

            thread = threading.Thread(target=make)
            thread.start()
            end = time.monotonic() + SOON_S
            while not hits() and thread.is_alive() and time.monotonic() < end:
                time.sleep(0.02)
            other.close()
            thread.join(SOON_S)
            assert not thread.is_alive()
        trouble.calm()
        # What was being made is not lost: it is found, or was told with its id.
        assert len(said) == 1
        for found in rig.store("Volume").find(identity.stack, identity.urn):
            rig.store("Volume").delete(found.id)


def _said(rig: Rig, trouble: Trouble, what: str, *, times: int = 1) -> tuple[PortError, int]:
    """What an adapter says of a list of networks that goes wrong, and how many calls it sent."""
    rig.count("Network")
    hits = trouble.plant(what, "Network", making=False, times=times)
    with pytest.raises(PortError) as caught:
        rig.count("Network")
    trouble.calm()
    return caught.value, hits()


def _unmade(rig: Rig, trouble: Trouble, reason: str, kind: str) -> None:
    """What is refused is not made, and the cloud's own word for why is kept beside the common one."""
    inputs, before = rig.inputs(kind), rig.count(kind)
    hits = trouble.plant(reason, kind, making=True, times=MANY)
    with pytest.raises(PortError) as caught:
        rig.make(kind, inputs)
    assert (type(caught.value), caught.value.reason) == (PortError, reason)
    assert caught.value.vendor_code not in {"", reason}
    assert hits() == 1
    trouble.calm()
    assert rig.count(kind) == before


def _told(rig: Rig, kind: str, inputs: Inputs, identity: Identity) -> tuple[str, list[str]]:
    """Why nothing was made, and the ids of what was made, whole or partly."""
    try:
        return "", [rig.make(kind, inputs, identity).id]
    except PartlyMade as exc:
        rig.keep(kind, exc.made.id)
        return "", [exc.made.id]
    except PortError as exc:
        return exc.reason, []


def _once(rig: Rig, trouble: Trouble, what: str, kind: str) -> None:
    """Make one where the answer goes wrong, as the plugin does it: look for it before it is asked for again."""
    inputs, identity, store = rig.inputs(kind), rig.identity(), rig.store(kind)
    hits = trouble.plant(what, kind, making=True)
    try:
        made = rig.make(kind, inputs, identity)
    except PortError as exc:
        if exc.reason not in {"transient", "conflict"}:
            raise
        made = _again(rig, kind, inputs, identity)
    assert hits() == 1
    assert (made.healthy, made.identity, made.inputs) == (True, identity, inputs)
    assert [found.id for found in store.find(identity.stack, identity.urn)] == [made.id]


def _again(rig: Rig, kind: str, inputs: Inputs, identity: Identity) -> Made:
    store = rig.store(kind)
    end = time.monotonic() + min(settle_s(store), SOON_S)
    while not (found := store.find(identity.stack, identity.urn)) and time.monotonic() < end:
        time.sleep(0.1)
    if not found:
        return rig.make(kind, inputs, identity)
    (one,) = found
    rig.keep(kind, one.id)
    return store.update(one.id, one.inputs, inputs)
