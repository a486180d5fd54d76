"""Everything that can go wrong in words a user can act on.

    PseError                 70  a defect of ours, when nothing below fits
    ├── UsageError            2  the command line asks for something impossible
    ├── Refused               3  the gate, an approval or a safety rule says no; nothing was done
    ├── BadInput              4  a file, a row, a document or a setting cannot be used
    ├── RemoteError           5  a host, a cloud, a database or the engine failed
    │   ├── Unreachable       5  no connection, or it hung past its deadline
    │   └── MissingTool       5  a program that the step needs is not on this machine
    ├── Incomplete            6  some effects took place and some did not; running again goes on
    └── Waiting               7  a named person has to approve first

Text, hint, place, exit code and JSON of an error all come from its class. Errors survive pickle, because
durable steps record them.
"""

import errno
from typing import ClassVar

_DISK = {errno.ENOSPC: "the disk is full", errno.EDQUOT: "the disk quota is used up", errno.EROFS: "read-only"}


class PseError(Exception):
    """Root of all errors that reach a user.

    Args:
        message: What happened, in words, without a trailing full stop needed.
        hint: What to do about it.
        where: File and row, host, place or resource that it is about.
    """

    code: ClassVar[str] = "internal"
    exit_code: ClassVar[int] = 70
    retryable: ClassVar[bool] = False

    def __init__(self, message: str, *, hint: str = "", where: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.where = where

    def __reduce__(self) -> tuple[object, ...]:
        """Keep hint and place when a durable step records the error."""
        return (_rebuild, (type(self), self.message, self.hint, self.where))

    def __str__(self) -> str:
        """The message with its place in front, as a log line shows it."""
        return f"{self.where}: {self.message}" if self.where else self.message

    def as_dict(self) -> dict[str, str | int]:
        """The error as ``--json`` shows it."""
        return {
            "code": self.code,
            "exit_code": self.exit_code,
            "message": self.message,
            "hint": self.hint,
            "where": self.where,
        }


def _rebuild(cls: type[PseError], message: str, hint: str, where: str) -> PseError:
    return cls(message, hint=hint, where=where)


class UsageError(PseError):
    """The command line asks for something that cannot be."""

    code = "usage"
    exit_code = 2


class Refused(PseError):
    """The gate or another safety rule said no, and nothing was done."""

    code = "refused"
    exit_code = 3


class BadInput(PseError):
    """A file, row, document or setting cannot be used as it is."""

    code = "bad-input"
    exit_code = 4


class RemoteError(PseError):
    """A host, cloud, database or engine failed."""

    code = "remote"
    exit_code = 5
    retryable = True


class Unreachable(RemoteError):
    """No connection could be made, or the other side hung past its deadline."""

    code = "unreachable"


class MissingTool(RemoteError):
    """A program that this step needs is not on this machine."""

    code = "missing-tool"
    retryable = False


class Incomplete(PseError):
    """Some effects took place and some did not; running the command again goes on from there."""

    code = "incomplete"
    exit_code = 6
    retryable = True


class Waiting(PseError):
    """A named person has to approve before the work goes on."""

    code = "waiting"
    exit_code = 7


def of_disk(exc: BaseException) -> BadInput | None:
    """A file that the disk does not take, as an error in words; None for anything else."""
    if not isinstance(exc, OSError) or exc.errno not in _DISK:
        return None
    return BadInput(_DISK[exc.errno], where=str(exc.filename or ""), hint="Free some space or choose another folder.")
