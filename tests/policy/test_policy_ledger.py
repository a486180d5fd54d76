"""The ledger: nothing can be changed, removed, put elsewhere or cut off unnoticed, and a crash loses nothing."""

import hashlib
import json
import multiprocessing
import os
import signal
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from multiprocessing.process import BaseProcess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policy.ledger import Ledger
from policy.ledgerhead import Head
from pse.core.canonical import write
from pse.core.documents.verdicts import Refusal
from pse.core.errors import BadInput, Refused
from pse.core.settings import Workspace
from pse.core.time import KARACHI, today


def refusal(rule: str = "PSE-R003") -> Refusal:
    return Refusal(rule=rule, clause="clause", message="It is abroad.", source="source")


def refuse(ledger: Ledger, urn: str = "urn:1", *rules: str, plan: str = "p", gate: str = "check") -> int:
    refusals = [refusal(rule) for rule in rules or ("PSE-R003",)]
    return ledger.refuse(plan=plan, unit="portal", urn=urn, gate=gate, refusals=refusals)


@pytest.fixture
def bare(tmp_path: Path) -> Workspace:
    (tmp_path / "pse.toml").write_text('entity = "Ministry of Examples"\n')
    return Workspace(tmp_path)


@pytest.fixture
def filled(bare: Workspace) -> Workspace:
    ledger = Ledger(bare)
    for number in range(5):
        refuse(ledger, f"urn:{number}", "PSE-R003", "PSE-R004")
    ledger.record("approval", {"by": "Director Records"})
    return bare


def path(workspace: Workspace) -> Path:
    return workspace.private / "ledger.jsonl"


def lines(workspace: Workspace) -> list[bytes]:
    return path(workspace).read_bytes().splitlines(keepends=True)


def test_empty_ledger_verifies(bare: Workspace) -> None:
    ledger = Ledger(bare)
    assert ledger.verify().entries == 0
    assert ledger.entries() == ()
    assert ledger.last_day() is None
    assert ledger.head() == ledger.verify()


def test_refusal_is_kept_with_its_rule_clause_and_source(bare: Workspace) -> None:
    assert refuse(Ledger(bare)) == 1
    (entry,) = Ledger(bare).entries()
    assert entry.kind == "refusal"
    assert entry.data == {
        "plan": "p",
        "unit": "portal",
        "urn": "urn:1",
        "gate": "check",
        "rule": "PSE-R003",
        "clause": "clause",
        "message": "It is abroad.",
        "source": "source",
    }
    assert Ledger(bare).last_day() == today()


def test_refusal_is_written_once_for_plan_urn_rule_and_gate(bare: Workspace) -> None:
    ledger = Ledger(bare)
    assert refuse(ledger, "urn:1", "PSE-R003", "PSE-R003") == 1
    assert refuse(ledger) == 0
    assert refuse(Ledger(bare)) == 0
    assert refuse(ledger, "urn:2") == 1
    assert refuse(ledger, "urn:1", "PSE-R004") == 1
    assert refuse(ledger, plan="q") == 1
    assert refuse(Ledger(bare), gate="plan") == 1
    assert Ledger(bare).verify().entries == 5
    assert ledger.refuse(plan="p", unit="u", urn="urn:3", gate="check", refusals=()) == 0


def test_record_is_written_every_time_and_is_no_refusal(bare: Workspace) -> None:
    ledger = Ledger(bare)
    for _ in range(2):
        ledger.record("approval", {"by": "Director Records"})
    assert [entry.seq for entry in ledger.entries()] == [1, 2]
    with pytest.raises(ValueError, match="refuse"):
        ledger.record("refusal", {})


def test_files_are_private(filled: Workspace) -> None:
    for name in ("ledger.jsonl", "ledger.head", "ledger.jsonl.lock"):
        assert stat.S_IMODE((filled.private / name).stat().st_mode) == 0o600


def test_head_moves_with_every_entry(bare: Workspace) -> None:
    ledger = Ledger(bare)
    seen = set()
    for number in range(3):
        ledger.record("note", {"number": number})
        assert ledger.head() == ledger.verify()
        seen.add(ledger.head().hash)
    assert len(seen) == 3


@settings(max_examples=400)
@given(bit=st.integers(min_value=0), head=st.booleans())
def test_law_any_turned_bit_is_refused(filled: Workspace, refusing: Callable[..., None], bit: int, head: bool) -> None:
    refusing(filled.private / ("ledger.head" if head else "ledger.jsonl"), bit, Ledger(filled).verify)
    assert Ledger(filled).verify().entries == 11


@settings(max_examples=100)
@given(data=st.data())
def test_law_any_other_order_or_selection_of_lines_is_refused(filled: Workspace, data: st.DataObject) -> None:
    whole = lines(filled)
    other = data.draw(st.lists(st.sampled_from(whole), max_size=13).filter(lambda chosen: chosen[:11] != whole))
    path(filled).write_bytes(b"".join(other))
    try:
        with pytest.raises(Refused):
            Ledger(filled).verify()
    finally:
        path(filled).write_bytes(b"".join(whole))


@pytest.mark.parametrize("keep", [0, 1, 5, 10])
def test_cut_tail_is_noticed_by_every_way_in(filled: Workspace, keep: int) -> None:
    path(filled).write_bytes(b"".join(lines(filled)[:keep]))
    for way in (
        Ledger(filled).verify,
        Ledger(filled).entries,
        Ledger(filled).head,
        Ledger(filled).last_day,
        lambda: refuse(Ledger(filled), "urn:new"),
    ):
        with pytest.raises(Refused, match="ledger was altered") as caught:
            way()
        assert "ledger.jsonl" in caught.value.where
        assert caught.value.hint


def test_missing_ledger_or_head_is_noticed(filled: Workspace) -> None:
    head = filled.private / "ledger.head"
    kept = head.read_bytes()
    head.unlink()
    with pytest.raises(Refused, match="head is missing"):
        Ledger(filled).verify()
    head.write_bytes(kept)
    path(filled).unlink()
    for way in (Ledger(filled).verify, lambda: Ledger(filled).record("note", {})):
        with pytest.raises(Refused, match="file is gone"):
            way()


def test_altered_last_line_is_noticed_by_the_quick_ways_in(filled: Workspace) -> None:
    whole = lines(filled)
    path(filled).write_bytes(b"".join([*whole[:-1], whole[-1].replace(b"Director", b"director")]))
    for way in (Ledger(filled).head, Ledger(filled).last_day, lambda: refuse(Ledger(filled), "urn:new")):
        with pytest.raises(Refused, match="not the one that the head names"):
            way()


@pytest.mark.parametrize(
    "change", [(b"\n}", b',\n "more": 1\n}'), (b"\n ", b"\n  "), (b'"entries": 11', b'"entries": 0'), (b"{", b"[")]
)
def test_altered_head_is_refused(filled: Workspace, change: tuple[bytes, bytes]) -> None:
    head = filled.private / "ledger.head"
    altered = head.read_bytes().replace(*change)
    assert altered != head.read_bytes()
    head.write_bytes(altered)
    for way in (Ledger(filled).head, Ledger(filled).verify):
        with pytest.raises(Refused, match="its head"):
            way()


@pytest.mark.parametrize("change", ["none", "seq", "prev", "at"])
def test_chain_with_a_head_that_fits_has_to_be_a_chain(bare: Workspace, change: str) -> None:
    """Whoever writes both files anew still has to number, link and date the lines."""
    data, previous = b"", "0" * 64
    bare.private.mkdir()
    for seq in (1, 2, 3):
        at = f"2026-07-01T00:00:0{seq}Z"
        entry: dict[str, object] = {"seq": seq, "at": at, "prev": previous, "kind": "note", "data": {}}
        if seq == 2 and change != "none":
            wrong: dict[str, object] = {"seq": 7, "prev": "0" * 64, "at": "2026-06-30T00:00:00Z"}
            entry[change] = wrong[change]
        line = json.dumps(entry).encode()
        previous = hashlib.sha256(line).hexdigest()
        start = len(data)
        data += line + b"\n"
    path(bare).write_bytes(data)
    write(bare.private / "ledger.head", Head(entries=3, hash=previous, start=start, size=len(data)))
    if change == "none":
        assert Ledger(bare).verify().entries == 3
        return
    with pytest.raises(Refused, match="does not follow") as caught:
        Ledger(bare).verify()
    assert caught.value.where.endswith("row 2")


def test_empty_file_without_a_head_is_a_new_ledger(bare: Workspace) -> None:
    bare.private.mkdir()
    path(bare).touch()
    assert Ledger(bare).verify().entries == 0
    Ledger(bare).record("note", {})
    assert Ledger(bare).verify().entries == 1


def test_altered_row_is_named(filled: Workspace) -> None:
    whole = lines(filled)
    whole[3] = whole[3].replace(b"abroad", b"at home")
    path(filled).write_bytes(b"".join(whole))
    with pytest.raises(Refused) as caught:
        Ledger(filled).verify()
    # Row 4 was changed; row 5 is the first that does not follow.
    assert caught.value.where.endswith("row 5")


def test_nothing_is_added_to_an_altered_ledger(filled: Workspace) -> None:
    whole = lines(filled)
    whole[3] = whole[3].replace(b"abroad", b"at home")
    path(filled).write_bytes(b"".join(whole))
    with pytest.raises(Refused):
        refuse(Ledger(filled), "urn:new")
    assert lines(filled) == whole


def test_ledger_that_shrinks_under_an_open_writer_is_noticed(filled: Workspace) -> None:
    old = (path(filled).read_bytes(), (filled.private / "ledger.head").read_bytes())
    ledger = Ledger(filled)
    refuse(ledger, "urn:new")
    path(filled).write_bytes(old[0])
    (filled.private / "ledger.head").write_bytes(old[1])
    with pytest.raises(Refused, match="shorter than it was"):
        refuse(ledger, "urn:newer")


@settings(max_examples=60)
@given(cut=st.integers(min_value=1, max_value=10_000))
def test_law_crash_between_line_and_head_loses_nothing_that_was_acknowledged(filled: Workspace, cut: int) -> None:
    mark = filled.private / "locks" / "ledger.mark"
    before = ((filled.private / "ledger.head").read_bytes(), path(filled).read_bytes(), mark.read_bytes())
    Ledger(filled).refuse(
        plan="p", unit="u", urn="urn:crash", gate="check", refusals=[refusal(f"PSE-R00{n}") for n in range(3)]
    )
    written = path(filled).read_bytes()
    # The lines came to the disk as far as `cut`, the head did not.
    left = written[: len(before[1]) + cut % (len(written) - len(before[1]) + 1)]
    path(filled).write_bytes(left)
    (filled.private / "ledger.head").write_bytes(before[0])
    mark.write_bytes(before[2])
    try:
        assert Ledger(filled).verify().entries == 11
        again = refuse(Ledger(filled), "urn:crash", "PSE-R000", "PSE-R001", "PSE-R002")
        assert again == (0 if left == written else 3)
        assert Ledger(filled).verify().entries == 14
        kept = [(e.data["urn"], e.data["rule"]) for e in Ledger(filled).entries() if e.kind == "refusal"]
        assert len(kept) == len(set(kept)) == 13
    finally:
        path(filled).write_bytes(before[1])
        (filled.private / "ledger.head").write_bytes(before[0])
        mark.write_bytes(before[2])


def test_tail_past_the_head_that_does_not_follow_is_refused(filled: Workspace) -> None:
    with path(filled).open("ab") as file:
        file.write(lines(filled)[0])
    with pytest.raises(Refused, match="did not sign"):
        Ledger(filled).verify()
    with pytest.raises(Refused, match="did not sign"):
        refuse(Ledger(filled), "urn:new")


def test_time_never_goes_back(filled: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    ahead = datetime.now(tz=UTC) + timedelta(days=3)
    monkeypatch.setattr("policy.ledger.now", lambda: ahead)
    Ledger(filled).record("note", {})
    monkeypatch.undo()
    Ledger(filled).record("note", {})
    entries = Ledger(filled).entries()
    assert entries[-1].at == entries[-2].at == ahead
    assert Ledger(filled).last_day() == ahead.astimezone(KARACHI).date()


def test_full_disk_is_said_and_leaves_the_ledger_whole(filled: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    write_some = os.write
    room = 10

    def full(handle: int, data: bytes) -> int:
        nonlocal room
        if room == 0:
            raise OSError(28, "No space left on device")
        written = write_some(handle, bytes(data[:room]))
        room -= written
        return written

    before = path(filled).read_bytes()
    monkeypatch.setattr("policy.ledger.os.write", full)
    with pytest.raises(BadInput, match="No space left"):
        Ledger(filled).record("note", {"long": "x" * 100})
    monkeypatch.undo()
    assert path(filled).read_bytes() == before
    Ledger(filled).verify()


def _many(root: str, name: str) -> None:
    ledger = Ledger(Workspace(Path(root)))
    for number in range(15):
        refuse(ledger, f"urn:{name}-{number}")
        refuse(ledger, f"urn:shared-{number}")


def test_many_processes_and_threads_append_to_one_chain(bare: Workspace) -> None:
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=_many, args=(str(bare.root), f"p{n}")) for n in range(2)]
    threads = [threading.Thread(target=_many, args=(str(bare.root), f"t{n}")) for n in range(2)]
    workers: list[BaseProcess | threading.Thread] = [*processes, *threads]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    assert [process.exitcode for process in processes] == [0, 0]
    urns = [entry.data["urn"] for entry in Ledger(bare).entries()]
    assert len(urns) == len(set(urns)) == 4 * 15 + 15
    assert Ledger(bare).verify().entries == 75


def test_killed_writer_leaves_a_ledger_that_goes_on(bare: Workspace) -> None:
    code = (
        "import pathlib, itertools\n"
        "from policy.ledger import Ledger\n"
        "from pse.core.settings import Workspace\n"
        f"ledger = Ledger(Workspace(pathlib.Path({str(bare.root)!r})))\n"
        "for n in itertools.count():\n"
        "    ledger.record('note', {'n': n})\n"
        "    print(n, flush=True)\n"
    )
    acknowledged = 0
    for _ in range(3):
        with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as writer:
            assert writer.stdout is not None
            deadline = time.monotonic() + 30
            told = 0
            for told, _line in enumerate(writer.stdout, start=1):
                if told == 7 or time.monotonic() > deadline:
                    break
            writer.send_signal(signal.SIGKILL)
            writer.wait(30)
        assert told == 7
        entries = Ledger(bare).verify().entries
        acknowledged += told
        assert entries >= acknowledged
        Ledger(bare).record("after", {})
        acknowledged += 1
        # One more, or two where the kill fell between a line and its head.
        assert Ledger(bare).verify().entries in (entries + 1, entries + 2)


def test_line_is_plain_json(filled: Workspace) -> None:
    assert [json.loads(line)["seq"] for line in lines(filled)] == list(range(1, 12))
