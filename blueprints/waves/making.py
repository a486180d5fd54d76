"""The waves of a plan: one category after the other, the rules that had to be given up, and how good the result is."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from datetime import date
from decimal import Decimal

import msgspec

from blueprints.model import Wanted
from blueprints.waves.bounds import least_last, least_parted
from blueprints.waves.conflicts import conflict
from blueprints.waves.groups import Moves, moves_of
from blueprints.waves.improving import Effort, schedule
from blueprints.waves.model import cost
from blueprints.waves.reasons import Reasons, findings_of, wave_of
from blueprints.waves.rules import Kind, Rule, Rulebook
from blueprints.waves.windows import Windows, frozen_periods
from pse.core.documents.schedule import Calendar, ScheduleSettings
from pse.core.documents.waves import FrozenPeriod, Schedule, Wave
from pse.core.findings import Finding


class Waves(msgspec.Struct, frozen=True, kw_only=True):
    """The waves of a plan.

    Attributes:
        waves: In order.
        number: By workload id, the number of its wave.
        reasons: By workload id, why it is in that wave.
        schedule: How good they are.
        findings: What came up: rules that conflict, what is larger than a wave.
    """

    waves: tuple[Wave, ...]
    number: dict[str, int]
    reasons: dict[str, str]
    schedule: Schedule
    findings: tuple[Finding, ...] = ()


class Found(msgspec.Struct, kw_only=True):
    """Waves by place in `Moves`, and what is known of them."""

    wave: dict[int, int]
    last: int = 0
    last_bound: int = 0
    parted_bound: int = 0
    above: int = 0
    worth: int = 0


def make_waves(
    moving: Iterable[Wanted],
    *,
    capacity: int,
    uses: Mapping[str, Collection[str]] | None = None,
    settings: ScheduleSettings | None = None,
    calendar: Calendar | None = None,
) -> Waves:
    """Put workloads into few waves, and what uses each other into the same one where that is worth it.

    A declared wave wins. The others follow from less to more sensitive, a wave holding one category only, so that what
    is learnt on open data comes before what must not fail; and small before large where the rules leave it open. What
    is larger than a wave has one of its own and a finding. Where no schedule keeps all rules, deadlines are given up
    first, and a finding names the rules that conflict. The same for any order of ``moving``.

    Args:
        moving: What moves.
        capacity: Most servers of a wave.
        uses: By workload id, those that it uses.
        settings: The other rules.
        calendar: Change freezes.

    Raises:
        BadInput: The calendar leaves no day to work on.
    """
    settings, calendar = settings or ScheduleSettings(), calendar or Calendar()
    workloads = {w.id: w for w in sorted(moving, key=lambda w: w.id)}
    windows = Windows(settings, calendar)
    moves = moves_of(workloads.values(), uses or {}, settings, windows)
    book = Rulebook(moves, settings, windows, capacity=capacity)
    effort = Effort(settings.effort)
    given_up: list[tuple[tuple[Rule, ...], tuple[Rule, ...]]] = []
    rules = book.all()
    while (found := _found(book, rules, effort)) is None:
        against = conflict(book, rules, effort)
        dropped = _dropped(against or rules)
        given_up.append((against, dropped))
        rules = tuple(rule for rule in rules if rule not in dropped)
    found.wave |= {at: group.declared for at, group in enumerate(moves.groups) if group.declared is not None}
    members: defaultdict[int, list[int]] = defaultdict(list)
    for at, wave in sorted(found.wave.items()):
        members[wave].append(at)
    reasons = Reasons(book, rules, found.wave, members)
    return Waves(
        waves=tuple(wave_of(book, workloads, n, some, windows.periods(n)) for n, some in sorted(members.items())),
        number={name: found.wave[at] for at, group in enumerate(moves.groups) for name in group.workloads},
        reasons={
            name: why for at, group in enumerate(moves.groups) for why in (reasons.of(at),) for name in group.workloads
        },
        schedule=_schedule(
            moves,
            found,
            windows,
            calendar,
            ranked=Rule(Kind.CATEGORY) in rules,
            solver=_solver() if effort.asked else "",
        ),
        findings=findings_of(book, workloads, members, given_up, calendar),
    )


def _found(book: Rulebook, rules: tuple[Rule, ...], effort: Effort) -> Found | None:
    """The waves under ``rules``; None when no schedule was found."""
    worth = book.settings.wave_worth
    # A wave that is more than needed may be one too many for what comes later and has a deadline.
    return _stages(book, rules, effort, worth) or (_stages(book, rules, effort, 0) if worth else None)


def _stages(book: Rulebook, rules: tuple[Rule, ...], effort: Effort, worth: int) -> Found | None:
    """One category after the other, or all at once; None when no schedule was found."""
    groups = book.moves.groups
    ranks = {at: groups[at].rank if Rule(Kind.CATEGORY) in rules else 0 for at in book.free}
    if any(r.kind is Kind.ORDER and ranks.get(r.other, -1) > ranks.get(r.at, 9) for r in rules):
        return None
    found = Found(wave={}, worth=worth)
    stages = sorted(set(ranks.values()))
    for done, rank in enumerate(stages):
        places = [at for at in book.free if ranks[at] == rank]
        problem = book.problem(rules, places, base=found.last, first=not done, ranked=False, worth=worth)
        share = Effort(effort.left / (len(stages) - done))
        scheduled = schedule(problem, share)
        effort.left -= effort.left / (len(stages) - done) - share.left
        effort.asked |= share.asked
        if scheduled.waves is None:
            return None
        found.wave |= dict(zip(places, scheduled.waves, strict=True))
        last, _ = cost(problem, scheduled.waves)
        if proven := found.last_bound == found.last:
            found.last_bound = scheduled.last
        else:  # what was proven holds after the waves found, and the bound is of what might have been found
            found.last_bound = least_last(msgspec.structs.replace(problem, base=found.last_bound))
        found.parted_bound += scheduled.parted
        found.above += scheduled.above if proven else least_parted(problem)
        found.last = last
    return found


def _dropped(rules: tuple[Rule, ...]) -> tuple[Rule, ...]:
    """Of ``rules`` those that are given up: all of the first kind that there is; see `Kind`."""
    kind = min((rule.kind for rule in rules), key=list(Kind).index)
    return tuple(rule for rule in rules if rule.kind is kind)


def _schedule(
    moves: Moves, found: Found, windows: Windows, calendar: Calendar, *, ranked: bool, solver: str
) -> Schedule:
    pairs = {(min(a, b), max(a, b)) for a, b in moves.uses}
    parted = {(a, b) for a, b in pairs if found.wave[a] != found.wave[b]}
    groups = moves.groups
    # Between two declared groups, and between two categories, nothing can be chosen.
    declared = sum(groups[a].declared is not None and groups[b].declared is not None for a, b in parted)
    across = sum(
        groups[a].declared is None and groups[b].declared is None and groups[a].rank != groups[b].rank
        for a, b in parted
    )
    sure = declared + (across if ranked else 0)
    least = min(len(parted), found.parted_bound + sure)
    worth = found.worth
    price = max(1, worth) * found.last + (len(parted) if worth else 0)
    bound = max(1, worth) * found.last_bound + (found.above + sure if worth else 0)
    kept = Decimal(len(parted) - least) / max(1, len(pairs) - least)
    days = [day for wave in set(found.wave.values()) for day in windows.days(wave)]
    return Schedule(
        last=found.last,
        last_bound=found.last_bound,
        dependencies=len(pairs),
        parted=len(parted),
        parted_bound=least,
        wave_worth=worth,
        gap_percent=round(100 * Decimal(price - bound) / max(1, bound), 2),
        parted_gap_percent=round(100 * kept, 2),
        solver=solver,
        sample=calendar.sample,
        frozen=_frozen(calendar, min(days), max(days)) if days else (),
    )


def _solver() -> str:
    from blueprints.waves.solver import version

    return version()


def _frozen(calendar: Calendar, first: date, last: date) -> tuple[FrozenPeriod, ...]:
    return tuple(
        FrozenPeriod(name=freeze.name, period=period, workloads=freeze.workloads)
        for freeze, period in frozen_periods(calendar, first, last)
    )
