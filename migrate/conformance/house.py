"""What the suite has to know of one kind of move."""

from abc import ABC, abstractmethod
from typing import ClassVar, Literal

from migrate.replicators.ports import Replication, Task

Side = Literal["source", "target"]


class House(ABC):
    """Two real hosts, and something of one kind at the source. Nothing here may use the replicator that is tested.

    Attributes:
        replicator: What is tested.
    """

    replicator: ClassVar[type[Replication]]

    @abstractmethod
    def task(self, key: str = "plan/work/a1", *, back: bool = False) -> Task:
        """The move, as a controller knows it that was started just now: new connections, the same journal.

        Args:
            key: Prefix of the attempt's keys.
            back: It is on its way back.
        """

    @abstractmethod
    def fill(self) -> None:
        """Make what moves at the source: enough that a pass takes a moment. Called once, before everything else."""

    @abstractmethod
    def empty(self) -> None:
        """Leave nothing in what moves, at both ends; where it has to be there for that, it is, and it is empty."""

    @abstractmethod
    def write(self, side: Side, number: int) -> None:
        """Write at one end as its users do: something new, something changed, something taken away.

        Args:
            side: Which end; the other one is frozen or does not know of it yet.
            number: Another one writes something else.
        """

    @abstractmethod
    def spoil(self, side: Side) -> None:
        """Change one byte, row or value at an end, as little as can be, behind everybody's back."""

    @abstractmethod
    def contents(self, side: Side) -> str:
        """Everything that moves, as it is at one end, or a hash of it; read by other means than the replicator's."""

    @abstractmethod
    def strike(self) -> int:
        """Kill -9 whatever the move runs on both hosts at this moment; returns how many processes that were."""

    @abstractmethod
    def cut(self) -> int:
        """Kill -9 every SSH session at both hosts, the controller's and those between them; returns how many."""

    @abstractmethod
    def leftovers(self) -> list[str]:
        """What the move left on both hosts, found by other means than `cleanup`'s; nothing after it."""
