"""The way of a move, step by step, in the order in which a campaign takes them."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from migrate.conformance.house import House
from migrate.replicators.ports import Replication, Task
from pse.core.errors import RemoteError
from pse.core.journal import Intent, Journal

Step = Callable[[Task], object]
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

    def there(self) -> Iterator[tuple[str, Step]]:
        """Up to the cut-over. What users write meanwhile they write between the steps."""
        yield "seed", self.replicator.seed
        self.house.write("source", 1)
        yield "delta", partial(self.replicator.delta, final=False)
        self.house.write("source", 2)
        yield "freeze", partial(self.replicator.freeze, at_target=False)
        yield "final", partial(self.replicator.delta, final=True)
        yield "finish", self.replicator.finish
        yield "verify", self.replicator.verify
        yield "arm", self.replicator.arm

    def back(self) -> Iterator[tuple[str, Step]]:
        """From the cut-over to the source, with what users wrote at the target."""
        self.house.write("target", 3)
        yield "rest", self.replicator.rest
        self.house.write("target", 4)
        yield "way-back", self.replicator.way_back
        yield "freeze-target", partial(self.replicator.freeze, at_target=True)
        yield "catch-up", self.replicator.catch_up
        yield "verify", self.replicator.verify
        yield "disarm", self.replicator.disarm
        yield "thaw", partial(self.replicator.thaw, at_target=False)

    def task(self, *, back: bool = False) -> Task:
        """As a new controller knows it."""
        return self.house.task(self.key, back=back)

    def go(self, *, twice: bool = False) -> None:
        """There; with ``twice`` every step by two controllers, one after the other."""
        self._all(self.there(), back=False, twice=twice)

    def return_(self, *, twice: bool = False) -> None:
        """And back."""
        self._all(self.back(), back=True, twice=twice)

    def _all(self, steps: Iterator[tuple[str, Step]], *, back: bool, twice: bool) -> None:
        task = self.task(back=back)
        for name, act in steps:
            judge(name, act(task))
            if twice:
                # Whoever comes second knows nothing of the first one, who is gone.
                task = self.task(back=back)
                judge(name, act(task))

    def dying(self, *, back: bool = False) -> dict[str, int]:
        """The same, and the controller dies at every record that it writes; returns how often, by step."""
        deaths: dict[str, int] = {}
        for name, act in self.back() if back else self.there():
            for number in range(ATTEMPTS):
                task = self.task(back=back)
                try:
                    judge(name, act(replace(task, journal=Mortal(task.journal, number))))
                except Died:
                    deaths[name] = deaths.get(name, 0) + 1
                else:
                    break
            else:
                raise AssertionError(f"{name} did not end in {ATTEMPTS} attempts")
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
        assert [(one.subject, one.detail) for one in answer if not one.equal or one.items < 1] == []
