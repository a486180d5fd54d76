"""One command on one channel: feed it, drain it, and end it in time."""

import contextlib
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

import msgspec

from inventory.ssh.errors import Cut, Partial, TimedOut, TooMuch

if TYPE_CHECKING:
    import paramiko

MIB = 1024 * 1024
STDERR_CAP = 64 * 1024
"""Bytes of stderr that are kept; the rest is read and dropped, so that it cannot fill the window."""
_TAIL = 64 * 1024
_LINE = MIB
GRACE_S = 1.0
"""Seconds that a channel has to close by itself before its connection is cut."""


class Completed(msgspec.Struct, frozen=True, kw_only=True):
    """A command that ended.

    Attributes:
        rc: Exit status; -1 when a signal ended it.
        stdout: Its output; with ``on_line`` only the last 64 KiB.
        stderr: The first 64 KiB of its error output.
    """

    rc: int
    stdout: bytes
    stderr: bytes


class Watch(threading.Thread):
    """Shuts a connection's socket when a wait takes too long.

    At once while a request is unanswered, else a little after the deadline, so that one slow command does not cut
    the others of its connection.

    Args:
        seconds: For everything.
        shut: Cuts the connection.
        answer_s: For the answer to the request alone; set `started` when it is there.
    """

    def __init__(self, seconds: float, shut: Callable[[], None], *, answer_s: float | None = None) -> None:
        """Not started yet."""
        super().__init__(daemon=True, name="ssh-watch")
        self.seconds = seconds
        self.started = threading.Event()
        self.over = False
        self._answer_s = seconds if answer_s is None else min(seconds, answer_s)
        self._shut = shut
        self._done = threading.Event()
        self._until = time.monotonic() + seconds

    def remaining(self) -> float:
        """Seconds left."""
        return self._until - time.monotonic()

    def limit(self) -> float:
        """Seconds that applied when it was over."""
        return self.seconds if self.started.is_set() else self._answer_s

    def run(self) -> None:
        """Wait for the end or the deadline."""
        if not self.started.wait(self._answer_s):
            self.over = True
            self._shut()
            return
        if self._done.wait(max(0.0, self.remaining())):
            return
        self.over = True
        if not self._done.wait(GRACE_S):
            self._shut()

    def stop(self) -> None:
        """The wait is over."""
        self._done.set()
        self.started.set()
        self.join()


class Output:
    """What a command wrote so far."""

    def __init__(self, cap: int, on_line: Callable[[bytes], None] | None) -> None:
        self.cap = cap
        self.out = bytearray()
        self.err = bytearray()
        self._on_line = on_line
        self._line = bytearray()

    def take(self, data: bytes) -> bool:
        """Keep ``data``; False when it is more than the cap."""
        if self._on_line is None:
            self.out += data[: self.cap - len(self.out) + 1]
            if len(self.out) > self.cap:
                del self.out[self.cap :]
                return False
            return True
        self.out += data
        del self.out[:-_TAIL]
        self._line += data.replace(b"\r", b"\n")
        *lines, rest = bytes(self._line).split(b"\n")
        self._line = bytearray(rest[:_LINE])
        for line in lines:
            if line:
                self._on_line(line)
        return True

    def take_err(self, data: bytes) -> None:
        """Keep what fits of ``data``."""
        self.err += data[: STDERR_CAP - len(self.err)]

    def end(self) -> None:
        """Hand over a last line without an end."""
        if self._on_line is not None and self._line:
            self._on_line(bytes(self._line))
            self._line.clear()

    def stdout(self) -> bytes:
        """What is kept of stdout."""
        return bytes(self.out)


_E = TypeVar("_E", bound=Partial)


def with_partial(error: _E, output: Output) -> _E:
    """``error`` with what came before it."""
    error.partial = output.stdout()
    return error


def pump(channel: "paramiko.Channel", stdin: bytes, output: Output, watch: Watch, where: str) -> int:
    """Send ``stdin``, take what comes, and return the exit status.

    Raises:
        TimedOut: Not done when ``watch`` is over.
        TooMuch: More output than ``output`` may hold.
        Cut: The channel ended without an exit status, because its connection did.
        OSError: The channel was closed under us.
    """
    sent = 0
    while True:
        ended = channel.eof_received or channel.closed
        count = _feed(channel, stdin, sent, watch)
        sent += count
        took = _drain_errors(channel, output) or count > 0
        # Data on stdout wakes at once; the pauses are how long stderr and a full window may wait while it is silent.
        pause = 0.05 if sent < len(stdin) else 0.25
        channel.settimeout(0.0 if took else min(pause, max(0.01, watch.remaining())))
        with contextlib.suppress(TimeoutError):
            if data := channel.recv(65536):
                took = True
                if not output.take(data):
                    raise with_partial(TooMuch(f"more than {output.cap} bytes of output", where=where), output)
        if watch.remaining() <= 0:
            raise timed_out(watch, output, where)
        if ended and not took:
            return _exit_status(channel, output, watch, where)


def timed_out(watch: Watch, output: Output, where: str) -> TimedOut:
    """The error of a command whose time is over."""
    return with_partial(TimedOut(f"not done within {watch.limit():g} s", where=where), output)


def _feed(channel: "paramiko.Channel", stdin: bytes, sent: int, watch: Watch) -> int:
    if sent < len(stdin):
        if not channel.send_ready():
            return 0
        channel.settimeout(max(0.05, watch.remaining()))
        try:
            sent += (count := channel.send(stdin[sent : sent + 32768]))
        except OSError:
            if not channel.closed:
                raise
            return 0  # it ended without reading its input, which is its own affair
    else:
        count = 0
    if sent >= len(stdin) and not channel.eof_sent and not channel.closed:
        channel.shutdown_write()
    return count


def _drain_errors(channel: "paramiko.Channel", output: Output) -> bool:
    took = False
    while channel.recv_stderr_ready():
        output.take_err(channel.recv_stderr(65536))
        took = True
    return took


def _exit_status(channel: "paramiko.Channel", output: Output, watch: Watch, where: str) -> int:
    if not channel.status_event.wait(max(0.0, watch.remaining())):
        raise timed_out(watch, output, where)
    output.end()
    if channel.exit_status == -1 and not channel.get_transport().is_active():
        raise with_partial(Cut("the connection ended before the command did", where=where), output)
    return channel.exit_status
