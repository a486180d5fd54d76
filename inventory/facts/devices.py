"""Devices that stay behind when a server moves."""

import re

import msgspec

from inventory.facts.base import Fact, Section, text

_FILE = re.compile(rb"^(/sys/bus/usb/devices/[^/\n]+)/(idVendor|idProduct|product|bDeviceClass):(.*)$")
_HUB = "09"


class Device(msgspec.Struct, frozen=True, kw_only=True):
    """One device: ``usb`` with ``vendor:product`` as its id, or ``raw`` with the name of a raw device."""

    kind: str
    id: str
    name: str = ""


class DevicesFact(Fact[tuple[Device, ...]]):
    """USB devices that are not hubs, and bound raw devices, which databases of another age write to directly."""

    name = "devices"
    section = Section(
        sh="""
for d in /sys/class/raw/raw[0-9]* /dev/raw/raw[0-9]*; do if [ -e "$d" ]; then echo "raw:${d##*/}"; fi; done
:""",
        files=(
            *("/sys/bus/usb/devices/*/idVendor", "/sys/bus/usb/devices/*/idProduct"),
            *("/sys/bus/usb/devices/*/product", "/sys/bus/usb/devices/*/bDeviceClass"),
        ),
        reads=("/sys/class/raw", "/dev/raw"),
        group="quick",
    )

    def parse(self, raw: bytes) -> tuple[Device, ...] | None:
        """See `Device`, sorted; None when there is none."""
        usb: dict[bytes, dict[str, str]] = {}
        found = set()
        for line in raw.splitlines():
            if match := _FILE.match(line):
                usb.setdefault(match[1], {})[text(match[2])] = text(match[3])
            elif line.startswith(b"raw:raw"):
                found.add(Device(kind="raw", id=text(line[4:])))
        for files in usb.values():
            if "idVendor" in files and files.get("bDeviceClass") != _HUB:
                ids = f"{files['idVendor']}:{files.get('idProduct', '')}".lower()
                found.add(Device(kind="usb", id=ids, name=files.get("product", "")))
        return tuple(sorted(found, key=lambda d: (d.kind, d.id, d.name))) or None
