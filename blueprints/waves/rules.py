"""The rules of a schedule by name, so that each can be left out: to find which conflict, and to go on without one."""

from collections.abc import Collection, Iterable, Sequence
from enum import StrEnum
from itertools import chain

import msgspec

from blueprints.waves.groups import Moves
from blueprints.waves.model import EMPTY, HOURS, MIB, RISKY, SERVERS, Limits, Load, Problem
from blueprints.waves.windows import Windows
from pse.core.documents.schedule import ScheduleSettings, Uses

TIB = 2**20


class Kind(StrEnum):
    """Kinds of rules, in the order in which a conflict is left by giving rules up: the last ones never are."""

    DEADLINE = "deadline"
    FINISH = "finish_by"
    ORDER = "uses"
    FREEZE = "freeze"
    PILOT = "pilot_servers"
    CATEGORY = "by_category"
    LIMIT = "limit"


class Rule(msgspec.Struct, frozen=True, order=True):
    """One rule: its kind, and the place of what it is about in `Moves`."""

    kind: Kind
    at: int = 0
    other: int = 0


class Rulebook:
    """All rules that settings, calendar and declarations give for what moves."""

    def __init__(self, moves: Moves, settings: ScheduleSettings, windows: Windows, *, capacity: int) -> None:
        """Read the rules; ``capacity`` is `PlanSettings.wave_servers`."""
        self.moves = moves
        self.settings = settings
        tib = None if settings.wave_tib is None else settings.wave_tib * TIB
        most = [some for some in (tib, settings.link_mib) if some is not None]
        self.by_link = settings.link_mib is not None and min(most) == settings.link_mib
        self.limits: Limits = (capacity, min(most, default=None), settings.wave_hours, settings.wave_risky)
        self.finish = windows.last_by(settings.finish_by) if settings.finish_by and windows.dated else None
        self.free = tuple(at for at, group in enumerate(moves.groups) if group.declared is None)
        self.taken: dict[int, Load] = {}
        for group in moves.groups:
            if group.declared is not None:
                old = self.taken.get(group.declared, EMPTY)
                self.taken[group.declared] = tuple(a + b for a, b in zip(old, group.load, strict=True))  # type: ignore[assignment]  # four of four

    def all(self) -> tuple[Rule, ...]:
        """Every rule, those that are never given up first."""
        free = set(self.free)
        return (
            *(Rule(Kind.LIMIT, kind) for kind, limit in enumerate(self.limits) if limit is not None),
            *([Rule(Kind.CATEGORY)] if self.settings.by_category else []),
            *([Rule(Kind.PILOT)] if self.settings.pilot_servers is not None else []),
            *(Rule(Kind.FREEZE, at) for at in range(len(self.moves.freezes))),
            *self._orders(free),
            *([Rule(Kind.FINISH)] if self.finish is not None else []),
            *(Rule(Kind.DEADLINE, at) for at in sorted(self.moves.deadlines) if at in free),
        )

    def _orders(self, free: Collection[int]) -> Iterable[Rule]:
        if self.settings.uses is not Uses.FIRST:
            return ()
        return (Rule(Kind.ORDER, user, used) for user, used in self.moves.uses if user in free or used in free)

    def problem(
        self, rules: Collection[Rule], places: Sequence[int], *, base: int, first: bool, ranked: bool, worth: int = 0
    ) -> Problem:
        """The problem of some groups under some of the rules.

        Args:
            rules: Those that hold.
            places: Of the groups in `Moves`; none of them declared.
            base: Waves up to it are not for them.
            first: They are the ones that a pilot is taken from.
            ranked: The category rule is within them, and not kept by taking one category after the other.
            worth: See `Problem.worth`.
        """
        groups = self.moves.groups
        number = {at: place for place, at in enumerate(places)}
        latest: dict[int, int] = {}
        closed: dict[int, frozenset[int]] = {}
        orders = []
        for rule in rules:
            if rule.kind is Kind.DEADLINE:
                latest[rule.at] = min(latest.get(rule.at, 10**9), self.moves.deadlines[rule.at])
            elif rule.kind is Kind.FREEZE:
                _, some, waves = self.moves.freezes[rule.at]
                for at in some:
                    closed[at] = closed.get(at, frozenset()) | waves
                    latest[at] = min(latest.get(at, 10**9), self.moves.horizon)
            elif rule.kind is Kind.FINISH and self.finish is not None:
                latest |= {at: min(latest.get(at, 10**9), self.finish) for at in places}
            elif rule.kind is Kind.ORDER:
                before, after = groups[rule.other].declared, groups[rule.at].declared
                if before is not None:
                    closed[rule.at] = closed.get(rule.at, frozenset()) | frozenset(range(1, before))
                elif after is not None:
                    latest[rule.other] = min(latest.get(rule.other, 10**9), after)
                elif rule.at in number and rule.other in number:
                    orders.append((number[rule.other], number[rule.at]))
        kept = {rule.at for rule in rules if rule.kind is Kind.LIMIT}
        limits = [limit if kind in kept else None for kind, limit in enumerate(self.limits)]
        pilot, piloting = self._pilot(rules, places) if first else (None, frozenset[int]())
        return Problem(
            groups=tuple(
                msgspec.structs.replace(groups[at], latest=latest.get(at), closed=closed.get(at, frozenset()))
                for at in places
            ),
            base=base,
            limits=(limits[SERVERS], limits[MIB], limits[HOURS], limits[RISKY]),
            taken=self.taken,
            pilot=pilot,
            piloting=piloting,
            pairs=tuple(
                sorted({(min(number[a], number[b]), max(number[a], number[b])) for a, b in self._inside(number)})
            ),
            fixed=tuple(sorted((number[at], groups[other].declared or 0) for at, other in set(self._beside(number)))),
            orders=tuple(sorted(orders)),
            ranked=ranked and Rule(Kind.CATEGORY) in rules,
            worth=worth,
        )

    def _inside(self, number: Collection[int]) -> Iterable[tuple[int, int]]:
        return ((a, b) for a, b in self.moves.uses if a in number and b in number)

    def _beside(self, number: Collection[int]) -> Iterable[tuple[int, int]]:
        both = chain(self.moves.uses, ((b, a) for a, b in self.moves.uses))
        return ((a, b) for a, b in both if a in number and self.moves.groups[b].declared is not None)

    def _pilot(self, rules: Collection[Rule], places: Sequence[int]) -> tuple[int | None, frozenset[int]]:
        """Servers of the pilot, and who may be in it: the least sensitive, and of them those of no high risk."""
        most = self.settings.pilot_servers
        if most is None or Rule(Kind.PILOT) not in rules or not places:
            return None, frozenset()
        groups = [self.moves.groups[at] for at in places]
        least = min(group.rank for group in groups)
        some = [at for at, group in enumerate(groups) if group.rank == least]
        some = [at for at in some if not groups[at].load[RISKY]] or some
        most = max(most, min(groups[at].load[SERVERS] for at in some))
        return most, frozenset(at for at in some if groups[at].load[SERVERS] <= most)
