"""Sizing: what people demand of shapes beyond their size, and by which rules sizes and idle servers are found."""

from decimal import Decimal
from typing import Annotated, Literal

import msgspec

_Count = Annotated[int, msgspec.Meta(ge=0, le=2**31)]
_Percent = Annotated[int, msgspec.Meta(ge=0, le=100)]
_Days = Annotated[int, msgspec.Meta(ge=1, le=3660)]
_MOST_RATIO = 4096


class Constraints(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a server needs beside vCPUs and memory; a shape that does not have it is never taken.

    A shape that states no limit, or no boot mode, is taken and said to state none (PSE-B061); what has to be stated to
    be believed is GPUs, generation and dedicated hosts.

    Attributes:
        gpus: At least so many.
        generations: Patterns of CPU generations, for example ``["m7*", "c7*"]``; empty takes any.
        nics: Network cards at least.
        iops: Reads and writes a second at least, of all disks together.
        mbps: MB a second at least, of all disks together.
        least_gib_per_vcpu: Memory for each vCPU at least.
        most_gib_per_vcpu: Memory for each vCPU at most, where software is licensed by memory.
        boot: ``bios`` or ``uefi``; empty takes either.
        dedicated: Only on machines that nobody else's servers are on.
        apart: Never on one machine with a server of the same role in the workload.
        zones: Sites that the servers of the role are spread over; more than 1 is said and not built (PSE-B062).
    """

    gpus: _Count = 0
    generations: tuple[str, ...] = ()
    nics: _Count = 0
    iops: _Count = 0
    mbps: _Count = 0
    least_gib_per_vcpu: Decimal = Decimal(0)
    most_gib_per_vcpu: Decimal = Decimal(0)
    boot: Literal["", "bios", "uefi"] = ""
    dedicated: bool = False
    apart: bool = False
    zones: Annotated[int, msgspec.Meta(ge=1, le=100)] = 1

    def __post_init__(self) -> None:
        """Refuse ratios that no shape can have.

        Raises:
            ValueError: msgspec turns it into a validation error that names the table.
        """
        for ratio in (self.least_gib_per_vcpu, self.most_gib_per_vcpu):
            if not ratio.is_finite() or not 0 <= ratio <= _MOST_RATIO:
                raise ValueError(f"GiB for each vCPU have to be from 0 to {_MOST_RATIO}")
        if 0 < self.most_gib_per_vcpu < self.least_gib_per_vcpu:
            raise ValueError("most_gib_per_vcpu is less than least_gib_per_vcpu")


ANY = Constraints()
"""No constraint."""


class SizingSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How sizes are found.

    Attributes:
        use: Which measured use counts: the ``peak`` or the ``p95``; the other one where only that was measured.
        floor_percent: Share of the allotment below which a size does not go whose measurement has no window, or at most
            40 % of the points of its window; 0 trusts every measurement. Half by default, our own choice: a look or two
            see no month's end.
    """

    use: Literal["peak", "p95"] = "peak"
    floor_percent: _Percent = 50


class IdleSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """When a server is proposed for retirement; nothing is retired without a person's word.

    The two percentages are those of AWS Prescriptive Guidance, "About the migration strategies", Retire: zombie below
    5 % of CPU and memory on average, idle between 5 and 20 % over 90 days. Its 90 days without a connection are taken
    here for a server that is switched off; that CPU alone counts, and the least window, are our own.

    Attributes:
        zombie_percent: CPU below it, with no connection and no log-in, is a zombie.
        idle_percent: CPU below it is idle.
        window_days: Days that a measurement has to span to count.
        off_days: Days switched off from which on a server is proposed for retirement.
    """

    zombie_percent: _Percent = 5
    idle_percent: _Percent = 20
    window_days: _Days = 30
    off_days: _Days = 90
