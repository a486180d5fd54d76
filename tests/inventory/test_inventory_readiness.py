"""What stops a move, and what does not."""

from datetime import date

import pytest

from inventory.facts.devices import Device
from inventory.facts.disks import BlockDevice
from inventory.facts.filesystems import Mount
from inventory.facts.surroundings import Surroundings
from inventory.facts.system import System
from inventory.readiness import host_findings, os_findings, set_up_findings, system_findings
from inventory.readiness_data import data
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
    found: list[Finding] = system_findings(subject="h", source="ssh:h", system=system, wide=wide)
    found += host_findings(
        subject="h",
        source="ssh:h",
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
        ("PSE-I126", Severity.INFO),
        ("PSE-I124", Severity.WARNING),
    ]
    assert found[2].message == "it is a member of a cluster: corosync (Corosync)"


def set_up(
    *processes: str, init: str = "systemd", virtual: str = "kvm", uefi: bool = False
) -> list[tuple[str, Severity, str]]:
    found = set_up_findings(
        subject="h",
        source="ssh:h",
        surroundings=Surroundings(init=init, uefi=uefi),
        processes=("systemd", "chronyd", *processes),
        virtual=virtual,
    )
    assert all(f.remedy and f.source.startswith("ssh:h#") for f in found)
    return [(f.code, f.severity, f.message) for f in found]


def test_a_plain_set_up_has_no_finding() -> None:
    assert set_up("sshd", "nginx", "postgres", "hadoop", "rlmd", "dockerized", "oracle_exporter") == []


@pytest.mark.parametrize(
    ("process", "code", "words"),
    [
        ("had", "PSE-I124", "Veritas"),
        ("pacemakerd", "PSE-I124", "Pacemaker"),
        ("lmgrd", "PSE-I133", "bound to this hardware"),
        ("hasplmd", "PSE-I133", "Sentinel"),
        ("ora_pmon_ORCL", "PSE-I134", "Oracle"),
        ("sqlservr", "PSE-I134", "Software Assurance"),
        ("db2sysc", "PSE-I134", "Db2"),
        ("dockerd", "PSE-I135", "containers"),
        ("kubelet", "PSE-I135", "Kubernetes"),
    ],
)
def test_software_that_sets_conditions(process: str, code: str, words: str) -> None:
    ((found, severity, message),) = set_up(process)
    assert (found, severity) == (code, Severity.WARNING)
    assert words in message


def test_many_processes_of_one_product_are_one_condition() -> None:
    ((_, _, message),) = set_up(*(f"ora_pmon_DB{n}" for n in range(9)))
    assert message.endswith("ora_pmon_DB0, ora_pmon_DB1, ora_pmon_DB2 and 6 more (Oracle Database)")


def test_a_host_that_is_a_container_is_a_condition() -> None:
    assert [code for code, _, _ in set_up(virtual="docker", init="nginx")] == ["PSE-I136"]
    assert set_up(virtual="vmware") == []


def test_boot_by_uefi_is_told_and_is_no_condition() -> None:
    assert [(code, severity) for code, severity, _ in set_up(uefi=True)] == [("PSE-I126", Severity.INFO)]


@pytest.mark.parametrize(
    ("init", "processes", "codes"),
    [
        ("systemd", ("systemd", "sshd"), ["PSE-I132"]),
        ("systemd", ("systemd", "systemd-timesyn"), []),
        ("init", ("init", "ntpd"), []),
        ("bwrap", ("bwrap", "sshd"), []),
        ("systemd", ("sshd",), []),  # its first process is not shown, so others may be hidden, too
    ],
)
def test_a_clock_that_nobody_keeps(init: str, processes: tuple[str, ...], codes: list[str]) -> None:
    found = set_up_findings(subject="h", source="s", surroundings=Surroundings(init=init), processes=processes)
    assert [f.code for f in found] == codes


def test_support_that_ends_in_days_to_come_says_nothing_yet() -> None:
    name = "Microsoft Windows Server 2016 (64-bit)"
    assert os_findings(subject="h", source="s", name=name, on=date(2027, 1, 12)) == []
    (ended,) = os_findings(subject="h", source="s", name=name, on=date(2027, 1, 13))
    assert (ended.code, ended.message) == ("PSE-I121", f"support of {name} ended on 2027-01-12")


def test_the_data_is_whole() -> None:
    known = data()
    assert all(row.source and row.names for row in known.release)
    assert all(row.source and row.remedy and row.processes for row in known.software)
    assert all(len(name.rstrip("*")) <= 15 for row in known.software for name in row.processes)
    assert known.clock.processes
    seen: set[tuple[str, str]] = set()
    for row in known.release:
        for name in row.names:
            assert (name, row.version) not in seen, "a row that never counts"
            seen.add((name, row.version))


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
        (linux("amzn", "2"), "PSE-I121", Severity.WARNING),
        (linux("centos", "8"), "PSE-I121", Severity.WARNING),
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
    assert judged(system=linux("amzn", "2023")) == []


def test_a_cpu_without_long_mode_is_32_bit() -> None:
    assert judged(system=linux("debian", "12", bits=None), wide=False) == [("PSE-I102", Severity.ERROR)]


@pytest.mark.parametrize("fstype", ["reiserfs", "zfs", "ocfs2", "gfs2"])
def test_file_systems_that_stay(fstype: str) -> None:
    assert judged(fstypes=(fstype,)) == [("PSE-I103", Severity.ERROR)]


def test_a_file_system_that_sets_a_condition() -> None:
    assert judged(fstypes=("btrfs", "ext4")) == [("PSE-I125", Severity.WARNING)]


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
        ("Microsoft Windows Server 2008 or later (64-bit)", set()),
        ("Oracle Linux 6 (64-bit)", {"PSE-I101"}),
        ("SUSE Linux Enterprise 12 (64-bit)", {"PSE-I121"}),
        ("Red Hat Enterprise Linux 6 (64-bit)", {"PSE-I101"}),
        ("Red Hat Enterprise Linux 8 (64-bit)", set()),
        ("Ubuntu Linux (64-bit)", set()),
        ("", set()),
    ],
)
def test_names_as_hypervisors_give_them(name: str, codes: set[str]) -> None:
    assert {f.code for f in os_findings(subject="h", source="s", name=name)} == codes
