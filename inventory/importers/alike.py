"""What is the same in many rows of a file, worked out once: which cells are what, and what a system's name says."""

from functools import lru_cache

import msgspec

from inventory.importers.measured import FIELDS
from inventory.importers.values import architecture, os_family, os_version
from inventory.readiness import os_findings
from pse.core.findings import Finding

ATTRIBUTE = "attribute:"
"""Prefix of a column that is kept as an attribute, among a row's cells."""
_SIZES = ("memory", "disk_total", "disk_capacity", "disk_used")
_IDENTITY = ("uuid", "machine_id", "serial", "dns")
_USE = frozenset({"cpu_p95", "cpu_peak", "memory_peak", "memory_used_peak"})
TAG = "tag:"
"""Prefix of a known column whose value is kept as a tag under the name that follows."""


class Shape(msgspec.Struct, frozen=True, kw_only=True):
    """Which cells of a row are what, worked out once for all rows that have the same ones."""

    addresses: tuple[str, ...]
    macs: tuple[str, ...]
    disks: tuple[str, ...]
    tags: tuple[str, ...]
    named: tuple[tuple[str, str], ...]
    sizes: tuple[str, ...]
    identity: tuple[str, ...]
    use: bool
    measured: tuple[str, ...]


@lru_cache(maxsize=256)
def shape_of(names: tuple[str, ...]) -> Shape:
    """The shape of a row whose cells have these ``names``."""

    def of(field: str) -> tuple[str, ...]:
        return tuple(name for name in names if name.partition("#")[0] == field)

    prefixes = (ATTRIBUTE, TAG)
    return Shape(
        addresses=of("addresses"),
        macs=of("macs"),
        disks=of("disk"),
        tags=of("tags"),
        named=tuple((n, n.removeprefix(p)) for n in names for p in prefixes if n.startswith(p)),
        sizes=tuple(name for name in _SIZES if name in names),
        identity=tuple(name for name in _IDENTITY if name in names),
        use=not _USE.isdisjoint(names),
        measured=tuple(n for n in names if n.partition("#")[0].partition("~")[0] in FIELDS),
    )


class System(msgspec.Struct, frozen=True, kw_only=True):
    """An operating system as a row names it; ``told`` is what `os_findings` says of it, of no server yet."""

    name: str
    family: str
    version: str
    architecture: str
    told: tuple[Finding, ...]


@lru_cache(maxsize=4096)
def system_of(name: str, version: str, word: str) -> System:
    """The system of a row by its name, its version and its word for the architecture, any of them empty."""
    family, named = os_family(name), os_version(name)
    full = name if any(map(str.isdigit, name)) else f"{name} {version}".strip()
    return System(
        name=name,
        family=family,
        # Windows is known by the year in its name; its version is that of the kernel.
        version=named if named and family == "windows" else version or named,
        architecture=architecture(word, name),
        told=tuple(os_findings(subject="", source="", name=full)) if name else (),
    )
