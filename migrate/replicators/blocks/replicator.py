"""Disks, volumes and image files by chunks: only what differs is sent, straight from source to target.

A disk that somebody writes is never consistent. Passes before the freeze save time and prove nothing; the last one
refuses a disk that is mounted for writing, held or open for writing. See `migrate.replicators.blocks.passes` for a pass
and `migrate.verify.blocks` for the proof.
"""

import shlex
import time
from collections.abc import Callable
from contextlib import suppress

from migrate.findings import of_move
from migrate.jobs import forget_folder, left_of
from migrate.replicators.blocks.end import End, Look, together
from migrate.replicators.blocks.passes import Pass
from migrate.replicators.ports import Moved, Task
from migrate.verify import blocks as verify
from pse.core.documents.campaign import CheckResult
from pse.core.errors import Refused, RemoteError
from pse.core.findings import Finding, Severity
from pse.core.text import printable

_TOOLS = "dd flock setsid awk sed split truncate stat readlink"
NOT_OURS_HINT = "Give the move an empty disk, or wipe it yourself."


class Blocks:
    """See the module."""

    def preflight(self, task: Task) -> tuple[Finding, ...]:
        """Tools, the disk, a target that is large enough, writable, unused, and empty or ours."""
        findings: list[Finding] = []
        source, target = ends_of(task)
        for end in (source, target):
            lacking = end.host.run(f"for t in {_TOOLS}; do command -v $t >/dev/null || echo $t; done")
            if tools := lacking.stdout.decode().split():
                text = f"{end.host.name} lacks {', '.join(tools)}"
                findings.append(of_move("PSE-M010", task, text, "Install them."))
        if findings:
            return tuple(findings)
        mine, theirs = source.look(), target.look()
        if mine.kind not in ("block", "file") or not mine.size:
            text = f"{printable(source.path)} is no disk and no image file with something in it on {source.host.name}"
            return (of_move("PSE-M050", task, text, "Correct the path in workloads.toml."),)
        findings += _room(task, target, theirs, mine.size)
        if said := theirs.busy or (theirs.mounts and f"mounted at {theirs.mounts[0][0]}"):
            text = f"{printable(target.path)} on {target.host.name} is in use: {printable(said)}"
            findings.append(of_move("PSE-M051", task, text, "Unmount it; it is mounted again by its services' start."))
        elif said := _foreign(task, target, theirs):
            text = f"{printable(target.path)} on {target.host.name} is not empty: {said}"
            findings.append(of_move("PSE-M052", task, text, NOT_OURS_HINT))
        for end in (source, target):
            if not end.python:
                text = f"{end.host.name} has no python3: chunks are hashed by dd and openssl, which takes several times"
                findings.append(of_move("PSE-M053", task, text, "Install python3 where it can be.", Severity.INFO))
        return tuple(findings)

    def seed(self, task: Task) -> Moved:
        """First pass, with writers going on; at a target that holds nothing of anybody else."""
        _claim(task)
        return self._pass(task, "seed")

    def delta(self, task: Task, *, final: bool) -> Moved:
        """A further pass; the final one takes a disk that stands still, or none."""
        return self._pass(task, "final" if final else _next(task, "delta"), still=final)

    def finish(self, task: Task) -> Moved:  # noqa: ARG002 - the port's
        """Nothing: a disk has no such thing."""
        return Moved()

    def verify(self, task: Task) -> tuple[CheckResult, ...]:
        """Hashes of both ends by another program; what a pass relied on is forgotten where they are unlike."""
        source, target = ends_of(task)
        chunk = together((source, target))
        subject = f"{task.move.id} {printable(source.path)}"
        found = verify.compare(subject, source, target, chunk, timeout_s=task.left(24 * 3600))
        if not found.equal:
            for end in (source, target):
                end.forget()
        return (found,)

    def cleanup(self, task: Task) -> tuple[str, ...]:
        """Keys, job folders, and what still runs from them."""
        try:
            if not task.gone:
                task.passage.close()
        finally:
            # Also when the target is gone: the key on the source is of no use to anybody any more.
            forget_folder(task.source, task.job)
        left = []
        for host in task.ends:
            left += left_of(host, task.job)
        if task.closing:
            task.journal.forget(_claimed(task))
        return tuple(left)

    def freeze(self, task: Task, *, at_target: bool) -> None:
        """Unmount the disk.

        Frozen in place it would stay mounted, and what is read of a mounted disk need not be what is on it.

        Raises:
            HostCommandFailed: It is in use, and cannot be unmounted.
        """
        end = ends_of(task)[at_target]
        mounts = _mounts(task, end, at_target=at_target)
        if not mounts:
            return
        steps = []
        for mount, *_ in reversed(mounts):
            path = shlex.quote(mount)
            steps.append(f"! mountpoint -q -- {path} || umount -- {path} || exit 1")
        script = "; ".join(steps)
        if task.stop_source is not None and not at_target:
            task.stop_source(script, f"unmount {printable(end.path)}")
        else:
            end.host.text(script, timeout_s=task.left(120), what=f"unmounting {printable(end.path)}")

    def thaw(self, task: Task, *, at_target: bool) -> None:
        """Mount again what `freeze` unmounted; quiet where it is mounted."""
        end = ends_of(task)[at_target]
        known = task.known(_still(at_target=at_target))
        if known:
            what = f"mounting {printable(end.path)} again"
            end.host.text(_mounting(known["mounts"]), timeout_s=120, what=what)

    def thaw_script(self, task: Task) -> str:
        """See `thaw`; asked while the disk is still mounted."""
        source = ends_of(task)[0]
        mounts = _mounts(task, source, at_target=False)
        return _mounting(mounts) if mounts else ""

    def arm(self, task: Task) -> Moved:
        """Note what the source's disk is at the cut-over: the way back is a pass in the other direction."""
        look = ends_of(task)[0].look()
        task.note("armed", {"proof": look.proof})
        return Moved()

    def way_back(self, task: Task) -> tuple[Finding, ...]:
        """A disk comes back as it is; the source's may be in use by nobody.

        Raises:
            Refused: The target's disk is not there, or the source's is in use.
        """
        source, target = ends_of(task)
        mine, theirs = source.look(), target.look()
        if theirs.kind != mine.kind and theirs.kind not in ("block", "file"):
            raise Refused(f"{printable(target.path)} is not at the target any more", where=task.move.id)
        if theirs.size > mine.size and mine.kind == "block":
            raise Refused(f"{printable(target.path)} is larger than the source's disk", where=task.move.id)
        if said := mine.busy or (mine.mounts and f"mounted at {mine.mounts[0][0]}"):
            raise Refused(
                f"{printable(source.path)} is in use at the source: {printable(said)}",
                where=task.move.id,
                hint="Unmount it there: the way back overwrites it.",
            )
        armed = task.known("armed")
        if armed and armed["proof"] and armed["proof"] != mine.proof and not task.known("back0"):
            text = f"{printable(source.path)} may have been written at {source.host.name} since the cut-over; the way "
            text += "back overwrites it with what the target has"
            return (of_move("PSE-M054", task, text, "Save first what is needed of it.", Severity.WARNING),)
        return ()

    def catch_up(self, task: Task) -> Moved:
        """Carry the target's chunks to the source; the source still makes the connection."""
        self.way_back(task)
        return self._pass(task, _next(task, "back"), still=True, back=True)

    def disarm(self, task: Task) -> tuple[str, ...]:  # noqa: ARG002 - the port's
        """Nothing to end."""
        return ()

    def rest(self, task: Task) -> None:
        """Take the key away; hashes stay, so that a way back reads less."""
        task.passage.close()

    def _pass(self, task: Task, name: str, *, still: bool = False, back: bool = False) -> Moved:
        source, target = ends_of(task)
        attempt = task.key.rsplit("/", 1)[-1]
        one = Pass(task, source, target, f"{attempt}-{name}", still=still, back=back)
        chunk = together((source, target))
        began = time.monotonic()

        def read(end: End) -> Callable[[], None]:
            def act() -> None:
                # Nothing depends on it: what is read now need not be read while it is waited for.
                with suppress(RemoteError):
                    verify.read(end, end.look().size, chunk, timeout_s=task.left(24 * 3600))

            return act

        def act() -> dict[str, object]:
            # Both the pass and the proof read the disk that stands still: once from the disk, twice from memory.
            return one.carry(beside=read(one.giver) if still else lambda: None)

        done = task.effect(name, f"carry {printable(source.path)}", act, probe=lambda: None)
        behind = time.monotonic() - began
        note = str(done["note"])
        if not still:
            read(one.taker)()
            note += "; not consistent until the freeze"
        return Moved(sent=int(str(done["sent"])), note=note, behind_s=behind)


def ends_of(task: Task) -> tuple[End, End]:
    """Source and target of a move."""
    path, onto = task.move.paths[0], task.move.onto
    return End(task, task.source, path), End(task, task.target, onto if isinstance(onto, str) else path)


def _next(task: Task, name: str) -> str:
    """The first pass of that name that is not done yet: such passes are repeated, each is an effect of its own."""
    number = 0
    while task.known(f"{name}{number}") is not None:
        number += 1
    return f"{name}{number}"


def _claimed(task: Task) -> str:
    """Key in the journal, the same in every attempt: the target's disk is ours."""
    return f"{task.key.rpartition('/')[0]}/claimed"


def _foreign(task: Task, target: End, look: Look) -> str:
    """What somebody else has there, in words; nothing where it is empty or ours."""
    known = task.journal.find(_claimed(task))
    if known is not None and known.result is not None and known.result["serial"] in ("", look.serial):
        return ""
    if look.kind == "none" or (look.kind == "file" and not look.size):
        return ""
    path = shlex.quote(target.path)
    script = f"""command -v wipefs >/dev/null && wipefs -n -- {path} | awk 'NR > 1 {{ print $3 }}' | sort -u
[ "$(head -c 1048576 -- {path} | tr -d '\\0' | head -c 1 | wc -c)" = 0 ] || echo data"""
    return printable(", ".join(target.host.text(script, what=f"looking into {target.path}").split()))


def _claim(task: Task) -> None:
    target = ends_of(task)[1]

    def act() -> dict[str, object]:
        look = target.look()
        if said := _foreign(task, target, look):
            text = f"{printable(target.path)} is not empty: {said}"
            raise Refused(text, where=target.host.name, hint=NOT_OURS_HINT)
        return {"serial": look.serial}

    known = task.journal.find(_claimed(task))
    if known is None or known.result is None or _foreign(task, target, target.look()):
        made = act()
        task.journal.note(_claimed(task), f"write {printable(target.path)} of {task.target.name}", lambda _: made)


def _room(task: Task, target: End, look: Look, size: int) -> list[Finding]:
    name, where = printable(target.path), target.host.name
    if look.kind == "other" or (look.kind == "block" and not look.writable):
        text = f"{name} on {where} is no disk that {target.host.endpoint.user} may write"
        return [of_move("PSE-M050", task, text, "Correct the path in workloads.toml, or log in as root.")]
    if look.kind == "block":
        free = look.size
    else:
        script = f"""d={shlex.quote(target.path)}; while [ ! -e "$d" ]; do d=$(dirname -- "$d"); done
echo $(($(df -Pk -- "$d" | awk 'NR == 2 {{ print $4 }}') * 1024 + $(stat -c '%b * %B' -- {shlex.quote(target.path)} \
  2>/dev/null || echo 0)))"""
        free = int(target.host.text(script))
    if free >= size:
        return []
    text = f"{name} needs {-(-size >> 20)} MiB at {where}, which has {free >> 20} MiB"
    return [of_move("PSE-M012", task, text, "Give the target a larger volume.")]


def _still(*, at_target: bool) -> str:
    return f"mounts-{'target' if at_target else 'source'}"


def _mounts(task: Task, end: End, *, at_target: bool) -> list[list[str]]:
    """Where the disk is mounted, noted before it is unmounted; what was noted stays when it is unmounted already."""
    known = task.known(_still(at_target=at_target))
    there = [list(one) for one in end.look().mounts if "ro" not in one[2].split(",")]
    mounts: list[list[str]] = known["mounts"] if known else []
    if new := [one for one in there if one[0] not in {one[0] for one in mounts}]:
        mounts = [*mounts, *new]
        task.note(_still(at_target=at_target), {"mounts": mounts})
    return mounts


def _mounting(mounts: list[list[str]]) -> str:
    """A script that mounts again what is not mounted, and thaws what we froze."""
    steps = []
    for mount in mounts:
        path, fstype, options, device = (shlex.quote(word) for word in mount)
        steps.append(f"mountpoint -q -- {path} || mount -t {fstype} -o {options} -- {device} {path} || rc=1")
    return f"rc=0; {'; '.join(steps)}; [ $rc = 0 ]"
