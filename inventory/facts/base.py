"""What a fact is: a section of the probe and a parser of what it printed."""

from enum import StrEnum
from typing import ClassVar, Generic, TypeVar

import msgspec

T = TypeVar("T")
_KILLED = 137


class Section(msgspec.Struct, frozen=True, kw_only=True):
    """One section of the probe.

    Starting a process is most of what a probe costs, so what can be read together is: one `grep` reads the files of all
    facts, and the sections of one group share one watchdog. Only when a group does not end in time is each of its
    sections run once more, alone and under a watchdog of its own.

    Attributes:
        sh: POSIX shell text. It writes nothing on the host, reads nothing from stdin and expands nothing from outside
            into a command. Here-documents are out: some shells put them into a temporary file.
        files: Files of text to read, as patterns of the shell; the parser gets them as ``PATH:LINE``. A file that
            several sections read stands under the same pattern in each, else it is read twice.
        reads: What ``sh`` reads, for the published list.
        runs: Programs that ``sh`` runs, for the published list; builtins are left out.
        timeout_s: Seconds after which its processes are killed and the probe goes on.
        cap: Most bytes that it may print.
        group: Sections of one group run under one watchdog; empty for one of its own.
        large: It may print so much that it is cut at its cap also within a group.
        when: Shell condition, of builtins only, without which ``sh`` prints nothing and is not run.
    """

    sh: str = ""
    files: tuple[str, ...] = ()
    reads: tuple[str, ...] = ()
    runs: tuple[str, ...] = ()
    timeout_s: int = 5
    cap: int = 256 * 1024
    group: str = ""
    large: bool = False
    when: str = ""


class Outcome(StrEnum):
    """How a reading came out."""

    VALUE = "value"
    ABSENT = "absent"
    FAILED = "failed"


class Frame(msgspec.Struct, frozen=True, kw_only=True):
    """What one section gave.

    Attributes:
        raw: Its bytes.
        rc: Exit status; None when the end of the section never came.
        truncated: It was cut at its cap.
        skipped: The probe's own deadline came first.
    """

    raw: bytes = b""
    rc: int | None = 0
    truncated: bool = False
    skipped: bool = False


class Reading(msgspec.Struct, Generic[T], frozen=True, kw_only=True):
    """A value, the knowledge that there is none, or the reason why neither is known.

    Attributes:
        outcome: See `Outcome`.
        value: Set exactly when the outcome is ``value``.
        reason: Why it failed, or in what the value is incomplete.
    """

    outcome: Outcome
    value: T | None = None
    reason: str = ""


class Fact(Generic[T]):
    """One thing to know of a host. A subclass has a ``name``, a ``section`` and a ``parse``."""

    name: ClassVar[str]
    section: ClassVar[Section]

    def parse(self, raw: bytes) -> T | None:
        """The value in ``raw``, or None when the host has no such thing.

        Raises:
            ValueError: ``raw`` cannot be understood; any other error is a defect.
        """
        raise NotImplementedError

    def read(self, frame: Frame | None) -> Reading[T]:
        """The reading of a frame; None means that the section never came."""
        if frame is None or (reason := self._unread(frame)):
            return Reading(outcome=Outcome.FAILED, reason=reason if frame else "not reached")
        try:
            value = self.parse(frame.raw)
        except ValueError as exc:
            return Reading(outcome=Outcome.FAILED, reason=f"cannot be understood: {exc}")
        if value is None:
            return Reading(outcome=Outcome.ABSENT)
        return Reading(
            outcome=Outcome.VALUE,
            value=value,
            reason=f"cut at {self.section.cap} bytes" if frame.truncated else "",
        )

    def _unread(self, frame: Frame) -> str:
        if frame.skipped:
            return "left out: the host's time was over"
        if frame.rc == _KILLED:
            return f"hung; stopped after {self.section.timeout_s} s"
        return "cut off" if frame.rc is None and not frame.truncated else ""


def text(raw: bytes) -> str:
    """Bytes of a host as text: what is not UTF-8 stays visible, nothing is lost."""
    return raw.decode("utf-8", "backslashreplace").strip()


def by_path(raw: bytes) -> dict[str, list[str]]:
    """Lines of ``grep -as '' /dev/null FILE …``: path to its lines. Paths with a colon have parsers of their own."""
    found: dict[str, list[str]] = {}
    for line in raw.splitlines():
        path, colon, rest = line.partition(b":")
        if colon and path.startswith(b"/"):
            found.setdefault(text(path), []).append(text(rest))
    return found


def bare(raw: bytes, path: str) -> bytes:
    """``raw`` without ``path:`` before its lines."""
    start = path.encode() + b":"
    return b"\n".join(line.removeprefix(start) for line in raw.split(b"\n"))


def first(files: dict[str, list[str]], *paths: str) -> str:
    """The first line of the first of ``paths`` that has one which is not blank."""
    for path in paths:
        for line in files.get(path, ()):
            if line:
                return line
    return ""


def number(word: str) -> int | None:
    """A plain non-negative decimal number of at most 19 digits; None for anything else."""
    return int(word) if word.isascii() and word.isdigit() and len(word) < 20 else None
