"""What somebody else wrote is refused or kept aside, never taken away; what differs is mended by the next pass."""

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from migrate.replicators.files import rsync
from migrate.replicators.files.aside import Aside
from migrate.replicators.files.replicator import Files
from migrate.replicators.ports import Task
from pse.core.errors import Refused
from pse.core.findings import Severity
from pse.core.progress import Event
from tests.migrate.rig import Rig, awkward
from tests.migrate.test_migrate_files import MOVE


def errors(task: Task) -> list[str]:
    return [found.message for found in Files().preflight(task) if found.severity is Severity.ERROR]


def hidden(path: Path, text: str) -> None:
    """Change a file and put its time back: rsync passes over it."""
    stamp = path.stat()
    path.write_text(text)
    os.utime(path, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))


def unequal(task: Task) -> list[str]:
    return [result.subject.split()[-1] for result in Files().verify(task) if not result.equal]


def all_kept(root: Path) -> dict[str, str]:
    """What stands beside the tree at one end."""
    return {
        str(path.relative_to(folder)): path.read_text()
        for folder in (root / "srv").glob(".pse-kept-*")
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_files_of_somebody_else_at_the_target_are_refused_by_name(rig: Rig) -> None:
    awkward(rig.source.root / "srv/records", small=5)
    there = rig.target.root / "srv/records/thesis"
    packaged = rig.target.root / "srv/records/packaged.conf"
    there.mkdir(parents=True)
    (there / "the only\ncopy.txt").write_text("years of work")
    packaged.write_text("a package's")
    (rig.target.root / "srv/records/link").symlink_to("/srv/records/packaged.conf")
    info = rig.target.root / "var/lib/dpkg/info"
    info.mkdir(parents=True)
    (info / "tool.list").write_text("/.\n/srv/records/packaged.conf\n")
    task = rig.task(MOVE)
    (said,) = errors(task)
    assert "/srv/records holds 1 file that no move put there: /srv/records/thesis/the only?copy.txt" in said
    with pytest.raises(Refused, match="no move put there"):
        Files().seed(task)
    assert (there / "the only\ncopy.txt").read_text() == "years of work"
    (there / "the only\ncopy.txt").unlink()
    # What is ours goes on: after a failure, in another attempt and with another plan.
    assert errors(task) == []
    Files().seed(task)
    Files().cleanup(task)
    again = rig.task(MOVE, key="other-plan/work/a2")
    assert errors(again) == []
    (rig.source.root / "srv/records/plain.txt").write_text("more\n")
    Files().seed(again)
    assert (rig.target.root / "srv/records/plain.txt").read_text() == "more\n"
    Files().cleanup(again)


def test_what_is_written_at_either_end_meanwhile_is_kept_aside(rig: Rig) -> None:
    old, new = rig.source.root / "srv/records", rig.target.root / "srv/records"
    awkward(old, small=5)
    (old / "moved in").parent.mkdir(exist_ok=True)
    stash = rig.source.root / "srv/stash"
    stash.mkdir()
    (stash / "old file").write_text("moved in whole")
    files, task = Files(), rig.task(MOVE)
    files.seed(task)
    files.delta(task, final=True)
    assert unequal(task) == []
    files.rest(task)
    # Cut over. Users write at the new side, and somebody goes on at the old one.
    (new / "plain.txt").write_text("of the new side\n")
    (new / "*").unlink()
    (old / "letter\n2").write_text("nobody has another copy")
    hidden(old / "*", "rats")
    stash.rename(old / "stash")
    back = rig.task(MOVE)
    moved = files.catch_up(back)
    assert unequal(back) == []
    files.cleanup(back)
    assert not (old / "letter\n2").exists()
    assert (old / "plain.txt").read_text() == "of the new side\n"
    # Kept is what somebody wrote, and not what was only outdated.
    kept = {"letter\n2": "nobody has another copy", "*": "rats", "stash/old file": "moved in whole"}
    assert all_kept(rig.source.root) == kept
    assert "written at source by somebody and kept aside: /srv/.pse-kept-" in moved.note
    assert "letter?2" in moved.note
    # Rolled back; somebody writes at the new side, and the move is made again.
    (new / "note").write_text("of the new side")
    again = rig.task(MOVE, key="plan/work/a2")
    moved = files.seed(again)
    assert "kept aside: /srv/.pse-kept-" in moved.note
    assert all_kept(rig.target.root) == {"note": "of the new side"}
    files.delta(again, final=True)
    assert unequal(again) == []
    # And back once more: the first things are still there, and nothing more.
    assert files.catch_up(rig.task(MOVE, key="plan/work/a2")).kept[0].count("/srv/.pse-kept-") == 3
    assert all_kept(rig.source.root) == kept
    closing = rig.task(MOVE, key="plan/work/cleanup")
    assert files.cleanup(closing) == ()
    for end in (rig.source, rig.target):
        assert list((end.root / "home/admin").glob(".pse-*")) == []


def test_contents_that_differ_are_mended_by_the_next_pass(rig: Rig) -> None:
    root = rig.source.root / "srv/records"
    awkward(root, small=5)
    files, task = Files(), rig.task(MOVE)
    files.seed(task)
    hidden(root / "*", "rats")
    files.delta(task, final=True)
    assert unequal(task) == ["content"]
    files.cleanup(task)
    again = rig.task(MOVE, key="plan/work/a2")
    files.seed(again)
    files.delta(again, final=True)
    assert unequal(again) == []
    assert (rig.target.root / "srv/records/*").read_text() == "rats"


def test_what_was_hashed_ahead_and_changed_since_is_hashed_again(rig: Rig) -> None:
    root, there = rig.source.root / "srv/records", rig.target.root / "srv/records"
    awkward(root, small=60)
    files, task = Files(), rig.task(MOVE)
    files.seed(task)
    files.delta(task, final=False)
    files.delta(task, final=True)
    (content,) = [result for result in files.verify(task) if result.subject.endswith("content")]
    assert content.equal
    assert "files hashed ahead and unchanged since" in content.method
    # At the target a byte turns, and size and time stay: nobody's word is taken for it.
    hidden(there / "many/file-00003", "3\n" * 2 + "4\n")
    (content,) = [result for result in files.verify(task) if result.subject.endswith("content")]
    assert not content.equal
    assert "file-00003" in content.detail


def test_a_copy_says_truly_how_far_it_is(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    root = rig.source.root / "srv/records"
    awkward(root, small=5)
    (root / "big").write_bytes(os.urandom(1 << 20) * 24)
    heard: list[Event] = []

    def hear(event: Event) -> None:
        heard.append(event)

    slowly = [*rsync._flags(rig.task(MOVE)), "--bwlimit=40m"]
    monkeypatch.setattr(rsync, "_flags", lambda _task: slowly)
    task = replace(rig.task(MOVE), progress=hear)
    moved = Files().seed(task)
    (end,) = [event.message for event in heard if event.state == "done"]
    files = len({path.stat().st_ino for path in root.rglob("*") if path.is_file() and not path.is_symlink()})
    assert end.startswith(f"/srv/records: {files} files carried of ")
    assert "MiB/s" in end
    assert moved.sent > 1 << 20
    going = [event for event in heard if event.done]
    assert any(event.total and 0 < (event.done or 0) < event.total for event in going), going
    assert all(" %, " in event.message for event in going)
    for event in heard:
        assert event.total is None or (event.done or 0) <= event.total <= 200 << 20


class Died(Exception):
    """The controller was killed."""


@pytest.mark.parametrize("moment", ["looked", "carried", "settled"])
def test_a_rollback_that_dies_anywhere_keeps_and_says_the_same(
    rig: Rig, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    old, new = rig.source.root / "srv/records", rig.target.root / "srv/records"
    awkward(old, small=3)
    files, task = Files(), rig.task(MOVE)
    files.seed(task)
    assert unequal(task) == []
    (old / "late").write_text("of the old side")
    (new / "plain.txt").write_text("of the new side")

    def dies(real: Callable[..., Any]) -> Callable[..., Any]:
        def act(*args: Any, **kwargs: Any) -> Any:
            real(*args, **kwargs)
            raise Died

        return act

    where: dict[str, tuple[Any, str]] = {
        "looked": (Aside, "look"),
        "carried": (rsync, "carry"),
        "settled": (Aside, "settle"),
    }
    owner, name = where[moment]
    with monkeypatch.context() as patch:
        patch.setattr(owner, name, dies(getattr(owner, name)))
        with pytest.raises(Died):
            files.catch_up(rig.task(MOVE))
    back = rig.task(MOVE)
    (said,) = files.catch_up(back).kept
    assert said.endswith("/late")
    assert all_kept(rig.source.root) == {"late": "of the old side"}
    assert unequal(back) == []


def test_what_somebody_put_at_the_target_between_two_moves_is_kept(rig: Rig) -> None:
    old, new = rig.source.root / "srv/records", rig.target.root / "srv/records"
    awkward(old, small=3)
    files, task = Files(), rig.task(MOVE)
    files.seed(task)  # and no more: this attempt ends before both ends were equal
    files.cleanup(task)
    (new / "colleague.txt").write_text("put here meanwhile")
    again = rig.task(MOVE, key="plan/work/a2")
    assert "colleague.txt" in files.seed(again).note
    assert all_kept(rig.target.root) == {"colleague.txt": "put here meanwhile"}
    (new / "during").write_text("put here between two passes")
    assert "during" in files.delta(again, final=False).note
    files.delta(again, final=True)
    assert unequal(again) == []
    # Closed: the lists are gone, and what comes later is nobody's to take away.
    files.cleanup(rig.task(MOVE, key="plan/work/cleanup"))
    (new / "after.txt").write_text("put here after the close")
    assert "after.txt" in files.seed(rig.task(MOVE, key="plan/work/a3")).note
    assert all_kept(rig.target.root)["after.txt"] == "put here after the close"


def test_a_hidden_change_is_kept_by_whichever_rollback_takes_it_away(rig: Rig) -> None:
    old = rig.source.root / "srv/records"
    awkward(old, small=3)
    files, task = Files(), rig.task(MOVE)
    files.seed(task)
    assert unequal(task) == []
    hidden(old / "*", "rats")
    back = rig.task(MOVE)
    files.catch_up(back)
    assert unequal(back) == ["content"]
    files.catch_up(back)
    assert unequal(back) == []
    assert all_kept(rig.source.root) == {"*": "rats"}


def test_what_is_written_while_a_rollback_carries_is_kept(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    old, new = rig.source.root / "srv/records", rig.target.root / "srv/records"
    awkward(old, small=3)
    (old / "diary").write_text("first line\n")
    files, task = Files(), rig.task(MOVE)
    files.seed(task)
    assert unequal(task) == []
    (new / "plain.txt").write_text("of the new side\n")
    (new / "diary").write_text("of the new side, too\n")
    real = Aside.look

    def late(self: Aside, run: str) -> None:
        real(self, run)
        (old / "new").write_text("acknowledged")
        with (old / "diary").open("a") as file:
            file.write("second line\n")

    monkeypatch.setattr(Aside, "look", late)
    back = rig.task(MOVE)
    files.catch_up(back)
    assert unequal(back) == []
    assert all_kept(rig.source.root) == {"new": "acknowledged", "diary": "first line\nsecond line\n"}
