"""The kernel: drivers that it could use elsewhere, modules from outside it, and what it takes for its clock."""

import re
from types import MappingProxyType

import msgspec

from inventory.facts.base import Fact, Section, by_path, first, text

DRIVERS = MappingProxyType(
    {
        "virtio_blk": "drivers/block",
        "virtio_scsi": "drivers/scsi",
        "virtio_net": "drivers/net",
        "nvme": "drivers/nvme/host",
        "ena": "drivers/net/ethernet/amazon/ena",
        "xen-blkfront": "drivers/block",
        "xen-netfront": "drivers/net",
        "hv_storvsc": "drivers/scsi",
        "hv_netvsc": "drivers/net/hyperv",
        "gve": "drivers/net/ethernet/google/gve",
    }
)
"""Drivers of the disks and cards that clouds have, and where a kernel keeps them as modules."""

_OUTSIDE = re.compile(r"^(\S+) .*\(([A-Z]*[OP][A-Z]*)[+-]?\)$")
_CLOCK = "/sys/devices/system/clocksource/clocksource0/current_clocksource"
_TOLD = re.compile(r"(?:^| )clocksource=(\S+)")
_MOST = 500


class Kernel(msgspec.Struct, frozen=True, kw_only=True):
    """What of the kernel matters elsewhere.

    Attributes:
        drivers: Those of `DRIVERS` that it has, as modules or built in; None where its modules are not to be seen.
        outside: Loaded modules that did not come with it, or are not free; sorted.
        clock: What it counts time by.
        clock_told: The same, where its command line says so.
    """

    drivers: tuple[str, ...] | None = None
    outside: tuple[str, ...] = ()
    clock: str = ""
    clock_told: str = ""


class KernelFact(Fact[Kernel]):
    """Drivers for other hypervisors, modules from outside, clock source. Builtins look for files; nothing is run.

    A driver that is built in shows in /sys once it is registered, also without its device; not all are.
    """

    name = "kernel"
    section = Section(
        sh=f"""
k=
read -r k < /proc/sys/kernel/osrelease
if [ -d "/lib/modules/$k/kernel" ]; then echo "modules:yes"; fi
for d in {" ".join(f"{folder}/{name}" for name, folder in DRIVERS.items())}; do
  n=${{d##*/}}
  for f in "/lib/modules/$k/kernel/$d".ko* /sys/module/$n /sys/bus/*/drivers/$n; do
    if [ -e "$f" ]; then echo "driver:$n"; break; fi
  done
done
:""",
        files=("/proc/modules", "/proc/cmdline", _CLOCK),
        reads=("/proc/sys/kernel/osrelease", "/lib/modules (names)", "/sys/module, /sys/bus/*/drivers (names)"),
        group="quick",
    )

    def parse(self, raw: bytes) -> Kernel | None:
        """See `Kernel`; None when nothing is known."""
        files = by_path(raw)
        lines = raw.splitlines()
        drivers = tuple(name for name in DRIVERS if f"driver:{name}".encode() in lines)
        outside = {match[1] for line in files.get("/proc/modules", ()) if (match := _OUTSIDE.match(line))}
        told = _TOLD.search(first(files, "/proc/cmdline"))
        found = Kernel(
            drivers=drivers if b"modules:yes" in lines else None,
            outside=tuple(sorted(outside))[:_MOST],
            clock=first(files, _CLOCK),
            clock_told=told[1] if told else "",
        )
        return found if found != Kernel() else None


class Clock(msgspec.Struct, frozen=True, kw_only=True):
    """What time it is there.

    Attributes:
        epoch_s: Seconds since 1970 when it was asked, to a second or so.
        servers: Time servers that its configuration names, sorted.
    """

    epoch_s: float
    servers: tuple[str, ...] = ()


_BTIME = re.compile(rb"^/proc/stat:btime (\d{1,12})$", re.MULTILINE)
_UPTIME = re.compile(rb"^uptime (\d{1,12}(?:\.\d{1,3})?)$", re.MULTILINE)
_SERVER = re.compile(r"^(?:server|pool|peer)\s+([\w.:-]+)|^(?:Fallback)?NTP\s*=\s*(.*)$")


class ClockFact(Fact[Clock]):
    """The host's time: when it started, as its kernel counts now, and how long it runs; no program is asked."""

    name = "clock"
    section = Section(
        sh='read -r up rest < /proc/uptime && echo "uptime $up"',
        files=(
            *("/proc/stat", "/etc/chrony.conf", "/etc/chrony/chrony.conf", "/etc/ntp.conf"),
            "/etc/systemd/timesyncd.conf",
        ),
        reads=("/proc/uptime",),
        group="quick",
    )

    def parse(self, raw: bytes) -> Clock | None:
        """See `Clock`; None when the kernel does not say."""
        started, ran = _BTIME.search(raw), _UPTIME.search(raw)
        if started is None or ran is None:
            return None
        servers: set[str] = set()
        for path, lines in by_path(raw).items():
            for line in lines if path.startswith("/etc/") else ():
                if match := _SERVER.match(line):
                    servers |= {match[1]} if match[1] else {*match[2].split()}
        return Clock(epoch_s=int(started[1]) + float(text(ran[1])), servers=tuple(sorted(servers))[:_MOST])
