"""The hosts of a move, as the controller reaches them: over `inventory.ssh`, as the login user, by bash scripts."""

import contextlib
import shlex
import threading
import time
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import ClassVar, TypeVar

from inventory.ssh import Completed, Connection, Cut, Endpoint, connect
from pse.core.errors import PseError, RemoteError
from pse.core.text import printable

T = TypeVar("T")

SESSIONS = 8
"""Commands at once on one connection: sshd allows 10 (MaxSessions) and refuses the others."""

PRELUDE = """export LC_ALL=C; umask 077; p=; for d in /usr/lib/postgresql/*/bin; do
  v=${d%/bin}; [ -d "$d" ] && { [ -z "$p" ] || [ "${v##*/}" -gt "$m" ] 2>/dev/null; } && p=$d m=${v##*/}; done
PATH=${p:+$p:}/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin; export PATH
"""
# PostgreSQL's own programs come first: the wrapper that distributions put before them costs a second under load.


class HostCommandFailed(RemoteError):
    """A command on a host ended with another status than 0."""


class Host:
    """One host; the connection is made at the first command and again when it was cut.

    Args:
        endpoint: Where and how to log in, with the pinned host key.
        base: The workspace's root, where relative secret references start.
        connect_s: Seconds for connecting and logging in.

    Attributes:
        repeats: What was cut off is run once more on a new connection.
    """

    repeats: ClassVar[bool] = True

    def __init__(self, endpoint: Endpoint, *, base: Path, connect_s: float = 10.0) -> None:
        """Remember where it is; nothing is connected yet."""
        self.endpoint = endpoint
        self._base = base
        self._connect_s = connect_s
        self._connection: Connection | None = None
        self._lock = threading.Lock()
        self._slots = threading.BoundedSemaphore(SESSIONS)
        self.known: dict[str, object] = {}
        """What need not be asked again while this object lives, such as folders and versions."""

    @property
    def name(self) -> str:
        """Name for messages."""
        return self.endpoint.name

    def run(
        self,
        script: str,
        *,
        timeout_s: float = 60.0,
        stdin: bytes = b"",
        on_line: Callable[[bytes], None] | None = None,
    ) -> Completed:
        """Run a bash script, which has to be safe to repeat, and return how it ended.

        Raises:
            Unreachable: No connection, or not done in ``timeout_s`` seconds.
            Refused: The host shows another key than the pinned one.
        """
        command = "exec bash -c " + shlex.quote(PRELUDE + script)
        with self._slots:
            try:
                return self._once(command, stdin, timeout_s, on_line)
            except Cut:
                if not self.repeats:
                    raise
                # A line that lay idle for an hour is often dead. Scripts are safe to repeat, so once more on a new one.
                return self._once(command, stdin, timeout_s, on_line)

    def _once(self, command: str, stdin: bytes, timeout_s: float, on_line: Callable[[bytes], None] | None) -> Completed:
        connection = self._connected()
        try:
            return connection.run(command, stdin=stdin, timeout_s=timeout_s, on_line=on_line)
        except Cut:
            self._drop(connection)
            raise

    def text(self, script: str, *, timeout_s: float = 60.0, stdin: bytes = b"", what: str = "") -> str:
        """Run a script that has to end with status 0; returns its output, bytes that are not UTF-8 kept as surrogates.

        Raises:
            HostCommandFailed: Another status; the message holds the last line of its error output.
        """
        done = self.run(script, timeout_s=timeout_s, stdin=stdin)
        if done.rc != 0:
            raise HostCommandFailed(
                f"{what or 'a command'} failed (exit {done.rc}): {last_line(done.stderr or done.stdout)}",
                where=self.name,
            )
        return done.stdout.decode("utf-8", "surrogateescape")

    @cached_property
    def root(self) -> bool:
        """The login user is root there."""
        return self.text("id -u").strip() == "0"

    def close(self) -> None:
        """End the connection; the next command makes a new one."""
        with self._lock:
            connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def _connected(self) -> Connection:
        with self._lock:
            if self._connection is None:
                self._connection = connect(self.endpoint, base=self._base, connect_s=self._connect_s)
            return self._connection

    def _drop(self, connection: Connection) -> None:
        with self._lock:
            if self._connection is connection:
                self._connection = None
        with contextlib.suppress(PseError, OSError):
            connection.close()


def last_line(raw: bytes) -> str:
    """The last line with something on it, safe to show."""
    lines = [line for line in raw.decode("utf-8", "replace").splitlines() if line.strip()]
    return printable(lines[-1].strip())[:300] if lines else "it said nothing"


def retried(act: Callable[[], T], *, attempts: int = 4, pause_s: float = 0.5) -> T:
    """Call ``act`` until it does not fail with a retryable error, at most ``attempts`` times, with growing pauses."""
    for attempt in range(attempts):
        try:
            return act()
        except RemoteError as exc:
            if not exc.retryable or attempt == attempts - 1:
                raise
            time.sleep(pause_s * 2**attempt)
    raise AssertionError("unreachable: the loop returns or raises")


def wait_until(look: Callable[[], T | None], *, within_s: float, what: str, where: str = "", every_s: float = 0.1) -> T:
    """Call ``look`` until it gives something, with growing pauses up to ten times ``every_s``.

    Raises:
        RemoteError: Nothing within ``within_s`` seconds.
    """
    deadline = time.monotonic() + within_s
    pause = every_s
    while (found := look()) is None:
        if time.monotonic() >= deadline:
            raise RemoteError(f"{what}: not within {within_s:g} s", where=where)
        time.sleep(min(pause, max(0.0, deadline - time.monotonic())))
        pause = min(pause * 1.5, every_s * 10)
    return found
