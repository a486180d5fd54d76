"""Tables read ahead: a second process reads some tables of a file while this one reads another.

What it read comes back by way of a file without a name, so that it never waits for whoever takes the rows. Where there
is one processor only, or a thread that a fork would tear apart, or where the second process fails, the tables are read
here instead: the rows are the same.
"""

import os
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from typing import IO

import msgspec

from pse.core.tables.table import Row, Table

LEAST_BYTES = 8 * 1024 * 1024
"""Bytes of a file from which on a second process is worth its start."""
_ROWS = 2000
_ENCODER = msgspec.msgpack.Encoder()
_DECODER = msgspec.msgpack.Decoder(tuple[int, list[Row]])

Job = tuple[Table, int, Mapping[int, str]]
"""A table, and what its ``rows`` is asked for."""


class Ahead:
    """Rows of several tables, read by a second process from now on.

    Args:
        jobs: What to read; each is asked for once, in any order.
        apart: There is enough to read.
    """

    def __init__(self, jobs: Sequence[Job], *, apart: bool) -> None:
        self._jobs = jobs
        self._file: IO[bytes] | None = None
        self._remarks: dict[int, tuple[str, ...]] = {}
        self._frames: dict[int, list[tuple[int, int]]] = {}
        self._child = 0
        if apart and jobs and len(os.sched_getaffinity(0)) > 1 and threading.active_count() == 1:
            self._begin()

    def rows(self, number: int) -> Iterator[Row]:
        """The rows of job ``number``; raises as `pse.core.tables.table.Table.rows` does."""
        self._end()
        table, after, wanted = self._jobs[number]
        if self._file is None or number not in self._remarks:
            yield from table.rows(after, wanted)
            return
        for at, length in self._frames.get(number, ()):
            self._file.seek(at)
            yield from _DECODER.decode(self._file.read(length))[1]

    def remarks(self, number: int) -> tuple[str, ...]:
        """See `pse.core.tables.table.Table.remarks`."""
        return self._remarks[number] if number in self._remarks else self._jobs[number][0].remarks()

    def close(self) -> None:
        """End the second process, whatever it is doing."""
        if self._child:
            os.kill(self._child, 9)
            os.waitpid(self._child, 0)
            self._child = 0
        if self._file is not None:
            self._file.close()
            self._file = None

    def _begin(self) -> None:
        self._file = tempfile.TemporaryFile()  # noqa: SIM115 - closed by `close`
        try:
            self._child = os.fork()
        except OSError:
            self.close()
            return
        if self._child == 0:
            try:
                self._read(self._file)
            finally:
                os._exit(0)  # whatever happened: what is not there is read again, and fails again where it is seen

    def _read(self, file: IO[bytes]) -> None:
        for number, (table, after, wanted) in enumerate(self._jobs):
            some: list[Row] = []
            for row in table.rows(after, wanted):
                some.append(row)
                if len(some) == _ROWS:
                    _write(file, _ENCODER.encode((number, some)))
                    some = []
            _write(file, _ENCODER.encode((number, some)))
            _write(file, _ENCODER.encode((number, table.remarks())), end=True)
            file.flush()

    def _end(self) -> None:
        """Wait for the second process, and see how far it came."""
        if not self._child or self._file is None:
            return
        os.waitpid(self._child, 0)
        self._child = 0
        self._file.seek(0)
        while len(head := self._file.read(9)) == 9:
            at, length = self._file.tell(), int.from_bytes(head[1:], "big")
            body = self._file.read(length)
            if len(body) < length:
                return
            if head[:1] == b"E":
                number, remarks = msgspec.msgpack.decode(body, type=tuple[int, tuple[str, ...]])
                self._remarks[number] = remarks
            else:
                number = msgspec.msgpack.decode(body, type=tuple[int, msgspec.Raw])[0]
                self._frames.setdefault(number, []).append((at, length))


def _write(file: IO[bytes], body: bytes, *, end: bool = False) -> None:
    file.write((b"E" if end else b"R") + len(body).to_bytes(8, "big") + body)
