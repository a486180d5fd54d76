"""Snapshots on disk, the store, and hosts.toml."""

import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inventory.estate import Estate, load_estate, make_estate, read, write
from inventory.hosts import load_hosts
from inventory.store import record, sightings
from pse.core.documents.snapshot import ADDED, TABLES, ConfigItem, Database, Disk, Server, Sighting
from pse.core.errors import BadInput, PseError
from pse.core.findings import Finding, Severity
from pse.core.settings import Workspace

TEXT = st.text(max_size=20).filter(lambda s: "\x00" not in s)
SERVERS = st.builds(
    Server,
    id=TEXT,
    hostname=TEXT,
    addresses=st.lists(TEXT, max_size=2).map(tuple),
    vcpus=st.none() | st.integers(0, 2**40),
    cpu_peak=st.none() | st.floats(0, 1),
    is_template=st.booleans(),
    tags=st.lists(TEXT, max_size=2).map(tuple),
)


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    (tmp_path / "pse.toml").write_text('entity = "Test"\n', encoding="utf-8")
    return Workspace(tmp_path)


@settings(max_examples=30, deadline=None)
@given(st.lists(SERVERS, max_size=5, unique_by=lambda s: s.id))
def test_what_is_written_is_read(tmp_path_factory: pytest.TempPathFactory, servers: list[Server]) -> None:
    estate = make_estate(
        {"servers": servers}, [Finding(code="PSE-I001", severity=Severity.INFO, subject="s", message="m")]
    )
    folder = tmp_path_factory.mktemp("snapshots")
    assert read(write(estate, folder)) == estate


def test_the_order_of_rows_does_not_change_the_hash() -> None:
    rows = [Disk(server="b", name="sda", size_mib=1), Disk(server="a", name="sdb", size_mib=2)]
    assert make_estate({"disks": rows}, []) == make_estate({"disks": rows[::-1]}, [])


@pytest.mark.parametrize("change", [{"size_mib": 2}, {"used_mib": 0}, {"kind": "rdm"}])
def test_every_value_counts_in_the_hash(change: dict[str, object]) -> None:
    disk = Disk(server="a", name="sda", size_mib=1)
    one, two = (make_estate({"disks": [d]}, []) for d in (disk, msgspec.structs.replace(disk, **change)))
    assert one.manifest.hash != two.manifest.hash


def test_an_altered_snapshot_is_refused(tmp_path: Path) -> None:
    one = write(make_estate({"servers": [Server(id="a", hostname="a")]}, []), tmp_path)
    two = write(make_estate({"servers": [Server(id="a", hostname="b")]}, []), tmp_path)
    (one / "servers.parquet").write_bytes((two / "servers.parquet").read_bytes())
    with pytest.raises(BadInput, match="altered"):
        read(one)
    (one / "servers.parquet").write_bytes(b"PAR1 nothing")
    with pytest.raises(BadInput, match="not a table"):
        read(one)


def test_manifest_and_one_table_a_kind(tmp_path: Path) -> None:
    folder = write(make_estate({}, []), tmp_path)
    old = TABLES.keys() - ADDED
    assert {p.name for p in folder.iterdir()} == {"snapshot.json", *(f"{name}.parquet" for name in old)}
    assert list(tmp_path.iterdir()) == [folder]
    full = write(make_estate({name: [row] for name, row in ROWS.items()}, []), tmp_path)
    assert {p.name for p in full.iterdir()} == {"snapshot.json", *(f"{name}.parquet" for name in TABLES)}


ROWS = {"configuration": ConfigItem(server="a", kind="service", name="s", value="enabled")}
"""One row of each table that snapshots of earlier versions do not have."""


def test_a_snapshot_of_an_earlier_version_is_read_and_keeps_its_hash(tmp_path: Path) -> None:
    assert set(ROWS) == ADDED
    before = make_estate({"servers": [Server(id="a", hostname="a")]}, [])
    assert set(before.manifest.tables) == TABLES.keys() - ADDED, "as an earlier version wrote it"
    assert read(write(before, tmp_path)) == before


def test_a_later_table_is_written_and_read(tmp_path: Path) -> None:
    estate = make_estate({name: [row] for name, row in ROWS.items()}, [])
    folder = write(estate, tmp_path)
    assert read(folder) == estate
    (folder / "configuration.parquet").unlink()
    with pytest.raises(BadInput, match="not a table"):
        read(folder)


def sighting(source: str, hostname: str, **more: object) -> Sighting:
    return Sighting(
        source=source,
        seen=datetime(2026, 11, 1, tzinfo=UTC),
        identity={"machine_id": hostname * 32},
        server=Server(id="", hostname=hostname, sources=(source,)),
        databases=(Database(server="", engine="postgresql", port=5432, name="x"),),
    )


def test_tables_are_made_without_pandas() -> None:
    code = (
        "import sys; from inventory.tables import arrow_table; from pse.core.documents.snapshot import Disk, Server;"
        "arrow_table([Server(id='a', hostname='b')], Server); arrow_table([], Disk); print('pandas' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == "False\n", "its import takes longer than to ask a dozen hosts"


def test_the_store_keeps_the_newest_of_each_source(workspace: Workspace) -> None:
    record(workspace, [sighting("ssh:a", "a"), sighting("ssh:b", "b")])
    estate = record(workspace, [msgspec.structs.replace(sighting("ssh:a", "c"))])
    assert sorted(s.hostname for s in estate.servers) == ["b", "c"]
    assert {d.server for d in estate.databases} == {s.id for s in estate.servers}
    assert [s.source for s in sightings(workspace)] == ["ssh:a", "ssh:b"]


def test_the_same_knowledge_is_the_same_snapshot(workspace: Workspace) -> None:
    first = record(workspace, [sighting("ssh:a", "a")])
    assert record(workspace, [sighting("ssh:a", "a")]) == first


def test_rows_of_an_earlier_import_of_the_same_file_go(workspace: Workspace) -> None:
    record(workspace, [sighting("rvtools:f#vInfo:2", "a"), sighting("ssh:b", "b")])
    estate = record(workspace, [sighting("rvtools:f#vInfo:3", "c")], replaces="rvtools:f#")
    assert sorted(s.hostname for s in estate.servers) == ["b", "c"]


def test_edits_of_workloads_count_without_a_new_discovery(workspace: Workspace) -> None:
    before = record(workspace, [sighting("ssh:a", "a"), sighting("ssh:b", "b")])
    (workspace.root / "workloads.toml").write_text('[workload.both]\nmembers = ["a", "b"]\n', encoding="utf-8")
    after = load_estate(workspace)
    assert [w.id for w in after.workloads] == ["both"]
    assert after.manifest.hash != before.manifest.hash
    assert load_estate(workspace) == after
    (workspace.root / "workloads.toml").unlink()
    assert load_estate(workspace) == before


def test_a_broken_pointer_is_named(workspace: Workspace) -> None:
    record(workspace, [])
    (workspace.private / "snapshot").write_text("../../etc\n", encoding="utf-8")
    with pytest.raises(BadInput, match="not the name of a snapshot"):
        load_estate(workspace)


def test_estate_is_empty_but_usable() -> None:
    assert isinstance(make_estate({}, []), Estate)


GOOD = '[defaults]\nuser = "u"\nport = 2222\nkey = "file:k"\njump = "bastion"\n'
HOST = '[[host]]\nname = "a"\naddress = "10.0.0.1"\n'
BASTION = '[[host]]\nname = "bastion"\naddress = "10.0.0.9"\n'


def test_hosts_with_defaults(workspace: Workspace) -> None:
    text = GOOD + HOST + BASTION + '[[host]]\nname = "c"\naddress = "c"\njump = ""\nagent_key = "work"\nport = 22\n'
    (workspace.root / "hosts.toml").write_text(text, encoding="utf-8")
    a, bastion, c = load_hosts(workspace)
    assert (a.user, a.port, a.key, a.jump) == ("u", 2222, "file:k", "bastion")
    assert bastion.jump == ""
    assert (c.jump, c.key, c.agent_key, c.port) == ("", "", "work", 22)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[[host]\n", "TOML"),
        (GOOD + HOST + 'colour = "red"\n', "colour"),
        (GOOD + HOST + HOST + BASTION, "twice"),
        ('[defaults]\nuser = "u"\n' + HOST, "key"),
        ('[defaults]\nkey = "file:k"\n' + HOST, "user"),
        (GOOD + HOST, "bastion"),
        (GOOD + BASTION + HOST + "port = 70000\n", "port"),
        (GOOD + BASTION + '[[host]]\nname = "a b"\naddress = "x"\n', "blanks"),
        (GOOD + BASTION + '[[host]]\nname = "a"\naddress = ""\n', "address"),
        (GOOD + BASTION + HOST + 'tags = ["x"]\n', "name=value"),
        (GOOD + HOST + 'jump = "b"\n[[host]]\nname = "b"\naddress = "b"\njump = "a"\n', "circle"),
    ],
)
def test_hosts_that_cannot_be_used_say_why(workspace: Workspace, text: str, words: str) -> None:
    (workspace.root / "hosts.toml").write_text(text, encoding="utf-8")
    with pytest.raises(BadInput) as caught:
        load_hosts(workspace)
    assert words in str(caught.value)
    assert "hosts.toml" in caught.value.where
    assert caught.value.hint


def test_no_hosts_file(workspace: Workspace) -> None:
    with pytest.raises(PseError, match=r"no hosts\.toml"):
        load_hosts(workspace)
