"""Kills, timeouts and Ctrl-C in the middle of a real operation."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from providers.plugin.lifecycle import PROBE_S
from pse.core.errors import Incomplete, PseError, RemoteError
from tests.providers.house import UNIT, House, inputs, server, volumes
from tests.providers.kills import Background, ended, strike
from tests.providers.waiting import alive, kill, parent, wait_for


def plugin_pid(house: House) -> int:
    return int(house.calls()[-1]["pid"])


def test_plugin_ends_when_its_engine_is_killed_and_the_next_run_recovers(engine_house: House) -> None:
    house = engine_house
    # Made, and the answer still under way when the engine dies: lock, pending operation and orphan at once.
    hung = house.fault("create", "Server", "web", "late")
    work = Background(lambda: house.up(server()))
    wait_for(hung.exists)
    plugin = plugin_pid(house)
    engine = parent(plugin)
    assert "pulumi" in Path(f"/proc/{engine}/comm").read_text()
    kill(engine)
    wait_for(lambda: not alive(plugin), timeout_s=15)
    error = work.end()
    assert error is not None
    assert "pulumi was ended by signal 9 (SIGKILL)" in error.message
    assert "Run the same command again" in error.hint
    orphan = house.one("Server")["id"]
    hung.unlink()
    deployment = house.up(server())
    assert house.one("Server")["id"] == orphan
    assert {resource.id for resource in deployment.resources} == house.ids()
    assert len(house.ids()) == 7


def driver(house: House) -> subprocess.Popen[bytes]:
    """A process of its own, in a process group of its own, that brings up volumes a, b and c."""
    program = (
        "import sys; from pathlib import Path; from tests.providers.house import *;"
        "from providers.engine import Engine; from pse.core.settings import Workspace;"
        "house = object.__new__(House); house.root = Path(sys.argv[1]); house.workspace = Workspace(house.root);"
        "house.engine = Engine(house.workspace); house.up(volumes('a', 'b', 'c'))"
    )
    repository = Path(__file__).parents[2]
    return subprocess.Popen(
        [sys.executable, "-c", program, str(house.root)],
        cwd=repository,
        env={**os.environ, "PYTHONPATH": os.pathsep.join((os.environ["PYTHONPATH"], str(repository)))},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def test_driver_that_is_killed_leaves_a_stack_that_goes_on(engine_house: House) -> None:
    house = engine_house
    hung = house.fault("create", "Volume", "b", "late")
    with driver(house) as process:
        wait_for(hung.exists)
        plugin = plugin_pid(house)
        process.kill()
    work = Background(lambda: house.up(volumes("a", "b", "c")))
    # The orphaned engine is still inside its call; it gets its answer and ends, and only then do we go on.
    hung.unlink()
    assert work.end(90) is None
    assert len(house.objects("Volume")) == 3
    wait_for(lambda: not alive(plugin), timeout_s=15)


def test_ctrl_c_of_a_terminal_ends_driver_engine_and_plugin_in_order(engine_house: House) -> None:
    house = engine_house
    hung = house.fault("create", "Volume", "b", "late")
    with driver(house) as process:
        wait_for(hung.exists)
        plugin = plugin_pid(house)
        os.killpg(process.pid, signal.SIGINT)
        assert process.wait(30) != 0
    wait_for(lambda: not alive(plugin), timeout_s=5)
    assert {entry["id"] for entry in house.export() if entry.get("id")} == house.ids("Volume")
    hung.unlink()
    house.up(volumes("a", "b", "c"))
    assert len(house.ids("Volume")) == 3


def test_ctrl_c_ends_soon_and_loses_no_id(engine_house: House) -> None:
    house = engine_house
    hung = [house.fault("create", "Volume", name, "late") for name in ("a", "b")]
    work = Background(lambda: house.up(volumes("a", "b", "c")))
    wait_for(lambda: all(mark.exists() for mark in hung))
    begun = time.monotonic()
    os.kill(parent(plugin_pid(house)), signal.SIGINT)
    error = work.end()
    assert time.monotonic() - begun < 8
    assert error is not None
    assert {entry["id"] for entry in house.export() if entry.get("id")} == house.ids("Volume")
    for mark in hung:
        mark.unlink()
    before = house.ids("Volume")
    house.up(volumes("a", "b", "c"))
    assert before <= house.ids("Volume")
    assert len(house.ids("Volume")) == 3


def test_timeout_of_the_program_is_kept_and_the_object_too(engine_house: House) -> None:
    house = engine_house
    hung = house.fault("create", "Volume", "slow", "late")
    # Nobody waits at a keyboard: the look for what was made may take longer than after Cancel.
    (house.faults / "look").write_text(str(PROBE_S + 0.5))

    def program() -> None:
        import pulumi

        from providers import sdk

        given = inputs("slow", size_gib=1, storage_class="ssd")
        sdk.Volume("slow", **given, opts=pulumi.ResourceOptions(custom_timeouts=pulumi.CustomTimeouts(create="1s")))

    with pytest.raises(PseError, match="longer than its timeout"):
        house.up(program)
    made = house.one("Volume")["id"]
    assert [entry["id"] for entry in house.export()] == [made]
    hung.unlink()
    house.up(program)
    assert house.ids() == {made}


def test_timeout_before_anything_was_made_leaves_nothing_behind(engine_house: House) -> None:
    house = engine_house
    hung = house.fault("create", "Volume", "slow", "hang")

    def program() -> None:
        import pulumi

        from providers import sdk

        given = inputs("slow", size_gib=1, storage_class="ssd")
        sdk.Volume("slow", **given, opts=pulumi.ResourceOptions(custom_timeouts=pulumi.CustomTimeouts(create="1s")))

    with pytest.raises(PseError, match="longer than its timeout"):
        house.up(program)
    assert house.objects() == []
    hung.unlink()
    house.up(program)
    assert len(house.objects()) == 1


def test_plugin_that_dies_before_the_call_is_harmless(engine_house: House) -> None:
    house = engine_house
    hung = house.fault("create", "Volume", "a", "hang")
    work = Background(lambda: house.up(volumes("a")))
    wait_for(hung.exists)
    kill(plugin_pid(house))
    assert work.end() is not None
    hung.unlink()
    house.up(volumes("a"))
    assert len(house.objects()) == 1
    house.engine.destroy(UNIT)
    assert house.objects() == []


def test_state_that_another_engine_is_just_writing_is_read_when_it_is_whole(
    engine_house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = engine_house
    house.up(volumes("a"))
    (file,) = (house.root / ".pse" / "state").glob("**/stacks/**/*.json")
    whole = file.read_bytes()
    file.write_bytes(b"")
    later = threading.Timer(1.0, file.write_bytes, (whole,))
    later.start()
    assert [entry["id"] for entry in house.export() if entry.get("id")] == sorted(house.ids("Volume"))
    later.join()
    # One that stays so is told.
    monkeypatch.setattr("providers.driving.project.TORN_S", 0.5)
    file.write_bytes(b"")
    with pytest.raises(RemoteError, match="failed to load checkpoint"):
        house.export()


def test_engine_killed_while_it_writes_what_stands_beside_a_state_costs_nothing(engine_house: House) -> None:
    house = engine_house
    house.up(volumes("a"))
    (file,) = (house.root / ".pse" / "state").glob("**/stacks/**/*.json")
    beside = file.with_name(f"{file.name}.attrs")
    # The template's stack is as new as the state: none of this backend's files has such a neighbour any more.
    assert not list((house.root / ".pse" / "state").rglob("*.attrs"))
    beside.touch()
    house.up(volumes("a", "b"))
    assert {entry["id"] for entry in house.export() if entry.get("id")} == house.ids("Volume")


def test_failure_whose_state_cannot_be_read_is_told_in_words(
    engine_house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = engine_house
    house.up(volumes("a"))
    (file,) = (house.root / ".pse" / "state").glob("**/stacks/**/*.json")
    hung = house.fault("create", "Volume", "b", "hang")
    monkeypatch.setattr("providers.driving.project.TORN_S", 0.5)
    work = Background(lambda: house.up(volumes("a", "b")))
    wait_for(hung.exists)
    whole = file.read_bytes()
    file.write_bytes(b"")
    strike(house.root, engine=True)
    ended(house.root)
    error = work.end()
    assert isinstance(error, Incomplete)
    assert "the state cannot be read" in error.message
    file.write_bytes(whole)
    hung.unlink()
    house.up(volumes("a", "b"))
    assert len(house.ids("Volume")) == 2
