"""Sizes: what a server needs, from what was measured or allotted, and the shape, image and disks that give it."""

from collections.abc import Iterable, Sequence
from decimal import ROUND_CEILING, Decimal

import msgspec

from blueprints.model import Demand
from providers.catalog.questions import large_enough
from pse.core.documents.offers import Offer
from pse.core.documents.snapshot import Server

MIB_PER_GIB = 1024
ASSUMED_VCPUS = 2
ASSUMED_MEMORY_MIB = 4096
_SAME_ARCHITECTURE = {"amd64": "x86_64", "x64": "x86_64", "": "x86_64", "arm64": "aarch64"}


class Size(msgspec.Struct, frozen=True, kw_only=True):
    """What a server needs.

    Attributes:
        vcpus: Virtual CPUs.
        memory_mib: MiB of memory.
        why: Where the numbers come from.
        assumed: Names of the dimensions that no source knows, and that are an assumption.
    """

    vcpus: int
    memory_mib: int
    why: str
    assumed: tuple[str, ...] = ()


def gib(mib: int | Decimal) -> int:
    """Whole GiB that hold ``mib`` MiB; at least 1."""
    return max(1, up(Decimal(mib) / MIB_PER_GIB))


def up(number: Decimal) -> int:
    """``number`` rounded up to a whole one."""
    return int(number.to_integral_value(rounding=ROUND_CEILING))


def size_of(server: Server, *, comfort: Decimal) -> Size:
    """Size a server, each dimension by its measured peak x ``comfort`` where it was measured, else by allotment.

    A measured dimension may come out above the allotment: a server at its limit needs more than it has.
    """
    vcpus, cpu_why, cpu_known = _dimension(server.vcpus, server.cpu_peak, comfort, ASSUMED_VCPUS, "vCPU")
    memory, memory_why, memory_known = _dimension(
        server.memory_mib, server.memory_peak, comfort, ASSUMED_MEMORY_MIB, "MiB"
    )
    assumed = tuple(name for name, known in (("vCPUs", cpu_known), ("memory", memory_known)) if not known)
    return Size(vcpus=vcpus, memory_mib=memory, why=f"{cpu_why}; {memory_why}", assumed=assumed)


def _dimension(
    allotted: int | None, peak: float | None, comfort: Decimal, assumed: int, unit: str
) -> tuple[int, str, bool]:
    if allotted is None or allotted < 1:
        return assumed, f"{assumed} {unit} assumed, because no source knows", False
    if peak is None:
        return allotted, f"{allotted} {unit} as allotted, because no use was measured", True
    # str() gives the shortest decimal that is this float, so that the result does not hang on binary digits.
    needed = max(1, up(allotted * Decimal(str(peak)) * comfort))
    return needed, f"{needed} {unit}: peak {Decimal(str(peak)) * 100:f} % of {allotted} x {comfort}", True


def architecture_of(server: Server) -> str:
    """The server's architecture in the words of price books; x86_64 when no source knows it."""
    return _SAME_ARCHITECTURE.get(server.architecture, server.architecture)


def pick_shape(demand: Demand, shapes: Iterable[Offer]) -> Offer | None:
    """The cheapest of ``shapes`` that is large enough; they come from `providers.catalog.questions.worth_having`."""
    return large_enough(
        shapes,
        vcpus=demand.vcpus,
        memory_mib=demand.memory_mib,
        architecture=demand.architecture,
        volumes=len(demand.volumes),
    )


def pick_image(demand: Demand, images: Sequence[Offer]) -> Offer | None:
    """The image of the server's own OS version; else the oldest newer one of its family, else the family's newest."""
    family = [image for image in images if image.os_family == demand.os_family]
    wanted = version_key(demand.os_version)
    exact = [image for image in family if image.os_version == demand.os_version] or [
        image for image in family if demand.os_version and version_key(image.os_version)[:1] == wanted[:1]
    ]
    if exact:
        return min(exact, key=lambda i: (i.price is None, i.price or 0, i.name))
    newer = [image for image in family if demand.os_version and version_key(image.os_version) > wanted]
    if newer:
        return min(newer, key=lambda i: (version_key(i.os_version), i.name))
    return max(family, key=lambda i: (version_key(i.os_version), i.name), default=None)


def pick_storage(role: str, classes: Sequence[Offer]) -> Offer | None:
    """The cheapest storage class; a database takes ``ssd`` where it is sold."""
    fast = [offer for offer in classes if offer.name == "ssd"] if role == "database" else []
    return min(fast or classes, key=lambda c: (c.price is None, c.price or 0, c.name), default=None)


def is_older(version: str, than: str) -> bool:
    """Whether ``version`` is older, as far as it is told: 12 is not older than 12.5, and 11 is."""
    key = version_key(version)
    return bool(key) and key < version_key(than)[: len(key)]


def version_key(version: str) -> tuple[tuple[int, int, str], ...]:
    """``version`` so that 9 sorts before 10, and words after numbers."""
    parts = version.replace("-", ".").split(".") if version else []
    return tuple((0, int(part), "") if part.isdecimal() else (1, 0, part) for part in parts)
