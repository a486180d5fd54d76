"""Why a group is in its wave, what a wave holds, and what is to be said of the rules; all in words."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence

import msgspec

from blueprints.model import Wanted
from blueprints.waves.conflicts import limit_words, words
from blueprints.waves.groups import UNCLASSIFIED
from blueprints.waves.model import HOURS, MIB, RISKY, SERVERS
from blueprints.waves.rules import Kind, Rule, Rulebook
from pse.core.documents.category import Category
from pse.core.documents.schedule import Calendar
from pse.core.documents.waves import Period, Wave
from pse.core.findings import Finding, Severity
from pse.core.text import counted, few

_NAMED = 4
"""Most workloads that a reason names."""


def wave_of(
    book: Rulebook,
    workloads: Mapping[str, Wanted],
    number: int,
    members: Sequence[int],
    periods: tuple[Period, ...],
) -> Wave:
    """The wave of ``members``, which are places in `Moves`."""
    groups = [book.moves.groups[at] for at in members]
    names = sorted(name for group in groups for name in group.workloads)
    declared = sorted(name for group in groups if group.declared is not None for name in group.workloads)
    chosen = [workloads[name] for group in groups if group.declared is None for name in group.workloads]
    reasons = [f"declared for it: {', '.join(declared)}"] if declared else []
    if chosen:
        categories = sorted({w.category for w in chosen if w.category}, key=lambda c: c.rank)
        order = "less sensitive before more, small before large"
        reasons.append(f"{' and '.join(categories)} data, {order}" if categories else order)
    unknown = sum(move.size_mib is None for name in names for move in workloads[name].moves)
    if unknown:
        reasons.append(f"{counted(unknown, 'move')} of unknown size")
    return Wave(
        number=number,
        workloads=tuple(names),
        servers=sum(group.load[SERVERS] for group in groups),
        size_mib=sum(group.load[MIB] for group in groups),
        why="; ".join(reasons),
        hours=sum(group.load[HOURS] for group in groups),
        periods=periods or msgspec.UNSET,
    )


class Reasons:
    """Why each group is in its wave; made once for all groups, so that no reason looks at all waves again."""

    def __init__(
        self, book: Rulebook, rules: Collection[Rule], wave: Mapping[int, int], members: Mapping[int, Sequence[int]]
    ) -> None:
        self._book = book
        self._wave = wave
        self._ranked = Rule(Kind.CATEGORY) in rules
        self._pilot = Rule(Kind.PILOT) in rules
        groups = book.moves.groups
        self._near: dict[int, set[int]] = {}
        for a, b in book.moves.uses:
            self._near.setdefault(a, set()).add(b)
            self._near.setdefault(b, set()).add(a)
        self._after: dict[int, set[int]] = {}
        self._frozen: dict[int, list[int]] = {}
        for rule in rules:
            if rule.kind is Kind.ORDER:
                self._after.setdefault(rule.at, set()).add(rule.other)
            elif rule.kind is Kind.FREEZE:
                for at in book.moves.freezes[rule.at][1]:
                    self._frozen.setdefault(at, []).append(rule.at)
        self._deadlines = {rule.at for rule in rules if rule.kind is Kind.DEADLINE}
        # The most room that a wave of the same category before it has, by wave and kind; None is any amount.
        self._room: dict[int, list[float]] = {}
        best: list[float] = [-1.0] * 4
        before = None
        for number, some in sorted(members.items()):
            chosen = [at for at in some if groups[at].declared is None]
            if not chosen:
                continue
            rank = groups[chosen[0]].rank
            if self._ranked and rank != before:
                best, before = [-1.0] * 4, rank
            self._room[number] = best
            left = [
                float("inf") if limit is None else limit - sum(groups[at].load[kind] for at in some)
                for kind, limit in enumerate(book.limits)
            ]
            best = [max(pair) for pair in zip(best, left, strict=True)]

    def of(self, at: int) -> str:
        """Why group ``at`` is in its wave."""
        group, number = self._book.moves.groups[at], self._wave[at]
        if group.declared is not None:
            return f"wave {number}: declared in workloads.toml"
        parts = [self._position(at)]
        if len(group.workloads) > 1:
            parts.append(f"moves as one with {self._names(at)}")
        near = sorted(self._near.get(at, ()))
        here = [self._book.moves.groups[b].id for b in near if self._wave[b] == number]
        if here:
            parts.append(f"with {few(here, _NAMED)}, which it uses or is used by")
        parts += self._rules(at)
        return f"wave {number}: {'; '.join(parts)}"

    def _names(self, at: int) -> str:
        return few(list(self._book.moves.groups[at].workloads), _NAMED)

    def _position(self, at: int) -> str:
        """Why not before."""
        group, number = self._book.moves.groups[at], self._wave[at]
        data = f"{list(Category)[group.rank].value} data" if self._ranked and group.rank != UNCLASSIFIED else "the plan"
        room = self._room[number]
        if number == 1 and self._pilot:
            return "the pilot: few, of the least sensitive category and of no high risk"
        if room == [-1.0] * 4:
            return f"the first wave of {data}"
        scarce = [kind for kind in (SERVERS, MIB, HOURS, RISKY) if group.load[kind] > room[kind]]
        if not scarce:
            return f"among the waves of {data}, which are as few as found"
        kind = scarce[0]
        amount = {
            SERVERS: counted(group.load[SERVERS], "server"),
            MIB: f"{group.load[MIB] / 2**20:.2f} TiB",
            HOURS: counted(group.load[HOURS], "hour"),
            RISKY: "high risk",
        }[kind]
        return f"no wave of {data} before it has room for its {amount}"

    def _rules(self, at: int) -> list[str]:
        moves, number = self._book.moves, self._wave[at]
        parts = []
        first = [moves.groups[b].id for b in sorted(self._after.get(at, ()))]
        if first:
            parts.append(f"not before {few(first, _NAMED)}, which it uses")
        for freeze in self._frozen.get(at, ()):
            name, _, waves = moves.freezes[freeze]
            closed = [n for n in sorted(waves) if n < number]
            if closed:
                parts.append(f"frozen by {name!r} in {_waves(closed)}")
        if at in self._deadlines:
            parts.append(f"its deadline allows wave {moves.deadlines[at]} at the latest")
        return parts


def _waves(numbers: Sequence[int]) -> str:
    """Wave numbers in words: the last few are the ones that matter."""
    shown = ", ".join(str(number) for number in numbers[-_NAMED:])
    return f"{'wave' if len(numbers) == 1 else 'waves'} {'… ' if len(numbers) > _NAMED else ''}{shown}"


def findings_of(
    book: Rulebook,
    workloads: Mapping[str, Wanted],
    members: Mapping[int, Sequence[int]],
    given_up: Sequence[tuple[tuple[Rule, ...], tuple[Rule, ...]]],
    calendar: Calendar,
) -> tuple[Finding, ...]:
    """What is to be said of the waves and of the rules."""
    found = [f for number, some in sorted(members.items()) for f in _too_large(book, number, some)]
    found += [_conflict(book, against, dropped) for against, dropped in given_up]
    found += _declared(book)
    dateless = sorted(name for name, w in workloads.items() if w.declared.deadline is not None)
    if book.settings.start is None and (dateless or book.settings.finish_by or calendar.freeze):
        what = [f"deadlines of {few(dateless, _NAMED)}"] * bool(dateless)
        what += ["finish_by"] * bool(book.settings.finish_by) + ["the calendar"] * bool(calendar.freeze)
        found.append(
            Finding(
                code="PSE-B083",
                severity=Severity.WARNING,
                subject="waves",
                message=f"waves have no dates, so that nothing keeps {' and '.join(what)}",
                remedy="Set plan.schedule.start, the first day of wave 1, in pse.toml.",
                source="pse.toml",
            )
        )
    if calendar.sample:
        found.append(
            Finding(
                code="PSE-B084",
                severity=Severity.INFO,
                subject="waves",
                message="the calendar of change freezes is a sample",
                remedy="Put the days of the entity's own notifications into it and take `sample` out.",
                source=book.settings.calendar,
            )
        )
    return tuple(found)


def _too_large(book: Rulebook, number: int, members: Sequence[int]) -> list[Finding]:
    loads = [book.moves.groups[at].load for at in members]
    found = []
    for kind, limit in enumerate(book.limits):
        total = sum(load[kind] for load in loads)
        if limit is None or total <= limit:
            continue
        code, what = "PSE-B081", limit_words(book, kind)
        message = {
            SERVERS: f"moves {counted(total, 'server')}, more than the {limit} that plan.wave_servers allows",
            MIB: f"moves {total / 2**20:.2f} TiB: {what}",
            HOURS: f"takes {counted(total, 'hour')}: {what}",
            RISKY: f"moves {counted(total, 'workload')} of high risk: {what}",
        }[kind]
        if kind == SERVERS:
            code = "PSE-B010"
        found.append(
            Finding(
                code=code,
                severity=Severity.WARNING,
                subject=f"wave {number}",
                message=message,
                remedy="Split the workload, declare other waves in workloads.toml, or raise "
                + ("wave_servers." if kind == SERVERS else "the limit in plan.schedule."),
                source="workloads.toml",
            )
        )
    return found


def _conflict(book: Rulebook, against: Sequence[Rule], dropped: Sequence[Rule]) -> Finding:
    names = [words(book, rule) for rule in dropped]
    gone = f"given up here: {few(names, _NAMED)}"
    if not against:
        return Finding(
            code="PSE-B082",
            severity=Severity.ERROR,
            subject="waves",
            message=f"no schedule was found that keeps all rules, nor proven that there is none; {gone}",
            remedy="Raise plan.schedule.effort, or loosen a rule.",
            source="pse.toml",
        )
    return Finding(
        code="PSE-B080",
        severity=Severity.ERROR,
        subject="waves",
        message=f"no schedule keeps these rules together: {'; '.join(words(book, rule) for rule in against)}; {gone}",
        remedy="Loosen one of them, whichever can be: the others can then be kept.",
        source="pse.toml",
    )


def _declared(book: Rulebook) -> list[Finding]:
    """Rules that a declared wave breaks: it is kept all the same."""
    moves, said = book.moves, Counter[tuple[str, str]]()
    for at, group in enumerate(moves.groups):
        if group.declared is None:
            continue
        latest = [moves.deadlines.get(at), book.finish]
        if any(last is not None and group.declared > last for last in latest):
            said[group.id, f"is declared for wave {group.declared}, after its deadline"] += 1
        for name, places, waves in moves.freezes:
            if at in places and group.declared in waves:
                said[group.id, f"is declared for wave {group.declared}, in the freeze {name!r}"] += 1
    for a, b in moves.torn:
        said[a, f"uses {b}, and both are declared for different waves"] += 1
    return [
        Finding(
            code="PSE-B085",
            severity=Severity.WARNING,
            subject=subject,
            message=message,
            remedy="Correct its wave in workloads.toml, or the rule.",
            source="workloads.toml",
        )
        for subject, message in sorted(said)
    ]
