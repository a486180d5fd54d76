"""One end of a block move: a disk, a volume or an image file on a host, and what is known of its chunks there.

A chunk's hash counts in a later pass only where the kernel itself proves that nothing was written in between: for a
device by its counters of writes and discards, after its cache was flushed, in the same boot and for the same disk; for
a file by inode, size, modification and change time. Either holds for a whole end: an end that was written is read anew.
"""

import shlex
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from migrate import jobs
from migrate.hosts import Host, last_line, retried
from migrate.replicators.blocks import host as blocks_host
from migrate.replicators.blocks.shell import GIVE, HASH, LOOK, TAKE
from migrate.replicators.files.rsync import CopyFailed
from migrate.replicators.ports import FreezeOver, Task
from pse.core.errors import RemoteError
from pse.core.text import printable

CHUNK = 4 << 20
"""Bytes of a chunk where both hosts have python3."""
CHUNK_SHELL = 10 << 20
"""Where one has not: each chunk costs it a process."""
_SLICE = 200_000
_TRIES = 8
_KILLED = {-1, 137, 143}


@dataclass(frozen=True)
class Look:
    """What an end is at this moment.

    Attributes:
        kind: ``block``, ``file``, ``none`` or ``other``.
        size: Bytes.
        boot: Id of the host's boot.
        writable: We may write it.
        serial: Of a device, where the kernel knows it.
        proof: Changes with every write; empty where nothing proves that.
        mounts: Where it is mounted, with type, options and device.
        held: Who else has it: devices on it, swap, processes that have an image open for writing.
    """

    kind: str = "none"
    size: int = 0
    boot: str = ""
    writable: bool = False
    serial: str = ""
    proof: str = ""
    mounts: tuple[tuple[str, str, str, str], ...] = ()
    held: tuple[str, ...] = ()

    @property
    def busy(self) -> str:
        """Who may write it, in words; nothing for nobody."""
        written = [f"mounted at {mount}" for mount, _, options, _ in self.mounts if "ro" not in options.split(",")]
        return printable(", ".join((*written, *(f"held by {one}" for one in self.held))))


@dataclass(eq=False)
class End:
    """See the module.

    Attributes:
        task: The move.
        host: Where it is.
        path: What.
        read: What is read instead while writers go on, such as a snapshot; empty for the path itself.
    """

    task: Task
    host: Host
    path: str
    read: str = ""
    _boot: str = field(default="", init=False)

    def look(self) -> Look:
        """Ask the host."""
        script = f"set -- {shlex.quote(self.path)}\n({LOOK}) || exit 1\n"
        known: dict[str, str] = {}
        mounts, held = [], []
        for line in self.host.text(script, what=f"looking at {printable(self.path)}").splitlines():
            name, _, value = line.partition(" ")
            if name == "mount":
                mount, fstype, options, device = value.split(" ", 3)
                mounts.append((_unescaped(mount), fstype, options, _unescaped(device)))
            elif name == "held":
                held.append(value)
            else:
                known[name] = value
        self._boot = known.get("boot", "")
        return Look(
            kind=known.get("kind", "other"),
            size=int(known.get("size", "0")),
            boot=self._boot,
            writable="writable" in known,
            serial=known.get("serial", ""),
            proof=known.get("proof", ""),
            mounts=tuple(mounts),
            held=tuple(dict.fromkeys(held)),
        )

    @property
    def python(self) -> bool:
        """The host has a python3 that is new enough."""
        known = self.host.known.get("python3")
        if not isinstance(known, bool):
            known = self.host.run('python3 -c "import sys; sys.exit(sys.version_info < (3, 6))"').rc == 0
            self.host.known["python3"] = known
        return known

    @property
    def folder(self) -> str:
        """The job's folder on the host."""
        return jobs.folder_of(self.host, self.task.job)

    def file(self, name: str) -> str:
        """Where a file of the move is; of another boot it has another name, so that nothing of before is believed."""
        return f"{self.folder}/{self.tag(name)}"

    def tag(self, name: str) -> str:
        """``name`` in this boot of the host."""
        return f"{name}-{self._boot[:8]}" if self._boot else name

    def program(self, verb: str, chunk: int, size: int, *rest: str) -> str:
        """The command line that does ``verb``; what it runs is put on the host."""
        if self.python:
            name, text, call = "blocks.py", Path(blocks_host.__file__).read_text(), f"python3 {{}} {verb}"
        else:
            name, call = f"blocks-{verb}.sh", "bash {}"
            text = {"hash": HASH, "give": GIVE, "take": TAKE}[verb]
        put = f"{self.folder}/{name}"
        if self.host.known.get(put) != self.folder:
            script = f"cat >{put}.$$ && mv {put}.$$ {put}"
            self.host.text(script, stdin=text.encode(), what="putting the block program there")
            self.host.known[put] = self.folder
        path = self.read if self.read and verb != "take" else self.path
        words = " ".join(shlex.quote(word) for word in (path, str(chunk), str(size), *rest))
        return f"{call.format(put)} {words}"

    def hashed(self, name: str, chunk: int, size: int, *, gentle: bool) -> str:
        """Make the list of a pass, or find it made; returns its file. Whoever is killed is begun again where it was.

        Args:
            name: Names the pass.
            chunk: Bytes of a chunk.
            size: Bytes of the disk.
            gentle: Others need the disk more.
        """
        out, job = self.file(f"{name}-list"), self.tag(f"{name}-hash")
        if self.host.run(f"[ -e {out} ]").rc == 0:
            return out
        slow = 'ionice -c3 true 2>/dev/null && i="ionice -c3"; $i nice -n 10 ' if gentle else ""
        command = slow + self.program("hash", chunk, size, out)
        for attempt in range(_TRIES):
            jobs.start(self.host, self.folder, job, command)
            ended = self.waited(job, "hash")
            jobs.stop(self.host, self.folder, job)
            if ended.rc == 0:
                return out
            if ended.rc not in _KILLED or attempt == _TRIES - 1:
                raise CopyFailed(
                    f"{printable(self.path)} cannot be hashed: {last_line(ended.log)}", where=self.host.name
                )
        raise AssertionError("unreachable: the last attempt returns or raises")

    def waited(self, job: str, step: str) -> jobs.Ended:
        """Follow a job of the move to its end; ends it when the freeze is over."""

        def on_line(line: bytes) -> None:
            with suppress(ValueError):
                done, total = (int(word) for word in line.split())
                self.task.tell(step, done=done, total=total, message=printable(self.path))

        def wait() -> jobs.Ended:
            within = self.task.left(7 * 24 * 3600)
            return jobs.wait(self.host, self.folder, job, within_s=within, on_line=on_line)

        try:
            return retried(wait)
        except FreezeOver:
            jobs.stop(self.host, self.folder, job)
            raise

    def lines(self, file: str) -> Iterator[str]:
        """The lines of a file on the host, by slices: a list is 16 MB for a TiB."""
        start = 1
        while True:
            part = self.host.text(f"sed -n '{start},{start + _SLICE - 1}p' {file}", timeout_s=600).splitlines()
            yield from part
            if len(part) < _SLICE:
                return
            start += _SLICE

    def recall(self, name: str, chunk: int, size: int, look: Look) -> bool:
        """Take what was kept as the list of a pass, where nothing was written since; it counts for that pass only."""
        if not look.proof:
            return False
        script = f"""[ -e {self.file(f"{name}-list")} ] && exit 0
k={self.file("kept")}; s=$(cat "$k.proof" 2>/dev/null); rm -f "$k.proof"
[ "$s" = {shlex.quote(_stamp(look, chunk, size))} ] && mv "$k" {self.file(f"{name}-list")}"""
        return self.host.run(script).rc == 0

    def keep(self, name: str, chunk: int, size: int, look: Look, *, acks: str = "") -> None:
        """Keep the list of a pass for the next one, and remove what else was of the pass.

        Args:
            name: Names the pass.
            chunk: Bytes of a chunk.
            size: Bytes of the disk.
            look: What the end is now; where it proves nothing, nothing is kept.
            acks: File with the hashes of what was written by the pass.
        """
        made, k = self.file(f"{name}-list"), self.file("kept")
        merge = f"cat {made}"
        if acks:
            merge = f"""touch {acks}; awk 'NR == FNR && FILENAME == ARGV[1] {{ h[$1] = $2; next }}
FNR - 1 in h {{ print h[FNR - 1]; next }} 1' {acks} {made}"""
        proof = shlex.quote(_stamp(look, chunk, size)) if look.proof else "''"
        script = f"""rm -f {k}.proof; [ -e {made} ] && [ -n {proof} ] || {{ rm -f {self.folder}/{name}-*; exit 0; }}
{{ {merge}; }} >{k}.new && ! grep -qx -e - {k}.new && mv {k}.new {k} && printf %s {proof} >{k}.proof
rm -f {self.folder}/{name}-*"""
        self.host.text(script, timeout_s=600, what="keeping the hashes")

    def forget(self) -> None:
        """What was kept proved wrong, or may be."""
        self.host.run(f"rm -f {self.folder}/kept-* {self.folder}/verify*")

    def acknowledged(self, name: str) -> set[int]:
        """Chunks that this end has written in a pass."""
        found = self.host.text(f"cat {self.file(f'{name}-acks')} 2>/dev/null | cut -d' ' -f1; true", timeout_s=600)
        return {int(word) for word in found.split() if word.isdigit()}

    def put(self, file: str, rows: Iterable[str]) -> None:
        """Write a file of the move on the host."""
        data = "".join(f"{row}\n" for row in rows).encode()
        self.host.text(f"cat >{file}.new && mv {file}.new {file}", stdin=data, timeout_s=600)

    def tidy(self, name: str) -> None:
        """Remove what a pass that is over needs no more."""
        self.host.run(f"rm -f {self.folder}/{name}-*")


def together(ends: Iterable[End]) -> int:
    """The size of chunks for these ends."""
    return CHUNK if all(end.python for end in ends) else CHUNK_SHELL


def in_words(act: Callable[[], object]) -> str:
    """What an attempt failed with; nothing when it went well."""
    try:
        act()
    except RemoteError as exc:
        return str(exc)
    return ""


def _stamp(look: Look, chunk: int, size: int) -> str:
    return f"{look.proof} {size} {chunk}"


def _unescaped(mount: str) -> str:
    """Blanks and the like are octal in mountinfo: ``proc(5)``."""
    for code, char in (("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")):
        mount = mount.replace(code, char)
    return mount
