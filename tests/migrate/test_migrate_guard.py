"""The guard of a freeze: it acts when nobody stops it, exactly one side wins, a dead or stale one decides nothing."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from migrate.forward import still_held
from migrate.guard import Guard, Guards
from migrate.hosts import Host
from migrate.jobs import folder_of
from migrate.replicators.ports import FreezeOver
from tests.migrate.rig import Rig, wait_for
from tests.require import require

JOB = "pse-0123456789ab"


@pytest.fixture
def source(tmp_path: Path) -> Iterator[tuple[Rig, Host]]:
    """A rig whose source runs, and the way in."""
    require("bwrap", "sshd", "openssl")
    rig = Rig(tmp_path)
    rig.source.start()
    host = rig.source.host()
    try:
        yield rig, host
    finally:
        host.close()
        rig.stop()


def test_acts_by_itself_until_it_worked_and_then_nobody_else_decides(source: tuple[Rig, Host]) -> None:
    rig, host = source
    there = rig.source.root / "srv/given-back"
    guard = Guard(host, JOB, "a1")
    started = "(sleep 600 </dev/null >/dev/null 2>&1 & echo $! >/srv/pid)"
    guard.arm(after_s=1, commands=["[ -e /srv/given-back ] || { touch /srv/given-back; exit 1; }", started])
    guard.arm(after_s=600, commands=[])  # a replayed step
    guard.holds()
    wait_for(there.exists, 20)
    for ask in (guard.holds, guard.claim):
        with pytest.raises(FreezeOver, match="gave it back"):
            ask()
    # What it started outlives it, also when it is ended while it still tries.
    wait_for(lambda: host.run("kill -0 $(cat /srv/pid)").rc == 0, 10)
    guard.remove()
    assert host.run("kill -0 $(cat /srv/pid)").rc == 0
    assert host.text("ls /run | grep -c pse- || true").strip() == "0"


def test_who_was_stopped_never_acts_and_exactly_one_wins(source: tuple[Rig, Host]) -> None:
    rig, host = source
    guard = Guard(host, JOB, "a1")
    guard.arm(after_s=1, commands=["touch /srv/given-back"])
    guard.claim()
    guard.claim()
    guard.holds()
    folder = folder_of(host, JOB)
    wait_for(lambda: host.run(f"[ -e {folder}/guard-a1.rc ]").rc == 0, 20)
    assert not (rig.source.root / "srv/given-back").exists()
    # Both at the same moment, over and over: what the guard's own words do against the controller's.
    for _ in range(10):
        host.text(f"rm {folder}/claim")
        with ThreadPoolExecutor(2) as pool:
            mine = pool.submit(guard.claim)
            its = pool.submit(host.run, f"cd {folder} && ln -s by-guard claim")
        assert (mine.exception() is None) != (its.result().rc == 0)


def test_what_stops_something_never_comes_after_what_gives_back(source: tuple[Rig, Host]) -> None:
    rig, host = source
    log = rig.source.root / "srv/log"
    guard = Guard(host, JOB, "a1")
    guard.arm(after_s=2, commands=["echo given back >>/srv/log"])
    claimed = f"until [ -L {folder_of(host, JOB)}/claim ]; do sleep 0.05; done"
    # Begun before, and ended after the guard decided: that waits. What the command leaves running holds nobody up.
    with pytest.raises(FreezeOver, match="gave it back"):
        guard.stop(
            f"{claimed}; sleep 600 9>&- 2>/dev/null & {claimed}; echo stopped >>/srv/log", timeout_s=30, what="stopping"
        )
    wait_for(lambda: log.read_text().count("\n") == 2, 20)
    assert log.read_text() == "stopped\ngiven back\n"
    # Late: a controller that was suspended.
    with pytest.raises(FreezeOver, match="gave it back"):
        guard.stop("echo stopped >>/srv/log", timeout_s=30, what="stopping")
    assert log.read_text() == "stopped\ngiven back\n"


def test_a_controller_that_gives_back_waits_for_what_still_stops_and_lets_nothing_stop_after(
    source: tuple[Rig, Host],
) -> None:
    rig, host = source
    log = rig.source.root / "srv/log"
    guard = Guard(host, JOB, "a1")
    guard.arm(after_s=600, commands=["echo given back >>/srv/log"])
    with ThreadPoolExecutor(1) as pool:
        # Its line may be cut meanwhile: it is the host that knows.
        stop = "touch /srv/begun; until [ -e /srv/end ]; do sleep 0.05; done; echo stopped >>/srv/log"
        stopping = pool.submit(guard.stop, stop, timeout_s=60, what="stopping")
        wait_for((rig.source.root / "srv/begun").exists, 20)
        with ThreadPoolExecutor(1) as other:
            giving = other.submit(Guard(rig.source.host(), JOB, "a1").give_back)
            wait_for(lambda: host.run(f"[ -e {folder_of(host, JOB)}/given-back ]").rc == 0, 20)
            assert not giving.done()
            (rig.source.root / "srv/end").touch()
            giving.result(30)
        assert log.read_text() == "stopped\n"
        with pytest.raises(FreezeOver, match="given back to its writers meanwhile"):
            guard.stop("echo stopped >>/srv/log", timeout_s=30, what="stopping")
        assert log.read_text() == "stopped\n"
        stopping.result(30)
    # The guard stands until it is removed: whoever gives back may die over it.
    guard.holds()


def test_a_host_that_was_started_anew_and_a_stale_guard_decide_nothing(source: tuple[Rig, Host]) -> None:
    rig, host = source
    Guard(host, JOB, "a1").arm(after_s=3, commands=["touch /srv/stale"])
    pid = host.text(f"cat {folder_of(host, JOB)}/guard-a1.pid").strip()
    # Its pid was lost, so nobody can end it: its folder is gone, and with it what it could claim.
    host.text(f"rm {folder_of(host, JOB)}/guard-a1.pid")
    guards = Guards([Guard(host, JOB, "a2")])
    guards.arm(after_s=600, commands={})
    wait_for(lambda: host.run(f"kill -0 {pid}").rc != 0, 20)
    guards.hold()
    assert not (rig.source.root / "srv/stale").exists()
    rig.source.stop()
    rig.source.start()
    for ask in (guards.hold, guards.claim):
        with pytest.raises(FreezeOver, match="started anew"):
            ask()
    guards.remove()


@given(
    noted=st.lists(st.tuples(st.floats(0, 1e6), st.floats(0, 1e9))),
    now=st.floats(0, 2e9),
)
def test_a_clock_that_jumps_never_lengthens_the_wait_for_a_record(noted: list[tuple[float, float]], now: float) -> None:
    left = still_held([{"ttl": ttl, "at": at} for ttl, at in noted], now)
    assert 0 <= left <= max((ttl for ttl, _ in noted), default=0)
    # With a clock that goes right it is over when the last one is.
    assert still_held([{"ttl": ttl, "at": at} for ttl, at in noted], 1e9 + 1e6 + 1) == 0
