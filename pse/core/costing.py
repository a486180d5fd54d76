"""How bills are made: hours, commitment, backups, licences, people; ``[plan.cost]`` of ``pse.toml``."""

from decimal import Decimal
from enum import StrEnum
from typing import Annotated

import msgspec

from pse.core.documents.category import Category

_MOST = Decimal(10) ** 9


class Commitment(StrEnum):
    """How long compute is bought for."""

    ON_DEMAND = "on-demand"
    ONE_YEAR = "1y"
    THREE_YEARS = "3y"

    @property
    def months(self) -> int:
        """Months of its term; 0 on demand."""
        return {Commitment.ON_DEMAND: 0, Commitment.ONE_YEAR: 12, Commitment.THREE_YEARS: 36}[self]


class Copies(StrEnum):
    """What is kept of volumes; the kinds of offers that price them bear the same names."""

    SNAPSHOT = "snapshot"
    BACKUP = "backup"


class Retention(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Copies that are kept of the data volumes of some servers.

    The first copy is whole; each further one takes what changed since. Of several rules of one kind that fit a server
    the first counts.

    Attributes:
        kind: See `Copies`.
        copies: How many are kept.
        change_percent: Share of a volume that differs from one copy to the next; 100 keeps whole copies.
        categories: Workloads of these categories; empty is any.
        roles: Servers of these roles; empty is any.
    """

    kind: Copies
    copies: Annotated[int, msgspec.Meta(ge=1, le=10_000)]
    change_percent: Decimal = Decimal(100)
    categories: tuple[Category, ...] = ()
    roles: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse a share that is none.

        Raises:
            ValueError: msgspec turns it into a validation error that names the table.
        """
        if not self.change_percent.is_finite() or not 0 <= self.change_percent <= 100:
            raise ValueError("change_percent has to be from 0 to 100")


class MoveRates(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a move costs the entity itself, once; what is not set is in no bill.

    Attributes:
        link_mbit_s: Megabits a second (10^6) that the line out of the old room carries; needed for ``link_hour``.
        link_hour: Price of an hour of that line.
        egress_gib: Price of a GiB that leaves the old room.
        person_hour: Price of an hour of an engineer; needs ``hours_per_server``.
        hours_per_server: Hours that an engineer spends on a server.
    """

    link_mbit_s: Decimal | None = None
    link_hour: Decimal | None = None
    egress_gib: Decimal | None = None
    person_hour: Decimal | None = None
    hours_per_server: Decimal | None = None

    def __post_init__(self) -> None:
        """Refuse half a rate.

        Raises:
            ValueError: msgspec turns it into a validation error that names the table.
        """
        for name in self.__struct_fields__:
            value = getattr(self, name)
            if value is not None and not (value.is_finite() and 0 <= value <= _MOST):
                raise ValueError(f"{name} has to be a number, 0 or more")
        if (self.link_hour is None) != (self.link_mbit_s is None) or self.link_mbit_s == 0:
            raise ValueError("link_hour and link_mbit_s are set together, and the line carries something")
        if (self.person_hour is None) != (self.hours_per_server is None):
            raise ValueError("person_hour and hours_per_server are set together")


class CostSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How bills are made.

    Attributes:
        hours_per_month: Hours that a month is billed as.
        commitment: How long compute is bought for, where a shape has a price for that; else on demand.
        system_disk_gib: GiB of a system disk where the image's offer states none.
        bring: Families of operating systems and products whose licences the entity brings, and buys nowhere.
        keep: Copies that are kept of volumes.
        move: See `MoveRates`.
    """

    hours_per_month: Decimal = Decimal(730)
    commitment: Commitment = Commitment.ON_DEMAND
    system_disk_gib: Annotated[int, msgspec.Meta(ge=0, le=10_000)] = 30
    bring: tuple[str, ...] = ()
    keep: tuple[Retention, ...] = ()
    move: MoveRates = MoveRates()

    def __post_init__(self) -> None:
        """Refuse a month that is none.

        Raises:
            ValueError: msgspec turns it into a validation error that names the table.
        """
        if not self.hours_per_month.is_finite() or not 1 <= self.hours_per_month <= 744:
            raise ValueError("hours_per_month has to be from 1 to 744, the hours of 31 days")
