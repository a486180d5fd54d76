"""SSH with an end to everything: pinned host keys, keys only, no call that hangs past its deadline."""

from inventory.ssh.connection import AcceptNew, Connection, connect
from inventory.ssh.endpoint import Endpoint, endpoint_from, endpoint_of
from inventory.ssh.errors import BrokenProtocol, Cut, HostKeyRefused, LoginRefused, Partial, TimedOut, TooMuch
from inventory.ssh.pins import fingerprint, read_pins, write_pin
from inventory.ssh.running import Completed

__all__ = [
    "AcceptNew",
    "BrokenProtocol",
    "Completed",
    "Connection",
    "Cut",
    "Endpoint",
    "HostKeyRefused",
    "LoginRefused",
    "Partial",
    "TimedOut",
    "TooMuch",
    "connect",
    "endpoint_from",
    "endpoint_of",
    "fingerprint",
    "read_pins",
    "write_pin",
]
