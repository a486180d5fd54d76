"""File trees by rsync, straight from source to target.

rsync runs on the source as a job of its own, so the controller may come and go. The target runs exactly the receiver
that this transfer needs: the certificate forces that one command, learnt by letting rsync itself write it down.
"""

import re
import shlex
import time

from migrate import jobs
from migrate.hosts import Host, last_line, retried
from migrate.jobs import folder_of, forget_folder
from migrate.replicators.ports import FreezeOver, Moved, Task
from migrate.verify.files import compare
from pse.core.documents.campaign import CheckResult
from pse.core.errors import PseError, Refused, RemoteError
from pse.core.findings import Finding, Severity
from pse.core.text import printable

PARTIAL = ".pse-partial"
HEADROOM = 1.2
"""Free bytes and inodes at the target, as a multiple of what is to come."""
_TRIES = 5
_TOOLS = "rsync find sort sed awk xargs sha256sum setsid flock"
_LINK = {10, 12, 30, 35, 255}
_LOCAL = {11: "the disk is full or broken", 20: "it was ended", 23: "some files could not be carried"}
_PROGRESS = re.compile(rb"^\s*([\d,]+)\s+(\d+)%")
_SENT = re.compile(rb"Total bytes (sent|received): ([\d,]+)")


class CopyFailed(RemoteError):
    """rsync ended badly, and trying again does not help."""

    retryable = False


class Files:
    """See the module."""

    def preflight(self, task: Task) -> tuple[Finding, ...]:
        """Tools on both ends, paths, space and inodes, file systems below the paths, what cannot be preserved."""
        findings: list[Finding] = []
        for host in (task.source, task.target):
            lacking = host.run(f"for t in {_TOOLS}; do command -v $t >/dev/null || echo $t; done")
            if tools := lacking.stdout.decode().split():
                findings.append(_finding("PSE-M010", task, f"{host.name} lacks {', '.join(tools)}", "Install them."))
        if findings:
            return tuple(findings)
        for path in task.move.paths:
            findings += _look_at(task, path)
        if not task.target.root:
            findings.append(
                _finding(
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
        """First pass, with writers going on."""
        return self._pass(task, "seed", final=False)

    def delta(self, task: Task, *, final: bool) -> Moved:
        """A further pass; the final one also sweeps what an interrupted pass left at the target."""
        moved = self._pass(task, "final" if final else _next(task, "delta"), final=final)
        if final:
            _sweep(task.target, task.move.paths)
        return moved

    def finish(self, task: Task) -> Moved:  # noqa: ARG002 - the port's
        """Nothing: files have no such thing."""
        return Moved()

    def verify(self, task: Task) -> tuple[CheckResult, ...]:
        """Manifests of both ends, path by path."""
        folders = (f"{folder_of(task.source, task.job)}/manifest", f"{folder_of(task.target, task.job)}/manifest")
        results: list[CheckResult] = []
        for number, path in enumerate(task.move.paths):
            results += compare(
                task.move.id,
                task.source,
                task.target,
                path,
                folders=(f"{folders[0]}{number}", f"{folders[1]}{number}"),
                owners=_owners(task),
                timeout_s=task.left(4 * 3600),
            )
        return tuple(results)

    def cleanup(self, task: Task) -> tuple[str, ...]:
        """Keys, job folders and what passes left behind."""
        task.passage.close()
        left = []
        for host in (task.source, task.target):
            forget_folder(host, task.job)
            script = f"""for d in /run /dev/shm /tmp; do [ -e "$d/{task.job}" ] && echo "$d/{task.job}"; done
grep -o -- ' {task.job}$' "$HOME/.ssh/authorized_keys" 2>/dev/null; true"""
            left += [f"{host.name}: {line.strip()}" for line in host.text(script).splitlines()]
        return tuple(left)

    def freeze(self, task: Task, *, at_target: bool) -> None:
        """Nothing: who writes files is a service, and services are stopped before."""

    def thaw(self, task: Task, *, at_target: bool) -> None:
        """Nothing, see `freeze`."""

    def arm(self, task: Task) -> Moved:  # noqa: ARG002 - the port's
        """Nothing: the way back is a pass in the other direction."""
        return Moved()

    def catch_up(self, task: Task) -> Moved:
        """Carry the target's state back to the source, deletions included; the source still makes the connection."""
        for path in task.move.paths:
            _refuse_empty(task, path)
        moved = self._pass(task, _next(task, "back"), final=True, back=True)
        _sweep(task.source, task.move.paths)
        return moved

    def disarm(self, task: Task) -> None:
        """Nothing to end."""

    def rest(self, task: Task) -> None:
        """Take the key away."""
        task.passage.close()
        for host in (task.source, task.target):
            forget_folder(host, task.job)

    def _pass(self, task: Task, name: str, *, final: bool, back: bool = False) -> Moved:
        sent = 0
        notes: list[str] = []
        began = time.monotonic()
        for number, path in enumerate(task.move.paths):
            job = f"{task.key.rsplit('/', 1)[-1]}-{name}-{number}"
            folder = folder_of(task.source, task.job)

            def probe(job: str = job, folder: str = folder) -> dict[str, object] | None:
                if not jobs.known(task.source, folder, f"{job}-0"):
                    return None
                try:
                    return self._follow(task, folder, f"{job}-0", final=final)
                except CopyFailed:
                    raise
                except RemoteError:
                    return None  # `_carry` meets the same end and goes on with the next try

            def act(job: str = job, path: str = path) -> dict[str, object]:
                return self._carry(task, path, job, final=final, back=back)

            done = task.effect(f"{name}-{number}", f"carry {printable(path)}", act, probe=probe)
            sent += int(done["sent"])
            if done["note"]:
                notes.append(f"{printable(path)}: {done['note']}")
        # What was written while it ran may have been passed over.
        behind = time.monotonic() - began
        return Moved(sent=sent, note="; ".join(["rsync, source to target", *notes]), behind_s=behind)

    def _carry(self, task: Task, path: str, job: str, *, final: bool, back: bool) -> dict[str, object]:
        """Start rsync and follow it; broken links are tried again with a fresh certificate."""
        passage = task.passage
        folder = passage.open()
        receiver = task.source if back else task.target
        tree = _is_folder(task.target if back else task.source, path)
        receiver.text(f"mkdir -p -- {shlex.quote(path if tree else path.rsplit('/', 1)[0] or '/')}")
        flags = _flags(task)
        for attempt in range(_TRIES):
            here = path.rstrip("/") + ("/" if tree else "")
            there = f"{task.target.endpoint.user}@{passage.address}:{here}"
            ends = [there, here] if back else [here, there]
            arguments = " ".join(shlex.quote(word) for word in (*flags, "--", *ends))
            command = _server_command(task.source, folder, arguments)
            shell = passage.shell(job, command)
            name = f"{job}-{attempt}"
            jobs.start(task.source, folder, name, f"rsync -e {shlex.quote(shell)} {arguments}")
            try:
                return self._follow(task, folder, name, final=final)
            except CopyFailed:
                raise
            except RemoteError as exc:
                task.tell("copy", message=f"trying again: {exc.message}")
                if attempt == _TRIES - 1:
                    raise
        raise AssertionError("unreachable: the last attempt returns or raises")

    def _follow(self, task: Task, folder: str, name: str, *, final: bool) -> dict[str, object]:
        def on_line(line: bytes) -> None:
            if found := _PROGRESS.match(line):
                done, percent = int(found[1].replace(b",", b"")), int(found[2])
                task.tell("copy", done=done, total=done * 100 // percent if percent else None)

        def wait() -> jobs.Ended:
            return jobs.wait(task.source, folder, name, within_s=task.left(7 * 24 * 3600), on_line=on_line)

        try:
            # Only the controller's own line is tried again here: rsync goes on meanwhile.
            ended = retried(wait)
        except FreezeOver:
            jobs.stop(task.source, folder, name)
            raise
        totals = {kind: int(count.replace(b",", b"")) for kind, count in _SENT.findall(ended.log)}
        sent = max(totals.values(), default=0)
        if ended.rc in (0, 24) and (ended.rc == 0 or not final):
            return {"sent": sent, "note": "files vanished while they were copied" if ended.rc else ""}
        if ended.rc == 23 and not final and sent:
            return {"sent": sent, "note": f"left for the next pass: {_reason(ended.log)}"}
        message = f"rsync ended with {ended.rc} ({_LOCAL.get(ended.rc, 'see its log')}): {_reason(ended.log)}"
        if ended.rc in _LINK | {-1, 24} and b"No space left" not in ended.log:
            raise RemoteError(message, where=task.move.id)
        raise CopyFailed(message, where=task.move.id, hint="Nothing was switched. Repair it, then run again.")


def _next(task: Task, name: str) -> str:
    """The first pass of that name that is not done yet: such passes are repeated, each is an effect of its own."""
    number = 0
    while (known := task.journal.find(f"{task.key}/{name}{number}-0")) is not None and known.result is not None:
        number += 1
    return f"{name}{number}"


def _reason(log: bytes) -> str:
    lines = [line for line in log.replace(b"\r", b"\n").splitlines() if b"rsync" in line or b"ssh" in line.lower()]
    telling = [line for line in lines if b"rsync error" not in line]
    return last_line(b"\n".join(telling[:1] or lines[-1:] or log.splitlines()[-1:]))


def _flags(task: Task) -> list[str]:
    """Rsync's flags; ACLs and extended attributes where both ends can."""
    kept = ""
    able = [host.run("rsync --version").stdout for host in (task.source, task.target)]
    if all(b" ACLs" in text and b"no ACLs" not in text for text in able):
        kept += "A"
    if all(b" xattrs" in text and b"no xattrs" not in text for text in able):
        kept += "X"
    flags = [f"-aHSx{kept}", "--delete-delay", f"--partial-dir={PARTIAL}", "--info=progress2,stats2"]
    flags += ["--no-inc-recursive", "--outbuf=L", "--no-human-readable", "--timeout=120"]
    if all(_version(text) >= (3, 1, 3) for text in able):
        # Nanoseconds count: else a change within the second of the last copy is passed over.
        flags.append("--modify-window=-1")
    if task.target.root and task.source.root:
        flags.append("--numeric-ids")
    return flags


def _version(text: bytes) -> tuple[int, ...]:
    found = re.search(rb"version (\d+)\.(\d+)\.(\d+)", text)
    return tuple(int(part) for part in found.groups()) if found else ()


def _server_command(source: Host, folder: str, arguments: str) -> str:
    """What rsync would run at the other end: it is asked with a shell that writes its words down and hangs up."""
    script = f"""cd {folder} && cat >fakersh && chmod 700 fakersh || exit 1
exec 9>fakersh.lock; flock 9
rm -f words; rsync -e {folder}/fakersh {arguments} >/dev/null 2>&1 </dev/null; cat words && rm -f words"""
    # ssh joins the words by single blanks; the first three are `-l user host`.
    fake = f'#!/bin/sh\nshift 3\nprintf %s "$*" >{folder}/words\nexit 1\n'
    command = source.text(script, stdin=fake.encode(), what="asking rsync for its other end")
    if not command.startswith("rsync --server"):
        raise CopyFailed(f"rsync asks for something else than itself: {printable(command)[:80]!r}", where=source.name)
    return command


def _is_folder(host: Host, path: str) -> bool:
    done = host.run(f"[ -d {shlex.quote(path)} ] && exit 0; [ -e {shlex.quote(path)} ] && exit 1; exit 2")
    if done.rc == 2:
        raise CopyFailed(f"{printable(path)} is not there", where=host.name)
    return done.rc == 0


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
        return [_finding("PSE-M011", task, f"{printable(path)} is not on {task.source.name}", "Correct the path.")]
    kib, entries, *mounts = answer
    findings = [
        _finding(
            "PSE-M014",
            task,
            f"{printable(mount)} is another file system below {printable(path)} and stays behind",
            "Give it a path of its own in workloads.toml, if it has to move.",
            Severity.WARNING,
        )
        for mount in mounts
        if mount
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
        findings.append(_finding("PSE-M012", task, text, "Give the target a larger volume."))
    elif inodes and not held and int(entries) * HEADROOM > inodes:
        text = f"{printable(path)} has {int(entries)} entries; {task.target.name} has room for {inodes}"
        findings.append(_finding("PSE-M012", task, text, "Give the target a file system with more inodes."))
    return findings


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


def _finding(code: str, task: Task, message: str, remedy: str, severity: Severity = Severity.ERROR) -> Finding:
    return Finding(
        code=code, severity=severity, subject=task.move.id, message=message, remedy=remedy, source="preflight"
    )
