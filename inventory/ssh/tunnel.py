"""A jump host's channel as the socket of the connection behind it."""

import contextlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import paramiko


class Tunnel:
    """What paramiko wants of a socket, over a channel.

    A channel tells its peer when it is closed, and fails when that peer has gone first; paramiko's own thread closes
    it at its end and would die of that. Here closing is quiet.

    Args:
        channel: An open ``direct-tcpip`` channel.
    """

    def __init__(self, channel: "paramiko.Channel") -> None:
        """Take over ``channel``."""
        self._channel = channel
        self._closed = False

    def send(self, data: bytes) -> int:
        """Send some of ``data`` and return how much."""
        return self._channel.send(data)

    def recv(self, size: int) -> bytes:
        """At most ``size`` bytes; empty at the end."""
        return self._channel.recv(size)

    def settimeout(self, seconds: float | None) -> None:
        """Let `send` and `recv` give up after ``seconds``."""
        self._channel.settimeout(seconds)

    def close(self) -> None:
        """Close the channel; quiet in every case."""
        self._closed = True
        with contextlib.suppress(OSError, EOFError):
            self._channel.close()
