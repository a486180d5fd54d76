"""Whose turn it is: limits by place hold with many workers, failed hosts come again, and everybody comes once."""

import threading
import time
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inventory.hosts import HostEntry
from inventory.turns import Turns, subnet_of
from pse.core.settings import DiscoverySettings


def host(name: str, address: str = "10.0.0.1", *, jump: str = "") -> HostEntry:
    return HostEntry(name=name, address=address, port=22, user="u", key="file:k", jump=jump)


def run(
    hosts: list[HostEntry], *, every: list[HostEntry], limits: DiscoverySettings, fail: int = 0, workers: int = 8
) -> tuple[Counter[str], dict[str, int]]:
    """Ask with real threads; each host fails ``fail`` times. How often each was asked, and most at once by place."""
    turns = Turns(hosts, {e.name: e for e in every}, limits)
    asked: Counter[str] = Counter()
    inside: Counter[str] = Counter()
    most: Counter[str] = Counter()
    lock = threading.Lock()

    def work() -> None:
        while (entry := turns.take()) is not None:
            place = entry.jump or subnet_of(entry.address)
            with lock:
                inside[place] += 1
                most[place] = max(most[place], inside[place])
                asked[entry.name] += 1
                again = asked[entry.name] <= fail
            with lock:
                inside[place] -= 1
            turns.give_back(entry, again=again)

    threads = [threading.Thread(target=work) for _ in range(workers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
        assert not thread.is_alive()
    return asked, dict(most)


@settings(deadline=None, max_examples=30)
@given(
    nets=st.lists(st.integers(0, 3), min_size=1, max_size=40),
    subnet=st.integers(0, 3),
    bastion=st.integers(0, 3),
    fail=st.integers(0, 2),
)
def test_every_host_comes_and_limits_hold(nets: list[int], subnet: int, bastion: int, fail: int) -> None:
    gate = host("gate", "192.0.2.1")
    hosts = [host(f"h{n}", f"10.0.{net}.{n + 1}", jump="gate" if net == 3 else "") for n, net in enumerate(nets)]
    limits = DiscoverySettings(per_subnet=subnet, per_bastion=bastion, retries=1, backoff_s=0)
    asked, most = run(hosts, every=[gate, *hosts], limits=limits, fail=fail)
    assert asked == Counter({h.name: 1 + min(fail, 1) for h in hosts})
    for place, count in most.items():
        limit = bastion if place == "gate" else subnet
        assert not limit or count <= limit


def test_a_full_subnet_does_not_hold_up_another() -> None:
    hosts = [host("a1", "10.0.0.1"), host("a2", "10.0.0.2"), host("b1", "10.0.1.1")]
    turns = Turns(hosts, {h.name: h for h in hosts}, DiscoverySettings(per_subnet=1))
    first, second = turns.take(), turns.take()
    assert first is not None
    assert second is not None
    assert (first.name, second.name) == ("a1", "b1")
    turns.give_back(first, again=False)
    third = turns.take()
    assert third is not None
    assert third.name == "a2"


def test_the_first_jump_host_on_the_way_counts() -> None:
    outer, inner = host("outer", "192.0.2.1"), host("inner", "10.9.0.1", jump="outer")
    hosts = [host("x", "10.1.0.1", jump="inner"), host("y", "10.2.0.1", jump="outer")]
    turns = Turns(hosts, {e.name: e for e in (outer, inner, *hosts)}, DiscoverySettings(per_bastion=1))
    taken = turns.take()
    assert taken is not None
    waiting: list[HostEntry | None] = []
    other = threading.Thread(target=lambda: waiting.append(turns.take()))
    other.start()
    assert not waiting
    turns.give_back(taken, again=False)
    other.join(10)
    assert [e.name for e in waiting if e] == ["y"]


def test_another_attempt_waits_and_the_wait_doubles() -> None:
    one = host("one")
    turns = Turns([one], {"one": one}, DiscoverySettings(retries=2, backoff_s=0.05))
    pauses = []
    for _ in range(2):
        assert turns.take() == one
        began = time.monotonic()
        assert turns.give_back(one, again=True)
        turns._later.sort()
        pauses.append(turns._later[0][0] - began)
    assert turns.take() == one
    assert not turns.give_back(one, again=True), "twice is enough"
    assert turns.take() is None
    assert pauses[0] >= 0.05
    assert pauses[1] >= 0.1


def test_closed_turns_hand_out_nothing() -> None:
    turns = Turns([host("one")], {}, DiscoverySettings())
    turns.close()
    assert turns.take() is None


@pytest.mark.parametrize(
    ("address", "subnet"),
    [("192.0.2.77", "192.0.2.0/24"), ("2001:db8:1:2:3::9", "2001:db8:1:2::/64"), ("web.example", "")],
)
def test_subnets(address: str, subnet: str) -> None:
    assert subnet_of(address) == subnet
