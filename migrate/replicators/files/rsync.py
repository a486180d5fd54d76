"""One copy by rsync: a job on the source, and exactly the receiver that it needs at the other end.

The certificate forces that one command, learnt by letting rsync itself write it down.
"""

import re
import shlex
import time

from migrate import jobs
from migrate.hosts import Host, last_line, retried
from migrate.replicators.files import pace
from migrate.replicators.files.aside import Aside
from migrate.replicators.ports import FreezeOver, Task
from pse.core.errors import RemoteError
from pse.core.text import printable

PARTIAL = ".pse-partial"
_TRIES = 5
_LINK = {10, 12, 30, 35, 255}
_LOCAL = {11: "the disk is full or broken", 20: "it was ended", 23: "some files could not be carried"}


_RATE_OVER = 124


class RateOver(RemoteError):
    """Another rate counts from now on: the copy was ended, and goes on with that."""


class CopyFailed(RemoteError):
    """rsync ended badly, and trying again does not help."""

    retryable = False


def carry(
    task: Task, path: str, job: str, *, final: bool, back: bool, keep: Aside | None, more: list[str]
) -> dict[str, object]:
    """Carry ``path`` by a job on the source; broken links are tried again with a fresh certificate.

    Args:
        task: The move.
        path: File or folder.
        job: Name of the job; the number of the try is put behind it.
        final: Nothing may be left behind.
        back: From target to source.
        keep: Takes what is replaced or deleted at the receiver.
        more: Further flags.

    Returns:
        ``sent`` in bytes, and a ``note`` in words.

    Raises:
        CopyFailed: Trying again does not help.
        RemoteError: The link broke again and again.
    """
    passage = task.passage
    folder = passage.open()
    receiver = task.source if back else task.target
    tree = _is_folder(task.target if back else task.source, path)
    receiver.text(f"mkdir -p -- {shlex.quote(path if tree else path.rsplit('/', 1)[0] or '/')}")
    attempt = tries = 0
    while True:
        here = path.rstrip("/") + ("/" if tree else "")
        there = f"{task.target.endpoint.user}@{passage.address}:{here}"
        ends = [there, here] if back else [here, there]
        name, attempt = f"{job}-{attempt}", attempt + 1
        kept = ["--backup", f"--backup-dir={keep.folder(name)}"] if keep else []
        arguments = " ".join(shlex.quote(word) for word in (*_flags(task), *more, *kept, "--", *ends))
        command = _server_command(task.source, folder, arguments)
        shell = passage.shell(job, command)
        if keep and not jobs.known(task.source, folder, name):
            keep.look(name)
        jobs.start(task.source, folder, name, f"{_until(task)}rsync -e {shlex.quote(shell)} {arguments}")
        try:
            return follow(task, path, folder, name, final=final)
        except CopyFailed:
            raise
        except RateOver as exc:
            task.tell("copy", message=exc.message)
        except RemoteError as exc:
            task.tell("copy", message=f"trying again: {exc.message}")
            tries += 1
            if tries == _TRIES:
                raise
            # A host that starts again takes a while; a user who wants to stop does not wait for it.
            task.stop.wait(task.left(2.0 ** (tries - 1)))


def _until(task: Task) -> str:
    """What ends rsync when another rate begins; in the foreground, because who ends the job ends its process group."""
    seconds = task.steady_s()
    return "" if seconds is None else f"timeout --foreground -k 10 {max(1.0, seconds):.0f} "


def follow(task: Task, path: str, folder: str, name: str, *, final: bool) -> dict[str, object]:
    """Wait for the job ``name`` and tell how far it is; returns and raises as `carry` does."""
    going, began = pace.Pace(), time.monotonic()

    def on_line(line: bytes) -> None:
        if read := going.line(line):
            task.tell("copy", done=read[0], total=read[1], message=f"{printable(path)}: {read[2]}")

    def wait() -> jobs.Ended:
        return jobs.wait(task.source, folder, name, within_s=task.left(7 * 24 * 3600), on_line=on_line)

    try:
        # Only the controller's own line is tried again here: rsync goes on meanwhile.
        ended = retried(wait)
    except FreezeOver:
        jobs.stop(task.source, folder, name)
        raise
    sent = pace.sent(ended.log)
    if said := pace.ended(ended.log, time.monotonic() - began):
        task.tell("copy", state="done", message=f"{printable(path)}: {said}")
    if ended.rc in (0, 24) and (ended.rc == 0 or not final):
        return {"sent": sent, "note": "files vanished while they were copied" if ended.rc else ""}
    if ended.rc == 23 and not final and sent:
        return {"sent": sent, "note": f"left for the next pass: {_reason(ended.log)}"}
    if ended.rc == _RATE_OVER:
        raise RateOver("another rate of its link counts from now on", where=task.move.id)
    message = f"rsync ended with {ended.rc} ({_LOCAL.get(ended.rc, 'see its log')}): {_reason(ended.log)}"
    if ended.rc in _LINK | {-1, 24} and b"No space left" not in ended.log:
        raise RemoteError(message, where=task.move.id)
    raise CopyFailed(message, where=task.move.id, hint="Nothing was switched. Repair it, then run again.")


def _reason(log: bytes) -> str:
    # Its errors follow its progress on the same line.
    rows = log.replace(b"\r", b"\n").replace(b")rsync: ", b")\nrsync: ").splitlines()
    lines = [line for line in rows if b"rsync" in line or b"ssh" in line.lower()]
    telling = [line for line in lines if b"rsync error" not in line]
    return last_line(b"\n".join(telling[:1] or lines[-1:] or log.splitlines()[-1:]))


def _flags(task: Task) -> list[str]:
    """Rsync's flags; ACLs and extended attributes where both ends can."""
    kept = ""
    able = [_about(host) for host in (task.source, task.target)]
    if all(b" ACLs" in text and b"no ACLs" not in text for text in able):
        kept += "A"
    if all(b" xattrs" in text and b"no xattrs" not in text for text in able):
        kept += "X"
    flags = [f"-aHSx{kept}", "--delete-delay", f"--partial-dir={PARTIAL}", "--info=progress2,stats2"]
    flags += ["--no-inc-recursive", "--outbuf=N", "--no-human-readable", "--timeout=120"]
    if all(_version(text) >= (3, 1, 3) for text in able):
        # Nanoseconds count: else a change within the second of the last copy is passed over.
        flags.append("--modify-window=-1")
    if rate := task.rate():
        flags.append(f"--bwlimit={max(1, int(rate * 1024))}")
    if task.target.root and task.source.root:
        flags.append("--numeric-ids")
    return flags


def _about(host: Host) -> bytes:
    known = host.known.get("rsync")
    if not isinstance(known, bytes):
        known = host.known["rsync"] = host.run("rsync --version").stdout
    return known


def _version(text: bytes) -> tuple[int, ...]:
    found = re.search(rb"version (\d+)\.(\d+)\.(\d+)", text)
    return tuple(int(part) for part in found.groups()) if found else ()


def _server_command(source: Host, folder: str, arguments: str) -> str:
    """What rsync would run at the other end: it is asked with a shell that writes its words down and hangs up."""
    script = f"""cd {folder} && exec 9>fakersh.lock && flock 9 && cat >fakersh && chmod 700 fakersh || exit 1
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
