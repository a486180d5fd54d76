"""The way of a move, step by step, in the order in which a campaign takes them."""

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from types import MappingProxyType
from typing import Any

from migrate.conformance.house import House, Side
from migrate.replicators.ports import Replication, Task
from pse.core.errors import RemoteError
from pse.core.journal import Change, Intent, Journal

Step = Callable[[Task], object]
WRITTEN: Mapping[str, tuple[Side, int]] = MappingProxyType(
    {"delta": ("source", 1), "freeze": ("source", 2), "rest": ("target", 3), "way-back": ("target", 4)}
)
"""What users write before a step, and at which end."""
ATTEMPTS = 20
"""Times that a step may be begun anew before it counts as one that never ends."""


class Died(BaseException):
    """The controller was killed here."""


@dataclass(eq=False)
class Mortal:
    """A journal whose controller dies at its n-th record: just before it is written, so that what it says is lost.

    Attributes:
        journal: The real one.
        left: Records until then.
    """

    journal: Journal
    left: int
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def _live(self) -> None:
        with self._lock:
            self.left -= 1
            if self.left < 0:
                raise Died

    def open(self, key: str, what: str, detail: dict[str, Any]) -> Intent:
        """See `Journal.open`."""
        self._live()
        return self.journal.open(key, what, detail)

    def done(self, key: str, result: dict[str, Any]) -> Intent:
        """See `Journal.done`."""
        self._live()
        return self.journal.done(key, result)

    def note(self, key: str, what: str, change: Change) -> Intent:
        """See `Journal.note`."""
        self._live()
        return self.journal.note(key, what, change)

    def forget(self, key: str) -> None:
        """See `Journal.forget`."""
        self._live()
        self.journal.forget(key)

    def find(self, key: str) -> Intent | None:
        """See `Journal.find`."""
        return self.journal.find(key)

    def pending(self) -> tuple[Intent, ...]:
        """See `Journal.pending`."""
        return self.journal.pending()


class Journey:
    """One move from a `House`, and what was written on the way.

    Args:
        house: Where.
        key: Prefix of the attempt's keys in the journal.
    """

    def __init__(self, house: House, key: str = "plan/work/a1") -> None:
        """Nothing is done yet."""
        self.house = house
        self.key = key
        self.replicator: Replication = house.replicator()

    def steps(self, *, back: bool = False) -> dict[str, Step]:
        """By name, in order: up to the cut-over, or from there to the source."""
        does = self.replicator
        if back:
            return {
                "rest": does.rest,
                "way-back": does.way_back,
                "freeze-target": partial(does.freeze, at_target=True),
                "catch-up": does.catch_up,
                "verify": does.verify,
                "disarm": does.disarm,
                "thaw": partial(does.thaw, at_target=False),
            }
        return {
            "seed": does.seed,
            "delta": partial(does.delta, final=False),
            "freeze": partial(does.freeze, at_target=False),
            "final": partial(does.delta, final=True),
            "finish": does.finish,
            "verify": does.verify,
            "arm": does.arm,
        }

    def there(self) -> Iterator[tuple[str, Step]]:
        """Up to the cut-over. What users write meanwhile they write between the steps."""
        yield from self._written(back=False)

    def back(self) -> Iterator[tuple[str, Step]]:
        """From the cut-over to the source, with what users wrote at the target."""
        yield from self._written(back=True)

    def _written(self, *, back: bool) -> Iterator[tuple[str, Step]]:
        for name, act in self.steps(back=back).items():
            if name in WRITTEN:
                side, number = WRITTEN[name]
                self.house.write(side, number)
            yield name, act

    def task(self, *, back: bool = False) -> Task:
        """As a new controller knows it."""
        return self.house.task(self.key, back=back)

    def go(self) -> None:
        """There, by one controller to which nothing happens."""
        task = self.task()
        for name, act in self.there():
            judge(name, act(task))

    def dying(self, *, back: bool = False) -> dict[str, int]:
        """There or back, and the controller dies at every record that it writes; returns how often, by step.

        When a step is done at last, one more controller does it again, as whoever does not know that it is done.
        """
        deaths: dict[str, int] = {}
        for name, act in self.back() if back else self.there():
            for number in range(ATTEMPTS):
                # Whoever comes next knows nothing of the one before, who is gone.
                task = self.task(back=back)
                try:
                    judge(name, act(replace(task, journal=Mortal(task.journal, number))))
                except Died:
                    deaths[name] = deaths.get(name, 0) + 1
                else:
                    break
            else:
                raise AssertionError(f"{name} did not end in {ATTEMPTS} attempts")
            judge(name, act(self.task(back=back)))
        return deaths

    @contextmanager
    def struck(self, act: Step, *, back: bool = False) -> Iterator[Callable[[], int]]:
        """Run a step beside the block, which may strike; then it is done again by others until it ends well."""
        failed: list[BaseException] = []
        ended = threading.Event()

        def run() -> None:
            try:
                act(self.task(back=back))
            except RemoteError:
                pass  # it was struck
            except BaseException as exc:  # noqa: BLE001 - handed to the thread that waits
                failed.append(exc)
            finally:
                ended.set()

        thread = threading.Thread(target=run)
        thread.start()

        def strike() -> int:
            killed = 0
            while not killed and not ended.wait(0.02):
                killed = self.house.strike()
            return killed

        try:
            yield strike
        finally:
            thread.join()
        if failed:
            raise failed[0]
        self._until_done(act, back=back)

    def _until_done(self, act: Step, *, back: bool) -> None:
        for attempt in range(ATTEMPTS):
            try:
                act(self.task(back=back))
            except RemoteError:
                if attempt == ATTEMPTS - 1:
                    raise
            else:
                return


def judge(name: str, answer: object) -> None:
    """See that a step says that it went well."""
    if name == "verify":
        assert isinstance(answer, tuple)
        assert answer
        unlike = [(one.subject, one.detail) for one in answer if not one.equal or one.items < 1]
        assert not unlike, unlike
