"""File trees by rsync, straight from source to target.

rsync runs on the source as a job of its own, so the controller may come and go; see `migrate.replicators.files.rsync`.
"""

import shlex
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TypeVar

from migrate import jobs
from migrate.findings import of_move
from migrate.hosts import Host
from migrate.jobs import folder_of, forget_folder, left_of
from migrate.replicators.files import aside, rsync
from migrate.replicators.files.aside import Aside
from migrate.replicators.files.owners import clashes, unchangeable
from migrate.replicators.files.rsync import PARTIAL, CopyFailed
from migrate.replicators.ports import Moved, Task
from migrate.verify.files import QUIET_S, ahead, compare
from pse.core.documents.campaign import CheckResult
from pse.core.errors import PseError, Refused, RemoteError
from pse.core.findings import Finding, Severity
from pse.core.text import printable

T = TypeVar("T")
HEADROOM = 1.2
"""Free bytes and inodes at the target, as a multiple of what is to come."""
_TOOLS = "rsync find sort sed awk xargs sha256sum setsid flock"


class Files:
    """See the module."""

    def preflight(self, task: Task) -> tuple[Finding, ...]:
        """Tools on both ends, paths, space and inodes, file systems below the paths, what cannot be preserved."""
        findings: list[Finding] = []
        for host in (task.source, task.target):
            lacking = host.run(f"for t in {_TOOLS}; do command -v $t >/dev/null || echo $t; done")
            if tools := lacking.stdout.decode().split():
                findings.append(of_move("PSE-M010", task, f"{host.name} lacks {', '.join(tools)}", "Install them."))
        if findings:
            return tuple(findings)
        for path in task.move.paths:
            findings += [*_look_at(task, path), *_nested(task, path)]
            count, names = aside.foreign(task, path)
            if count:
                said = f"{task.target.name}: {aside.not_ours(path, count, names)}"
                findings.append(of_move("PSE-M018", task, said, aside.NOT_OURS_HINT))
        findings += unchangeable(task)
        if task.source.root and task.target.root:
            findings += clashes(task)
        if not task.target.root:
            findings.append(
                of_move(
                    "PSE-M013",
                    task,
                    f"{task.target.name} is entered as {task.target.endpoint.user}, who is not root: devices and the "
                    "owners of other users' files cannot be preserved",
                    "Log in as root where owners matter.",
                    Severity.WARNING if _foreign(task) else Severity.INFO,
                )
            )
        return tuple(findings)

    def seed(self, task: Task) -> Moved:
        """First pass, with writers going on; at a target that holds nothing of anybody else."""
        aside.claim(task)
        moved = self._pass(task, "seed", final=False)
        _ahead(task)
        return moved

    def delta(self, task: Task, *, final: bool) -> Moved:
        """A further pass; the final one also sweeps what an interrupted pass left at the target."""
        moved = self._pass(task, "final" if final else _next(task, "delta"), final=final)
        if final:
            _sweep(task.target, task.move.paths)
        else:
            _ahead(task)
        return moved

    def finish(self, task: Task) -> Moved:  # noqa: ARG002 - the port's
        """Nothing: files have no such thing."""
        return Moved()

    def verify(self, task: Task) -> tuple[CheckResult, ...]:
        """Manifests of both ends, path by path.

        Where they are equal the tree is noted on both: see `aside`. Where contents are not, the next pass reads every
        file: rsync passes over a file of the same size and time.
        """
        ends = [(host, f"{folder_of(host, task.job)}/manifest") for host in (task.source, task.target)]
        owners = _owners(task)

        def one(number: int) -> tuple[CheckResult, ...]:
            (source, mine), (target, theirs) = ((host, f"{folder}{number}") for host, folder in ends)
            path = task.move.paths[number]
            folders, within = (mine, theirs), task.left(4 * 3600)
            found = compare(
                task.move.id,
                source,
                target,
                path,
                folders=folders,
                owners=owners,
                whole=task.source.root and task.target.root,
                timeout_s=within,
            )
            if all(result.equal for result in found):
                task.journal.forget(_suspect(task, number))
                for host, folder in ((source, mine), (target, theirs)):
                    Aside(task, number, host).note(f"{folder}/tree.z")
            elif any(not result.equal and result.subject.endswith(" content") for result in found):
                said = f"read all of {printable(path)} in the next pass"
                task.journal.note(_suspect(task, number), said, lambda _: {})
            return found

        return tuple(result for found in _each(task, one) for result in found)

    def cleanup(self, task: Task) -> tuple[str, ...]:
        """Keys, job folders and what passes left behind."""
        try:
            if not task.gone:
                task.passage.close()
        finally:
            # Also when the target is gone: the key on the source is of no use to anybody any more.
            forget_folder(task.source, task.job)
        left = []
        for host in task.ends:
            if task.closing:
                Aside(task, 0, host).forget()
            left += left_of(host, task.job)
        return tuple(left)

    def freeze(self, task: Task, *, at_target: bool) -> None:
        """Nothing: who writes files is a service, and services are stopped before."""

    def thaw(self, task: Task, *, at_target: bool) -> None:
        """Nothing, see `freeze`."""

    def thaw_script(self, task: Task) -> str:  # noqa: ARG002 - the port's
        """Nothing, see `freeze`."""
        return ""

    def arm(self, task: Task) -> Moved:  # noqa: ARG002 - the port's
        """Nothing: the way back is a pass in the other direction."""
        return Moved()

    def way_back(self, task: Task) -> tuple[Finding, ...]:
        """Files come back as they are; a target that lost its own must not take the source's with it."""
        for path in task.move.paths:
            _refuse_empty(task, path)
        return ()

    def catch_up(self, task: Task) -> Moved:
        """Carry the target's state back to the source, deletions included; the source still makes the connection."""
        self.way_back(task)
        moved = self._pass(task, _next(task, "back"), final=True, back=True)
        _sweep(task.source, task.move.paths)
        return moved

    def disarm(self, task: Task) -> tuple[str, ...]:  # noqa: ARG002 - the port's
        """Nothing to end; what was written at the target is kept by the next pass, see `aside`."""
        return ()

    def rest(self, task: Task) -> None:
        """Take the key away."""
        task.passage.close()
        for host in (task.source, task.target):
            forget_folder(host, task.job)

    def _pass(self, task: Task, name: str, *, final: bool, back: bool = False) -> Moved:
        began = time.monotonic()
        done = _each(task, lambda number: _one(task, name, number, final=final, back=back), together=final)
        notes = [note for _, said, _ in done for note in said]
        # What was written while it ran may have been passed over.
        behind = time.monotonic() - began
        sent = sum(each for each, _, _ in done)
        kept = tuple(said for _, _, said in done if said)
        way = "target to source" if back else "source to target"
        note = "; ".join([f"rsync, {way}", *notes, *kept])
        return Moved(sent=sent, note=note, behind_s=behind, kept=kept)


def _each(task: Task, act: Callable[[int], T], *, together: bool = True) -> list[T]:
    """Do ``act`` for the number of each path: side by side while users wait, unless a path is below another one."""
    paths = [f"{path.rstrip('/')}/" for path in task.move.paths]
    nested = any(one != other and one.startswith(other) for one in paths for other in paths)
    with ThreadPoolExecutor(3 if together and not nested else 1) as pool:
        return list(pool.map(act, range(len(paths))))


def _one(task: Task, name: str, number: int, *, final: bool, back: bool) -> tuple[int, list[str], str]:
    """Carry one path in the pass ``name``; returns the bytes sent, what there is to say, and what was kept aside."""
    path = task.move.paths[number]
    job = f"{task.key.rsplit('/', 1)[-1]}-{name}-{number}"
    folder = folder_of(task.source, task.job)
    end = Aside(task, number, task.source if back else task.target)
    # While writers stand still nobody waits for a list; and where only this attempt's passes wrote, none is needed.
    guarded = back or (not final and (end.noted or not aside.fresh(task, path)))
    keep = end if guarded else None
    more = ["--checksum"] if (back or name == "seed") and task.journal.find(_suspect(task, number)) else []

    def probe() -> dict[str, object] | None:
        if not jobs.known(task.source, folder, f"{job}-0"):
            return None
        try:
            return rsync.follow(task, path, folder, f"{job}-0", final=final)
        except CopyFailed:
            raise
        except RemoteError:
            return None  # `carry` meets the same end and goes on with the next try

    def act() -> dict[str, object]:
        return rsync.carry(task, path, job, final=final, back=back, keep=keep, more=more)

    done = task.effect(f"{name}-{number}", f"carry {printable(path)}", act, probe=probe)
    notes = [f"{printable(path)}: {done['note']}"] if done["note"] else []
    said = ""
    if back or not final:
        kept = task.effect(f"{name}-{number}-kept", "keep aside", end.settle, probe=lambda: None)
        if said := aside.in_words(kept):
            task.tell("copy", message=said)
    return int(done["sent"]), notes, said


def _ahead(task: Task) -> None:
    """Hash at both ends what is quiet: see `migrate.verify.files.ahead`. Nothing depends on it."""

    def one(host: Host, quiet_s: float) -> None:
        folder = folder_of(host, task.job)
        for number, path in enumerate(task.move.paths):
            with suppress(RemoteError):
                ahead(host, path, folder=f"{folder}/manifest{number}", quiet_s=quiet_s, timeout_s=4 * 3600)

    with ThreadPoolExecutor(2) as pool:
        # At the target only the pass wrote, and it has ended.
        pool.submit(one, task.target, 0.1)
        pool.submit(one, task.source, QUIET_S)


def _suspect(task: Task, number: int) -> str:
    """Key in the journal, the same in every attempt: a path's contents were found to differ."""
    return f"{task.key.rpartition('/')[0]}/suspect-{number}"


def _next(task: Task, name: str) -> str:
    """The first pass of that name that is not done yet: such passes are repeated, each is an effect of its own."""
    number = 0
    while (known := task.journal.find(f"{task.key}/{name}{number}-0")) is not None and known.result is not None:
        number += 1
    return f"{name}{number}"


def _sweep(host: Host, paths: tuple[str, ...]) -> None:
    """Remove rsync's folders for partial files, and give the folders around them their times back."""
    each = """for d; do p=${d%/*}; t=$(stat -c @%.9Y -- "$p"); rm -rf -- "$d"; touch -d "$t" -- "$p"; done"""
    for path in paths:
        find = (
            f"find {shlex.quote(path)} -xdev -depth -type d -name {PARTIAL} -exec bash -c {shlex.quote(each)} - {{}} +"
        )
        host.text(f"[ ! -d {shlex.quote(path)} ] || {find}", what="sweeping partial files")


def _refuse_empty(task: Task, path: str) -> None:
    count = f"find {shlex.quote(path)} -xdev 2>/dev/null | head -n 2000000 | wc -l; true"
    counts = [int(host.text(count)) for host in (task.source, task.target)]
    # The way back deletes what the target has not: a target that lost its disk must not take the source with it.
    if counts[1] <= 1 and counts[0] > 1:
        raise Refused(
            f"{printable(path)} holds nothing at the target, so the source's {counts[0]} entries would be deleted",
            where=task.move.id,
            hint="Find out what became of the target's data; the source still has what it had at the cut-over.",
        )


def _look_at(task: Task, path: str) -> list[Finding]:
    quoted = shlex.quote(path)
    script = f"""[ -e {quoted} ] || {{ echo gone; exit 0; }}
du -skx -- {quoted} 2>/dev/null | cut -f1; find {quoted} -xdev 2>/dev/null | wc -l
p=$(cd -P -- {quoted} 2>/dev/null && pwd)
awk -v p="$p/" 'p != "/" && index($5, p) == 1 {{print $5}}' /proc/self/mountinfo"""
    answer = task.source.text(script, timeout_s=task.left(900)).split("\n")
    if answer[0] == "gone":
        return [of_move("PSE-M011", task, f"{printable(path)} is not on {task.source.name}", "Correct the path.")]
    kib, entries, *mounts = answer
    findings = [
        of_move(
            "PSE-M014",
            task,
            f"{printable(mount)} is another file system below {printable(path)} and stays behind",
            "Give it a path of its own in workloads.toml, if it has to move.",
            Severity.WARNING,
        )
        for mount in mounts
        if mount and mount not in {one.rstrip("/") for one in task.move.paths}
    ]
    there = task.target.text(
        f"""d={quoted}; while [ ! -e "$d" ]; do d=$(dirname -- "$d"); done
df -Pk -- "$d" | awk 'NR==2 {{print $4}}'; df -Pi -- "$d" | awk 'NR==2 {{print $4}}'
du -skx -- {quoted} 2>/dev/null | cut -f1 || true"""
    ).split("\n")
    free, inodes, held = (int(text) if text.strip().isdigit() else 0 for text in [*there, "", "", ""][:3])
    wanted = max(0, int((int(kib) - held) * HEADROOM))
    if wanted > free:
        text = f"{printable(path)} needs {wanted // 1024} MiB at {task.target.name}, which has {free // 1024} MiB free"
        findings.append(of_move("PSE-M012", task, text, "Give the target a larger volume."))
    elif inodes and not held and int(entries) * HEADROOM > inodes:
        text = f"{printable(path)} has {int(entries)} entries; {task.target.name} has room for {inodes}"
        findings.append(of_move("PSE-M012", task, text, "Give the target a file system with more inodes."))
    return findings


def _nested(task: Task, path: str) -> list[Finding]:
    """Paths below this one that are a file system of their own at one end only: passes and lists stay out of such."""
    below = [one for one in task.move.paths if one.startswith(f"{path.rstrip('/')}/") and one.rstrip("/") != path]
    device = 'd={}; while [ ! -e "$d" ]; do d=$(dirname -- "$d"); done; stat -L -c %d -- "$d"'
    script = "\n".join(device.format(shlex.quote(one)) for one in (path, *below))
    findings = []
    for one, *ends in zip(below, *(_apart(host.text(script)) for host in (task.source, task.target)), strict=True):
        if ends[0] != ends[1]:
            there, here = (task.source, task.target) if ends[0] else (task.target, task.source)
            text = f"{printable(one)} is a file system of its own at {there.name} and a folder of {printable(path)} at "
            remedy = "Make it one at both ends, or leave the path around it out in workloads.toml."
            findings.append(of_move("PSE-M032", task, text + here.name, remedy))
    return findings


def _apart(devices: str) -> list[bool]:
    first, *others = devices.split()
    return [other != first for other in others]


def _foreign(task: Task) -> bool:
    """Files of other users than the one who reads them are there."""
    paths = " ".join(shlex.quote(path) for path in task.move.paths)
    return bool(task.source.run(f'find {paths} -xdev ! -uid "$(id -u)" -print -quit 2>/dev/null').stdout)


def _owners(task: Task) -> bool:
    """Owners can be compared: the target could set them, or there is only one owner and it is the same number."""
    if task.target.root:
        return True
    try:
        same = task.source.text("id -u; id -g") == task.target.text("id -u; id -g")
    except PseError:
        return True
    return same and not _foreign(task)
