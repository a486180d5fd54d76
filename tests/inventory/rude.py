"""Servers that behave badly, in this process: raw ones that never speak SSH, and ones that do and then stall."""

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Self

import paramiko

from inventory.ssh import Endpoint
from tests.inventory.sshd import free_address

Talk = Callable[[socket.socket, threading.Event], None]


class Rude:
    """A TCP server on loopback that hands each connection to ``talk``; a context manager that leaves no thread."""

    def __init__(self, talk: Talk, *, host_key: str = "") -> None:
        self.stop = threading.Event()
        self.host_key = host_key
        self._talk = talk
        self._server = socket.create_server((free_address(), 0))
        self.address, self.port = self._server.getsockname()[:2]
        self._threads = [threading.Thread(target=self._accept, daemon=True, name="rude-accept")]
        self._socks: list[socket.socket] = []

    def __enter__(self) -> Self:
        self._threads[0].start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop.set()
        with contextlib.suppress(OSError):
            self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        for sock in self._socks:
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
            sock.close()
        for thread in self._threads:
            thread.join(10)

    def _accept(self) -> None:
        while True:
            try:
                sock, _ = self._server.accept()
            except OSError:
                return
            self._socks.append(sock)
            thread = threading.Thread(target=self._serve, args=(sock,), daemon=True, name="rude-serve")
            self._threads.append(thread)
            thread.start()

    def _serve(self, sock: socket.socket) -> None:
        with contextlib.suppress(OSError, EOFError, paramiko.SSHException):
            self._talk(sock, self.stop)

    def endpoint(self, key: str) -> Endpoint:
        """An endpoint of it."""
        return Endpoint(
            name="rude", address=self.address, port=self.port, user="probe", key=f"file:{key}", host_key=self.host_key
        )


def silent(sock: socket.socket, stop: threading.Event) -> None:
    """Accepts and says nothing."""
    stop.wait()


def endless_banner(sock: socket.socket, stop: threading.Event) -> None:
    """A first line that never ends."""
    while not stop.is_set():
        sock.sendall(b"x" * 4096)


def banner_lines(sock: socket.socket, stop: threading.Event) -> None:
    """Lines before the version, for ever."""
    while not stop.is_set():
        sock.sendall(b"welcome\r\n")


def tarpit(sock: socket.socket, stop: threading.Event) -> None:
    """A line now and then."""
    while not stop.wait(0.3):
        sock.sendall(b"hold on\r\n")


def garbage(sock: socket.socket, stop: threading.Event) -> None:
    """A version, then noise."""
    sock.sendall(b"SSH-2.0-x\r\n" + bytes(range(256)) * 64)
    stop.wait()


def kex_stall(sock: socket.socket, stop: threading.Event) -> None:
    """A version, then nothing."""
    sock.sendall(b"SSH-2.0-x\r\n")
    stop.wait()


def mail_server(sock: socket.socket, stop: threading.Event) -> None:
    """Another protocol altogether."""
    sock.sendall(b"220 mail ESMTP\r\n")
    sock.recv(100)


def pass_on(sock: socket.socket, to: tuple[str, int]) -> None:
    """A good server after all: the one at ``to``."""
    with socket.create_connection(to) as other:

        def copy(source: socket.socket, target: socket.socket) -> None:
            with contextlib.suppress(OSError):
                while data := source.recv(65536):
                    target.sendall(data)
                target.shutdown(socket.SHUT_WR)

        back = threading.Thread(target=copy, args=(other, sock), daemon=True)
        back.start()
        copy(sock, other)
        back.join(10)


SERVER = paramiko.Transport
"""What a server speaks with."""


class _Policy(paramiko.ServerInterface):
    def __init__(self, mode: str, stop: threading.Event) -> None:
        self.mode = mode
        self.stop = stop
        self.asked: list[paramiko.Channel] = []
        self.ready = threading.Event()

    def get_allowed_auths(self, _username: str) -> str:
        return "password,keyboard-interactive" if self.mode == "password" else "publickey"

    def check_auth_publickey(self, _username: str, _key: paramiko.PKey) -> int:
        if self.mode == "auth-stall":
            self.stop.wait()
        if self.mode == "more":
            return paramiko.common.AUTH_PARTIALLY_SUCCESSFUL
        return paramiko.common.AUTH_FAILED if self.mode in {"password", "wrong"} else paramiko.common.AUTH_SUCCESSFUL

    def check_channel_request(self, _kind: str, _chanid: int) -> int:
        if self.mode == "open-stall":
            self.stop.wait()
        return paramiko.common.OPEN_SUCCEEDED

    def check_channel_exec_request(self, channel: paramiko.Channel, _command: bytes) -> bool:
        if self.mode == "exec-stall":
            self.stop.wait()
        self.asked.append(channel)
        self.ready.set()
        return True


@contextlib.contextmanager
def ssh_server(mode: str, after: Callable[[paramiko.Channel, threading.Event], None] | None = None) -> Iterator[Rude]:
    """A server that speaks SSH and misbehaves as ``mode`` says, or as ``after`` does once a command was accepted."""
    key = paramiko.ECDSAKey.generate()

    def talk(sock: socket.socket, stop: threading.Event) -> None:
        transport = SERVER(sock)
        transport.set_log_channel("tests.rude")
        transport.add_server_key(key)
        policy = _Policy(mode, stop)
        try:
            transport.start_server(server=policy)
            while not stop.is_set() and transport.is_active():
                if policy.ready.wait(0.05) and after is not None:
                    after(policy.asked[-1], stop)
                    return
        finally:
            transport.close()

    with Rude(talk, host_key=f"{key.get_name()} {key.get_base64()}") as server:
        yield server


def say_nothing(channel: paramiko.Channel, stop: threading.Event) -> None:
    """Accepts the command and is silent."""
    stop.wait()


def drip(channel: paramiko.Channel, stop: threading.Event) -> None:
    """One byte now and then: an idle timeout never fires."""
    while not stop.wait(0.1):
        channel.sendall(b".")


def flood_out(channel: paramiko.Channel, stop: threading.Event) -> None:
    """Output without end."""
    while not stop.is_set():
        channel.sendall(b"A" * 32768)


def flood_err(channel: paramiko.Channel, stop: threading.Event) -> None:
    """Error output without end."""
    while not stop.is_set():
        channel.sendall_stderr(b"E" * 32768)


def hang_up(channel: paramiko.Channel, stop: threading.Event) -> None:
    """Half an answer, then the line drops."""
    channel.sendall(b"half")
    channel.get_transport().close()
