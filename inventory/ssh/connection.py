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
from typing import TYPE_CHECKING, Self

from inventory.ssh.endpoint import Endpoint
from inventory.ssh.errors import BrokenProtocol, Cut, HostKeyRefused, LoginRefused, TimedOut
from inventory.ssh.keys import load_key, preferred_types
from inventory.ssh.pins import fingerprint
from inventory.ssh.running import GRACE_S, MIB, Completed, Output, Watch, pump, timed_out, with_partial
from inventory.ssh.tunnel import Tunnel
from pse.core.errors import PseError, Unreachable
from pse.core.text import printable

if TYPE_CHECKING:
    import paramiko

AcceptNew = Callable[[str, str], None]
"""Takes the name and the key line of a host that is seen for the first time, and pins it."""


NO_ANSWER = "no answer"
"""What is said of an address that does not even refuse."""


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
        try:
            via = connect(endpoint.jump, base=base, connect_s=connect_s, accept_new=accept_new)
        except PseError as exc:
            # Else what the jump host did would be read as done by the host behind it.
            exc.message = f"on the way, at jump host {endpoint.jump.name}: {exc.message}"
            raise
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


def _dial(endpoint: Endpoint, via: "Connection | None", deadline: float) -> socket.socket | Tunnel:
    where = _where(endpoint)
    if via is not None:
        return via._tunnel(endpoint, deadline)  # noqa: SLF001 - the two halves of one thing
    try:
        sock = socket.create_connection(
            (endpoint.address, endpoint.port), timeout=max(0.1, deadline - time.monotonic())
        )
        # Else every second small packet waits 40 ms for the other side's delayed acknowledgement.
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    except TimeoutError as exc:
        raise TimedOut(NO_ANSWER, where=where, hint="Is the host up, and does a firewall let us in?") from exc
    except socket.gaierror as exc:
        raise Unreachable(
            f"no connection: the address {printable(endpoint.address)!r} is not known: {exc.strerror}",
            where=where,
            hint="Check `address` in hosts.toml for a misspelling, and that this machine's name server knows it.",
        ) from exc
    except OSError as exc:
        raise Unreachable(
            f"no connection: {exc.strerror or exc}", where=where, hint="Is the host up, and is sshd on this port?"
        ) from exc
    return sock


class Connection:
    """One logged-in connection; `run` may be called from several threads at once.

    Attributes:
        endpoint: Where it leads.
        host_key: The key that the host showed, ``type base64``.
        answer_s: Seconds for the host to accept a command, however long the command itself may take.
    """

    answer_s: float = 30.0

    def __init__(self, endpoint: Endpoint, sock: socket.socket | Tunnel, via: "Connection | None" = None) -> None:
        """Take over ``sock``; nothing is sent yet."""
        import paramiko

        self.endpoint = endpoint
        self.host_key = ""
        self._sock = sock
        self._via = via
        self._where = _where(endpoint)
        try:
            # The stubs leave out socket-like objects, which paramiko takes.
            self._transport = paramiko.Transport(sock)  # type: ignore[arg-type]
        except (OSError, paramiko.SSHException) as exc:
            sock.close()
            raise Unreachable(f"no connection: {printable(str(exc))}", where=self._where) from exc
        self._transport.daemon = True
        self._transport.set_log_channel(_quiet_logger())

    def __enter__(self) -> Self:
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
            self._transport.join(2 * GRACE_S)
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

        with self._watched(timeout_s, answer_s=self.answer_s) as watch:
            output = Output(cap, on_line)
            try:
                channel = self._transport.open_session(timeout=max(0.1, min(timeout_s, self.answer_s)))
                try:
                    channel.exec_command(command)
                    watch.started.set()
                    rc = pump(channel, stdin, output, watch, self._where)
                finally:
                    _hang_up(channel)
            except (paramiko.SSHException, OSError, EOFError) as exc:
                if watch.over or watch.remaining() <= 0:
                    raise timed_out(watch, output, self._where) from exc
                raise with_partial(Cut(f"the connection ended: {_words(exc)}", where=self._where), output) from exc
            return Completed(rc=rc, stdout=output.stdout(), stderr=bytes(output.err))

    def _tunnel(self, endpoint: Endpoint, deadline: float) -> Tunnel:
        import paramiko

        left = max(0.1, deadline - time.monotonic())
        with self._watched(left) as watch:
            try:
                return Tunnel(
                    self._transport.open_channel(
                        "direct-tcpip", (endpoint.address, endpoint.port), ("127.0.0.1", 0), timeout=left
                    )
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
                # A command that is silent for minutes must not be forgotten by a firewall on the way.
                self._transport.set_keepalive(30)
            except paramiko.AuthenticationException as exc:
                if watch.over or watch.remaining() <= 0.1:
                    raise TimedOut("no end to the login", where=self._where) from exc
                kinds = ", ".join(getattr(exc, "allowed_types", ()))
                takes = f" (the host takes: {printable(kinds)})" if kinds else ""
                raise LoginRefused(
                    f"{self.endpoint.user} is not let in with this key{takes}",
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
        # With these the cipher proves each packet by itself; paramiko computes and compares other proofs in Python.
        security.ciphers = (
            *(c for c in security.ciphers if "gcm" in c),
            *(c for c in security.ciphers if "gcm" not in c),
        )
        done = threading.Event()
        transport.start_client(event=done)
        done.wait(seconds)
        if not transport.is_active() or not done.is_set():
            raise transport.get_exception() or paramiko.SSHException("the key exchange did not end")

    def _check_host_key(self, accept_new: AcceptNew | None) -> None:
        key = self._transport.get_remote_server_key()
        shown = f"{key.get_name()} {key.get_base64()}"
        name = self.endpoint.name
        pinned = " ".join(self.endpoint.host_key.split()[:2])
        if not pinned:
            if accept_new is None:
                raise HostKeyRefused(
                    f"the host key of {name} is not known: {fingerprint(shown)}",
                    where=self._where,
                    hint=f"Compare it with the one on the console of {name}, then pin it with --accept-new.",
                )
            accept_new(name, shown)
        elif shown != pinned:
            raise HostKeyRefused(
                f"{name}'s host key has changed: pinned {fingerprint(pinned)}, shown {fingerprint(shown)}",
                where=self._where,
                hint=f"If {name} was rebuilt, remove its line from .pse/known_hosts; if not, someone is in between.",
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
    def _watched(self, seconds: float, *, answer_s: float | None = None) -> Iterator[Watch]:
        watch = Watch(seconds, self._shut, answer_s=answer_s)
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
        _hang_up(self._sock)


def _hang_up(line: "socket.socket | Tunnel | paramiko.Channel") -> None:
    """Close a channel or a socket; when the peer is gone already there is nobody to tell."""
    with contextlib.suppress(OSError, EOFError):
        line.close()


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
