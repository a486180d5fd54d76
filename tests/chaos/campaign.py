"""One adapter under fire: up, change and destroy, over and over, killed at random moments and run again.

An undisturbed round comes first. It tells how long each operation takes and how many calls it makes, so that moments
can be drawn, and what the account then holds, so that nobody has to write that down for an adapter.
"""

import random
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from providers.places import Places
from tests.chaos.arena import Arena, NthCall
from tests.chaos.program import program, put_image
from tests.providers.house import HERE, UNIT, House
from tests.providers.kills import Background, ended, plugins, strike

OPERATIONS = ("up", "update", "destroy")
ATTEMPTS = 6
"""Runs after a kill until it has to be through."""
END_S = 600.0
AGAIN = 0.25
"""How often a recovery is killed too."""
CALLS = 0.7
"""How often the moment is a call and not a time, where calls can be told."""
_STEP_S = 0.02


class Trouble(Exception):
    """What must not be."""


class Moment(NamedTuple):
    """When to strike, and whom.

    Attributes:
        engine: The engine and not the plugin.
        call: Number of the call that is held, from 1; 0 where the time counts.
        after: The call has its effect first.
        release: What is held goes on while a plugin without an engine still lives.
        delay_s: Seconds after the plugin came up, where no call counts.
    """

    engine: bool
    call: int
    after: bool
    release: bool
    delay_s: float

    def __str__(self) -> str:
        """In words."""
        whom = "engine" if self.engine else "plugin"
        if self.call:
            return f"{whom} {'after' if self.after else 'before'} call {self.call}"
        return f"{whom} after {self.delay_s:.2f} s"


class Usual(NamedTuple):
    """An undisturbed operation: its seconds with a plugin, its calls, and what stands afterwards, by sort."""

    seconds: float
    calls: int
    holds: Mapping[str, int]


@dataclass
class Score:
    """What came out; see the table of `tests.chaos.__main__`."""

    adapter: str
    kills: Counter[str] = field(default_factory=Counter)
    recovered: int = 0
    duplicates: int = 0
    orphans: int = 0
    lost: int = 0
    seconds: float = 0.0
    troubles: list[str] = field(default_factory=list)

    @property
    def total(self) -> int:
        """All kills."""
        return self.kills["engine"] + self.kills["plugin"]


class Campaign:
    """Kills in one arena.

    Args:
        arena: The cloud.
        house: A workspace whose first place is there.
        seed: Draws the moments.
        tell: Told a line for every kill.
    """

    def __init__(self, arena: Arena, house: House, *, seed: str, tell: Callable[[str], None]) -> None:
        self.score = Score(arena.provider)
        self._arena = arena
        self._house = house
        self._draw = random.Random(seed)
        self._tell = tell
        put_image(house.root)
        self._places = Places(house.workspace)
        self._cloud = self._places.provider(HERE)
        self._before = {kind: set(self._listed(kind)) for kind in self._cloud.kinds}
        self._usual: dict[str, Usual] = {}

    def run(self, kills: int) -> Score:
        """Kill so often, or until there is trouble."""
        begun = time.monotonic()
        try:
            for operation in OPERATIONS:
                self._learn(operation)
            while self.score.total < kills:
                for operation in OPERATIONS:
                    self._survive(operation, most=kills - self.score.total)
        except Trouble as exc:
            self.score.troubles.append(str(exc))
            self._tell(f"{self._arena.provider}: TROUBLE {exc}")
        finally:
            self._places.close()
        self.score.seconds = time.monotonic() - begun
        return self.score

    # -- below: operations --

    def _act(self, operation: str) -> Callable[[], object]:
        if operation == "destroy":
            return lambda: self._house.engine.destroy(UNIT)
        wanted = program(self._cloud.kinds, self._arena.names, changed=operation == "update")
        return lambda: self._house.up(wanted)

    def _learn(self, operation: str) -> None:
        self._arena.calm()
        work = Background(self._act(operation))
        _until(lambda: plugins(self._house.root) or not work.going())
        begun = time.monotonic()
        _until(lambda: not plugins(self._house.root))
        seconds, error = time.monotonic() - begun, work.end(END_S)
        if error is not None:
            raise Trouble(f"{operation} fails undisturbed: {error.message}")
        calls = self._arena.changing()
        self._usual[operation] = Usual(seconds, calls, self._holds())
        self._tell(f"{self._arena.provider}: {operation} undisturbed: {seconds:.1f} s, {calls} calls, {self._held()}")
        if operation == "destroy" and self._held():
            raise Trouble(f"an undisturbed destroy leaves {self._held()}")
        for kind, before in self._before.items():
            # What nobody's tags are on, such as the key that a cloud makes with the first disk of an account.
            before |= {made for made, urn in self._listed(kind).items() if not urn}
        self._check(operation)

    def _survive(self, operation: str, *, most: int) -> None:
        """One operation with its kills, until it is through; then everything has to be right."""
        act, runs = self._act(operation), 0
        said: list[str] = []
        again = True
        while again and len(said) < most:
            moment = self._moment(operation)
            through = self._struck(act, moment, operation)
            runs += 1
            if through is None:
                break
            said.append(str(moment))
            self.score.kills[operation] += 1
            self.score.kills["engine" if moment.engine else "plugin"] += 1
            if through:
                break
            again = len(said) < ATTEMPTS and self._draw.random() < AGAIN
        else:
            runs += self._recover(act, operation, said)
        self._check(operation)
        self._tell(
            f"{self._arena.provider}: kill {self.score.total}, {operation}: {'; '.join(said) or 'too late'}"
            f": right after {runs} runs"
        )

    def _recover(self, act: Callable[[], object], operation: str, said: list[str]) -> int:
        errors = []
        for number in range(1, ATTEMPTS + 1):
            work = Background(act)
            error = work.end(END_S)
            if error is None:
                self.score.recovered += bool(said)
                return number
            errors.append(error.message)
        raise Trouble(f"{operation} does not recover from {'; '.join(said)}: {errors[-1]}")

    def _moment(self, operation: str) -> Moment:
        usual, draw = self._usual[operation], self._draw
        by_call = usual.calls > 0 and draw.random() < CALLS
        return Moment(
            engine=draw.random() < 0.5,
            call=draw.randint(1, usual.calls) if by_call else 0,
            after=draw.random() < 0.5,
            release=draw.random() < 0.5,
            delay_s=draw.uniform(0, usual.seconds),
        )

    def _struck(self, act: Callable[[], object], moment: Moment, operation: str) -> bool | None:
        """Run and kill: whether it got through all the same; None when it was over before the moment came."""
        root = self._house.root
        self._arena.calm()
        nth = NthCall(self._arena, moment.call, after=moment.after) if moment.call else None
        work = Background(act)
        _until(lambda: plugins(root) or not work.going())
        due = time.monotonic() + moment.delay_s
        _until(lambda: not work.going() or (nth.hold.reached.is_set() if nth else time.monotonic() >= due))
        killed = work.going() and strike(root, engine=moment.engine)
        if nth and moment.release:
            nth.hold.release()
        try:
            if killed:
                ended(root)
        except AssertionError:
            raise Trouble(f"{operation}: the plugin outlives {moment}") from None
        finally:
            if nth:
                nth.hold.release()
        error = work.end(END_S)
        self._arena.calm()
        if not killed and error is not None:
            raise Trouble(f"{operation} fails without a kill: {error.message}")
        return (error is None) if killed else None

    # -- below: what has to be right --

    def _check(self, operation: str) -> None:
        """State and account are one, and the account holds what an undisturbed run leaves.

        Raises:
            Trouble: They are not, or it does not.
        """
        state = {
            (entry["type"].rpartition(":")[2], str(entry["id"]))
            for entry in self._house.engine.standing(UNIT).ours()
            if entry.get("id")
        }
        listed: set[tuple[str, str]] = set()
        doubled = []
        for kind in self._cloud.kinds:
            found = {made: urn for made, urn in self._listed(kind).items() if made not in self._before[kind]}
            listed |= {(kind, made) for made in found}
            doubled += [f"{kind} {urn}" for urn, count in Counter(found.values()).items() if urn and count > 1]
        orphans, lost = sorted(listed - state), sorted(state - listed)
        holds, usual = self._holds(), self._usual[operation].holds
        more = {sort: count - usual.get(sort, 0) for sort, count in holds.items() if count > usual.get(sort, 0)}
        less = {sort: count - holds.get(sort, 0) for sort, count in usual.items() if count > holds.get(sort, 0)}
        self.score.duplicates += len(doubled)
        self.score.orphans += max(len(orphans), sum(more.values()))
        self.score.lost += max(len(lost), sum(less.values()))
        wrong = {"twice": doubled, "orphans": orphans, "lost": lost, "too many": more, "too few": less}
        if any(wrong.values()):
            told = ", ".join(f"{what}: {value}" for what, value in wrong.items() if value)
            raise Trouble(f"after {operation}: {told}; the account holds {self._arena.standing(self._house)}")

    def _listed(self, kind: str) -> dict[str, str]:
        """URN hash by id, as the adapter lists the account."""
        listed = self._cloud.store(kind).list()
        return {made.id: made.identity.urn if made.identity else "" for made in listed}

    def _holds(self) -> dict[str, int]:
        return {sort: len(found) for sort, found in self._arena.standing(self._house).items()}

    def _held(self) -> str:
        return ", ".join(f"{count} {sort}" for sort, count in sorted(self._holds().items()))


def _until(holds: Callable[[], object]) -> None:
    """Wait; an operation always ends, so there is no other limit."""
    end = time.monotonic() + END_S
    while not holds():
        if time.monotonic() > end:
            raise Trouble("an operation does not end")
        time.sleep(_STEP_S)
