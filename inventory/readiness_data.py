"""What `readiness.toml` holds: releases, software, file systems and devices that stop or delay a move."""

from collections.abc import Collection
from datetime import date
from fnmatch import fnmatchcase
from functools import cache
from importlib import resources

import msgspec


class Release(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One release of an operating system.

    Attributes:
        names: Ids of the distribution, or words of its name.
        version: Start of its version; empty for any.
        ended: Last day of general support; it may lie ahead.
        image: Clouds still offer a maintained image.
        source: Where the date is written.
    """

    names: tuple[str, ...]
    version: str
    ended: date
    image: bool
    source: str


class Software(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Software that is known by its processes.

    Attributes:
        code: Of the finding.
        what: What it means for a move.
        remedy: What to do about it.
        source: Where that is written.
        processes: Patterns of names, as the kernel cuts them to 15 characters, and what each stands for.
    """

    code: str
    what: str
    remedy: str
    source: str
    processes: dict[str, str]

    def named(self, process: str) -> str:
        """What ``process`` stands for; empty when it is none of these."""
        return next((said for pattern, said in self.processes.items() if fnmatchcase(process, pattern)), "")


class Clock(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Names of the processes that keep a clock right."""

    processes: frozenset[str]
    source: str


class Platform(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A hypervisor of a cloud, and the drivers of its disks and cards: of each list one is needed."""

    name: str
    needs: tuple[tuple[str, ...], ...]
    source: str

    def lacks(self, drivers: Collection[str]) -> list[str]:
        """What a kernel with ``drivers`` lacks: one text a list, with what would do."""
        return [" or ".join(one) for one in self.needs if not set(one) & set(drivers)]


class FilesystemKind(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Types of file systems, whether they block a move, and why."""

    types: frozenset[str]
    code: str
    blocks: bool
    what: str
    remedy: str
    source: str


class USB(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Vendor ids: of licence dongles with their names, and of what hypervisors and management boards plug in."""

    dongles: dict[str, str]
    own: frozenset[str]
    source: str


class Data(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The whole file."""

    release: tuple[Release, ...]
    software: tuple[Software, ...]
    clock: Clock
    platform: tuple[Platform, ...]
    filesystem: tuple[FilesystemKind, ...]
    usb: USB

    def filesystem_of(self, fstype: str) -> FilesystemKind | None:
        """What is said of a type of file system; None for nothing."""
        return next((kind for kind in self.filesystem if fstype.lower() in kind.types), None)


@cache  # the file is part of the program and never changes while it runs
def data() -> Data:
    """What the program brings along."""
    return msgspec.toml.decode(resources.files("inventory").joinpath("readiness.toml").read_bytes(), type=Data)
