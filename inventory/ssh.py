"""SSH with an end to everything: pinned host keys, keys only, and no call that can hang past its deadline.

Paramiko alone waits for ever in places: for the answer to an exec request, for a peer that sends a byte now and then,
for a banner that never ends. So each connection runs over a socket of ours, and every wait is watched by a thread that
shuts that socket when its time is over. Nothing is ever forwarded: no agent, no X11, no ports, no terminal.
"""

import contextlib
import logging
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, TypeVar

import msgspec

from inventory.hosts import HostEntry, load_hosts
from inventory.pins import fingerprint, read_pins
from inventory.sshkeys import load_key, preferred_types
from pse.core.errors import PseError, Refused, RemoteError, Unreachable, UsageError
from pse.core.settings import Workspace
from pse.core.text import printable

if TYPE_CHECKING:
    import paramiko

MIB = 1024 * 1024
STDERR_CAP = 64 * 1024
"""Bytes of stderr that are kept; the rest is read and dropped, so that it cannot fill the window."""
_TAIL = 64 * 1024
_LINE = MIB
_GRACE_S = 1.0

AcceptNew = Callable[[str, str], None]
"""Takes the name and the key line of a host that is seen for the first time, and pins it."""


class HostKeyRefused(Refused):
    """The host's key is unknown or not the pinned one; nothing was sent to it but the key exchange."""


class LoginRefused(RemoteError):
    """The host does not let us in with the key; nobody tries again, because accounts get locked."""

    retryable = False


class BrokenProtocol(RemoteError):
    """What answers there does not speak SSH as it should."""


class _Partial(PseError):
    partial: bytes = b""
    """What came before the end; lost when the error is pickled."""


class TimedOut(_Partial, Unreachable):
    """Its time was over before it ended."""


class TooMuch(_Partial, RemoteError):
    """More output than was allowed."""

    retryable = False


class Cut(_Partial, Unreachable):
    """The connection ended before the command did."""


class Endpoint(msgspec.Struct, frozen=True, kw_only=True):
    """Where and how to log in.

    Attributes:
        name: Name of the host, for messages and pins.
        address: IP address or DNS name.
        port: TCP port of sshd.
        user: Account.
        key: Secret reference of the private key.
        agent_key: Comment or ``SHA256:`` fingerprint of the one key ssh-agent may use; wins over ``key``.
        host_key: Pinned public host key, ``type base64``; empty when none is pinned, and then nobody connects.
        jump: The host to go through.
    """

    name: str
    address: str
    port: int = 22
    user: str = ""
    key: str = ""
    agent_key: str = ""
    host_key: str = ""
    jump: "Endpoint | None" = None


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


def endpoint_of(workspace: Workspace, host_name: str) -> Endpoint:
    """The endpoint of a host of ``hosts.toml``, with its pin and its jump hosts.

    Raises:
        UsageError: No such host.
        BadInput: ``hosts.toml`` or ``.pse/known_hosts`` cannot be used.
    """
    entries = {entry.name: entry for entry in load_hosts(workspace)}
    if host_name not in entries:
        raise UsageError(f"no host {host_name!r} in hosts.toml", where=str(workspace.path("hosts.toml")))
    return endpoint_from(entries, read_pins(workspace.private), host_name)


def endpoint_from(entries: dict[str, HostEntry], pins: dict[str, str], name: str) -> Endpoint:
    """The endpoint of ``name``, given all hosts and pins."""
    entry = entries[name]
    return Endpoint(
        name=name,
        address=entry.address,
        port=entry.port,
        user=entry.user,
        key=entry.key,
        agent_key=entry.agent_key,
        host_key=pins.get(name, ""),
        jump=endpoint_from(entries, pins, entry.jump) if entry.jump else None,
    )


def connect(
    endpoint: Endpoint, *, base: Path, connect_s: float = 10.0, accept_new: AcceptNew | None = None
) -> "Connection":
    """Log in within ``connect_s`` seconds, jump hosts included.

    Args:
        endpoint: Where.
        base: Folder that relative ``file:`` references start from: the workspace's root.
        connect_s: Seconds for everything up to the login.
        accept_new: Called with name and key of a host without a pin; without it such a host is refused.

    Raises:
        HostKeyRefused: No pin, or another key than the pinned one: nothing was authenticated.
        LoginRefused: The host does not accept the key.
        TimedOut: Too slow.
        Unreachable: No connection.
        BrokenProtocol: Not SSH.
        BadInput: The key cannot be used.
    """
    deadline = time.monotonic() + connect_s
    via = None
    if endpoint.jump is not None:
        via = connect(endpoint.jump, base=base, connect_s=connect_s, accept_new=accept_new)
    connection = None
    try:
        sock = _dial(endpoint, via, deadline)
        connection = Connection(endpoint, sock, via)
        connection._login(base, deadline, accept_new)  # noqa: SLF001 - the two halves of one thing
    except BaseException:
        if connection is not None:
            connection.close()
        elif via is not None:
            via.close()
        raise
    return connection


def _dial(endpoint: Endpoint, via: "Connection | None", deadline: float) -> "socket.socket | paramiko.Channel":
    where = _where(endpoint)
    if via is not None:
        return via._tunnel(endpoint, deadline)  # noqa: SLF001 - the two halves of one thing
    try:
        return socket.create_connection(
            (endpoint.address, endpoint.port), timeout=max(0.1, deadline - time.monotonic())
        )
    except TimeoutError as exc:
        raise TimedOut("no answer", where=where, hint="Is the host up, and does a firewall let us in?") from exc
    except OSError as exc:
        raise Unreachable(
            f"no connection: {exc.strerror or exc}", where=where, hint="Is the host up, and is sshd on this port?"
        ) from exc


class Connection:
    """One logged-in connection; `run` may be called from several threads at once."""

    def __init__(
        self, endpoint: Endpoint, sock: "socket.socket | paramiko.Channel", via: "Connection | None" = None
    ) -> None:
        """Take over ``sock``; nothing is sent yet."""
        import paramiko

        self.endpoint = endpoint
        self.host_key = ""
        self._sock = sock
        self._via = via
        self._where = _where(endpoint)
        try:
            self._transport = paramiko.Transport(sock)
        except (OSError, paramiko.SSHException) as exc:
            sock.close()
            raise Unreachable(f"no connection: {printable(str(exc))}", where=self._where) from exc
        self._transport.daemon = True
        self._transport.set_log_channel(_quiet_logger())

    def __enter__(self) -> "Connection":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End it: socket, transport and its thread; quiet when it is closed already."""
        self._shut()
        self._transport.close()
        # After a rude peer paramiko's thread may still be in its read loop; the socket is gone, so this is short.
        if self._transport.is_alive():
            self._transport.join(2 * _GRACE_S)
        if self._via is not None:
            self._via.close()

    def run(
        self,
        command: str,
        *,
        stdin: bytes = b"",
        timeout_s: float,
        cap: int = 32 * MIB,
        on_line: Callable[[bytes], None] | None = None,
    ) -> Completed:
        """Run ``command`` by the login shell and wait for its end.

        Args:
            command: Shell text; holds no secret, because process lists show it.
            stdin: Sent to it, then its input is closed.
            timeout_s: Seconds for everything; the remote process is told by a closed channel, which it may ignore.
            cap: Most bytes of stdout. With ``on_line`` it does not count.
            on_line: Called with each line of stdout as it comes, without its end; carriage returns end a line, too.

        Raises:
            TimedOut: Not done in time; ``partial`` holds what came.
            TooMuch: More than ``cap``; ``partial`` holds the first ``cap`` bytes.
            Cut: The connection ended first; ``partial`` holds what came.
        """
        import paramiko

        with self._watched(timeout_s) as watch:
            output = _Output(cap, on_line)
            try:
                channel = self._transport.open_session(timeout=max(0.1, timeout_s))
                with contextlib.closing(channel):
                    channel.exec_command(command)
                    watch.started.set()
                    rc = self._pump(channel, stdin, output, watch)
            except (paramiko.SSHException, OSError, EOFError) as exc:
                if watch.over or watch.remaining() <= 0:
                    raise self._timed_out(timeout_s, output) from exc
                raise _with(Cut(f"the connection ended: {_words(exc)}", where=self._where), output) from exc
            return Completed(rc=rc, stdout=output.stdout(), stderr=bytes(output.err))

    def _pump(self, channel: "paramiko.Channel", stdin: bytes, output: "_Output", watch: "_Watch") -> int:
        sent = 0
        while True:
            ended = channel.eof_received or channel.closed
            took = False
            if sent < len(stdin) and channel.send_ready():
                channel.settimeout(max(0.05, watch.remaining()))
                sent += channel.send(stdin[sent : sent + 32768])
                took = True
            if sent >= len(stdin) and not channel.eof_sent:
                channel.shutdown_write()
            while channel.recv_stderr_ready():
                output.take_err(channel.recv_stderr(65536))
                took = True
            # A quarter of a second is how long stderr may wait when stdout is silent; data on stdout wakes at once.
            channel.settimeout(0.0 if took or sent < len(stdin) else min(0.25, max(0.01, watch.remaining())))
            with contextlib.suppress(TimeoutError):
                if data := channel.recv(65536):
                    took = True
                    if not output.take(data):
                        raise _with(TooMuch(f"more than {output.cap} bytes of output", where=self._where), output)
            if watch.remaining() <= 0:
                raise self._timed_out(watch.seconds, output)
            if took:
                continue
            if ended:
                return self._exit_status(channel, output, watch)
            if sent < len(stdin):
                time.sleep(0.01)  # the window is full and the peer silent

    def _exit_status(self, channel: "paramiko.Channel", output: "_Output", watch: "_Watch") -> int:
        if not channel.status_event.wait(max(0.0, watch.remaining())):
            raise self._timed_out(watch.seconds, output)
        output.end()
        if channel.exit_status == -1 and not self._transport.is_active():
            raise _with(Cut("the connection ended before the command did", where=self._where), output)
        return channel.exit_status

    def _timed_out(self, seconds: float, output: "_Output") -> TimedOut:
        return _with(TimedOut(f"not done within {seconds:g} s", where=self._where), output)

    def _tunnel(self, endpoint: Endpoint, deadline: float) -> "paramiko.Channel":
        import paramiko

        left = max(0.1, deadline - time.monotonic())
        with self._watched(left) as watch:
            try:
                return self._transport.open_channel(
                    "direct-tcpip", (endpoint.address, endpoint.port), ("127.0.0.1", 0), timeout=left
                )
            except (paramiko.SSHException, OSError, EOFError) as exc:
                where = f"{_where(endpoint)} through {self.endpoint.name}"
                kind = TimedOut if watch.over or watch.remaining() <= 0 else Unreachable
                raise kind(f"no connection: {_words(exc)}", where=where) from exc

    def _login(self, base: Path, deadline: float, accept_new: AcceptNew | None) -> None:
        import paramiko

        left = max(0.1, deadline - time.monotonic())
        with self._watched(left) as watch:
            try:
                self._negotiate(left)
                self._check_host_key(accept_new)
                self._authenticate(base, max(0.1, deadline - time.monotonic()))
            except paramiko.AuthenticationException as exc:
                if watch.over or watch.remaining() <= 0.1:
                    raise TimedOut("no end to the login", where=self._where) from exc
                raise LoginRefused(
                    f"{self.endpoint.user} is not let in with this key",
                    where=self._where,
                    hint="Put the public key into the account's authorized_keys; nothing but a key is ever tried.",
                ) from exc
            except (paramiko.SSHException, OSError, EOFError, ValueError, IndexError) as exc:
                if watch.over or watch.remaining() <= 0.1:
                    raise TimedOut("no end to the login", where=self._where) from exc
                raise BrokenProtocol(f"this is not SSH as it should be: {_words(exc)}", where=self._where) from exc

    def _negotiate(self, seconds: float) -> None:
        import paramiko

        transport = self._transport
        transport.banner_timeout = seconds
        transport.handshake_timeout = seconds
        transport.auth_timeout = seconds
        transport.channel_timeout = seconds
        security = transport.get_security_options()
        security.key_types = preferred_types(security.key_types, self.endpoint.host_key)
        done = threading.Event()
        transport.start_client(event=done)
        done.wait(seconds)
        if not transport.is_active() or not done.is_set():
            raise transport.get_exception() or paramiko.SSHException("the key exchange did not end")

    def _check_host_key(self, accept_new: AcceptNew | None) -> None:
        key = self._transport.get_remote_server_key()
        shown = f"{key.get_name()} {key.get_base64()}"
        pinned = " ".join(self.endpoint.host_key.split()[:2])
        if not pinned:
            if accept_new is None:
                raise HostKeyRefused(
                    f"its host key is not known: {fingerprint(shown)}",
                    where=self._where,
                    hint="Compare it with the one on the host's console, then pin it with --accept-new.",
                )
            accept_new(self.endpoint.name, shown)
        elif shown != pinned:
            raise HostKeyRefused(
                f"its host key has changed: pinned {fingerprint(pinned)}, shown {fingerprint(shown)}",
                where=self._where,
                hint="If the host was rebuilt, remove its line from .pse/known_hosts; if not, someone is in between.",
            )
        self.host_key = shown

    def _authenticate(self, base: Path, seconds: float) -> None:
        import paramiko

        key, done = load_key(self.endpoint.key, self.endpoint.agent_key, base=base, where=self._where)
        self._transport.auth_timeout = seconds
        try:
            more = self._transport.auth_publickey(self.endpoint.user, key)
        finally:
            done()
        if more:
            raise paramiko.AuthenticationException("the host asks for more than a key")

    @contextlib.contextmanager
    def _watched(self, seconds: float) -> "Iterator[_Watch]":
        watch = _Watch(seconds, self._shut)
        watch.start()
        try:
            yield watch
        finally:
            watch.stop()

    def _shut(self) -> None:
        """Cut the line under paramiko, whatever it waits for."""
        if self._via is not None:
            self._via._shut()  # noqa: SLF001 - a channel cannot be shut without its peer; the socket below can
        if isinstance(self._sock, socket.socket):
            with contextlib.suppress(OSError):
                self._sock.shutdown(socket.SHUT_RDWR)
        self._sock.close()


class _Watch(threading.Thread):
    """Shuts a connection's socket when a wait takes too long: at once while a request is unanswered, else a little
    after the deadline, so that one slow command does not cut the others of its connection."""

    def __init__(self, seconds: float, shut: Callable[[], None]) -> None:
        super().__init__(daemon=True, name="ssh-watch")
        self.seconds = seconds
        self.started = threading.Event()
        self.over = False
        self._shut = shut
        self._done = threading.Event()
        self._until = time.monotonic() + seconds

    def remaining(self) -> float:
        """Seconds left."""
        return self._until - time.monotonic()

    def run(self) -> None:
        """Wait for the end or the deadline."""
        if self._done.wait(max(0.0, self.remaining())):
            return
        self.over = True
        if self.started.is_set() and self._done.wait(_GRACE_S):
            return
        self._shut()

    def stop(self) -> None:
        """The wait is over."""
        self._done.set()
        self.join()


class _Output:
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


_E = TypeVar("_E", bound=_Partial)


def _with(error: _E, output: _Output) -> _E:
    error.partial = output.stdout()
    return error


def _where(endpoint: Endpoint) -> str:
    return f"{endpoint.name} ({endpoint.user}@{endpoint.address}:{endpoint.port})"


def _words(exc: BaseException) -> str:
    return printable(str(exc))[:200] or type(exc).__name__


def _quiet_logger() -> str:
    """Paramiko logs tracebacks of rude peers; what happened is in our errors, so its channel goes nowhere."""
    name = "inventory.paramiko"
    logger = logging.getLogger(name)
    logger.propagate = False
    if not logger.handlers:
        logger.addHandler(logging.NullHandler())
    return name
