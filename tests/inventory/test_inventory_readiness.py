"""What stops a move, and what does not."""

import pytest

from inventory.facts.devices import Device
from inventory.facts.disks import BlockDevice
from inventory.facts.filesystems import Mount
from inventory.facts.surroundings import Surroundings
from inventory.facts.system import System
from inventory.readiness import host_findings, os_findings, set_up_findings
from pse.core.findings import Finding, Severity


def judged(
    *,
    system: System | None = None,
    wide: bool | None = True,
    fstypes: tuple[str, ...] = (),
    devices: tuple[Device, ...] = (),
    crypt: tuple[str, ...] = (),
    disks: tuple[BlockDevice, ...] = (),
) -> list[tuple[str, Severity]]:
    mounts = tuple(Mount(mount=f"/{t}", source="x", fstype=t, device="1:1") for t in fstypes)
    found: list[Finding] = host_findings(
        subject="h",
        source="ssh:h",
        system=system,
        wide=wide,
        mounts={"fstab": mounts},
        devices=devices,
        crypt=crypt,
        disks=disks,
    )
    assert all(f.remedy and f.source.startswith("ssh:h#") for f in found)
    return [(f.code, f.severity) for f in found]


def linux(name: str, version: str, *, bits: int | None = 64, machine: str = "x86_64") -> System:
    return System(family="x", id=name, version=version, name=f"{name} {version}", machine=machine, bits=bits)


def test_fips_mode_and_clusters_are_conditions() -> None:
    found = set_up_findings(
        subject="h",
        source="ssh:h",
        surroundings=Surroundings(fips=True, uefi=True),
        processes=("sshd", "corosync", "corosync-notify"),
    )
    assert [(f.code, f.severity) for f in found] == [
        ("PSE-I123", Severity.WARNING),
        ("PSE-I124", Severity.WARNING),
    ]
    assert "Corosync" in found[1].message


def test_a_plain_host_has_no_finding() -> None:
    tablet = Device(kind="usb", id="0627:0001", name="QEMU USB Tablet")
    assert judged(system=linux("debian", "12"), fstypes=("ext4", "xfs", "nfs4"), devices=(tablet,)) == []


@pytest.mark.parametrize(
    ("system", "code", "severity"),
    [
        (linux("rhel", "5.11"), "PSE-I101", Severity.ERROR),
        (linux("centos", "6"), "PSE-I101", Severity.ERROR),
        (linux("sles", "11.4"), "PSE-I101", Severity.ERROR),
        (linux("ubuntu", "14.04"), "PSE-I101", Severity.ERROR),
        (linux("debian", "10"), "PSE-I121", Severity.WARNING),
        (linux("rocky", "9.4", bits=32), "PSE-I102", Severity.ERROR),
        (linux("rocky", "9.4", bits=None, machine="i686"), "PSE-I102", Severity.ERROR),
    ],
)
def test_operating_systems(system: System, code: str, severity: Severity) -> None:
    assert judged(system=system) == [(code, severity)]


def test_what_is_said_of_images_is_of_providers() -> None:
    (finding,) = os_findings(subject="h", source="rvtools:f", name="CentOS 6 (64-bit)")
    assert finding.message == "support of CentOS 6 (64-bit) ended on 2020-11-30 and providers offer no image of it"


def test_versions_are_compared_by_part() -> None:
    assert judged(system=linux("rhel", "10.1")) == []
    assert judged(system=linux("debian", "70")) == []


def test_a_cpu_without_long_mode_is_32_bit() -> None:
    assert judged(system=linux("debian", "12", bits=None), wide=False) == [("PSE-I102", Severity.ERROR)]


@pytest.mark.parametrize("fstype", ["reiserfs", "zfs", "ocfs2", "gfs2"])
def test_file_systems_that_stay(fstype: str) -> None:
    assert judged(fstypes=(fstype,)) == [("PSE-I103", Severity.ERROR)]


def test_devices_that_stay() -> None:
    devices = (Device(kind="raw", id="raw1"), Device(kind="usb", id="0529:0001"), Device(kind="usb", id="1234:5678"))
    assert judged(devices=devices) == [
        ("PSE-I104", Severity.ERROR),
        ("PSE-I105", Severity.ERROR),
        ("PSE-I122", Severity.WARNING),
    ]


def test_shared_and_encrypted_volumes() -> None:
    disk = BlockDevice(name="mpatha", bytes=1, mapped="multipath")
    assert judged(disks=(disk,), crypt=("LUKS2 root",)) == [
        ("PSE-I106", Severity.ERROR),
        ("PSE-I120", Severity.WARNING),
    ]


@pytest.mark.parametrize(
    ("name", "codes"),
    [
        ("Microsoft Windows Server 2003 Standard (32-bit)", {"PSE-I101", "PSE-I102"}),
        ("Microsoft Windows Server 2008 R2 (64-bit)", {"PSE-I101"}),
        ("Microsoft Windows Server 2012 (64-bit)", {"PSE-I121"}),
        ("Microsoft Windows Server 2019 (64-bit)", set()),
        ("CentOS 4/5 or later (64-bit)", set()),
        ("Red Hat Enterprise Linux 6 (64-bit)", {"PSE-I101"}),
        ("Red Hat Enterprise Linux 8 (64-bit)", set()),
        ("Ubuntu Linux (64-bit)", set()),
        ("", set()),
    ],
)
def test_names_as_hypervisors_give_them(name: str, codes: set[str]) -> None:
    assert {f.code for f in os_findings(subject="h", source="s", name=name)} == codes
