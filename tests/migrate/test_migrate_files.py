"""Files: carried whole, verified independently, and the way in is gone afterwards."""

import os
import subprocess
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from migrate.jobs import folder_of
from migrate.replicators.files import rsync
from migrate.replicators.files.replicator import Files
from migrate.replicators.files.rsync import CopyFailed
from migrate.verify import files as verify
from pse.core.documents.plan import Move
from pse.core.errors import PseError, Refused, RemoteError
from pse.core.findings import Severity
from pse.core.progress import Event
from tests.migrate.rig import Rig, awkward

MOVE = Move(id="records-files", kind="files", source="source", target="target", paths=("/srv/records",))


def both_equal(rig: Rig) -> None:
    """Judge by a tool of the test's own, from outside the sandboxes."""
    listings = [
        subprocess.run(
            ["find", ".", "-not", "-type", "d", "-printf", "%y %m %n %p %s %l %T@\\0"],
            cwd=end.root / "srv/records",
            check=True,
            capture_output=True,
        ).stdout.split(b"\0")
        for end in (rig.source, rig.target)
    ]
    assert sorted(listings[0]) == sorted(listings[1])
    assert len(listings[0]) > 10
    trees = [end.root / "srv/records" for end in (rig.source, rig.target)]
    subprocess.run(["diff", "-r", "--no-dereference", "--exclude=pipe", *trees], check=True)


def test_carries_awkward_files_and_proves_it(rig: Rig) -> None:
    awkward(rig.source.root / "srv/records")
    task = rig.task(MOVE)
    files = Files()
    assert [f for f in files.preflight(task) if f.severity is Severity.ERROR] == []
    moved = files.seed(task)
    assert moved.sent > 1000
    (rig.source.root / "srv/records/plain.txt").write_text("changed meanwhile\n")
    (rig.source.root / "srv/records/empty").unlink()
    files.delta(task, final=True)
    results = files.verify(task)
    assert {r.subject.split()[-1] for r in results} == {"meta", "links", "content", "xattrs"}
    assert [(r.subject, r.detail) for r in results if not r.equal or r.items == 0] == []
    both_equal(rig)
    assert (rig.target.root / "srv/records/sparse").stat().st_blocks * 512 < 1 << 20


@pytest.mark.parametrize("tool", ["python3", "getfattr", "none"])
def test_attributes_and_access_lists_are_compared_where_they_can_be_read(
    rig: Rig, monkeypatch: pytest.MonkeyPatch, tool: str
) -> None:
    awkward(rig.source.root / "srv/records", small=5)
    task = rig.task(MOVE)
    Files().seed(task)
    hidden = {"python3": (), "getfattr": ("python3",), "none": ("python3", "getfattr")}[tool]
    for name in hidden:  # as on a host that has it not, and at the target only
        there = f"command -v {name} >/dev/null"
        assert there in verify._SCRIPT
        without = f'[ "$(hostname)" = source ] && {there}'
        monkeypatch.setattr(verify, "_SCRIPT", verify._SCRIPT.replace(there, without))
    results = Files().verify(task)
    assert [r for r in results if not r.equal] == []
    noted = [r for r in results if r.subject.endswith(" xattrs")]
    assert [r.items for r in noted] == ([] if tool == "none" else [4])
    unseen = [r.method for r in results if "not compared: no python3 or getfattr on target" in r.method]
    assert len(unseen) == (1 if tool == "none" else 0)
    os.setxattr(rig.target.root / "srv/records/mode", "user.odd=na\\me", b"another")
    os.removexattr(rig.target.root / "srv/records/plain.txt", "system.posix_acl_access")
    after = [r for r in Files().verify(task) if not r.equal]
    if tool != "none":
        (wrong,) = (r for r in after if r.subject.endswith(" xattrs"))
        assert "mode" in wrong.detail
        assert "plain.txt" in wrong.detail


def test_a_copy_goes_on_at_another_rate_when_that_begins(rig: Rig) -> None:
    tree = rig.source.root / "srv/records"
    awkward(tree, small=20)
    (tree / "large").write_bytes(os.urandom(24 << 20))
    task = rig.task(MOVE)
    rates, spans = [1.0, 8.0], [1.0, 1.0]
    task.rate = lambda: rates.pop(0) if rates else None
    task.steady_s = lambda: spans.pop(0) if spans else None
    Files().seed(task)
    # At 1 MiB a second for a second, and at 8 for another one, it cannot have ended.
    logs = task.source.text(
        f"cd {folder_of(task.source, task.job)} && cat a1-seed-0-0.rc a1-seed-0-1.rc a1-seed-0-2.rc"
    )
    assert logs.split() == ["124", "124", "0"]
    Files().delta(task, final=True)
    both_equal(rig)
    # The job before was ended with all that it had started.
    assert task.source.text("pgrep -c rsync || true").strip() == "0"


def test_nothing_of_the_way_in_is_left(rig: Rig) -> None:
    awkward(rig.source.root / "srv/records", small=5)
    task = rig.task(MOVE)
    keys = rig.target.root / "home/admin/.ssh/authorized_keys"
    before = keys.read_text()
    Files().seed(task)
    line = next(row for row in keys.read_text().splitlines() if row.endswith(task.job))
    assert line.startswith("cert-authority,restrict,")
    assert f'from="{rig.source.address}"' in line
    assert Files().cleanup(task) == ()
    assert keys.read_text() == before
    assert task.source.run(f"ls -d /run/{task.job} /dev/shm/{task.job}").stdout == b""


def test_the_certificate_opens_nothing_but_this_copy(rig: Rig) -> None:
    awkward(rig.source.root / "srv/records", small=5)
    task = rig.task(MOVE)
    Files().seed(task)
    shell = task.passage.shell("x", "echo only this")
    done = task.source.run(f"{shell} {rig.target.address} cat /etc/passwd </dev/null")
    assert done.stdout == b"only this\n"
    forward = f"{shell} -N -o ExitOnForwardFailure=yes -R 2299:127.0.0.1:22 {rig.target.address}"
    assert task.source.run(f"timeout 5 {forward}").rc not in (0, 124)
    other = shell.replace(f"-b {rig.source.address}", "-b 127.0.0.1")
    assert task.source.run(f"{other} {rig.target.address} true </dev/null").rc == 255
    task.passage.close()
    assert not (rig.source.root / f"run/{task.job}").exists()


def test_another_host_key_stops_everything(rig: Rig) -> None:
    awkward(rig.source.root / "srv/records", small=5)
    task = rig.task(MOVE)
    rig.target.stop()
    rig.target.new_key()
    rig.target.start()
    with pytest.raises(Refused, match="host key has changed"):
        Files().seed(task)
    assert not (rig.target.root / "srv/records").exists()


def test_the_source_does_not_accept_another_host_key_either(rig: Rig) -> None:
    task = rig.task(MOVE)
    task.passage.open()
    rig.target.stop()
    rig.target.new_key()
    rig.target.start()
    shell = task.passage.shell("x", "true")
    done = task.source.run(f"{shell} {rig.target.address} true </dev/null")
    assert done.rc == 255
    assert b"host key verification failed" in done.stderr.lower()


def test_a_change_during_verification_is_caught(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    root = rig.source.root / "srv/records"
    awkward(root, small=5)
    task = rig.task(MOVE)
    Files().seed(task)
    # A writer that puts size and time back: rsync would never see it, and the hash was taken before.
    last = 'look | sha256sum >"$out/after"'
    assert last in verify._SCRIPT
    write = "touch -r plain.txt /tmp/r; echo PLAIN >plain.txt; touch -r /tmp/r plain.txt"
    monkeypatch.setattr(
        verify, "_SCRIPT", verify._SCRIPT.replace(last, f'[ "$(hostname)" = source ] && {{ {write}; }}\n{last}')
    )
    results = Files().verify(task)
    assert not any(r.equal for r in results)
    assert "changed while it was read: source" in results[0].detail


@pytest.mark.parametrize("wanted", ["nothing", "folders only"])
def test_empty_is_never_equal_to_empty(rig: Rig, wanted: str) -> None:
    for end in (rig.source, rig.target):
        (end.root / "srv/records").mkdir()
        os.utime(end.root / "srv/records", (1, 1))
    task = rig.task(MOVE)
    if wanted == "folders only":
        (rig.source.root / "srv/records/sub").mkdir()
        Files().seed(task)
        assert all(r.equal for r in Files().verify(task))
    else:
        assert not all(r.equal for r in Files().verify(task))


def test_a_missing_path_fails_in_words(rig: Rig) -> None:
    task = rig.task(MOVE)
    (finding,) = [f for f in Files().preflight(task) if f.severity is Severity.ERROR]
    assert finding.code == "PSE-M011"
    with pytest.raises(CopyFailed, match="is not there"):
        Files().seed(task)
    with pytest.raises(PseError):
        Files().verify(task)


def test_no_room_at_the_target_is_said_before(rig: Rig, tmp_path: Path) -> None:
    awkward(rig.source.root / "srv/records", small=5)
    big = rig.source.root / "srv/records/big"
    space = os.statvfs(tmp_path)
    subprocess.run(["fallocate", "-l", str(space.f_bavail * space.f_frsize * 6 // 10), big], check=True)
    try:
        findings = Files().preflight(rig.task(MOVE))
    finally:
        big.unlink()
    assert [f.code for f in findings if f.severity is Severity.ERROR] == ["PSE-M012"]


def test_a_target_that_fills_up_ends_in_words(rig: Rig) -> None:
    root = rig.source.root / "srv/records"
    awkward(root, small=5)
    (root / "big").write_bytes(os.urandom(1 << 20) * 8)
    task = rig.task(MOVE)
    # No quota in a sandbox: a file size limit of the receiving shell stands for the full disk.
    (rig.target.root / "home/admin/.bashrc").write_text("ulimit -f 4096\ntrap '' XFSZ\n")
    with pytest.raises(CopyFailed, match="rsync ended"):
        Files().seed(task)


def test_the_way_back_brings_what_was_written_at_the_target(rig: Rig) -> None:
    awkward(rig.source.root / "srv/records", small=5)
    task = rig.task(MOVE)
    files = Files()
    files.seed(task)
    (rig.target.root / "srv/records/written there").write_text("new")
    (rig.target.root / "srv/records/empty").unlink()
    back = rig.task(MOVE, key="plan/work/r1")
    assert files.catch_up(back).sent > 0
    assert [(r.subject, r.detail) for r in files.verify(back) if not r.equal] == []
    assert (rig.source.root / "srv/records/written there").read_text() == "new"
    assert not (rig.source.root / "srv/records/empty").exists()
    (rig.source.root / "srv/records").rename(rig.source.root / "srv/lost")
    files.catch_up(rig.task(MOVE, key="plan/work/r2"))
    assert (rig.source.root / "srv/records/written there").read_text() == "new"


def test_an_empty_target_does_not_empty_the_source(rig: Rig) -> None:
    awkward(rig.source.root / "srv/records", small=5)
    (rig.target.root / "srv/records").mkdir()
    with pytest.raises(Refused, match="would be deleted"):
        Files().catch_up(rig.task(MOVE))
    assert (rig.source.root / "srv/records/plain.txt").exists()


def test_a_single_file_and_a_tree_move_together(rig: Rig) -> None:
    (rig.source.root / "etc/one.conf").write_text("setting\n")
    awkward(rig.source.root / "srv/records", small=5)
    paths = ("/etc/one.conf", "/srv/records")
    task = rig.task(Move(id="one", kind="files", source="source", target="target", paths=paths))
    Files().seed(task)
    Files().delta(task, final=True)
    results = Files().verify(task)
    assert all(r.equal for r in results)
    assert len(results) == 6
    assert (rig.target.root / "etc/one.conf").read_text() == "setting\n"


def test_a_line_that_died_is_made_anew(rig: Rig) -> None:
    host = rig.task(MOVE).source
    assert host.text("echo one") == "one\n"
    rig.source.stop()
    rig.source.start()
    assert host.text("echo two") == "two\n"


def test_a_change_within_the_same_second_is_carried(rig: Rig) -> None:
    root = rig.source.root / "srv/records"
    awkward(root, small=5)
    second = 1_700_000_000
    os.utime(root / "*", ns=(second * 10**9, second * 10**9))
    task = rig.task(MOVE)
    Files().seed(task)
    (root / "*").write_text("rats")
    os.utime(root / "*", ns=(second * 10**9, second * 10**9 + 1))
    Files().delta(task, final=True)
    assert (rig.target.root / "srv/records/*").read_text() == "rats"


def test_a_target_that_is_gone_in_the_middle_leaves_no_key_and_the_next_attempt_goes_on(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = rig.source.root / "srv/records"
    awkward(root, small=5)
    (root / "big").write_bytes(os.urandom(1 << 20) * 64)
    monkeypatch.setattr(rsync, "_TRIES", 2)
    begun: list[float] = []

    def gone(event: Event) -> None:
        if event.done and not begun:
            begun.append(event.done)
            rig.target.stop()

    slowly = [*rsync._flags(rig.task(MOVE)), "--bwlimit=20m"]
    task = replace(rig.task(MOVE), progress=gone)
    monkeypatch.setattr(rsync, "_flags", lambda _task: slowly)
    with pytest.raises(RemoteError, match="rsync ended with"):
        Files().seed(task)
    with pytest.raises(RemoteError):
        Files().cleanup(task)
    assert task.source.run(f"ls -d /run/{task.job} /dev/shm/{task.job}").stdout == b""
    monkeypatch.undo()
    rig.target.start()
    again = rig.task(MOVE, key="plan/work/a2")
    assert [f.code for f in Files().preflight(again) if f.severity is Severity.ERROR] == []
    Files().seed(again)
    Files().delta(again, final=True)
    assert all(result.equal for result in Files().verify(again))
    assert Files().cleanup(again) == ()


def test_paths_that_are_carried_side_by_side_do_not_mix_up_their_commands(rig: Rig) -> None:
    task = rig.task(MOVE)
    folder = task.passage.open()

    def asked(number: int) -> str:
        return rsync._server_command(task.source, folder, f"-a -- /srv/{number}/ admin@192.0.2.1:/srv/{number}/")

    with ThreadPoolExecutor(3) as pool:
        commands = list(pool.map(asked, range(30)))
    assert [command.rsplit("/", 2)[-2] for command in commands] == [str(number) for number in range(30)]


def test_a_path_in_another_path_of_the_move_is_a_file_system_at_both_ends_or_at_none(rig: Rig) -> None:
    move = replace_paths(MOVE, "/srv/records", "/srv/records/scans")
    for end in (rig.source, rig.target):
        (end.root / "srv/records/scans").mkdir(parents=True)
    rig.source.stop()
    rig.source.mounts = ["/srv/records/scans"]
    rig.source.start()
    (rig.source.root / "srv/records/plain.txt").write_text("plain\n")
    task, files = rig.task(move), Files()
    task.source.text("echo scan >/srv/records/scans/1.tif")
    (said,) = [f for f in files.preflight(task) if f.severity is Severity.ERROR]
    assert said.code == "PSE-M032"
    assert "at source and a folder of /srv/records at target" in said.message
    # As at the source: carried, compared, and nothing of it deleted by a further pass of the path around it.
    rig.target.stop()
    rig.target.mounts = ["/srv/records/scans"]
    rig.target.start()
    task = rig.task(move)
    assert [f.code for f in files.preflight(task) if f.severity is not Severity.INFO] == []
    files.seed(task)
    files.delta(task, final=True)
    assert [(r.subject, r.detail) for r in files.verify(task) if not r.equal] == []
    assert task.target.text("cat /srv/records/scans/1.tif") == "scan\n"
    back = replace(task, back=True)
    assert files.catch_up(back).note.startswith("rsync, target to source")
    assert task.source.text("cat /srv/records/scans/1.tif") == "scan\n"


def test_a_target_that_was_destroyed_is_not_asked_when_the_move_is_closed(rig: Rig) -> None:
    awkward(rig.source.root / "srv/records", small=5)
    Files().seed(rig.task(MOVE))
    rig.target.stop()
    closing = replace(rig.task(MOVE, key="plan/work/cleanup"), gone=True)
    assert Files().cleanup(closing) == ()
    assert closing.source.run(f"ls -d /run/{closing.job} /dev/shm/{closing.job}").stdout == b""


def replace_paths(move: Move, *paths: str) -> Move:
    return msgspec.structs.replace(move, paths=paths)
