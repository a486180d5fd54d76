"""CP-SAT on a `Problem`: one worker, a fixed seed, a limit in deterministic time; the same question, the same answer.

Source: the maintainers of OR-tools: deterministic in one thread, and not across versions (so the version is locked);
``max_deterministic_time`` counts operations and not seconds. A model is written as text of its published schema,
because the library's Python front imports pandas, which takes longer than most estates take to plan.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from enum import Enum
from itertools import pairwise

import msgspec

from blueprints.waves.model import Problem

SEED = 6


class Outcome(Enum):
    """What the solver found out."""

    BEST = "best"
    """A schedule, and none is better."""
    SOME = "some"
    """A schedule; whether one is better is not known."""
    NONE = "none"
    """No schedule keeps the rules."""
    UNKNOWN = "unknown"
    """The time was over before anything was known."""


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What CP-SAT said.

    Attributes:
        outcome: See `Outcome`.
        waves: Wave of each group; empty without a schedule.
        bound: No schedule of the open waves costs less: parted dependencies, and with ``worth`` so many for each wave
            up to the last.
        effort: Deterministic time that it took.
    """

    outcome: Outcome
    waves: tuple[int, ...] = ()
    bound: int = 0
    effort: float = 0.0


def solve(
    problem: Problem,
    open_waves: Sequence[Sequence[int]],
    *,
    effort: float,
    hint: Sequence[int] = (),
    improve: bool = True,
    worth: int = 0,
    endless: frozenset[int] = frozenset(),
) -> Answer:
    """Ask for the wave of each group.

    Args:
        problem: Groups and rules.
        open_waves: Of each group, the waves that it may be in.
        effort: Most deterministic time.
        hint: A schedule to begin from.
        improve: Ask for the fewest parted dependencies; otherwise for any schedule.
        worth: Parted dependencies that each wave up to the last counts as.
        endless: Waves that take any number of groups.
    """
    from ortools.sat.python import cp_model_helper as cp

    model = _Model(problem, open_waves, endless, improve=improve)
    if worth:
        model.weigh_last(worth)
    text = model.text(hint)
    proto, parameters = cp.CpModelProto(), cp.SatParameters()
    wanted = (
        f"num_workers: 1 random_seed: {SEED} max_deterministic_time: {effort:.6f} cp_model_probing_level: 1 "
        f"symmetry_level: 2 {'' if improve else 'stop_after_first_solution: true'}"
    )
    if not (proto.parse_text_format(text) and parameters.parse_text_format(wanted)):
        raise AssertionError("a model that OR-tools cannot read")
    wrapper = cp.SolveWrapper()
    wrapper.set_parameters(parameters)
    response = wrapper.solve(proto)  # type: ignore[no-untyped-call]  # the library's stub leaves its types out
    spent = float(response.deterministic_time)
    if response.status == cp.INFEASIBLE:
        return Answer(outcome=Outcome.NONE, effort=spent)
    if response.status not in (cp.OPTIMAL, cp.FEASIBLE):
        return Answer(outcome=Outcome.UNKNOWN, effort=spent)
    proven = response.status == cp.OPTIMAL and improve
    solution = list(response.solution)
    return Answer(
        outcome=Outcome.BEST if proven else Outcome.SOME,
        waves=tuple(
            next(wave for wave, variable in model.places[at].items() if solution[variable])
            for at in range(len(problem.groups))
        ),
        bound=max(0, -int(-response.best_objective_bound // 1)) if improve else 0,
        effort=spent,
    )


class _Model:
    """A `Problem` as variables and constraints of CP-SAT."""

    def __init__(
        self, problem: Problem, open_waves: Sequence[Sequence[int]], endless: frozenset[int], *, improve: bool
    ) -> None:
        self._text: list[str] = []
        self._variables = 0
        self._goal: list[tuple[int, int]] = []
        self.places: list[dict[int, int]] = [{wave: self._bool() for wave in waves} for waves in open_waves]
        for places in self.places:
            self._text.append(f"constraints {{ exactly_one {{ {_list('literals', places.values())} }} }}")
        self._capacity(problem, endless)
        for first, then in problem.orders:
            self._not_after(first, then)
        if problem.ranked:
            self._ranks(problem)
        if improve:
            self._dependencies(problem)

    def weigh_last(self, worth: int) -> None:
        """Let each wave up to the last cost as much as ``worth`` parted dependencies."""
        numbers = [wave for places in self.places for wave in places]
        last = self._integer(min(numbers, default=0), max(numbers, default=0))
        for at in range(len(self.places)):
            self._at_most([*self._number(at), (last, -1)], 0)
        self._goal.append((last, worth))

    def text(self, hint: Sequence[int]) -> str:
        """The model in protobuf's text format."""
        parts = [*self._text]
        if self._goal:
            names, factors = _list("vars", (v for v, _ in self._goal)), _list("coeffs", (f for _, f in self._goal))
            parts.append(f"objective {{ {names} {factors} }}")
        if hint:
            pairs = [(v, int(wave == hint[at])) for at, places in enumerate(self.places) for wave, v in places.items()]
            names, values = _list("vars", (v for v, _ in pairs)), _list("values", (value for _, value in pairs))
            parts.append(f"solution_hint {{ {names} {values} }}")
        return "\n".join(parts)

    def _bool(self) -> int:
        return self._integer(0, 1)

    def _integer(self, least: int, most: int) -> int:
        self._text.append(f"variables {{ domain: {least} domain: {most} }}")
        self._variables += 1
        return self._variables - 1

    def _at_most(self, terms: Iterable[tuple[int, int]], most: int) -> None:
        terms = list(terms)
        names, factors = _list("vars", (v for v, _ in terms)), _list("coeffs", (factor for _, factor in terms))
        self._text.append(f"constraints {{ linear {{ {names} {factors} domain: {-(2**62)} domain: {most} }} }}")

    def _capacity(self, problem: Problem, endless: frozenset[int]) -> None:
        loads = problem.loads()
        inside: defaultdict[int, list[tuple[int, int]]] = defaultdict(list)
        for at, places in enumerate(self.places):
            for wave, variable in places.items():
                inside[wave].append((at, variable))
        for wave, some in sorted(inside.items()):
            if wave in endless:
                continue
            for kind, room in enumerate(problem.room(wave)):
                terms = [(variable, loads[at][kind]) for at, variable in some if loads[at][kind]]
                if room is not None and sum(load for _, load in terms) > room:
                    self._at_most(terms, room)

    def _number(self, at: int, factor: int = 1) -> list[tuple[int, int]]:
        return [(variable, factor * wave) for wave, variable in self.places[at].items()]

    def _not_after(self, first: int, then: int) -> None:
        self._at_most([*self._number(first), *self._number(then, -1)], 0)

    def _ranks(self, problem: Problem) -> None:
        """A wave is between one rank and the next: the last of the one, before the first of the other."""
        ranks = sorted({group.rank for group in problem.groups})
        most = max((wave for places in self.places for wave in places), default=0)
        border = {rank: self._integer(0, most) for rank in ranks}
        for at, group in enumerate(problem.groups):
            self._at_most([*self._number(at), (border[group.rank], -1)], 0)
            for before in ranks[: ranks.index(group.rank)][-1:]:
                self._at_most([*self._number(at, -1), (border[before], 1)], -1)
        for one, other in pairwise(ranks):
            self._at_most([(border[one], 1), (border[other], -1)], 0)

    def _dependencies(self, problem: Problem) -> None:
        for a, b in problem.pairs:
            apart = self._bool()
            self._goal.append((apart, 1))
            for one, other in ((self.places[a], self.places[b]), (self.places[b], self.places[a])):
                for wave, variable in one.items():
                    partner = [(other[wave], -1)] if wave in other else []
                    self._at_most([(variable, 1), *partner, (apart, -1)], 0)
        for at, wave in problem.fixed:
            apart = self._bool()
            self._goal.append((apart, 1))
            here = [self.places[at][wave]] if wave in self.places[at] else []
            self._text.append(f"constraints {{ exactly_one {{ {_list('literals', [*here, apart])} }} }}")


def _list(name: str, values: Iterable[int]) -> str:
    return " ".join(f"{name}: {value}" for value in values)


def version() -> str:
    """Name and version of the solver, for the plan: another version may answer otherwise."""
    from importlib.metadata import version as installed

    return f"OR-tools {installed('ortools')}"


def open_to(problem: Problem, last: int) -> list[list[int]]:
    """Of each group, the waves up to ``last`` that it may be in."""
    waves = range(problem.base + 1, last + 1)
    return [[wave for wave in waves if problem.allows(at, wave)] for at in range(len(problem.groups))]
