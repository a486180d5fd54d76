"""RVTools workbooks: the real samples with their true totals, and workbooks made here that are wrong in one way."""

import contextlib
import os
import zipfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import inventory
from inventory.importers import Import, read_file
from pse.core.errors import BadInput
from pse.core.findings import Severity
from pse.core.settings import Workspace
from pse.core.tables.opening import MOST_BYTES
from tests.inventory.samples import sample


@pytest.mark.parametrize(
    ("name", "truth", "power", "disks"),
    [
        ("RVTOOLS3-workshop-131vms.xlsx", (131, 129, 2, 438, 985.99), (109, 22, 0), (247, 38316.94)),
        ("RVTOOLS4-made-blockers.xlsx", (18, 17, 1, 76, 377.125), (13, 4, 1), (20, 4184.0)),
        ("RVTOOLS4-made-prefixed-headers.xlsx", (18, 17, 1, 76, 377.125), (13, 4, 1), (16, 4533.12)),
        ("RVTOOLSCSV-made-de-tabvInfo.csv", (18, 17, 1, 76, 377.125), (13, 4, 1), (17, 4184.0)),
        ("RVTOOLSCSV-vcsim-25vms.zip", (25, 25, 0, 155, 455), (25, 0, 0), (50, 1260.0)),
    ],
)
def test_samples_have_their_true_totals(
    workspace: Workspace,
    name: str,
    truth: tuple[int, int, int, int, float],
    power: tuple[int, int, int],
    disks: tuple[int, float],
) -> None:
    done = inventory.import_file(workspace, sample(name))
    servers = done.estate.servers
    assert (done.rows, done.servers, done.templates) == truth[:3]
    assert done.rows == done.servers + done.templates + done.skipped
    assert len(servers) == done.rows
    assert sum(s.vcpus or 0 for s in servers) == truth[3]
    assert round(sum(s.memory_mib or 0 for s in servers) / 1024, 3) == pytest.approx(truth[4], abs=0.005)
    states = Counter(s.power_state for s in servers)
    assert (states["on"], states["off"], states["suspended"]) == power
    found = done.estate.disks
    assert (len(found), round(sum(d.size_mib for d in found) / 1024, 2)) == disks
    working = [s for s in servers if not s.is_template]
    assert sum(len(w.members) for w in done.estate.workloads) == len(working)


def test_totals_without_templates_and_powered_on(workspace: Workspace) -> None:
    servers = inventory.import_file(workspace, sample("RVTOOLS3-workshop-131vms.xlsx")).estate.servers
    real = [s for s in servers if not s.is_template]
    assert sum(s.vcpus or 0 for s in real) == 436
    assert round(sum(s.memory_mib or 0 for s in real) / 1024, 2) == 977.99
    on = [s for s in servers if s.power_state == "on"]
    assert sum(s.vcpus or 0 for s in on) == 359
    assert round(sum(s.memory_mib or 0 for s in on) / 1024, 2) == 817.99


def test_blockers_of_the_sample(workspace: Workspace) -> None:
    estate = inventory.import_file(workspace, sample("RVTOOLS4-made-blockers.xlsx")).estate
    blocked = {s.hostname: s.blockers for s in estate.servers if s.blockers}
    assert blocked == {
        "sql-node-a": ("PSE-I106",),
        "sql-node-b": ("PSE-I106",),
        "erp-app": ("PSE-I106",),
        "legacy-2003": ("PSE-I101", "PSE-I102"),
        "kiosk-usb": ("PSE-I105",),
        "srm-ph": ("PSE-I107",),
        "vCLS-0a1b": ("PSE-I107",),
        "gone": ("PSE-I108",),
    }
    kinds = Counter(d.kind for d in estate.disks)
    assert (kinds["shared"], kinds["rdm"]) == (2, 1)
    once = sum(d.size_mib for d in estate.disks) - next(d.size_mib for d in estate.disks if d.kind == "shared")
    names = {s.id: s for s in estate.servers}
    without = once - sum(d.size_mib for d in estate.disks if names[d.server].is_template)
    assert once / 1024 == 3684
    assert without <= once


def test_two_machines_of_one_id_in_two_vcenters_are_two(workspace: Workspace) -> None:
    servers = inventory.import_file(workspace, sample("RVTOOLS4-made-blockers.xlsx")).estate.servers
    twins = [s for s in servers if s.hostname.lower() == "web01"]
    assert sorted(s.addresses for s in twins) == [("10.30.0.10",), ("10.30.0.11",)]


def test_importing_again_changes_nothing(workspace: Workspace) -> None:
    path = sample("RVTOOLS4-made-blockers.xlsx")
    first = inventory.import_file(workspace, path).estate
    assert inventory.import_file(workspace, path).estate == first


HEAD = ["VM", "Powerstate", "Template", "CPUs", "Memory", "VM ID", "VI SDK UUID", "Owner"]
ROW = ["web", "poweredOn", "False", "2", "4096", "vm-1", "vc", "Director Records"]


def book(path: Path, *rows: list[Any], head: list[str] = HEAD, **sheets: list[list[Any]]) -> Path:
    made = openpyxl.Workbook()
    sheet = made.active
    sheet.title = "vInfo"
    for row in (head, *rows):
        sheet.append(row)
    for name, lines in sheets.items():
        other = made.create_sheet(name)
        for line in lines:
            other.append(line)
    made.save(path)
    made.close()
    return path


@pytest.fixture
def load(workspace: Workspace) -> Callable[..., Import]:
    def run(*rows: list[Any], head: list[str] = HEAD, **sheets: list[list[Any]]) -> Import:
        return inventory.import_file(workspace, book(workspace.root / "x.xlsx", *rows, head=head, **sheets))

    return run


def test_headers_in_any_case_and_order(load: Callable[..., Import]) -> None:
    head = [f" {name.upper()} " for name in reversed(HEAD)]
    (server,) = load(ROW[::-1], head=head).estate.servers
    assert (server.hostname, server.vcpus, server.memory_mib, server.power_state) == ("web", 2, 4096, "on")
    assert server.tags == ("OWNER=Director Records",)
    assert server.sources == ("rvtools:x.xlsx#vInfo:2",)


def test_every_bad_row_is_one_finding_with_its_row_and_the_rest_goes_in(load: Callable[..., Import]) -> None:
    many = [*ROW[:3], "many", *ROW[4:5], "vm-2", *ROW[6:]]
    nameless = [None, *ROW[1:5], "vm-3", *ROW[6:]]
    blank = [None] * 8
    done = load(ROW, many, blank, nameless, ROW, [*ROW[:5], "vm-5", *ROW[6:]])
    assert (done.rows, done.servers, done.templates, done.skipped) == (5, 2, 0, 3)
    assert any(f.message.endswith("memory is negative: '-5'") for f in load([*ROW[:4], -5, *ROW[5:]]).findings)
    assert [(f.code, f.source) for f in done.findings if f.code != "PSE-I032"] == [
        ("PSE-I020", "rvtools:x.xlsx#vInfo:5"),
        ("PSE-I020", "rvtools:x.xlsx#vInfo:3"),
        ("PSE-I020", "rvtools:x.xlsx#vInfo:6"),
    ]


def test_snapshots_and_uefi_are_told(load: Callable[..., Import]) -> None:
    head, rows = [*HEAD, "Firmware", "EFI Secure boot"], [[*ROW, "efi", "True"], [*ROW, "bios", "False"]]
    rows[1][0], rows[1][5] = "db", "vm-2"
    taken = [["VM", "Name", "VM ID", "VI SDK UUID"], *(["web", name, "vm-1", "vc"] for name in ("before", "after"))]
    done = load(*rows, head=head, vSnapshot=taken)
    assert [(f.subject, f.code, f.severity, f.message) for f in done.findings] == [
        ("web", "PSE-I126", Severity.INFO, "it boots by UEFI with secure boot"),
        ("web", "PSE-I129", Severity.WARNING, "it has 2 snapshots, which do not move"),
    ]
    assert not any(s.blockers for s in done.estate.servers)


def test_rows_of_other_sheets_that_belong_to_nobody_are_said(load: Callable[..., Import]) -> None:
    disks = [
        ["VM", "Disk", "Capacity MiB", "VM ID", "VI SDK UUID"],
        ["web", "Hard disk 1", 1024, "vm-1", "vc"],
        ["renamed", "Hard disk 1", 2048, "vm-1", "vc"],
        ["lost", "Hard disk 1", 1, "vm-9", "vc"],
        ["web", "Hard disk 9", "big", "vm-1", "vc"],
    ]
    done = load(ROW, vDisk=disks)
    assert [(d.name, d.size_mib) for d in done.estate.disks] == [("Hard disk 1", 1024), ("Hard disk 1 (2)", 2048)]
    assert sorted((f.code, f.source) for f in done.findings) == [
        ("PSE-I020", "rvtools:x.xlsx#vDisk:5"),
        ("PSE-I021", "rvtools:x.xlsx#vDisk:4"),
    ]


def test_numbers_and_booleans_may_be_real_ones(load: Callable[..., Import]) -> None:
    done = load(["t", "poweredOff", True, 2, 4096.0, "vm-1", "vc", None])
    (server,) = done.estate.servers
    assert (server.is_template, server.vcpus, server.memory_mib) == (True, 2, 4096)
    assert done.templates == 1


def test_hostile_text_is_kept_as_text_and_a_formula_is_no_name(load: Callable[..., Import]) -> None:
    done = load(
        ["+cmd|' /C calc'!A0\u202e", "poweredOn", "False", "x", *ROW[4:]], ["=1+1", *ROW[1:5], "vm-2", "vc", None]
    )
    assert (done.rows, done.skipped) == (2, 2)
    assert all("\u202e" not in f.message + f.subject + f.source for f in done.findings)
    kept = load(["+cmd|' /C calc'!A0\u202e", *ROW[1:]])
    assert kept.estate.servers[0].hostname == "+cmd|' /C calc'!A0\u202e"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600, "encrypted"),
        (b"", "empty"),
        (b"colour;taste\n", "its first row is: colour, taste"),
        (b"\x89PNG\r\n\x1a\n" + bytes(range(32)), "no workbook"),
        (b"PK\x03\x04 and then nothing", "damaged or cut off"),
    ],
)
def test_files_that_are_no_workbook(workspace: Workspace, content: bytes, words: str) -> None:
    path = workspace.root / "x.xlsx"
    path.write_bytes(content)
    with pytest.raises(BadInput, match=words) as caught:
        inventory.import_file(workspace, path)
    assert caught.value.where == str(path)


def test_a_missing_file(workspace: Workspace) -> None:
    with pytest.raises(BadInput, match="cannot be read"):
        inventory.import_file(workspace, workspace.root / "none.xlsx")


@pytest.mark.timeout(20)
def test_what_is_no_plain_file_is_refused_at_once(workspace: Workspace) -> None:
    pipe, huge = workspace.root / "pipe.xlsx", workspace.root / "huge.xlsx"
    os.mkfifo(pipe)
    with huge.open("wb") as file:
        file.truncate(MOST_BYTES + 1)
    for path, words in (
        (pipe, "a pipe, socket or device"),
        (Path("/dev/zero"), "a pipe, socket or device"),
        (workspace.root, "a folder"),
        (huge, "1,024 MiB that a file may have"),
    ):
        with pytest.raises(BadInput, match=words) as caught:
            inventory.import_file(workspace, path)
        assert caught.value.where == str(path)


def test_a_workbook_without_vinfo(workspace: Workspace) -> None:
    made = openpyxl.Workbook()
    made.active.title = "Servers"
    made.save(workspace.root / "x.xlsx")
    made.close()
    with pytest.raises(BadInput, match="Servers"):
        inventory.import_file(workspace, workspace.root / "x.xlsx")


def test_a_cell_far_outside_reserves_nothing_and_is_said(workspace: Workspace) -> None:
    path = book(workspace.root / "x.xlsx", ROW)
    made = openpyxl.load_workbook(path)
    made["vInfo"]["XFD1048576"] = "x"
    made.save(path)
    made.close()
    _, _, found = read_file(path)
    assert (found.rows, found.servers) == (1, 1)
    (said,) = (f for f in found.findings if f.code == "PSE-I022")
    assert "row 1,048,576" in said.message


def test_a_zip_bomb_is_refused(workspace: Workspace) -> None:
    path = book(workspace.root / "x.xlsx", ROW)
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        archive.writestr("xl/media/bomb.bin", b"\0" * 200_000_000)
    with pytest.raises(BadInput, match="tight"):
        read_file(path)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A good workbook; its length differs from run to run, because it holds the time it was made."""
    return book(tmp_path_factory.mktemp("damaged") / "x.xlsx", ROW)


@settings(deadline=None, max_examples=60)
@given(
    st.lists(st.tuples(st.integers(0, 999_999), st.integers(0, 255)), min_size=1, max_size=6),
    st.integers(500_000, 1_000_000),
)
def test_damaged_workbooks_are_bad_input_and_nothing_else(
    whole: Path, damage: list[tuple[int, int]], keep: int
) -> None:
    raw = bytearray(whole.read_bytes())
    for at, byte in damage:
        raw[at * len(raw) // 1_000_000] = byte
    path = whole.with_name("damaged.xlsx")
    path.write_bytes(bytes(raw[: keep * len(raw) // 1_000_000]))
    with contextlib.suppress(BadInput):
        read_file(path)
