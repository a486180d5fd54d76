"""One pass of a block move: both ends hash at once, then only what differs goes straight from end to end.

What the taker wrote it acknowledges chunk by chunk, on its own host. Whoever goes on after a kill -9 of anything finds
the lists of the pass and the acknowledgements, and sends what is left.
"""

import hashlib
import shlex
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import count

from migrate import jobs
from migrate.hosts import last_line
from migrate.replicators.blocks.end import End, Look, together
from migrate.replicators.blocks.runs import Run, differing, remaining, runs_of, size_of, unreadable
from migrate.replicators.files.rsync import CopyFailed
from migrate.replicators.ports import Task
from pse.core.errors import Refused, RemoteError
from pse.core.text import counted, printable

_FAILS = 5
"""Attempts in a row that bring nothing before it is given up."""
_SHOWN = 5


@dataclass(eq=False)
class Pass:
    """One pass.

    Attributes:
        task: The move.
        source: Makes the connection.
        target: Is connected to.
        name: Names it on both hosts, unique in the move.
        still: Nobody may write the giver.
        back: The target gives.
    """

    task: Task
    source: End
    target: End
    name: str
    still: bool = False
    back: bool = False

    @property
    def giver(self) -> End:
        """Where chunks come from."""
        return self.target if self.back else self.source

    @property
    def taker(self) -> End:
        """Where they go."""
        return self.source if self.back else self.target

    def carry(self, *, beside: Callable[[], object] = lambda: None) -> dict[str, object]:
        """Make both ends equal, as far as the giver can be read and stands still.

        Args:
            beside: Done while both hash.

        Returns:
            ``sent`` in bytes, and a ``note`` in words.

        Raises:
            Refused: Somebody may write an end that has to stand still, or the target has nothing to give back.
            CopyFailed: Trying again does not help.
            RemoteError: The link broke again and again.
        """
        giver, taker = self.giver, self.taker
        before, there = _looks(giver, taker)
        if before.kind not in ("block", "file"):
            raise CopyFailed(f"{printable(giver.path)} is no disk and no file", where=giver.host.name)
        if self.still and before.busy:
            raise _busy(giver, before.busy)
        there = self._prepare(before.size, there)
        chunk, size = together((giver, taker)), before.size
        mine, theirs = self._hash(chunk, size, (before, there), beside)
        with ThreadPoolExecutor(2) as pool:
            given, held = pool.map(lambda one: list(one[0].lines(one[1])), ((giver, mine), (taker, theirs)))
        if self.back:
            _refuse_nothing(self.task, given, held, chunk, size)
        runs, lost = runs_of(differing(given, held)), unreadable(given)
        self._fit(size)
        self._send(runs, chunk, size)
        after, held_now = _looks(giver, taker)
        if self.still and (after.busy or after.proof != before.proof):
            raise _busy(giver, after.busy or "somebody wrote it meanwhile")
        with ThreadPoolExecutor(2) as pool:
            acks = taker.file(f"{self.name}-acks")
            kept = pool.submit(lambda: taker.keep(self.name, chunk, size, held_now, acks=acks))
            giver.keep(self.name, chunk, size, after if after.proof == before.proof else Look())
            kept.result()
        sent = size_of(runs, chunk, size)
        note = f"{sum(each for _, each in runs)} of {counted(-(-size // chunk), 'chunk')} of {chunk >> 20} MiB sent"
        note += ", " + ("target to source" if self.back else "source to target")
        if lost:
            said = ", ".join(f"{first}-{end}" for first, end in lost[:_SHOWN])
            note += f"; {giver.host.name} cannot read bytes {said}" + (" and more" if lost[_SHOWN:] else "")
            note += " and nothing was written in their place"
        return {"sent": sent, "note": note}

    def _prepare(self, size: int, there: Look) -> Look:
        """See that the taker can take ``size`` bytes and is in nobody's use; what it holds is not touched yet.

        Returns:
            What it is then.
        """
        taker = self.taker
        if there.kind == "block":
            if there.size < size:
                text = f"{printable(taker.path)} has {there.size} bytes and needs {size}"
                raise CopyFailed(text, where=taker.host.name)
            if there.busy or there.mounts:
                said = there.busy or f"mounted at {there.mounts[0][0]}"
                raise Refused(f"{printable(taker.path)} is in use: {printable(said)}", where=taker.host.name)
        elif there.kind in ("none", "file"):
            if there.busy:
                raise Refused(f"{printable(taker.path)} is in use: {there.busy}", where=taker.host.name)
            path = shlex.quote(taker.path)
            if there.kind == "none" or (there.size < size and not self.back):
                script = f'mkdir -p -- "$(dirname -- {path})" && truncate -s {size} -- {path}'
                taker.host.text(script, what=f"making {printable(taker.path)}")
                return taker.look()
        else:
            raise CopyFailed(f"{printable(taker.path)} is no disk and no file", where=taker.host.name)
        return there

    def _fit(self, size: int) -> None:
        """Give an image file the giver's size; from here on what the taker holds may be overwritten."""
        taker, path = self.taker, shlex.quote(self.taker.path)
        script = f"[ -b {path} ] || [ $(stat -L -c %s -- {path}) = {size} ] || truncate -s {size} -- {path}"
        taker.host.text(script, what=f"fitting {printable(taker.path)}")

    def _hash(self, chunk: int, size: int, looks: tuple[Look, Look], beside: Callable[[], object]) -> tuple[str, str]:
        """The lists of giver and taker; what is known for sure by their ``looks`` is not read again."""

        def one(end: End, look: Look) -> str:
            if end.recall(self.name, chunk, size, look):
                return end.file(f"{self.name}-list")
            return end.hashed(self.name, chunk, size, gentle=not self.still)

        with ThreadPoolExecutor(3) as pool:
            mine, theirs = (
                pool.submit(one, end, look) for end, look in zip((self.giver, self.taker), looks, strict=True)
            )
            more = pool.submit(beside)
            more.result()
            return mine.result(), theirs.result()

    def _send(self, runs: list[Run], chunk: int, size: int) -> None:
        """Send until all is acknowledged."""
        fails, known = 0, -1
        for attempt in count():
            acks = self.taker.acknowledged(self.name)
            left = remaining(runs, acks)
            if not left:
                return
            fails = 0 if len(acks) > known else fails + 1
            known = max(known, len(acks))
            name = f"{self.name}-send-{attempt}"
            again = jobs.known(self.source.host, self.source.folder, self.source.tag(name))
            if not again:
                if fails:
                    # A host that starts again takes a while; a user who wants to stop does not wait for it.
                    self.task.stop.wait(self.task.left(min(8.0, 0.5 * 2**fails)))
                self._begin(name, left, chunk, size)
            ended = self.source.waited(self.source.tag(name), "copy")
            # What was killed on one side may go on at the other; nothing of it may come late.
            jobs.stop(self.target.host, self.target.folder, self.target.tag(name))
            if ended.rc == 0:
                continue
            log = ended.log.decode("utf-8", "replace")
            if any(said in log for said in ("cannot be read", "No space left", "busy", "Input/output error")):
                for end in (self.giver, self.taker):
                    end.tidy(self.name)
                raise CopyFailed(f"{printable(_telling(log))}", where=self.task.move.id)
            self.task.tell("copy", message=f"trying again: {last_line(ended.log)}")
            if fails >= _FAILS and not again:
                text = f"sending chunks ended with {ended.rc} again and again: {last_line(ended.log)}"
                raise RemoteError(text, where=self.task.move.id)

    def _begin(self, name: str, left: list[Run], chunk: int, size: int) -> None:
        """Start one attempt: a job on the source, and the other half at the target by a command that is forced."""
        passage, rows = self.task.passage, [f"{first} {many}" for first, many in left]
        passage.open()
        limit = str(int((self.task.rate() or 0) * (1 << 20)))
        halves = {}
        for end in (self.source, self.target):
            runs = end.file(f"{name}.runs")
            if end is self.giver:
                halves[end] = end.program("give", chunk, size, runs, limit)
            else:
                acks, ledger = end.file(f"{self.name}-acks"), end.file("ledger")
                take = end.program("take", chunk, size, runs, acks, ledger)
                # One at a time: whoever was cut off may still be writing.
                halves[end] = f"flock -w 60 {end.folder}/take.lock {take}"
        tag = self.target.tag(name)
        far = f"{self.target.folder}/{tag}.rc.sh"
        # Named like a job, so that it is found and ended like one; its group is that of the session.
        script = f"""echo $(awk '{{print $5}}' /proc/$$/stat) >{self.target.folder}/{tag}.pid
export LC_ALL=C PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin; umask 077
{halves[self.target]}; exit"""
        with ThreadPoolExecutor(3) as pool:
            puts = [pool.submit(end.put, end.file(f"{name}.runs"), rows) for end in (self.source, self.target)]
            puts.append(pool.submit(self.target.put, far, [script]))
            shell = passage.shell(name, f"bash {far}")
            for put in puts:
                put.result()
        link = f"{shell} {passage.address}"
        if self.back:
            command = f"set -o pipefail; {link} </dev/null | {halves[self.source]}"
        else:
            command = f"set -o pipefail; {halves[self.source]} | {link}"
        jobs.start(self.source.host, self.source.folder, self.source.tag(name), command)


def _busy(end: End, said: str) -> Refused:
    return Refused(
        f"{printable(end.path)} does not stand still: {said}",
        where=end.host.name,
        hint="Stop what writes there and unmount it, then run again; nothing was switched.",
    )


def _looks(giver: End, taker: End) -> tuple[Look, Look]:
    with ThreadPoolExecutor(2) as pool:
        mine, theirs = pool.submit(giver.look), pool.submit(taker.look)
        return mine.result(), theirs.result()


def _telling(log: str) -> str:
    lines = [line for line in log.splitlines() if not line.replace(" ", "").isdigit() and line.strip()]
    return (lines or ["it said nothing"])[0][:300]


def _refuse_nothing(task: Task, given: Iterable[str], held: Iterable[str], chunk: int, size: int) -> None:
    """A target that lost what it had must not take the source with it."""
    zero = {hashlib.sha256(bytes(length)).hexdigest() for length in {chunk, size % chunk} if length}
    if all(line in zero for line in given) and not all(line in zero for line in held):
        raise Refused(
            f"{printable(task.move.target)} holds nothing but zeros, so all that the source has would be overwritten",
            where=task.move.id,
            hint="Find out what became of the target's data; the source still has what it had at the cut-over.",
        )
