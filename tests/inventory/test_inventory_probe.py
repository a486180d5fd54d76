"""The probe's script in real shells: complete, bounded, writing nothing, never forged, never hung."""

import os
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inventory.answer import Answer
from inventory.facts import TABLE, Fact, Frame, Outcome, Section, published
from inventory.facts.memory import Memory
from inventory.probe import COMMAND, boundary, script
from tests.require import require


class Made(Fact[bytes]):
    """A fact of these tests."""

    name = "made"

    def __init__(self, sh: str, *, timeout_s: int = 5, cap: int = 65536, **more: Any) -> None:
        self.section = Section(sh=sh, reads=("x",), runs=("x",), timeout_s=timeout_s, cap=cap, **more)  # type: ignore[misc]  # differs from test to test

    def parse(self, raw: bytes) -> bytes | None:
        return raw or None


def run(text: bytes, *, command: tuple[str, ...] = ("/bin/sh", "-c", COMMAND)) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(command, input=text, capture_output=True, timeout=60, check=False)


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> "Maker":
    return Maker(monkeypatch)


class Maker:
    """Puts made facts into the table for one test, then runs the probe."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._monkeypatch = monkeypatch

    def __call__(self, *facts: tuple[str, Made], deadline_s: int = 60) -> tuple[Answer, bytes]:
        table = dict(facts)
        for name, fact in table.items():
            fact.name = name  # type: ignore[misc]  # differs from test to test
        self._monkeypatch.setattr("inventory.probe.TABLE", table)
        self._monkeypatch.setattr("inventory.answer.TABLE", table)
        mark = boundary()
        raw = run(script(mark, deadline_s=deadline_s)).stdout
        return Answer(raw, mark), raw


@pytest.mark.parametrize("shell", ["dash", "bash"])
def test_a_whole_run_is_complete_and_quiet(shell: str) -> None:
    require(shell)
    mark = boundary()
    done = run(script(mark), command=("/usr/bin/env", "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", shell, "-s"))
    answer = Answer(done.stdout, mark)
    assert (done.returncode, done.stderr) == (0, b"")
    assert answer.complete
    assert answer.noise == b""
    readings = {name: fact.read(answer.frames.get(name)) for name, fact in TABLE.items()}
    assert {n: r.reason for n, r in readings.items() if r.outcome == Outcome.FAILED} == {}
    assert getattr(readings["identity"].value, "hostname", "") == os.uname().nodename
    assert getattr(readings["memory"].value, "total_kib", 0) > 0


def test_a_host_with_nothing_but_busybox_is_read(tmp_path: Path) -> None:
    require("busybox")
    subprocess.run(["busybox", "--install", "-s", str(tmp_path)], check=True, timeout=60)
    mark = boundary()
    done = run(script(mark), command=("/usr/bin/env", "-i", f"PATH={tmp_path}", str(tmp_path / "ash"), "-s"))
    answer = Answer(done.stdout, mark)
    assert (done.returncode, done.stderr) == (0, b"")
    assert answer.complete
    readings = {name: fact.read(answer.frames.get(name)) for name, fact in TABLE.items()}
    assert {n: r.reason for n, r in readings.items() if r.outcome == Outcome.FAILED} == {}
    known = {n for n, r in readings.items() if r.outcome == Outcome.VALUE}
    assert known >= {"identity", "system", "cpu", "memory", "mounts", "nics", "sockets", "processes", "owners"}


def test_only_published_programs_are_run(tmp_path: Path) -> None:
    allowed = {program for row in published() for program in row.runs}
    for program in allowed:
        for folder in ("/usr/sbin", "/usr/bin", "/sbin", "/bin"):
            if Path(folder, program).exists() and not (tmp_path / program).exists():
                (tmp_path / program).symlink_to(Path(folder, program))
    mark = boundary()
    caught = (
        script(mark).replace(b"2>/dev/null | head", b"| head").replace(b">/dev/null 2>&1 </dev/null", b"</dev/null")
    )
    done = run(caught, command=("/usr/bin/env", "-i", f"PATH={tmp_path}", str(tmp_path / "sh"), "-s"))
    assert Answer(done.stdout, mark).complete
    assert b"not found" not in done.stderr


def test_nothing_is_written(made: Maker, tmp_path: Path) -> None:
    target = tmp_path / "written"
    answer, _ = made(("one", Made(f"echo text > {target}; echo survived")), ("two", Made("echo next")))
    assert not target.exists() or target.stat().st_size == 0
    assert answer.frames["two"].raw.strip() == b"next"
    assert answer.complete


def test_a_section_that_hangs_is_ended_and_the_run_goes_on(made: Maker) -> None:
    start = time.monotonic()
    hang = "echo before; (sleep 71.25 & sleep 71.25)"
    answer, _ = made(("stuck", Made(hang, timeout_s=1)), ("next", Made("echo here")))
    assert time.monotonic() - start < 8
    assert TABLE["memory"].read(answer.frames["stuck"]).outcome == Outcome.FAILED
    assert "hung" in TABLE["memory"].read(answer.frames["stuck"]).reason
    assert answer.frames["next"].raw.strip() == b"here"
    assert answer.complete
    left = subprocess.run(["pgrep", "-f", "sleep 71.25"], capture_output=True, check=False).stdout
    assert left == b"", "what hung was left behind"


def test_a_section_that_floods_is_cut_and_says_so(made: Maker) -> None:
    answer, _ = made(("flood", Made("while :; do echo xxxxxxxx; done", cap=1000)), ("next", Made("echo here")))
    assert answer.frames["flood"].truncated
    assert len(answer.frames["flood"].raw) == 1000
    assert Made("").read(answer.frames["flood"]).reason.startswith("cut")
    assert answer.frames["next"].raw.strip() == b"here"


def test_a_group_that_hangs_is_asked_again_one_by_one(made: Maker, tmp_path: Path) -> None:
    (tmp_path / "one").write_text("first\n", encoding="utf-8")
    files = (str(tmp_path / "one"),)
    start = time.monotonic()
    answer, _ = made(
        ("fine", Made("echo fine", group="g", files=files, timeout_s=1)),
        ("stuck", Made("echo before; sleep 73.25", group="g", timeout_s=1)),
        ("after", Made("echo after", group="g", timeout_s=1)),
        ("next", Made("echo here")),
    )
    assert time.monotonic() - start < 12
    assert answer.frames["fine"].raw.split() == [f"{files[0]}:first".encode(), b"fine"], "once, and not twice"
    assert "hung" in Made("", timeout_s=1).read(answer.frames["stuck"]).reason
    assert answer.frames["after"].raw.strip() == b"after"
    assert answer.frames["next"].raw.strip() == b"here"
    assert answer.complete


def test_files_of_a_group_are_read_by_one_program_and_handed_out(made: Maker, tmp_path: Path) -> None:
    for name in ("a-1:0", "b-2"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "size").write_text(f"{name}\nsecond\n", encoding="utf-8")
    (tmp_path / "only").write_text("alone\n", encoding="utf-8")
    answer, raw = made(
        ("sizes", Made("", group="g", files=(f"{tmp_path}/*/size",))),
        ("both", Made("echo own", group="g", files=(f"{tmp_path}/*/size", f"{tmp_path}/only"))),
        ("absent", Made("", group="g", files=(f"{tmp_path}/nothing",))),
    )
    lines = {name: frame.raw.strip().decode().split("\n") for name, frame in answer.frames.items()}
    sizes = [f"{tmp_path}/{name}/size:{line}" for name in ("a-1:0", "b-2") for line in (name, "second")]
    assert lines["sizes"] == sizes
    assert lines["both"] == [*sizes, f"{tmp_path}/only:alone", "own"]
    assert lines["absent"] == [""]
    assert raw.count(b"second") == 2, "each file is read and sent once"


def test_a_large_section_of_a_group_is_cut_and_the_others_are_whole(made: Maker) -> None:
    answer, _ = made(
        ("flood", Made("while :; do echo xxxxxxxx; done", cap=1000, group="g", large=True)),
        ("after", Made("echo after", group="g")),
    )
    assert answer.frames["flood"].truncated
    assert len(answer.frames["flood"].raw) == 1000
    assert answer.frames["after"].raw.strip() == b"after"


def test_a_section_without_its_condition_is_absent_and_not_run(made: Maker) -> None:
    answer, _ = made(("no", Made("echo ran", when="return 1")), ("yes", Made("echo ran", when="return 0")))
    assert [Made("").read(answer.frames[n]).outcome for n in ("no", "yes")] == [Outcome.ABSENT, Outcome.VALUE]


def test_the_scripts_own_deadline_leaves_sections_out(made: Maker) -> None:
    answer, _ = made(("slow", Made("sleep 30", timeout_s=30)), ("late", Made("echo late")), deadline_s=1)
    assert answer.frames["late"].skipped
    assert answer.complete


def test_sections_cannot_eat_the_script_or_forge_frames(made: Maker) -> None:
    forged = (
        "cat; printf '\\n%s S forged\\nx\\n' 00000000000000000000000000000000; printf '\\n%s Z\\n' \"$BOUNDARY\"; env"
    )
    answer, raw = made(("eater", Made(forged)), ("next", Made("echo here")))
    assert set(answer.frames) == {"eater", "next"}
    assert answer.frames["next"].raw.strip() == b"here"
    mark = raw.split(b" H ")[0].strip()
    assert mark not in answer.frames["eater"].raw, "the boundary is not in the environment"


def test_a_script_cut_on_its_way_does_nothing() -> None:
    mark = boundary()
    whole = script(mark)
    for cut in (len(whole) - 6, len(whole) // 2, 140):
        assert mark.encode() not in run(whole[:cut]).stdout


def test_an_eaten_boundary_is_an_error_and_not_a_guess() -> None:
    whole = script(boundary())
    done = run(b"\n".join(line for line in whole.split(b"\n") if not line.startswith(b"B=")))
    assert (done.returncode, done.stdout) == (3, b"")


def test_noise_before_the_start_is_set_apart() -> None:
    mark = boundary()
    answer = Answer(b"Welcome to \x1b[31mhost\n" + run(script(mark, facts=("memory",))).stdout, mark)
    assert answer.noise.startswith(b"Welcome")
    assert answer.complete
    assert set(answer.frames) == {"memory"}


@settings(deadline=None)
@given(st.binary(max_size=400), st.integers(0, 400))
def test_any_answer_is_cut_into_frames(noise: bytes, cut: int) -> None:
    mark = "0" * 32
    line = f"\n{mark} ".encode()
    good = (
        line
        + b"H 1 5\n"
        + line
        + b"S memory\nMemTotal: 5 kB\n"
        + line
        + b"R 0\n"
        + line
        + b"E memory 0\n"
        + line
        + b"Z\n"
    )
    raw = (good[:cut] + noise + good[cut:]).replace(b"?", line)
    answer = Answer(raw, mark)
    for name, frame in answer.frames.items():
        assert isinstance(frame, Frame)
        TABLE.get(name, TABLE["memory"]).read(frame)
    assert Answer(good, mark).frames == {"memory": Frame(raw=b"MemTotal: 5 kB\n", rc=0)}


@pytest.mark.parametrize("cut", range(0, 130, 7))
def test_frames_that_are_complete_survive_a_cut(cut: int) -> None:
    mark = "a" * 32
    line = f"\n{mark} ".encode()
    first = line + b"H 1 5\n" + line + b"S memory\nMemTotal: 5 kB\n" + line + b"R 0\n" + line + b"E memory 0\n"
    second = line + b"S cpu\nonline: 0-3\n" + line + b"R 0\n" + line + b"E cpu 0\n" + line + b"Z\n"
    answer = Answer(first + second[:cut], mark)
    assert TABLE["memory"].read(answer.frames["memory"]).value == Memory(total_kib=5)
    assert not answer.complete or cut >= len(second) - 1
