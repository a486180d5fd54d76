"""Kernel, clock, certificates and configuration: what sets a condition, and what does not."""

from datetime import UTC, datetime, timedelta

import pytest

from inventory.conditions import clock_findings, configuration_findings, kernel_findings, unread_findings
from inventory.configuration import configuration_of
from inventory.facts.certificates import Certificate
from inventory.facts.configured import Configured, Mention, Site
from inventory.facts.kernel import DRIVERS, Clock, Kernel
from inventory.facts.setup import Account, Job, Jobs, Services
from inventory.readiness_data import data
from pse.core.findings import Finding, Severity

SEEN = datetime(2026, 11, 26, 12, tzinfo=UTC)


def told(found: list[Finding]) -> list[tuple[str, str]]:
    assert all(f.severity is Severity.WARNING and f.remedy and f.source.startswith("ssh:h#") for f in found)
    return [(f.code, f.message) for f in found]


def kernel(found: Kernel | None) -> list[tuple[str, str]]:
    return told(kernel_findings(subject="h", source="ssh:h", kernel=found))


def test_a_kernel_with_all_drivers_has_no_finding() -> None:
    assert kernel(Kernel(drivers=tuple(DRIVERS), clock="tsc")) == []


def test_what_is_not_known_of_a_kernel_is_no_finding() -> None:
    assert kernel(None) == []
    assert kernel(Kernel(drivers=None, clock="tsc")) == []


def test_drivers_that_are_missing_are_named_by_platform() -> None:
    found = kernel(Kernel(drivers=("virtio_blk", "virtio_net", "xen-blkfront", "xen-netfront", "nvme")))
    assert found == [
        ("PSE-I127", "its kernel has no driver for disks or cards of Azure: hv_storvsc, hv_netvsc"),
    ]
    none = kernel(Kernel(drivers=()))
    assert len(none) == len(data().platform)
    assert none[0][1].endswith("KVM, as of OpenStack: virtio_blk or virtio_scsi, virtio_net")


def test_every_driver_of_the_data_is_looked_for() -> None:
    assert {name for platform in data().platform for one in platform.needs for name in one} <= set(DRIVERS)
    assert all(platform.source for platform in data().platform)


def test_modules_from_outside_and_a_clock_that_was_told() -> None:
    found = kernel(Kernel(drivers=tuple(DRIVERS), outside=("nvidia", "vxfs"), clock_told="tsc"))
    assert [code for code, _ in found] == ["PSE-I128", "PSE-I139"]
    assert "nvidia, vxfs" in found[0][1]


@pytest.mark.parametrize(
    ("off", "words"),
    [
        (-3600.0, "its clock is 3,600 seconds behind"),
        (86_400.0, "its clock is 86,400 seconds ahead"),
        (4.0, ""),
        (-4.0, ""),
        (0.0, ""),
    ],
)
def test_a_clock_that_is_wrong(off: float, words: str) -> None:
    began = SEEN - timedelta(seconds=30)
    at = (began if off < 0 else SEEN).timestamp() + off
    found = told(clock_findings(subject="h", source="ssh:h", clock=Clock(epoch_s=at), began=began, seen=SEEN))
    assert found == ([("PSE-I138", words)] if words else [])


def test_a_slow_answer_is_no_wrong_clock() -> None:
    began = SEEN - timedelta(seconds=90)
    clock = Clock(epoch_s=began.timestamp() + 45)
    assert clock_findings(subject="h", source="ssh:h", clock=clock, began=began, seen=SEEN) == []
    assert clock_findings(subject="h", source="ssh:h", clock=None, began=began, seen=SEEN) == []


def configuration(
    configured: Configured | None = None, certificates: tuple[Certificate, ...] = ()
) -> list[tuple[str, str]]:
    return told(
        configuration_findings(subject="h", source="ssh:h", configured=configured, certificates=certificates, seen=SEEN)
    )


def test_addresses_in_configuration_are_told_by_file() -> None:
    names = (Mention(file="/etc/a.conf", address="10.1.1.2"), Mention(file="/etc/a.conf", address="10.1.1.1"))
    more = tuple(Mention(file=f"/etc/b{n}.conf", address="10.1.1.1") for n in range(7))
    ((code, message),) = configuration(Configured(addresses=(*names, *more)))
    assert code == "PSE-I131"
    assert "/etc/a.conf (10.1.1.1, 10.1.1.2), /etc/b0.conf (10.1.1.1)" in message
    assert message.endswith("and 3 more")


def test_what_is_there_and_was_not_read_is_never_taken_for_none() -> None:
    site = Site(file="/etc/nginx/x", names=("a",), certificates=("/etc/a.pem", "/etc/b.pem", "relative.pem"))
    read_one = (Certificate(file="/etc/a.pem", names=("a",), issuer="i", until=SEEN),)
    found = unread_findings(
        subject="h",
        source="ssh:h",
        jobs=Jobs(denied=("/var/spool/cron/crontabs",)),
        configured=Configured(sites=(site,)),
        certificates=read_one,
    )
    assert [(f.code, f.severity, f.message) for f in found] == [
        ("PSE-I005", Severity.INFO, "users' jobs are not known: not permitted to read /var/spool/cron/crontabs"),
        ("PSE-I005", Severity.INFO, "certificates that sites name were not read: /etc/b.pem"),
    ]
    assert unread_findings(subject="h", source="s", jobs=Jobs(), configured=None, certificates=()) == []


def test_sites_without_addresses_are_no_finding() -> None:
    assert configuration(Configured(sites=(Site(file="/etc/nginx/x", names=("a",)),))) == []
    assert configuration() == []


@pytest.mark.parametrize(("days", "words"), [(-1, "ended on 2026-11-25"), (59, "ends on 2027-01-24"), (61, "")])
def test_certificates_that_end(days: int, words: str) -> None:
    one = Certificate(file="/etc/ssl/x.pem", names=("a.example.org",), issuer="i", until=SEEN + timedelta(days=days))
    found = configuration(certificates=(one,))
    assert found == ([("PSE-I137", f"the certificate /etc/ssl/x.pem of a.example.org {words}")] if words else [])


def test_rows_of_what_a_new_server_is_given() -> None:
    rows = configuration_of(
        services=Services(enabled=("a.service",), running=("a.service", "b.service"), own=("a.service",)),
        jobs=(Job(when="@daily", user="pay", program="/opt/x"), Job(when="timer", user="", program="t.timer")),
        accounts=(
            Account(kind="user", name="alice", id=1000, home="/home/alice", shell="/bin/bash"),
            Account(kind="group", name="dba", id=502, members=("alice",)),
        ),
        configured=Configured(sites=(Site(file="/etc/nginx/x", names=("a", "b"), listens=("443",), root="/srv"),)),
        certificates=(Certificate(file="/c.pem", names=("a",), issuer="CA", until=SEEN),),
        kernel=Kernel(outside=("vxfs",)),
        clock=Clock(epoch_s=0, servers=("ntp",)),
    )
    assert [(r.kind, r.name, r.value) for r in rows] == [
        ("certificate", "/c.pem", "until 2026-11-26, for a, by CA"),
        ("group", "dba", "502, alice"),
        ("job", "/opt/x", "@daily as pay"),
        ("job", "t.timer", "timer"),
        ("module", "vxfs", ""),
        ("service", "a.service", "enabled, running, written here"),
        ("service", "b.service", "running"),
        ("site", "a", "names b; listens on 443; serves /srv; in /etc/nginx/x"),
        ("time-server", "ntp", ""),
        ("user", "alice", "1000, /home/alice, /bin/bash"),
    ]
    nothing = configuration_of(
        services=None, jobs=(), accounts=(), configured=None, certificates=(), kernel=None, clock=None
    )
    assert nothing == ()
