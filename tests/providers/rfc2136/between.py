"""Stands between an adapter and a name server, message by message over TCP, and does to them what a test says."""

import socket
import socketserver
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

Forward = Callable[[bytes], bytes]
Act = Callable[[bytes, Forward], bytes]
"""From a message and a way to the real server to the answer; an empty one cuts the connection."""


class Between:
    """A proxy; ``act`` says what happens."""

    def __init__(self, port: int) -> None:
        self._real = port
        self.act: Act = forwarded
        self.port = 0

    def ask(self, message: bytes) -> bytes:
        """The real server's answer."""
        with socket.create_connection(("127.0.0.1", self._real), timeout=10) as upstream:
            upstream.sendall(struct.pack("!H", len(message)) + message)
            return _read(upstream)


def forwarded(message: bytes, forward: Forward) -> bytes:
    """Nothing is done to it."""
    return forward(message)


def is_update(message: bytes) -> bool:
    """Whether it changes a zone (opcode 5, and something in its update section)."""
    return message[2] >> 3 & 15 == 5 and message[8:10] != b"\0\0"


@contextmanager
def between(port: int) -> Iterator[Between]:
    """A proxy before the name server at a port of this machine."""
    proxy = Between(port)

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            peer: Any = self.request
            if (message := _read(peer)) and (answer := proxy.act(message, proxy.ask)):
                peer.sendall(struct.pack("!H", len(answer)) + answer)

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True
        allow_reuse_address = True

    with Server(("127.0.0.1", 0), Handler) as server:
        proxy.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield proxy
        finally:
            server.shutdown()
            thread.join()


def _read(peer: socket.socket) -> bytes:
    head = _exactly(peer, 2)
    return _exactly(peer, struct.unpack("!H", head)[0]) if len(head) == 2 else b""


def _exactly(peer: socket.socket, size: int) -> bytes:
    found = b""
    while len(found) < size and (more := peer.recv(size - len(found))):
        found += more
    return found
