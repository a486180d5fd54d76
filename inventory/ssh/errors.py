"""How SSH fails. Each is an error of the common tree; discovery turns them into a host's status."""

from pse.core.errors import PseError, Refused, RemoteError, Unreachable


class HostKeyRefused(Refused):
    """The host's key is unknown or not the pinned one; nothing was sent to it but the key exchange."""


class LoginRefused(RemoteError):
    """The host does not let us in with the key; nobody tries again, because accounts get locked."""

    retryable = False


class BrokenProtocol(RemoteError):
    """What answers there does not speak SSH as it should."""


class Partial(PseError):
    """It ended before its end, and some of its output is there."""

    partial: bytes = b""
    """What came before the end; lost when the error is pickled."""


class TimedOut(Partial, Unreachable):
    """Its time was over before it ended."""


class TooMuch(Partial, RemoteError):
    """More output than was allowed."""

    retryable = False


class Cut(Partial, Unreachable):
    """The connection ended before the command did."""
