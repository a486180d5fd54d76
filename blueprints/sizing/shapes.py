"""Shapes of a place: the cheapest that fits a demand, found without walking the whole catalogue for each server."""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from fnmatch import fnmatchcase
from functools import cached_property

from blueprints.model import Demand
from pse.core.documents.offers import Offer, OfferKind
from pse.core.documents.sizing import ANY, Constraints
from pse.core.money import HOURS_PER_MONTH
from pse.core.text import counted

_MIB_PER_GIB = 1024
_Step = tuple[str, Callable[[Offer], bool]]


class Shapes:
    """The compute offers of one place in the order in which they are wanted.

    Cheapest first, a tie goes to the smaller, then by name; those without a price come last. A demand's numbers are
    rounded up to the next that any shape has: all demands between the same two steps have one answer, which is found
    once and kept. So 100,000 demands cost as many look-ups, and as many walks as the catalogue has steps.
    """

    def __init__(self, offers: Iterable[Offer]) -> None:
        """Rank those of ``offers`` that are compute."""
        self.all: tuple[Offer, ...] = tuple(sorted((o for o in offers if o.kind is OfferKind.COMPUTE), key=_rank))
        self._capacities = sorted({capacity(shape) for shape in self.all})
        self._memories = sorted({shape.memory_mib for shape in self.all})
        self._found: dict[object, Offer | None] = {}

    def __iter__(self) -> Iterator[Offer]:
        """Those that somebody may want, in that order."""
        return iter(self._kept)

    @cached_property
    def _kept(self) -> tuple[Offer, ...]:
        """Without those that an earlier one outdoes in everything: who could take them takes the earlier one."""
        kept: list[Offer] = []
        alike: defaultdict[object, list[Offer]] = defaultdict(list)
        for shape in self.all:
            same = alike[shape.architecture, shape.generation, shape.boot, shape.dedicated]
            if not any(_outdoes(other, shape) for other in same):
                same.append(shape)
                kept.append(shape)
        return tuple(kept)

    def cheapest(self, demand: Demand) -> Offer | None:
        """The first shape that fits ``demand``; None when none does."""
        # A constraint that is none is left out of the key, because hashing a struct costs more than all the rest.
        key = (
            bisect_left(self._capacities, demand.vcpus),
            bisect_left(self._memories, demand.memory_mib),
            demand.architecture,
            len(demand.volumes),
            demand.nics,
            demand.iops,
            demand.mbps,
            None if demand.constraints is ANY else demand.constraints,
        )
        try:
            return self._found[key]
        except KeyError:
            ratio = demand.constraints.least_gib_per_vcpu or demand.constraints.most_gib_per_vcpu
            # A shape that is larger in everything may have another ratio, so then nothing outdoes anything.
            shapes = self.all if ratio else self._kept
            steps = _steps(demand)
            found = next((shape for shape in shapes if all(fits(shape) for _, fits in steps)), None)
            self._found[key] = found
            return found

    def why_none(self, demand: Demand) -> str:
        """Step by step, in the order of sizing, how many shapes are left; for a demand that none fits."""
        left = self.all
        words = [counted(len(left), "shape")]
        for name, fits in _steps(demand):
            kept = tuple(shape for shape in left if fits(shape))
            if len(kept) < len(left):
                words.append(f"{len(kept) or 'none'} with {name}")
            left = kept
            if not left:
                break
        return ", ".join(words)


def capacity(shape: Offer) -> int:
    """Whole vCPUs of the reference generation that ``shape`` is worth."""
    return shape.vcpus if shape.performance == 1 else int(shape.vcpus * shape.performance)


def unstated(shape: Offer, demand: Demand) -> tuple[str, ...]:
    """What ``demand`` needs and ``shape`` says nothing of: it is taken to have it."""
    wants = (
        ("volumes", bool(demand.volumes), shape.max_volumes),
        ("network cards", demand.nics > 1, shape.max_nics),
        ("IOPS", demand.iops > 0, shape.max_iops),
        ("MB/s of its disks", demand.mbps > 0, shape.max_mbps),
        ("boot mode", bool(demand.constraints.boot), shape.boot),
    )
    return tuple(name for name, wanted, stated in wants if wanted and not stated)


def _steps(demand: Demand) -> tuple[_Step, ...]:
    """What a shape must have, in the order of sizing: disks, then network cards, then compute."""
    wanted = demand.constraints
    volumes = len(demand.volumes)
    disks: tuple[_Step, ...] = (
        (counted(volumes, "volume"), lambda s: not s.max_volumes or s.max_volumes >= volumes),
        (f"{demand.iops} IOPS", lambda s: not s.max_iops or s.max_iops >= demand.iops),
        (f"{demand.mbps} MB/s of its disks", lambda s: not s.max_mbps or s.max_mbps >= demand.mbps),
    )
    nics: _Step = (counted(demand.nics, "network card"), lambda s: not s.max_nics or s.max_nics >= demand.nics)
    compute: tuple[_Step, ...] = (
        (demand.architecture, lambda s: s.architecture == demand.architecture),
        (counted(demand.vcpus, "vCPU"), lambda s: capacity(s) >= demand.vcpus),
        (f"{demand.memory_mib} MiB", lambda s: s.memory_mib >= demand.memory_mib),
    )
    return (*disks, nics, *compute, *(() if wanted is ANY else _constraints(wanted)))


def _constraints(wanted: Constraints) -> tuple[_Step, ...]:
    least, most = wanted.least_gib_per_vcpu, wanted.most_gib_per_vcpu
    return (
        (counted(wanted.gpus, "GPU"), lambda s: s.gpus >= wanted.gpus),
        (
            f"generation {' or '.join(wanted.generations)}",
            lambda s: not wanted.generations or any(fnmatchcase(s.generation, p) for p in wanted.generations),
        ),
        (f"boot mode {wanted.boot}", lambda s: not wanted.boot or s.boot in ("", "both", wanted.boot)),
        ("a dedicated host", lambda s: s.dedicated or not wanted.dedicated),
        (f"{least} GiB or more a vCPU", lambda s: s.memory_mib >= least * s.vcpus * _MIB_PER_GIB),
        (f"{most} GiB or less a vCPU", lambda s: not most or s.memory_mib <= most * s.vcpus * _MIB_PER_GIB),
    )


def _rank(shape: Offer) -> tuple[object, ...]:
    hourly = None if shape.price is None else shape.price if shape.unit == "hour" else shape.price / HOURS_PER_MONTH
    return (hourly is None, hourly or 0, shape.vcpus, shape.memory_mib, shape.name)


def _outdoes(one: Offer, other: Offer) -> bool:
    """Whether ``one``, whose traits are those of ``other``, fits whatever ``other`` does, but for a memory ratio."""
    return (
        one.memory_mib >= other.memory_mib
        and capacity(one) >= capacity(other)
        and one.gpus >= other.gpus
        and _no_less(one.max_volumes, other.max_volumes)
        and _no_less(one.max_nics, other.max_nics)
        and _no_less(one.max_iops, other.max_iops)
        and _no_less(one.max_mbps, other.max_mbps)
    )


def _no_less(limit: int, other: int) -> bool:
    return limit == 0 or limit >= other > 0
