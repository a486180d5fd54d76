"""Readings put together: what is counted, what is left out, and what is never taken for more than it is."""

from datetime import UTC, datetime
from typing import Any

import pytest

from inventory.facts import Outcome, Reading
from inventory.facts.configured import Configured, Mention
from inventory.facts.databases import PostgresDatabase, PostgresServer
from inventory.facts.disks import BlockDevice
from inventory.facts.filesystems import Mount
from inventory.facts.kernel import Clock, Kernel
from inventory.facts.mariadb import MariadbDatabase, MariadbServer
from inventory.facts.nics import Interface
from inventory.facts.packages import Package
from inventory.facts.setup import Account, Services
from inventory.facts.sockets import Socket
from inventory.hosts import HostEntry
from inventory.sighting import sighting_of
from pse.core.documents.snapshot import Database, Sighting

MIB = 1024 * 1024


def sight(address: str = "10.0.0.5", **values: Any) -> Sighting:
    entry = HostEntry(name="h", address=address, port=22, user="u", key="file:k", tags=("b=2", "a=1"))
    readings = {
        name: value if isinstance(value, Reading) else Reading(outcome=Outcome.VALUE, value=value)
        for name, value in values.items()
    }
    seen = datetime(2026, 11, 1, tzinfo=UTC)
    return sighting_of(entry, readings, host_key="k", seen=seen, began=seen)


def disk(name: str = "sda", size: int = 1000 * MIB, **more: Any) -> BlockDevice:
    return BlockDevice(name=name, bytes=size, **more)


def mount(
    at: str, device: str = "8:1", *, size: int = 900, used: int = 100, root: str = "/", fstype: str = "ext4"
) -> Mount:
    return Mount(mount=at, source="x", fstype=fstype, device=device, root=root, size=size * MIB, used=used * MIB)


def test_nothing_known_is_nothing_claimed() -> None:
    found = sight()
    assert (found.server.hostname, found.server.vcpus, found.server.os_family) == ("h", None, "")
    assert found.server.addresses == ()
    assert found.server.tags == ("a=1", "b=2")


def test_what_a_host_is_set_up_with_is_kept_and_judged() -> None:
    found = sight(
        services=Services(enabled=("ssh.service",)),
        accounts=(Account(kind="user", name="alice", id=1000),),
        kernel=Kernel(outside=("vxfs",)),
        clock=Clock(epoch_s=0.0),
        configured=Configured(addresses=(Mention(file="/etc/x", address="10.0.0.9"),)),
    )
    assert [(c.kind, c.name) for c in found.configuration] == [
        ("module", "vxfs"),
        ("service", "ssh.service"),
        ("user", "alice"),
    ]
    assert {f.code for f in found.findings} == {"PSE-I128", "PSE-I131", "PSE-I138"}
    assert sight().configuration == ()


def test_a_mount_seen_twice_is_one_file_system_and_the_root_stands_for_it() -> None:
    found = sight(
        mounts=(mount("/srv", root="/srv"), mount("/"), mount("/x", "8:17", size=50, used=1)), disks=(disk(),)
    )
    assert [f.mount for f in found.filesystems] == ["/", "/x"]
    assert found.disks[0].used_mib == 101


def test_use_is_not_guessed_with_several_disks_or_a_file_system_larger_than_the_disk() -> None:
    assert [d.used_mib for d in sight(mounts=(mount("/"),), disks=(disk(), disk("sdb"))).disks] == [None, None]
    assert sight(mounts=(mount("/", size=2000),), disks=(disk(),)).disks[0].used_mib is None


def test_a_file_system_on_no_device_of_the_host_says_nothing_about_it() -> None:
    found = sight(mounts=(mount("/", "254:0"),), disks=(disk(),), block_numbers=("8:0", "8:1"))
    assert found.filesystems[0].size_mib is None
    assert found.disks[0].used_mib is None
    kept = sight(mounts=(mount("/", "0:30", fstype="btrfs"),), disks=(disk(),), block_numbers=("8:0",))
    assert kept.disks[0].used_mib == 100


def test_removable_media_and_network_mounts_are_left_out() -> None:
    found = sight(disks=(disk(), disk("sr9", removable=True)), mounts=(mount("/n", "0:50", fstype="nfs4"),))
    assert [d.name for d in found.disks] == ["sda"]
    assert found.filesystems == ()


@pytest.mark.parametrize(("address", "want"), [("10.0.0.5", ("10.0.0.5", "fd00::5")), ("127.9.9.9", ("127.9.9.9",))])
def test_addresses_are_the_hosts_own(address: str, want: tuple[str, ...]) -> None:
    nics = (
        Interface(name="eth0", mac="52:54:00:00:00:01", addresses=("10.0.0.5", "fd00::5")),
        Interface(name="lo", addresses=("127.0.0.1",), loopback=True),
    )
    found = sight(address, nics=nics)
    assert found.server.addresses == want
    assert found.identity["macs"] == "52:54:00:00:00:01"
    assert [n.name for n in found.nics] == ["eth0"]


def sock(port: int, inode: int, *, listening: bool = True, remote_port: int = 0) -> Socket:
    return Socket(
        protocol="tcp",
        local="10.0.0.5",
        local_port=port,
        remote="10.0.0.6",
        remote_port=remote_port,
        listening=listening,
        uid=0,
        inode=inode,
    )


def test_sockets_without_a_visible_owner_are_neither_listener_nor_end() -> None:
    found = sight(
        sockets=(
            sock(80, 1),
            sock(5432, 2),
            sock(40000, 3, listening=False, remote_port=443),
            sock(1, 4, listening=False, remote_port=2),
        ),
        owners={1: (7, 8), 3: (9,), 4: (99,)},
        processes={7: "nginx", 8: "worker", 9: "curl"},
    )
    assert [(item.port, item.process, item.service) for item in found.listeners] == [(80, "nginx", "http")]
    assert found.sockets == (
        ("tcp", "10.0.0.5", 1, "10.0.0.6", 2, ""),
        ("tcp", "10.0.0.5", 40000, "10.0.0.6", 443, "curl"),
    )


def test_databases_with_sizes_where_permitted_and_not_permitted_otherwise() -> None:
    empty, own = (
        PostgresDatabase(name="postgres", bytes=7 * MIB, version="15.4"),
        PostgresDatabase(name="pay", bytes=MIB + 1, version="15.4"),
    )
    found = sight(
        postgres=(PostgresServer(port=5432, databases=(empty, own)), PostgresServer(port=5433, denied="peer\x1b[0m"))
    )
    assert found.databases == (
        Database(server="", engine="postgresql", port=5432, name="pay", version="15.4", size_mib=2),
        Database(server="", engine="postgresql", port=5433),
    )
    (denied,) = [f for f in found.findings if f.code == "PSE-I004"]
    assert "not permitted" in denied.message
    assert "\x1b" not in denied.message


def test_a_database_engine_is_known_by_its_process_and_listener() -> None:
    found = sight(sockets=(sock(3306, 1),), owners={1: (7,)}, processes={7: "mariadbd"})
    assert found.databases == (Database(server="", engine="mariadb", port=3306),)


def test_a_server_knows_itself_better_than_the_name_of_its_program() -> None:
    one = MariadbServer(
        port=3306, engine="mariadb", version="10.3.39", databases=(MariadbDatabase(name="pay", bytes=MIB + 1),)
    )
    found = sight(
        sockets=(sock(3306, 1),),
        owners={1: (7,)},
        processes={7: "mysqld"},
        mariadb=(one, MariadbServer(denied="ERROR 1698\x1b[0m")),
    )
    assert found.databases == (
        Database(server="", engine="mariadb", port=3306, name="pay", version="10.3.39", size_mib=2),
    )
    (denied,) = [f for f in found.findings if f.code == "PSE-I004"]
    assert "\x1b" not in denied.message


def test_failed_and_cut_readings_are_findings_and_never_none() -> None:
    found = sight(
        memory=Reading(outcome=Outcome.FAILED, reason="hung"),
        packages=Reading(outcome=Outcome.VALUE, value=(Package(name="nginx", version="1"),), reason="cut at 5 bytes"),
        fstab=Reading(outcome=Outcome.ABSENT),
    )
    assert [(f.code, f.source) for f in found.findings] == [
        ("PSE-I002", "ssh:h#memory"),
        ("PSE-I003", "ssh:h#packages"),
    ]


def test_only_packages_that_matter_are_kept() -> None:
    names = (
        "adduser",
        "nginx-light",
        "postgresql-15",
        "python3",
        "python3-psycopg2",
        "libc6",
        "python3-dev",
        "systemd",
    )
    found = sight(packages=tuple(Package(name=n, version="1") for n in names))
    assert found.server.packages == ("nginx-light", "postgresql-15", "python3", "python3-psycopg2")
