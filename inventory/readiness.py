"""What stops or delays a move, as findings with a reason and a remedy; codes ``PSE-I1xx`` of severity error block."""

import re
from collections.abc import Iterable, Mapping
from datetime import date
from functools import lru_cache

from inventory.facts.devices import Device
from inventory.facts.disks import BlockDevice
from inventory.facts.filesystems import Mount
from inventory.facts.surroundings import Surroundings
from inventory.facts.system import System
from inventory.readiness_data import Release, data
from pse.core.findings import Finding, Severity
from pse.core.text import few, printable
from pse.core.time import now

_KEPT_BY_SYSTEM = frozenset({"systemd", "init"})
"""First processes of whole systems; any other is a container's, whose clock is not its own."""


def system_findings(
    *, subject: str, source: str, system: System | None, wide: bool | None, on: date | None = None
) -> list[Finding]:
    """What the operating system of a host says about its move.

    Args:
        subject: Host name for the findings.
        source: Where the facts come from; the fact's name is added.
        system: Operating system; None when unknown.
        wide: The CPU is a 64-bit one.
        on: The day on which support counts as ended or not; today when None.
    """
    make = Maker(subject, source, on)
    if system is not None:
        make.os(system.name or system.id, system.version, "system", also=system.id)
        if system.bits == 32 or re.fullmatch(r"i[3-6]86", system.machine) or (wide is False and system.machine != ""):
            make.narrow("system")
    return make.found


def host_findings(
    *,
    subject: str,
    source: str,
    mounts: Mapping[str, Iterable[Mount]],
    devices: Iterable[Device],
    crypt: Iterable[str],
    disks: Iterable[BlockDevice],
) -> list[Finding]:
    """What the facts of a host say about its move.

    Args:
        subject: Host name for the findings.
        source: Where the facts come from; the fact's name is added.
        mounts: By fact: what is mounted, and what should be.
        devices: USB and raw devices.
        crypt: Encrypted volumes.
        disks: Block devices.
    """
    make = Maker(subject, source)
    for fact, table in mounts.items():
        for mount in table:
            kind = data().filesystem_of(mount.fstype)
            if kind is not None:
                say = make.block if kind.blocks else make.warn
                message = f"the file system {mount.fstype} on {printable(mount.mount)} {kind.what}"
                say(kind.code, message, kind.remedy, fact)
    for device in devices:
        _device(make, device)
    for disk in disks:
        if disk.mapped == "multipath":
            make.block(
                "PSE-I106",
                f"the disk {printable(disk.name)} is a LUN of a storage network and may be shared",
                "Find out who else uses it; move its data as files or as a database.",
                "disks",
            )
    for volume in crypt:
        make.warn("PSE-I120", f"the volume {printable(volume)} is encrypted", "Plan for a new key.", "crypt")
    return make.found


def set_up_findings(
    *, subject: str, source: str, surroundings: Surroundings, processes: Iterable[str], virtual: str = ""
) -> list[Finding]:
    """What the way a host is set up, and what runs on it, says about its move.

    Args:
        subject: Host name for the findings.
        source: Where the facts come from; the fact's name is added.
        surroundings: How it is set up.
        processes: Names of its processes.
        virtual: What it runs on, as `inventory.facts.identity` says.
    """
    make = Maker(subject, source)
    if surroundings.fips:
        make.warn(
            "PSE-I123",
            "the kernel runs in FIPS mode: approved cryptography only",
            "Find out who demands it; the new server's image has to run in FIPS mode, too.",
            "surroundings",
        )
    if surroundings.uefi:
        make.tell(
            "PSE-I126",
            "it boots by UEFI" + (" with secure boot" if surroundings.secure_boot else ""),
            "For a move of its system disk let the new server boot by UEFI, too; a fresh image boots as it likes.",
            "surroundings",
        )
    if virtual in _CONTAINERS:
        make.warn(
            "PSE-I136",
            f"it is itself a container ({virtual}): CPUs, memory and disks are those of the machine around it",
            "Move what is in it as a container, or give its workload a size of its own.",
            "identity",
        )
    names = sorted(set(processes))
    _software(make, names)
    if surroundings.init in _KEPT_BY_SYSTEM and surroundings.init in names and not data().clock.processes & {*names}:
        make.warn(
            "PSE-I132",
            "no program keeps its clock right; perhaps its hypervisor does, which stays behind",
            "Let chrony or systemd-timesyncd keep the new server's clock.",
            "processes",
        )
    return make.found


_CONTAINERS = frozenset({"docker", "podman", "lxc"})
"""What a host runs on when it is one itself."""


def _software(make: "Maker", processes: list[str]) -> None:
    """One finding for each product, whatever the number of its processes."""
    for software in data().software:
        running: dict[str, list[str]] = {}
        for process in processes:
            if said := software.named(process):
                running.setdefault(said, []).append(process)
        for said, names in sorted(running.items()):
            message = f"{software.what}: {printable(few(names, 3))} ({said})"
            make.warn(software.code, message, software.remedy, "processes")


def os_findings(*, subject: str, source: str, name: str, on: date | None = None) -> list[Finding]:
    """What an operating system's plain name says, as hypervisors give it.

    ``CentOS 4/5/6/7 (64-bit)`` and ``Microsoft Windows Server 2016 or later (64-bit)`` are undecided.

    Args:
        subject: Server for the findings.
        source: Where the name comes from.
        name: The name.
        on: The day on which support counts as ended or not; today when None.
    """
    make = Maker(subject, source, on)
    words = name.lower()
    version = re.search(r"(?<![\d/])(\d+(?:\.\d+)?)(?![\d/]|-bit)", words)
    if "/" not in words.split("(", maxsplit=1)[0] and "or later" not in words:
        make.os(name, version[1] if version else "", "os")
    if "32-bit" in words:
        make.narrow("os")
    return make.found


class Maker:
    """Collects findings about one subject.

    Args:
        subject: Host name for the findings.
        source: Where the facts come from; the fact's name is added.
        on: The day on which support counts as ended or not; today when None.
    """

    def __init__(self, subject: str, source: str, on: date | None = None) -> None:
        self.found: list[Finding] = []
        self._on = on
        self._subject = subject
        self._source = source

    def block(self, code: str, message: str, remedy: str, fact: str) -> None:
        """Something that stops a move."""
        self._add(code, Severity.ERROR, message, remedy, fact)

    def warn(self, code: str, message: str, remedy: str, fact: str) -> None:
        """A condition of a move."""
        self._add(code, Severity.WARNING, message, remedy, fact)

    def tell(self, code: str, message: str, remedy: str, fact: str) -> None:
        """Something to know."""
        self._add(code, Severity.INFO, message, remedy, fact)

    def _add(self, code: str, severity: Severity, message: str, remedy: str, fact: str) -> None:
        self.found.append(
            Finding(
                code=code,
                severity=severity,
                subject=self._subject,
                message=message,
                remedy=remedy,
                source=f"{self._source}#{fact}",
            )
        )

    def os(self, name: str, version: str, fact: str, *, also: str = "") -> None:
        """An operating system."""
        release = _find(f"{also} {name}".lower(), version)
        if release is None or release.ended >= (self._on or now().date()):
            return
        shown = printable(f"{name} {version}" if version not in name else name).strip()
        if release.image:
            self.warn("PSE-I121", f"support of {shown} ended on {release.ended}", "Upgrade it after the move.", fact)
        else:
            self.block(
                "PSE-I101",
                f"support of {shown} ended on {release.ended} and providers offer no image of it",
                "Bring the application to a maintained release, replace it, or retain the server.",
                fact,
            )

    def narrow(self, fact: str) -> None:
        """A system of 32 bits."""
        self.block(
            "PSE-I102",
            "it runs 32-bit programs, and images are 64-bit",
            "Bring the application to a 64-bit release, or retain the server.",
            fact,
        )


def _device(make: Maker, device: Device) -> None:
    vendor = device.id.partition(":")[0]
    if device.kind == "raw":
        make.block(
            "PSE-I104",
            f"the raw device {printable(device.id)} is bound; its data is in no file system",
            "Move the data by the database's own means.",
            "devices",
        )
    elif vendor in data().usb.dongles:
        make.block(
            "PSE-I105",
            f"a licence dongle is plugged in ({data().usb.dongles[vendor]}, {printable(device.name or device.id)})",
            "Ask the vendor for a licence without hardware, or retain the server.",
            "devices",
        )
    elif vendor not in data().usb.own:
        make.warn(
            "PSE-I122",
            f"a USB device is plugged in ({printable(device.name or device.id)})",
            "Find out who uses it.",
            "devices",
        )


@lru_cache(maxsize=4096)  # an estate has few systems and many servers
def _find(name: str, version: str) -> Release | None:
    for release in data().release:
        named = any(re.search(rf"(?<![a-z]){re.escape(n)}(?![a-z])", name) for n in release.names)
        if named and (version == release.version or version.startswith(release.version + ".") or not release.version):
            return release
    return None
