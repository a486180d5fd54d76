"""Why no schedule keeps all rules: the fewest rules that cannot hold together, so that leaving out any one would help.

Source: QuickXplain (Junker 2004). CP-SAT's own core of assumptions is not used: it is not minimal, and after presolving
it can name literals that are no assumptions (or-tools issue 5141).
"""

from collections.abc import Callable, Sequence

from blueprints.waves.improving import Effort
from blueprints.waves.model import HOURS, MIB, RISKY, SERVERS
from blueprints.waves.rules import Kind, Rule, Rulebook
from blueprints.waves.solver import Outcome, solve
from pse.core.text import counted, few

_PLACES = 100_000
"""Most pairs of group and wave that a question may have."""
_EACH = 1.0
"""Deterministic time for one question."""


def conflict(book: Rulebook, rules: Sequence[Rule], effort: Effort) -> tuple[Rule, ...]:
    """A smallest set of ``rules`` that no schedule keeps: none of them can be left out. Empty when none was found."""

    def impossible(some: Sequence[Rule]) -> bool:
        return _impossible(book, some, effort)

    return tuple(sorted(_least([], list(rules), impossible))) if impossible(rules) else ()


def _least(kept: list[Rule], rules: list[Rule], impossible: Callable[[Sequence[Rule]], bool]) -> list[Rule]:
    """The rules of a smallest conflict that are needed beside ``kept``; together they are impossible."""
    if len(rules) == 1:
        return rules
    half = len(rules) // 2
    one, other = rules[:half], rules[half:]
    needed = [] if impossible([*kept, *one]) else _least([*kept, *one], other, impossible)
    if not needed:
        return _least(kept, one, impossible)
    if impossible([*kept, *needed]):
        return needed
    return [*_least([*kept, *needed], one, impossible), *needed]


def _impossible(book: Rulebook, rules: Sequence[Rule], effort: Effort) -> bool:
    """Whether no schedule keeps ``rules``: proven. After the last wave that a rule names there is room for all."""
    problem = book.problem(rules, book.free, base=0, first=True, ranked=True)
    groups = problem.groups
    named = [0, *book.taken, *(g.latest for g in groups if g.latest is not None)]
    end = 1 + max(w for w in named if w < book.moves.horizon)
    after = {rank: end + 1 + place for place, rank in enumerate(sorted({g.rank for g in groups}))}
    if len(groups) * end > _PLACES:
        return False
    places = []
    for at, group in enumerate(groups):
        waves = [wave for wave in range(1, end + 1) if problem.allows(at, wave)]
        endless = group.latest is None or group.latest >= book.moves.horizon
        if endless and len(group.closed) < book.moves.horizon:
            waves += [after[group.rank]] if problem.ranked else list(after.values())
        places.append(waves)
    if not all(places):
        return True
    if not any(rule.kind in (Kind.DEADLINE, Kind.FINISH, Kind.ORDER) for rule in rules):
        return False
    answer = solve(problem, places, effort=_EACH, improve=False, endless=frozenset(after.values()))
    effort.spend(answer.effort)
    return answer.outcome is Outcome.NONE


def words(book: Rulebook, rule: Rule) -> str:
    """``rule`` for people, with the setting or the declaration that it comes from."""
    groups = book.moves.groups
    match rule.kind:
        case Kind.LIMIT:
            said = f"{limit_words(book, rule.at)} a wave"
        case Kind.CATEGORY:
            said = "less sensitive data before more, one category a wave (by_category)"
        case Kind.PILOT:
            said = f"a pilot of at most {counted(book.settings.pilot_servers or 0, 'server')} first (pilot_servers)"
        case Kind.FREEZE:
            name, places, _ = book.moves.freezes[rule.at]
            held = sorted(name for at in places for name in groups[at].workloads)
            said = f"the freeze {name!r} of {few(held, 3)}"
        case Kind.ORDER:
            said = f"{groups[rule.at].id} uses {groups[rule.other].id}, which moves first (uses)"
        case Kind.FINISH:
            by = f"which is wave {book.finish}" if book.finish else "which is before wave 1 is over"
            said = f"everything by {book.settings.finish_by}, {by} (finish_by)"
        case Kind.DEADLINE:
            last = book.moves.deadlines[rule.at]
            by = f"by wave {last}" if last else "before wave 1 is over"
            said = f"{' and '.join(groups[rule.at].workloads)} {by} (deadline)"
    return said


def limit_words(book: Rulebook, kind: int) -> str:
    """A limit with its unit and the setting that it comes from."""
    limit = book.limits[kind] or 0
    if kind == SERVERS:
        return f"at most {counted(limit, 'server')} (wave_servers)"
    if kind == MIB:
        source = "link_mbps within wave_days" if book.by_link else "wave_tib"
        return f"at most {limit / 2**20:.2f} TiB ({source})"
    if kind == HOURS:
        return f"at most {counted(limit, 'hour')} of engineers (wave_hours)"
    return f"at most {counted(limit, 'workload')} of high risk (wave_risky)" if kind == RISKY else ""
