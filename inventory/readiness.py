"""What stops or delays a move, as findings with a reason and a remedy; codes ``PSE-I1xx`` of severity error block."""

import re
from collections.abc import Iterable, Mapping
from datetime import date
from functools import cache, lru_cache
from importlib import resources

import msgspec

from inventory.facts.devices import Device
from inventory.facts.disks import BlockDevice
from inventory.facts.filesystems import Mount
from inventory.facts.surroundings import Surroundings
from inventory.facts.system import System
from pse.core.findings import Finding, Severity
from pse.core.text import printable

_UNSUPPORTED = frozenset({"reiserfs", "reiser4", "zfs", "ocfs2", "gfs2", "vxfs", "gpfs", "jfs"})
"""File systems that a fresh image of the same OS family does not bring along."""

_DONGLES = {
    "0529": "SafeNet HASP or eToken",
    "064f": "WIBU CodeMeter",
    "04b9": "Sentinel",
    "096e": "Feitian",
    "1bc0": "Senselock",
}
"""USB vendor ids of licence dongles. Source: the USB vendor id list."""

_PSEUDO_VENDORS = frozenset({"1d6b", "0627", "80ee", "0e0f", "1af4", "046b"})
"""Root hubs, and the tablets and keyboards of hypervisors and management boards: nothing that anybody would miss."""


_CLUSTERS = {
    "corosync": "Corosync",
    "pacemakerd": "Pacemaker",
    "keepalived": "addresses that wander, by VRRP",
    "ucarp": "addresses that wander, by CARP",
    "drbdd": "DRBD",
    "cmcld": "Serviceguard",
    "had": "Veritas Cluster Server",
    "ocssd.bin": "Oracle Clusterware",
    "glusterd": "GlusterFS",
    "ceph-osd": "Ceph",
    "patroni": "Patroni",
}
"""Processes of cluster software, as the kernel names them."""


class _Release(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    names: tuple[str, ...]
    version: str
    ended: date
    image: bool


class _Releases(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    release: tuple[_Release, ...]


def host_findings(
    *,
    subject: str,
    source: str,
    system: System | None,
    wide: bool | None,
    mounts: Mapping[str, Iterable[Mount]],
    devices: Iterable[Device],
    crypt: Iterable[str],
    disks: Iterable[BlockDevice],
) -> list[Finding]:
    """What the facts of a host say about its move.

    Args:
        subject: Host name for the findings.
        source: Where the facts come from; the fact's name is added.
        system: Operating system.
        wide: The CPU is a 64-bit one.
        mounts: By fact: what is mounted, and what should be.
        devices: USB and raw devices.
        crypt: Encrypted volumes.
        disks: Block devices.
    """
    make = _Maker(subject, source)
    if system is not None:
        make.os(system.name or system.id, system.version, "system", also=system.id)
        if system.bits == 32 or re.fullmatch(r"i[3-6]86", system.machine) or (wide is False and system.machine != ""):
            make.narrow("system")
    for fact, table in mounts.items():
        for mount in table:
            if mount.fstype.lower() in _UNSUPPORTED:
                make.block(
                    "PSE-I103",
                    f"the file system {mount.fstype} on {printable(mount.mount)} is on no image of a cloud",
                    "Copy its files to ext4 or xfs on a new server by hand, or retain the server.",
                    fact,
                )
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
    *, subject: str, source: str, surroundings: Surroundings, processes: Iterable[str]
) -> list[Finding]:
    """What the way a host is set up says about its move.

    Args:
        subject: Host name for the findings.
        source: Where the facts come from; the fact's name is added.
        surroundings: How it is set up.
        processes: Names of its processes.
    """
    make = _Maker(subject, source)
    if surroundings.fips:
        make.warn(
            "PSE-I123",
            "the kernel runs in FIPS mode: approved cryptography only",
            "Find out who demands it; the new server's image has to run in FIPS mode, too.",
            "surroundings",
        )
    for process in sorted(_CLUSTERS.keys() & set(processes)):
        make.warn(
            "PSE-I124",
            f"it is a member of a cluster: {process} runs ({_CLUSTERS[process]})",
            "Move its members together; give the new place what the cluster needs: shared addresses, disks, fencing.",
            "processes",
        )
    return make.found


def os_findings(*, subject: str, source: str, name: str) -> list[Finding]:
    """What an operating system's plain name says, as hypervisors give it: ``CentOS 4/5/6/7 (64-bit)`` is undecided."""
    make = _Maker(subject, source)
    words = name.lower()
    version = re.search(r"(?<![\d/])(\d+(?:\.\d+)?)(?![\d/]|-bit)", words)
    if "/" not in words.split("(", maxsplit=1)[0]:
        make.os(name, version[1] if version else "", "os")
    if "32-bit" in words:
        make.narrow("os")
    return make.found


class _Maker:
    def __init__(self, subject: str, source: str) -> None:
        self.found: list[Finding] = []
        self._subject = subject
        self._source = source

    def block(self, code: str, message: str, remedy: str, fact: str) -> None:
        self._add(code, Severity.ERROR, message, remedy, fact)

    def warn(self, code: str, message: str, remedy: str, fact: str) -> None:
        self._add(code, Severity.WARNING, message, remedy, fact)

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
        release = _find(f"{also} {name}".lower(), version)
        if release is None:
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
        self.block(
            "PSE-I102",
            "it runs 32-bit programs, and images are 64-bit",
            "Bring the application to a 64-bit release, or retain the server.",
            fact,
        )


def _device(make: _Maker, device: Device) -> None:
    vendor = device.id.partition(":")[0]
    if device.kind == "raw":
        make.block(
            "PSE-I104",
            f"the raw device {printable(device.id)} is bound; its data is in no file system",
            "Move the data by the database's own means.",
            "devices",
        )
    elif vendor in _DONGLES:
        make.block(
            "PSE-I105",
            f"a licence dongle is plugged in ({_DONGLES[vendor]}, {printable(device.name or device.id)})",
            "Ask the vendor for a licence without hardware, or retain the server.",
            "devices",
        )
    elif vendor not in _PSEUDO_VENDORS:
        make.warn(
            "PSE-I122",
            f"a USB device is plugged in ({printable(device.name or device.id)})",
            "Find out who uses it.",
            "devices",
        )


@lru_cache(maxsize=4096)  # an estate has few systems and many servers
def _find(name: str, version: str) -> _Release | None:
    for release in _releases():
        named = any(re.search(rf"(?<![a-z]){re.escape(n)}(?![a-z])", name) for n in release.names)
        if named and (version == release.version or version.startswith(release.version + ".") or not release.version):
            return release
    return None


@cache  # the file is part of the program and never changes while it runs
def _releases() -> tuple[_Release, ...]:
    raw = resources.files("inventory").joinpath("readiness.toml").read_bytes()
    return msgspec.toml.decode(raw, type=_Releases).release
