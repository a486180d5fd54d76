"""Sizes: what a server needs, from what was measured or allotted, and the image and disks that give it."""

from collections.abc import Sequence
from decimal import ROUND_CEILING, Decimal

import msgspec

from blueprints.model import Demand
from blueprints.sizing.shapes import Shapes
from pse.core.documents.offers import Offer
from pse.core.documents.sizing import SizingSettings
from pse.core.documents.snapshot import Server
from pse.core.documents.usage import Usage

MIB_PER_GIB = 1024
ASSUMED_VCPUS = 2
ASSUMED_MEMORY_MIB = 4096
_MEASURED = ("cpu", "memory", "iops", "disk_mbps", "network_mbps")
_USUAL = SizingSettings()
_MOST_STARS = 5
_POOR = Decimal(40)
"""Percent of the points of a window up to which it was seen too seldom to go far below an allotment."""
_SAME_ARCHITECTURE = {"amd64": "x86_64", "x64": "x86_64", "": "x86_64", "arm64": "aarch64"}


class Size(msgspec.Struct, frozen=True, kw_only=True):
    """What a server needs.

    Attributes:
        vcpus: Virtual CPUs.
        memory_mib: MiB of memory.
        iops: Reads and writes a second; 0 where nobody measured them.
        mbps: MB a second of its disks; 0 where nobody measured them.
        why: Where the numbers of compute come from.
        why_disks: Where IOPS and MB/s come from; empty without them.
        stars: How much of what sizing needs was measured; see `stars_of`.
        assumed: Names of the dimensions that no source knows, and that are an assumption.
        unscored: It is sized by measured CPU, of a CPU whose work nobody measured: its generation counts as 1.
    """

    vcpus: int
    memory_mib: int
    iops: int = 0
    mbps: int = 0
    why: str
    why_disks: str = ""
    stars: int = 1
    assumed: tuple[str, ...] = ()
    unscored: bool = False


def gib(mib: int | Decimal) -> int:
    """Whole GiB that hold ``mib`` MiB; at least 1."""
    return max(1, up(Decimal(mib) / MIB_PER_GIB))


def up(number: Decimal) -> int:
    """``number`` rounded up to a whole one."""
    return int(number.to_integral_value(rounding=ROUND_CEILING))


def size_of(server: Server, *, comfort: Decimal, usage: Usage | None = None, settings: SizingSettings = _USUAL) -> Size:
    """Size a server, each dimension by its measured use x ``comfort`` where it was measured, else by allotment.

    A measured dimension may come out above the allotment: a server at its limit needs more than it has.

    Args:
        server: As the snapshot has it, with the peaks that an import may give.
        comfort: Factor on measured use.
        usage: What was measured over time; it wins over the snapshot's peaks.
        settings: Whether peak or p95 counts, and how far a poor measurement is trusted.
    """
    stars = stars_of(usage)
    speed = usage.cpu_performance if usage and usage.cpu_performance else Decimal(1)
    cpu = _used(usage, "cpu", settings, server.cpu_peak)
    memory = _used(usage, "memory", settings, server.memory_peak)
    least = [_floor(usage, name, settings) for name in ("cpu", "memory")]
    vcpus, cpu_why, cpu_known = _dimension(server.vcpus, cpu, comfort * speed, least[0] * speed, ASSUMED_VCPUS, "vCPU")
    mib, memory_why, memory_known = _dimension(server.memory_mib, memory, comfort, least[1], ASSUMED_MEMORY_MIB, "MiB")
    iops, iops_why = _rate(usage, "iops", settings, comfort, "IOPS")
    mbps, mbps_why = _rate(usage, "disk_mbps", settings, comfort, "MB/s")
    return Size(
        vcpus=vcpus,
        memory_mib=mib,
        iops=iops,
        mbps=mbps,
        why=f"{cpu_why}; {memory_why}",
        why_disks=", ".join(filter(None, (iops_why, mbps_why))),
        stars=stars,
        assumed=tuple(name for name, known in (("vCPUs", cpu_known), ("memory", memory_known)) if not known),
        unscored=cpu is not None and speed == 1,
    )


def stars_of(usage: Usage | None) -> int:
    """Confidence in a size, 1 to 5 stars by the share of data points that sizing needs and that are there.

    Azure Migrate's scale: 0-20 % one star, 21-40 two, 41-60 three, 61-80 four, 81-100 five; the data are CPU, memory,
    IOPS and throughput of disks, and network traffic (Azure Migrate documentation, "Confidence ratings"). A peak of an
    import that says not over which time is no data point.
    """
    if usage is None:
        return 1
    there = sum(
        getattr(usage, f"{name}_p95") is not None or getattr(usage, f"{name}_peak") is not None for name in _MEASURED
    )
    percent = usage.coverage * there / len(_MEASURED)
    return min(_MOST_STARS, max(1, up(percent / 20)))


def _floor(usage: Usage | None, name: str, settings: SizingSettings) -> Decimal:
    """The share of the allotment below which a dimension does not go: none where its window was seen well enough."""
    seen = usage is not None and usage.coverage > _POOR and _measured(usage, name, settings) is not None
    return Decimal(0) if seen else Decimal(settings.floor_percent) / 100


def _used(
    usage: Usage | None, name: str, settings: SizingSettings, imported: float | None
) -> tuple[Decimal, str] | None:
    """The share of use that counts, 0 to 1, and what it is in words; None when it was not measured."""
    if usage is not None and (found := _measured(usage, name, settings)):
        return found[0] / 100, f"{found[1]} {found[0]:f} %"
    if imported is None:
        return None
    # str() gives the shortest decimal that is this float, so that the result does not hang on binary digits.
    share = Decimal(str(imported))
    return share, f"peak {share * 100:f} %"


def _measured(usage: Usage, name: str, settings: SizingSettings) -> tuple[Decimal, str] | None:
    other = "p95" if settings.use == "peak" else "peak"
    for kind in (settings.use, other):
        value: Decimal | None = getattr(usage, f"{name}_{kind}")
        if value is not None:
            return value, kind if kind == settings.use else f"{kind}, no {settings.use} was measured,"
    return None


def _rate(usage: Usage | None, name: str, settings: SizingSettings, comfort: Decimal, unit: str) -> tuple[int, str]:
    found = _measured(usage, name, settings) if usage is not None else None
    if found is None:
        return 0, ""
    needed = up(found[0] * comfort)
    return needed, f"{needed} {unit}: {found[1]} {found[0]:f} x {comfort}"


def _dimension(
    allotted: int | None, used: tuple[Decimal, str] | None, factor: Decimal, floor: Decimal, assumed: int, unit: str
) -> tuple[int, str, bool]:
    if allotted is None or allotted < 1:
        return assumed, f"{assumed} {unit} assumed, because no source knows", False
    if used is None:
        return allotted, f"{allotted} {unit} as allotted, because no use was measured", True
    share, words = used
    needed = max(1, up(allotted * share * factor))
    why = f"{needed} {unit}: {words} of {allotted} x {factor}"
    least = up(allotted * floor)
    if needed < least:
        return least, f"{least} {unit}: {why}, and not below the floor of a poor measurement", True
    return needed, why, True


def architecture_of(server: Server) -> str:
    """The server's architecture in the words of price books; x86_64 when no source knows it."""
    return _SAME_ARCHITECTURE.get(server.architecture, server.architecture)


def pick_shape(demand: Demand, shapes: Shapes) -> Offer | None:
    """The cheapest of ``shapes`` that fits."""
    return shapes.cheapest(demand)


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


def is_older(version: str, than: str) -> bool:
    """Whether ``version`` is older, as far as it is told: 12 is not older than 12.5, and 11 is."""
    key = version_key(version)
    return bool(key) and key < version_key(than)[: len(key)]


def version_key(version: str) -> tuple[tuple[int, int, str], ...]:
    """``version`` so that 9 sorts before 10, and words after numbers."""
    parts = version.replace("-", ".").split(".") if version else []
    return tuple((0, int(part), "") if part.isdecimal() else (1, 0, part) for part in parts)
