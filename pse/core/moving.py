"""How moves run: the tables of ``[migrate]`` in ``pse.toml`` beside those of the name server."""

import ipaddress
from datetime import datetime, time, timedelta
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import Annotated

import msgspec

from pse.core.documents.schedule import Weekday

Few = Annotated[int, msgspec.Meta(ge=1, le=10_000)]
Clock = Annotated[str, msgspec.Meta(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")]
"""A time of the day, such as ``22:00``."""
Mib = Annotated[float, msgspec.Meta(gt=0, le=1_000_000)]
_DAY = timedelta(days=1)


class LimitSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Workloads that may move at once, whichever process moves them; None is no such limit.

    Attributes:
        total: Of all.
        per_source: That touch one host of the old room.
        per_target: That go to one place.
    """

    total: Few | None = None
    per_source: Few | None = None
    per_target: Few | None = None


class Hours(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename={"begin": "from", "end": "to"}
):
    """A rate that counts for some hours of a day.

    Attributes:
        begin: From this time of the day, such as ``08:00``.
        end: To this one; before ``begin`` it is on the next day, equal to it is the whole day.
        mib_s: MiB a second for all moves over the link together.
    """

    begin: Clock
    end: Clock
    mib_s: Mib

    def holds(self, at: time) -> bool:
        """It counts at this time of the day."""
        return within(at, time.fromisoformat(self.begin), time.fromisoformat(self.end))


class Link(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A line that several moves share.

    Attributes:
        name: For people.
        sources: IPv4 networks, or patterns of host names; empty is the whole old room.
        places: Patterns of place ids; empty is every place.
        moves: Workloads at once over it; None is no limit.
        mib_s: MiB a second for all of them together; None is no limit.
        hours: Other rates for some hours of the day; the first that holds counts.
    """

    name: Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
    sources: tuple[str, ...] = ()
    places: tuple[str, ...] = ()
    moves: Few | None = None
    mib_s: Mib | None = None
    hours: tuple[Hours, ...] = ()

    def carries(self, host: str, address: str, place: str) -> bool:
        """A move from this host to this place goes over it.

        Args:
            host: Name of the source.
            address: Its IPv4 address; empty when not known.
            place: Place id.
        """
        return (not self.places or any(fnmatchcase(place, one) for one in self.places)) and (
            not self.sources or any(_is_from(one, host, address) for one in self.sources)
        )

    def rate(self, at: datetime) -> tuple[float | None, datetime | None]:
        """MiB a second from ``at`` on, and the moment when another rate begins; None for no limit, and for never."""
        rate = next((one.mib_s for one in self.hours if one.holds(at.time())), self.mib_s)
        edges = {time.fromisoformat(edge) for one in self.hours for edge in (one.begin, one.end)}
        coming = sorted(_next(at, edge) for edge in edges)
        return rate, coming[0] if coming else None


class CutOver(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename={"begin": "from", "end": "to"}
):
    """When writers may be stopped, and who has to agree; the first row that is for a workload counts.

    Attributes:
        workloads: Patterns of workload ids; empty is all.
        days: Days on which the window opens; empty is every day.
        begin: It opens at this time of the day; without it there is no window.
        end: It closes; before ``begin`` it is on the next day.
        approvals: People who have to approve this workload's cut-over, by `pse approve` with its id.
    """

    workloads: tuple[str, ...] = ()
    days: tuple[Weekday, ...] = ()
    begin: Clock | None = None
    end: Clock | None = None
    approvals: Annotated[int, msgspec.Meta(ge=0, le=20)] = 0

    def __post_init__(self) -> None:
        """Refuse half a window.

        Raises:
            ValueError: msgspec turns it into a validation error that names the row.
        """
        if (self.begin is None) != (self.end is None) or (self.days and self.begin is None):
            raise ValueError("a window takes from and to")

    def opens(self, at: datetime) -> datetime | None:
        """None while it is open, else when it opens next."""
        if self.begin is None or self.end is None:
            return None
        begin, end = time.fromisoformat(self.begin), time.fromisoformat(self.end)
        length = timedelta(hours=end.hour - begin.hour, minutes=end.minute - begin.minute)
        length = length if length > timedelta() else length + _DAY
        for back in range(-1, 8):
            day = at.date() + back * _DAY
            opening = datetime.combine(day, begin, at.tzinfo)
            if (not self.days or list(Weekday)[day.weekday()] in self.days) and at < opening + length:
                return None if opening <= at else opening
        raise AssertionError("unreachable: a window opens within a week")


STEPS = (
    *("provision", "preflight", "lower-ttl", "seed", "delta", "wait-ttl", "clearance"),
    *("freeze", "final-delta", "finish", "verify", "arm", "start", "switch", "checks", "rest"),
    *("thaw", "tidy", "complete", "thaw-earlier"),
    *("look-back", "freeze-target", "catch-up", "verify-back", "switch-back", "start-source", "close-back"),
    *("thaw-target", "unfreeze"),
)
"""Steps of a move, of one that failed, and of a rollback."""
GIVE_BACK = frozenset(
    {"thaw", "thaw-earlier", "tidy", "switch-back", "start-source", "close-back", "thaw-target", "unfreeze"}
)
"""Steps that give users their service back, or come after that: no hook stops them."""


class When(StrEnum):
    """Which side of a step."""

    BEFORE = "before"
    AFTER = "after"


class Hook(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A command around a step; one that fails stops the step, unless it is one of `GIVE_BACK`.

    Attributes:
        step: Name of the step, such as ``freeze``, as `pse status` and the runbook have it.
        when: See `When`.
        command: Shell command; safe to repeat, because a process may be killed between it and its record.
        workloads: Patterns of workload ids; empty is all.
        host: Host of ``hosts.toml`` that runs it; empty is the machine that moves the workload.
        timeout_s: Seconds after which it is ended.
    """

    step: str
    when: When
    command: Annotated[str, msgspec.Meta(min_length=1)]
    workloads: tuple[str, ...] = ()
    host: str = ""
    timeout_s: Annotated[float, msgspec.Meta(gt=0, le=3600)] = 60.0

    def __post_init__(self) -> None:
        """Refuse a step that there is not: its hook would never run.

        Raises:
            ValueError: msgspec turns it into a validation error that names the row.
        """
        if self.step not in STEPS:
            raise ValueError(f"no step {self.step!r}; there are {', '.join(STEPS)}")


def is_for(patterns: tuple[str, ...], workload: str) -> bool:
    """A workload is one of ``patterns``; none of them is all."""
    return not patterns or any(fnmatchcase(workload, one) for one in patterns)


def within(at: time, begin: time, end: time) -> bool:
    """A time of the day is in a span that may go over midnight; one that ends where it begins is the whole day."""
    return begin <= at < end if begin < end else at >= begin or at < end


def _next(at: datetime, edge: time) -> datetime:
    found = datetime.combine(at.date(), edge, at.tzinfo)
    return found if found > at else found + _DAY


def _is_from(pattern: str, host: str, address: str) -> bool:
    try:
        network = ipaddress.IPv4Network(pattern)
    except ValueError:
        return fnmatchcase(host, pattern)
    try:
        return ipaddress.IPv4Address(address) in network
    except ValueError:
        return False
