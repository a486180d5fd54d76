"""Users of a move: they pay all the time, and note what they were told is paid."""

import threading
import time
from typing import Self

from migrate.conformance import Side
from pse.core.errors import PseError
from tests.migrate.houses import RigHouse

PACE_S = 0.02


class Payer:
    """Pays at one end, one numbered payment after the other, until it is left.

    Args:
        house: What is paid into.
        side: At which end.
        first: Number of its first payment. A number is tried once, so that whatever is there twice was doubled.

    Attributes:
        acknowledged: Numbers of payments that it was told are made. Others may be there as well: their answer was lost.
        next: Number of the next one.
    """

    def __init__(self, house: RigHouse, side: Side, *, first: int) -> None:
        """Not started yet."""
        self.acknowledged: set[int] = set()
        self.next = first
        self._house = house
        self._side: Side = side
        self._end = threading.Event()
        self._broke: list[BaseException] = []
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self._thread.join()
        if self._broke:
            raise self._broke[0]

    def _run(self) -> None:
        try:
            pay = self._house.till(self._side)
            while not self._end.wait(PACE_S):
                try:
                    if pay(self.next):
                        self.acknowledged.add(self.next)
                except PseError:
                    time.sleep(PACE_S)  # its session was cut: it does not know whether it has paid
                self.next += 1
        except BaseException as exc:  # noqa: BLE001 - raised in the thread that waits
            self._broke.append(exc)
