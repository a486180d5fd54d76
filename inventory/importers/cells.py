"""The cells of one row as values: CPUs, sizes, disks, shares of use, tags."""

import math
from collections.abc import Iterable, Iterator, Mapping

import msgspec

from inventory.importers.alike import Shape
from inventory.importers.values import Numbers, flag, hypervisor, mib, share
from pse.core.documents.snapshot import Disk

WHOLE = "all disks"
"""Name of the one disk that stands for all of them where a file has their sum only."""


class Way(msgspec.Struct, frozen=True, kw_only=True):
    """How the cells of one table are to be read.

    Attributes:
        numbers: How it writes numbers.
        units: Key of `inventory.importers.values.UNITS` by field, for sizes.
        virtual: What its machines run on where a row says nothing.
        key: Fields that together tell its machines apart.
        named_by: Fields that may give a machine its name, the best first.
        ran: A share of CPU above zero proves that the machine runs.
    """

    numbers: Numbers
    units: dict[str, str]
    virtual: str = ""
    key: tuple[str, ...] = ("vcenter", "id", "name")
    named_by: tuple[str, ...] = ("name", "dns", "addresses")
    ran: bool = False


def other_name(cells: Mapping[str, str], way: Way, known: Iterable[str]) -> str:
    """What names a machine that has no name: a less sure field, or its first address; empty for nothing."""
    said = (min(known, default="") if field == "addresses" else cells.get(field) for field in way.named_by)
    return next(filter(None, said), "")


def key_of(cells: Mapping[str, str], way: Way) -> tuple[str, ...]:
    """What tells one machine of a file from the others."""
    return tuple([cells.get(field, "") for field in way.key])  # a list is quicker than a generator


def count_in(cells: Mapping[str, str], field: str, numbers: Numbers) -> float | None:
    """The number in a cell; None without it.

    Raises:
        ValueError: It is no number of anything; the field is named.
    """
    if field not in cells:
        return None
    try:
        return numbers.count(cells[field])
    except ValueError as exc:
        raise ValueError(f"{field} is {exc}") from None


def cpus_in(cells: Mapping[str, str], numbers: Numbers) -> float | None:
    """CPUs of a machine, or its sockets times their cores; raises as `count_in`."""
    found = count_in(cells, "vcpus", numbers)
    if found is not None:
        return found
    sockets, cores = count_in(cells, "sockets", numbers), count_in(cells, "cores", numbers)
    if sockets is None and cores is None:
        return None
    return (1.0 if sockets is None else sockets) * (1.0 if cores is None else cores)


def size_in(cells: Mapping[str, str], field: str, way: Way) -> float:
    """MiB in a cell that is there; raises as `count_in`."""
    try:
        return way.numbers.mib(cells[field], way.units.get(field, ""))
    except ValueError as exc:
        raise ValueError(f"{field} is {exc}") from None


def sizes_in(cells: Mapping[str, str], fields: tuple[str, ...], way: Way) -> dict[str, float]:
    """MiB in each of these cells; raises as `count_in`."""
    numbers, units = way.numbers, way.units
    try:
        return {field: mib(numbers, cells[field], units.get(field, "")) for field in fields}
    except ValueError:
        return {field: size_in(cells, field, way) for field in fields}  # says which one


def disks_in(cells: Mapping[str, str], names: Iterable[str], sizes: Mapping[str, float], way: Way) -> tuple[Disk, ...]:
    """Disks that stand in the row itself; where it has their sum only, one disk of that size."""
    found = [
        Disk(server="", name=f"disk {name.removeprefix('disk#')}", size_mib=math.ceil(size))
        for name in names
        if (size := size_in(cells, name, way))
    ]
    if found:
        return tuple(found)
    used, whole = sizes.get("disk_used"), sizes.get("disk_capacity") or sizes.get("disk_total")
    if not whole:
        return ()
    used_mib = None if used is None else math.ceil(used)
    return (Disk(server="", name=WHOLE, size_mib=math.ceil(whole), used_mib=used_mib, kind="unknown"),)


def share_in(cells: Mapping[str, str], field: str, numbers: Numbers) -> float | None:
    """Use is a hint for sizing: what cannot be read is not known, and costs no row."""
    try:
        return share(numbers.number(cells[field].rstrip("% "))) if field in cells else None
    except ValueError:
        return None


def memory_peak_in(cells: Mapping[str, str], memory: float | None, way: Way) -> float | None:
    """Peak share of memory, said as such or as a size."""
    if "memory_used_peak" in cells and memory:
        try:
            used = way.numbers.mib(cells["memory_used_peak"], way.units.get("memory_used_peak", "m"))
        except ValueError:
            return None
        return round(min(used / memory, 1.0), 4)
    return share_in(cells, "memory_peak", way.numbers)


def runs_on(cells: Mapping[str, str], way: Way) -> str:
    """The hypervisor, ``physical``, or empty for unknown."""
    if "physical" in cells:
        if flag(cells["physical"]) or cells["physical"].casefold() == "physical":
            return "physical"
    elif "is_virtual" in cells and cells["is_virtual"].casefold() in {"false", "0", "no", "n"}:
        return "physical"
    return (hypervisor(cells["virtual"]) if "virtual" in cells else "") or way.virtual


def tags_in(cells: Mapping[str, str], shape: Shape, more: tuple[str, ...]) -> tuple[str, ...]:
    """Tags of a row and ``more``, sorted."""
    found = [f"{tag}={cells[name]}" for name, tag in shape.named]
    for name in shape.tags:
        found += pairs(cells[name])
    found += more
    return tuple(sorted(set(found))) if len(found) > 1 else tuple(found)


def pairs(text: str) -> Iterator[str]:
    """Tags of one cell: ``owner:finance, tier:1`` or names alone."""
    for part in text.replace(";", ",").split(","):
        if word := part.strip():
            name, sign, value = word.partition(":")
            yield f"{name.strip()}={value.strip()}" if sign else f"tag={word}"
