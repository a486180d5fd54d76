"""Sizes: never a cheaper shape that fits, and always a word on where a number comes from."""

from collections.abc import Iterable
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blueprints.bills.catalogue import Catalogue
from blueprints.estate.view import View
from blueprints.estate.volumes import volumes_of
from blueprints.model import Demand, WantedVolume
from blueprints.sizing.shapes import Shapes
from blueprints.sizing.sizes import gib, is_older, pick_image, pick_shape, size_of
from pse.core.documents.offers import Offer, OfferKind, Offers
from pse.core.documents.sizing import SizingSettings
from pse.core.documents.snapshot import Database, Disk, Filesystem
from pse.core.documents.workloads import HostDeclaration
from pse.core.text import counted
from tests.blueprints.estates import estate, server

COMFORT = Decimal("1.3")


def shape(name: str, vcpus: int, memory: int, price: str | None, **words: object) -> Offer:
    return Offer(
        id=name,
        place="p",
        kind=OfferKind.COMPUTE,
        name=name,
        unit="hour",
        price=None if price is None else Decimal(price),
        vcpus=vcpus,
        memory_mib=memory,
        **words,  # type: ignore[arg-type]
    )


def image(name: str, family: str, version: str, price: str = "0") -> Offer:
    return Offer(
        id=name,
        place="p",
        kind=OfferKind.IMAGE,
        name=name,
        unit="month",
        price=Decimal(price),
        os_family=family,
        os_version=version,
    )


def storage_name(classes: Iterable[Offer], of: Demand) -> str | None:
    """The class that a disk of ``of`` takes."""
    book = Offers(book="b", dated=date(2026, 1, 1), currency="PKR", offers=tuple(classes))
    disk = Catalogue(book).disk("p", 10, of)
    return disk[0].name if disk and disk[0] else None


def demand(**words: object) -> Demand:
    usual: dict[str, object] = {"name": "a", "role": "server", "vcpus": 2, "memory_mib": 4096, "os_family": "debian"}
    return Demand(**{**usual, **words})  # type: ignore[arg-type]


def test_a_measured_peak_counts_and_the_rest_is_as_allotted() -> None:
    trusting = SizingSettings(floor_percent=0)
    size = size_of(server("a", vcpus=16, memory_mib=8192, cpu_peak=0.2), comfort=COMFORT, settings=trusting)
    assert (size.vcpus, size.memory_mib) == (5, 8192)  # 16 x 0.2 x 1.3 = 4.16
    assert "peak 20" in size.why
    assert "8192 MiB as allotted" in size.why
    assert not size.assumed


def test_a_server_at_its_limit_gets_more_than_it_has() -> None:
    assert size_of(server("a", vcpus=4, cpu_peak=1.0), comfort=COMFORT).vcpus == 6


def test_an_idle_server_still_gets_a_cpu() -> None:
    assert size_of(server("a", cpu_peak=0.0, memory_peak=0.0), comfort=COMFORT).vcpus == 1


def test_an_unknown_size_is_an_assumption_and_says_so() -> None:
    size = size_of(server("a", vcpus=None, memory_mib=None, cpu_peak=0.5), comfort=COMFORT)
    assert size.assumed == ("vCPUs", "memory")
    assert "assumed" in size.why


offers = st.lists(
    st.builds(
        shape,
        st.uuids().map(str),
        st.integers(1, 64),
        st.integers(512, 262144),
        st.none() | st.decimals("0.01", "99", places=2).map(str),
        architecture=st.sampled_from(["x86_64", "aarch64"]),
        max_volumes=st.integers(0, 4),
    ),
    max_size=30,
)


@given(offers, st.integers(1, 64), st.integers(512, 262144), st.integers(0, 5))
def test_no_shape_that_fits_is_cheaper_than_the_chosen_one(
    shapes: list[Offer], vcpus: int, memory: int, volumes: int
) -> None:
    disks = tuple(WantedVolume(name=f"v{number}", size_gib=1, mount=f"/{number}") for number in range(volumes))
    wanted = demand(vcpus=vcpus, memory_mib=memory, volumes=disks)
    chosen = pick_shape(wanted, Shapes(shapes))
    fits = [
        s
        for s in shapes
        if s.vcpus >= vcpus
        and s.memory_mib >= memory
        and s.architecture == "x86_64"
        and (not s.max_volumes or s.max_volumes >= volumes)
    ]
    if chosen is None:
        assert not fits
        return
    assert chosen in fits
    priced = [s.price for s in fits if s.price is not None]
    assert chosen.price == (min(priced) if priced else None)
    assert pick_shape(wanted, Shapes(reversed(shapes))) == chosen


@pytest.mark.parametrize(
    ("version", "want"),
    [
        ("12", "debian-12"),
        ("11", "debian-11"),
        ("9", "debian-11"),
        ("13", "debian-12"),
        ("", "debian-12"),
        ("12.5", "debian-12"),
    ],
)
def test_the_image_is_of_the_same_family_and_the_nearest_version(version: str, want: str) -> None:
    images = [image("debian-11", "debian", "11"), image("debian-12", "debian", "12"), image("rhel-9", "rhel", "9")]
    chosen = pick_image(demand(os_version=version), images)
    assert chosen is not None
    assert chosen.name == want


@pytest.mark.parametrize(
    ("image", "source", "older"),
    [("2019", "2022", True), ("2022", "2019", False), ("8.6", "8.9", True), ("12", "12.5", False), ("", "12", False)],
)
def test_an_image_is_older_as_far_as_it_is_told(image: str, source: str, older: bool) -> None:
    assert is_older(image, source) is older


def test_versions_are_compared_as_numbers() -> None:
    images = [image("nine", "debian", "9"), image("ten", "debian", "10")]
    chosen = pick_image(demand(os_version=""), images)
    assert chosen is not None
    assert chosen.name == "ten"


def test_another_family_is_no_image() -> None:
    assert pick_image(demand(os_family="windows"), [image("debian-12", "debian", "12")]) is None


def test_a_database_takes_fast_disks_and_others_the_cheapest() -> None:
    classes = [
        Offer(id=n, place="p", kind=OfferKind.STORAGE, name=n, unit="GiB-month", price=Decimal(p))
        for n, p in (("hdd", "1"), ("ssd", "2"))
    ]
    assert storage_name(classes, demand(role="database")) == "ssd"
    assert storage_name(classes, demand(role="web")) == "hdd"


@pytest.mark.parametrize(("mib", "want"), [(0, 1), (1, 1), (1024, 1), (1025, 2), (Decimal("1024.1"), 2)])
def test_gib_are_whole_and_hold_it(mib: int, want: int) -> None:
    assert gib(mib) == want


def mounts(declared: HostDeclaration | None = None, **tables: object) -> dict[str, int]:
    one = server("a")
    view = View(estate((one,), (), **tables))
    return {v.mount: v.size_gib for v in volumes_of(one, "a", declared or HostDeclaration(), view, comfort=COMFORT)[0]}


def fs(mount: str, used: int | None = 2048, fstype: str = "ext4") -> Filesystem:
    return Filesystem(server="srv-a", mount=mount, fstype=fstype, size_mib=10240, used_mib=used)


def test_data_file_systems_become_volumes_and_the_system_does_not() -> None:
    found = mounts(
        filesystems=(fs("/"), fs("/boot"), fs("/data"), fs("/mnt/nfs", fstype="nfs4"), fs("/run/x", fstype="tmpfs"))
    )
    assert found == {"/data": 3}  # 2048 MiB x 1.3


def test_a_declared_path_on_the_system_disk_gets_a_volume_above_it() -> None:
    assert mounts(HostDeclaration(paths=("/srv/app", "/srv/app/x")), filesystems=(fs("/"),)) == {"/srv": 3}
    assert set(mounts(HostDeclaration(paths=("/data",)), filesystems=(fs("/"),))) == {"/data"}
    assert set(mounts(HostDeclaration(paths=("/var/www",)), filesystems=(fs("/"),))) == {"/var/www"}


def test_a_declared_path_on_a_data_file_system_needs_no_second_volume() -> None:
    assert set(mounts(HostDeclaration(paths=("/data/x",)), filesystems=(fs("/"), fs("/data")))) == {"/data"}


def test_databases_have_a_volume_of_their_own() -> None:
    databases = (Database(server="srv-a", engine="postgresql", port=5432, name="x", size_mib=10240),)
    assert mounts(databases=databases, filesystems=(fs("/"),)) == {"/var/lib/postgresql": 13}


@pytest.mark.parametrize("mount", ["/", "/var/lib/postgresql", "/var/lib"])
def test_a_small_database_has_room_for_its_wal(mount: str) -> None:
    databases = (Database(server="srv-a", engine="postgresql", port=5432, name="x", size_mib=16),)
    found = mounts(databases=databases, filesystems=(fs(mount, used=16),))
    assert found == {mount if mount != "/" else "/var/lib/postgresql": 10}
    other = (Database(server="srv-a", engine="oracle", port=1521, name="x", size_mib=16),)
    assert set(mounts(databases=other, filesystems=(fs("/data", used=16),)).values()) == {1}


def test_a_mariadb_server_has_a_volume_of_its_own_with_room_for_its_logs() -> None:
    databases = (Database(server="srv-a", engine="mariadb", port=3306, name="x", size_mib=16),)
    assert mounts(databases=databases, filesystems=(fs("/"),)) == {"/var/lib/mysql": 10}
    assert mounts(HostDeclaration(role="database"), databases=databases, filesystems=(fs("/"),)) == {
        "/var/lib/mysql": 10
    }


def test_no_volume_lies_in_another() -> None:
    assert mounts(filesystems=(fs("/data"), fs("/data/in"), fs("/database"))) == {"/data": 6, "/database": 3}


def test_disks_stand_in_for_file_systems_that_nobody_saw() -> None:
    disks = (
        Disk(server="srv-a", name="d1", size_mib=20480, used_mib=1024),
        Disk(server="srv-a", name="d2", size_mib=20480),
    )
    assert mounts(disks=disks) == {"/srv": 2, "/srv2": 20}


def test_an_unknown_use_takes_the_whole_size() -> None:
    assert mounts(filesystems=(fs("/data", used=None),)) == {"/data": 10}


def test_declared_paths_on_disks_that_nobody_measured_get_the_disks_size() -> None:
    unmeasured = Filesystem(server="srv-a", mount="/", fstype="ext4")
    disks = tuple(Disk(server="srv-a", name=name, size_mib=10240) for name in ("vda", "vdb"))
    assert mounts(HostDeclaration(paths=("/srv/x",)), filesystems=(unmeasured,), disks=disks) == {"/srv": 20}


def test_one_is_not_many() -> None:
    one = server("a")
    view = View(estate((one,), (), filesystems=(fs("/data"),)))
    assert "1 data file system by use" in volumes_of(one, "a", HostDeclaration(), view, comfort=COMFORT)[1]
    assert (counted(1, "line"), counted(0, "line"), counted(2000, "line")) == ("1 line", "0 lines", "2,000 lines")
