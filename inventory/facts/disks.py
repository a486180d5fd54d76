"""Block devices."""

import re

import msgspec

from inventory.facts.base import Fact, Section, by_path, number, text

_FILE = re.compile(r"^/sys/block/([^/]+)/(size|removable|ro|device/vendor|device/model|dm/name|dm/uuid)$")
_VIRTUAL = re.compile(r"^(loop|ram|zram|sr|fd|nbd)\d+$")


_NUMBERS = re.compile(rb"^(?:/sys/block/[^\n:]*/dev:)?(\d{1,6}:\d{1,8})$", re.MULTILINE)


class BlockDevice(msgspec.Struct, frozen=True, kw_only=True):
    """One block device that holds data of its own.

    Attributes:
        name: Kernel's name.
        bytes: Size in bytes.
        removable: Can be taken out.
        vendor: SCSI vendor.
        model: SCSI model.
        mapped: ``multipath`` for a multipath map, else empty.
    """

    name: str
    bytes: int
    removable: bool = False
    vendor: str = ""
    model: str = ""
    mapped: str = ""


class DisksFact(Fact[tuple[BlockDevice, ...]]):
    """Sizes are in units of 512 bytes whatever the sector size is.

    Logical volumes and software RAID lie on disks that are listed themselves; they are left out, so that nothing is
    counted twice. Multipath maps are kept, marked, because the paths below them look like disks of their own.
    """

    name = "disks"
    section = Section(
        files=(
            *("/sys/block/*/size", "/sys/block/*/removable", "/sys/block/*/device/vendor", "/sys/block/*/device/model"),
            *("/sys/block/*/dm/name", "/sys/block/*/dm/uuid"),
        ),
        group="quick",
    )

    def parse(self, raw: bytes) -> tuple[BlockDevice, ...] | None:
        """See `BlockDevice`, sorted by name; None when the host has no disk of its own."""
        devices: dict[str, dict[str, str]] = {}
        for path, lines in by_path(raw).items():
            match = _FILE.match(path)
            if match:
                devices.setdefault(match[1], {})[match[2]] = lines[0]
        found = []
        for name, files in sorted(devices.items()):
            sectors = number(files.get("size", ""))
            uuid = files.get("dm/uuid", "")
            derived = name.startswith("md") or (name.startswith("dm-") and not uuid.startswith("mpath-"))
            if not sectors or derived or _VIRTUAL.match(name):
                continue
            found.append(
                BlockDevice(
                    name=files.get("dm/name") or name.replace("!", "/"),
                    bytes=sectors * 512,
                    removable=files.get("removable") == "1",
                    vendor=files.get("device/vendor", ""),
                    model=files.get("device/model", ""),
                    mapped="multipath" if uuid.startswith("mpath-") else "",
                )
            )
        return tuple(found) or None


class CryptFact(Fact[tuple[str, ...]]):
    """Encrypted volumes: names of dm-crypt maps, from their kernel uuid (``CRYPT-LUKS2-…``)."""

    name = "crypt"
    section = Section(files=("/sys/block/*/dm/uuid",), group="quick")

    def parse(self, raw: bytes) -> tuple[str, ...] | None:
        """Names such as ``LUKS2 root``; None when nothing is encrypted here."""
        found = set()
        for line in raw.splitlines():
            match = re.match(rb"^/sys/block/dm-\d+/dm/uuid:CRYPT-([A-Z0-9]+)-[0-9a-f]*-?(.*)$", line)
            if match:
                found.add(f"{text(match[1])} {text(match[2])}".strip())
        return tuple(sorted(found)) or None


class BlockNumbersFact(Fact[tuple[str, ...]]):
    """Numbers of all block devices, also of partitions and volumes: which file systems lie on disks of this host."""

    name = "block_numbers"
    section = Section(files=("/sys/block/*/dev", "/sys/block/*/*/dev"), group="quick")

    def parse(self, raw: bytes) -> tuple[str, ...] | None:
        """``major:minor``, sorted; None when the host shows none."""
        return tuple(sorted({text(number) for number in _NUMBERS.findall(raw)})) or None
