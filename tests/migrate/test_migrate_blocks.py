"""Disks by chunks: what is sent, what a killed pass goes on with, and disks of the kernel where the tests are root."""

import hashlib
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from random import Random

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from migrate.conformance import Journey
from migrate.replicators.blocks import host as blocks_host
from migrate.replicators.blocks.replicator import Blocks
from migrate.replicators.blocks.runs import differing, remaining, runs_of, size_of, unreadable
from migrate.replicators.blocks.shell import GIVE, HASH, TAKE
from migrate.replicators.files.rsync import CopyFailed
from pse.core.documents.plan import Move
from pse.core.errors import Refused
from pse.core.findings import Severity
from tests.migrate.houses import BlocksHouse
from tests.migrate.rig import Rig
from tests.require import require

LINES = st.sampled_from(["a" * 64, "b" * 64, "unreadable 0-4096"])
MIB = 1 << 20


@given(st.lists(st.tuples(LINES, LINES), max_size=80), st.integers(1, 9), st.randoms())
def test_runs_are_exactly_what_differs_and_what_is_left_of_them(
    pairs: list[tuple[str, str]], most: int, random: Random
) -> None:
    mine, theirs = [one for one, _ in pairs], [other for _, other in pairs]
    wanted = [n for n, (one, other) in enumerate(pairs) if one != other and not one.startswith("unreadable")]
    runs = runs_of(differing(mine, theirs), most=most)
    assert [n for first, count in runs for n in range(first, first + count)] == wanted
    assert all(1 <= count <= most for _, count in runs)
    # None could be joined with the one after it.
    assert all(sum(one) < other[0] or one[1] == most for one, other in pairwise(runs))
    done = {n for n in wanted if random.random() < 0.5}
    left = [n for first, count in remaining(runs, done) for n in range(first, first + count)]
    assert left == [n for n in wanted if n not in done]
    assert remaining(runs, set(wanted)) == []
    size = len(pairs) * 10 - 3 if pairs else 0
    assert size_of(runs, 10, size) == sum(min(10, size - n * 10) for n in wanted)


def test_lists_of_unlike_length_are_no_lists() -> None:
    with pytest.raises(ValueError, match="shorter"):
        list(differing(["a" * 64], []))
    with pytest.raises(ValueError, match="no hash"):
        list(differing([""], ["a" * 64]))
    assert unreadable(["a" * 64, "unreadable 8-12", "unreadable 12-20", "unreadable 24-28"]) == [(8, 20), (24, 28)]


def python(verb: str, *words: object) -> list[str]:
    return [sys.executable, blocks_host.__file__, verb, *map(str, words)]


def shell(verb: str, *words: object) -> list[str]:
    return ["bash", "-c", {"hash": HASH, "give": GIVE, "take": TAKE}[verb], "-", *map(str, words)]


def test_both_programs_say_give_and_take_the_same(tmp_path: Path) -> None:
    source, target = tmp_path / "source", tmp_path / "a target"
    source.write_bytes(os.urandom(5 * MIB + 77))
    size = source.stat().st_size
    lists = []
    for number, program in enumerate((python, shell)):
        out = tmp_path / f"list{number}"
        subprocess.run(program("hash", source, MIB, size, out), check=True, stderr=subprocess.DEVNULL)
        lists.append(out.read_text())
    assert lists[0] == lists[1]
    assert lists[0].split()[5] == hashlib.sha256(source.read_bytes()[5 * MIB :]).hexdigest()
    runs = tmp_path / "runs"
    runs.write_text("1 2\n5 1\n")
    for giving, taking in ((python, shell), (shell, python)):
        target.write_bytes(bytes(size))
        acks, ledger = tmp_path / "acks", tmp_path / "ledger"
        for file in (acks, ledger):
            file.unlink(missing_ok=True)
        data = subprocess.run(giving("give", source, MIB, size, runs, 0), check=True, capture_output=True).stdout
        take = taking("take", target, MIB, size, runs, acks, ledger)
        # Cut off in a run: what is acknowledged was written, and the end says that it is not all.
        cut = subprocess.run(take, input=data[:-40], capture_output=True, check=False)
        assert cut.returncode == 6
        assert [line.split()[0] for line in acks.read_text().splitlines()] == ["1", "2"]
        subprocess.run(take, input=data, check=True, stderr=subprocess.DEVNULL)
        came = target.read_bytes()
        assert came[MIB : 3 * MIB] == source.read_bytes()[MIB : 3 * MIB]
        assert came[5 * MIB :] == source.read_bytes()[5 * MIB :]
        assert came[:MIB] == bytes(MIB)


def test_a_killed_list_goes_on_after_its_last_whole_line(tmp_path: Path) -> None:
    source, out = tmp_path / "source", tmp_path / "list"
    source.write_bytes(os.urandom(4 * MIB))
    (tmp_path / "list.part").write_text("known\nhal")
    subprocess.run(python("hash", source, MIB, 4 * MIB, out), check=True, stderr=subprocess.DEVNULL)
    lines = out.read_text().splitlines()
    assert lines[0] == "known"
    assert lines[1:] == [hashlib.sha256(source.read_bytes()[n * MIB : (n + 1) * MIB]).hexdigest() for n in (1, 2, 3)]


@pytest.mark.parametrize("program", [python, shell])
def test_a_limit_is_kept(tmp_path: Path, program: object) -> None:
    source, runs = tmp_path / "source", tmp_path / "runs"
    source.write_bytes(bytes(MIB))
    runs.write_text("0 2\n2 2\n")
    began = time.monotonic()
    assert callable(program)
    subprocess.run(program("give", source, MIB >> 2, MIB, runs, 2 * MIB), check=True, capture_output=True)
    assert time.monotonic() - began >= 0.4


def test_without_python_it_goes_there_and_back_and_says_so(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = BlocksHouse.task

    def without(self: BlocksHouse, key: str = "plan/work/a1", *, back: bool = False) -> object:
        task = plain(self, key, back=back)
        task.source.known["python3"] = task.target.known["python3"] = False
        return task

    monkeypatch.setattr(BlocksHouse, "task", without)
    house = BlocksHouse(rig)
    house.fill()
    journey = Journey(house)
    assert [f.code for f in Blocks().preflight(journey.task())] == ["PSE-M053", "PSE-M053"]
    journey.go()
    assert house.contents("target") == house.contents("source")
    house.write("target", 5)
    assert 0 < Blocks().catch_up(house.task(back=True)).sent < 20 << 20
    assert house.contents("target") == house.contents("source")


def test_an_image_that_is_open_for_writing_is_never_the_last_state(rig: Rig) -> None:
    house = BlocksHouse(rig)
    house.fill()
    task, blocks = house.task(), Blocks()
    assert blocks.seed(task).note.endswith("not consistent until the freeze")
    # Nothing changed: nothing is sent, and what the target has is known without reading it.
    assert blocks.delta(task, final=False).sent == 0
    task.source.text("setsid sleep 600 9>>'/srv/a disk' >/dev/null 2>&1 </dev/null & true")
    with pytest.raises(Refused, match="does not stand still: held by process"):
        blocks.delta(task, final=True)
    assert rig.source.kill("sleep 600") == 1
    blocks.delta(task, final=True)
    assert [r.detail for r in blocks.verify(task) if not r.equal] == []


def test_a_target_that_is_not_ours_is_refused_and_one_that_lost_all_takes_nothing_with_it(rig: Rig) -> None:
    house, blocks = BlocksHouse(rig), Blocks()
    house.fill()
    (rig.target.root / "srv/disk.img").write_bytes(b"somebody else's")
    (said,) = [f for f in blocks.preflight(house.task()) if f.severity is Severity.ERROR]
    assert said.code == "PSE-M052"
    with pytest.raises(Refused, match="is not empty"):
        blocks.seed(house.task())
    assert (rig.target.root / "srv/disk.img").read_bytes() == b"somebody else's"
    (rig.target.root / "srv/disk.img").unlink()
    task = house.task()
    blocks.seed(task)
    blocks.delta(task, final=True)
    before = house.contents("source")
    house.disk("target").write_bytes(bytes(house.size // 2))
    with pytest.raises(Refused, match="nothing but zeros"):
        blocks.catch_up(house.task(back=True))
    house.disk("target").unlink()
    with pytest.raises(Refused, match="not at the target"):
        blocks.catch_up(house.task(back=True))
    assert house.contents("source") == before


@pytest.fixture
def disks(tmp_path: Path) -> Iterator[list[str]]:
    """Loop devices of 64 MiB for source and target."""
    if os.geteuid() != 0 or not Path("/dev/loop-control").exists():
        pytest.skip("block devices need root and the kernel's loop devices")
    require("losetup", "mkfs.ext4", "wipefs")
    made: list[str] = []
    try:
        for name in ("one", "two"):
            (tmp_path / name).touch()
            os.truncate(tmp_path / name, 64 * MIB)
            done = subprocess.run(["losetup", "-f", "--show", tmp_path / name], check=False, capture_output=True)
            if done.returncode:
                pytest.skip("no loop device can be had here")
            made.append(done.stdout.decode().strip())
        yield made
    finally:
        for device in made:
            subprocess.run(["losetup", "-d", device], check=False)


@pytest.fixture
def machines(rig: Rig) -> Rig:
    """The same two hosts, entered as root, with the machine's devices."""
    for end in (rig.source, rig.target):
        end.stop()
        end.devices = True
        end.start()
    return rig


def test_a_mounted_disk_is_unmounted_carried_and_mounted_again(disks: list[str], machines: Rig) -> None:
    source, target = disks
    move = Move(id="scans", kind="blocks", source="source", target="target", paths=(source,), onto=target)
    blocks, task = Blocks(), machines.task(move)
    subprocess.run(["mkfs.ext4", "-q", source], check=True)
    (machines.source.root / "srv/scans").mkdir()
    task.source.text(f"mount {source} /srv/scans && head -c 9000000 /dev/urandom >/srv/scans/1.tif")
    assert [f for f in blocks.preflight(task) if f.severity is Severity.ERROR] == []
    blocks.seed(task)
    task.source.text("echo more >/srv/scans/2.tif; head -c 3000000 /dev/urandom >/srv/scans/3.tif")
    with pytest.raises(Refused, match="does not stand still: mounted at /srv/scans"):
        blocks.delta(task, final=True)
    assert f"mount -t ext4 -o rw,relatime -- {source} /srv/scans" in blocks.thaw_script(task)
    blocks.freeze(task, at_target=False)
    moved = blocks.delta(task, final=True)
    assert 0 < moved.sent < 40 * MIB
    (found,) = blocks.verify(task)
    assert (found.equal, found.detail) == (True, "")
    # The source was read beside the pass, and of the target only what the pass wrote.
    assert f"sha256 of every 4 MiB, 0 and {moved.sent >> 22} of 16 chunks read now" in found.method
    # What the kernel counts beside the pass is found, wherever it is.
    fd = os.open(target, os.O_WRONLY)
    os.pwrite(fd, b"astray", 40 * MIB + 5)
    os.close(fd)
    (found,) = blocks.verify(task)
    assert not found.equal
    assert found.detail == f"bytes {40 * MIB}-{44 * MIB} differ"
    blocks.delta(task_again := machines.task(move, key="plan/work/a2"), final=True)
    assert blocks.verify(task_again)[0].equal
    blocks.thaw(task, at_target=False)
    assert task.source.text("cat /srv/scans/2.tif") == "more\n"
    # The source is in use, so nothing may come back into it; a target in use takes nothing either.
    with pytest.raises(Refused, match="in use at the source"):
        blocks.way_back(task)
    task.target.text(f"mkdir /srv/scans && mount {target} /srv/scans")
    assert "PSE-M051" in [f.code for f in blocks.preflight(task)]
    with pytest.raises(Refused, match="in use"):
        blocks.delta(machines.task(move, key="plan/work/a3"), final=False)
    task.target.text("umount /srv/scans")
    task.source.text("umount /srv/scans")
    assert blocks.cleanup(task) == ()


def test_a_target_that_fills_up_ends_in_words(rig: Rig) -> None:
    rig.target.stop()
    rig.target.mounts, rig.target.room_mib = ["/srv"], 20
    rig.target.start()
    house = BlocksHouse(rig)
    house.fill()
    with pytest.raises(CopyFailed, match="No space left on device") as caught:
        Blocks().seed(house.task())
    assert "Traceback" not in str(caught.value)


def test_what_cannot_be_read_is_named_and_never_equal(disks: list[str], machines: Rig, tmp_path: Path) -> None:
    source, target = disks
    move = Move(id="broken", kind="blocks", source="source", target="target", paths=(source,), onto=target)
    Path(source).write_bytes(os.urandom(64 * MIB))
    subprocess.run(["blockdev", "--flushbufs", source], check=True)
    # The end of the disk is gone: the kernel gives EIO for it.
    os.truncate(tmp_path / "one", 50 * MIB)
    blocks, task = Blocks(), machines.task(move)
    moved = blocks.seed(task)
    assert f"source cannot read bytes {50 * MIB}-{64 * MIB} and nothing was written in their place" in moved.note
    (found,) = blocks.verify(task)
    assert not found.equal
    assert f"source cannot read bytes {48 * MIB}-" in found.detail or "Input/output error" in found.detail
    assert Path(target).read_bytes()[: 48 * MIB] == Path(tmp_path / "one").read_bytes()[: 48 * MIB]
    smaller = msgspec.structs.replace(move, paths=(target,), onto="/dev/null")
    assert [f.code for f in blocks.preflight(machines.task(smaller)) if f.severity is Severity.ERROR] == ["PSE-M050"]
    for size in (0, 20 * MIB):
        os.truncate(tmp_path / "one", size)
    subprocess.run(["losetup", "-c", source], check=True)
    back = msgspec.structs.replace(move, id="small", paths=(target,), onto=source)
    assert "PSE-M012" in [f.code for f in blocks.preflight(machines.task(back))]
    with pytest.raises(CopyFailed, match=f"has {20 * MIB} bytes and needs {64 * MIB}"):
        blocks.seed(machines.task(back, key="plan/small/a1"))
