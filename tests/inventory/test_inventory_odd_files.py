"""Files written in odd ways, and files made to do harm: read right, or refused in words, in bounded memory."""

import csv
import gc
import io
import random
import re
import zipfile
from pathlib import Path

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inventory.importers import ReadFile, machines, read_file
from inventory.importers.values import Numbers, addresses, macs, numbers_of, os_family, os_version
from pse.core.errors import BadInput
from pse.core.tables.csvfile import csv_file
from pse.core.text import printable
from tests.inventory import fuzz
from tests.inventory.bigbook import Sheet, write_book

HEAD = ["VM", "Powerstate", "Template", "CPUs", "Memory", "VM ID", "VI SDK UUID"]
ROW = ["web", "poweredOn", "False", "2", "4096", "vm-1", "vc"]


def book(path: Path, sheet: str = "", *, head: str = "", strings: str = "", **parts: bytes) -> Path:
    """A workbook with ``sheet`` as the XML of its rows."""
    write_book(path, Sheet("vInfo", HEAD, [ROW]))
    with zipfile.ZipFile(path) as old:
        kept = {name: old.read(name) for name in old.namelist()}
    if sheet:
        raw = kept["xl/worksheets/sheet1.xml"].decode()
        kept["xl/worksheets/sheet1.xml"] = re.sub(r"</sheetData>", f"{sheet}</sheetData>", raw).encode()
    if head:
        kept["xl/worksheets/sheet1.xml"] = head.encode()
    if strings:
        kept["xl/sharedStrings.xml"] = strings.encode()
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as new:
        for name, raw_part in {**kept, **{n.replace("__", "/"): b for n, b in parts.items()}}.items():
            new.writestr(name, raw_part)
    return path


def names(found: ReadFile) -> list[str]:
    return [s.server.hostname for s in found.sightings]


def cells(number: int, name: str) -> str:
    """A row whose name is the XML given, and whose other cells are plain."""
    plain = "".join(
        f'<c r="{c}{number}" t="inlineStr"><is><t>{v}</t></is></c>'
        for c, v in zip("BCDEFG", [*ROW[1:-2], f"vm-{number}", "vc"], strict=True)
    )
    return f'<row r="{number}">{name}{plain}</row>'


@pytest.mark.parametrize(
    "name",
    [
        '<c r="A3" t="inlineStr"><is><t xml:space="preserve"> db &amp; co </t></is></c>',
        '<c t="inlineStr" s="1" r="A3"><is><t>db &#38; co</t></is></c>',
        '<c r="A3" t="inlineStr"><is><r><t>db </t></r><r><t>&amp; co</t></r><rPh sb="0"><t>no</t></rPh></is></c>',
        '<c r="A3" t="str"><f>"db"&amp;" co"</f><v>db &amp; co</v></c>',
        '<c r="A3" t="str"><v><![CDATA[db & co]]></v></c>',
        '<c t="inlineStr"><is><t>db &amp; co</t></is></c>',
        '<!-- a remark --><c r="A3" t="str"><v>db &amp; co</v></c>',
    ],
)
def test_a_cell_may_be_written_in_many_ways(tmp_path: Path, name: str) -> None:
    found = read_file(book(tmp_path / "x.xlsx", cells(3, name)))[2]
    assert names(found) == ["web", "db & co"]


def test_elements_may_have_a_prefix_and_rows_no_number(tmp_path: Path) -> None:
    rows = "".join(
        "<x:row>" + "".join(f"<x:c t='str'><x:v>{value}</x:v></x:c>" for value in row) + "</x:row>"
        for row in (HEAD, ROW)
    )
    space = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    sheet = f'<?xml version="1.0"?><x:worksheet xmlns:x="{space}"><x:sheetData>{rows}</x:sheetData></x:worksheet>'
    found = read_file(book(tmp_path / "x.xlsx", head=sheet))[2]
    assert (names(found), found.sightings[0].source) == (["web"], "rvtools:x.xlsx#vInfo:2")


def test_what_a_sheet_claims_costs_nothing(tmp_path: Path) -> None:
    path = write_book(tmp_path / "x.xlsx", Sheet("vInfo", HEAD, [ROW], claims=60_000))
    with zipfile.ZipFile(path) as archive:
        assert archive.getinfo("xl/worksheets/sheet1.xml").file_size > 2_000_000
    found = read_file(path)[2]
    assert (found.rows, found.findings) == (1, ())


def test_formulas_links_and_macros_are_neither_computed_nor_followed(tmp_path: Path) -> None:
    made = openpyxl.Workbook()
    made.active.title = "vInfo"
    for row in (HEAD, ['=HYPERLINK("http://192.0.2.1/","x")', *ROW[1:]], ["db", *ROW[1:5], "vm-2", "vc"]):
        made.active.append(row)
    path = tmp_path / "x.xlsx"
    made.save(path)
    made.close()
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("xl/vbaProject.bin", b"\xd0\xcf\x11\xe0")
        archive.writestr("xl/externalLinks/externalLink1.xml", "<externalLink/>")
    found = read_file(path)[2]
    assert (names(found), found.skipped) == (["db"], 1)
    assert [f.code for f in found.findings] == ["PSE-I020", "PSE-I022"]
    assert "formula without a stored value" in found.findings[1].message


@pytest.mark.parametrize(
    ("parts", "words"),
    [
        ({"head": "<!DOCTYPE x [<!ENTITY a 'b'>]><worksheet/>"}, "not plain UTF-8"),
        ({"head": "<chartsheet/>"}, "no worksheet"),
        ({"head": f"<worksheet><sheetData>{cells(1, '')}"}, "cut off"),
        ({"head": "<worksheet><sheetData><row>" + "x" * 20_000_000}, "16 MiB"),
        ({"sheet": '<row r="3"><c r="A3" t="s"><v>99</v></c></row>'}, "text that the workbook lacks"),
        ({"sheet": '<row r="3"><c s="1" r="A3"><v>1</c></row>'}, "no XML"),
        ({"xl__workbook.xml": b"<!DOCTYPE x [<!ENTITY a 'b'>]><workbook/>"}, "entities"),
        ({"xl__workbook.xml": b"<workbook"}, "can be read: unclosed"),
    ],
)
def test_a_workbook_made_to_do_harm_is_refused(tmp_path: Path, parts: dict[str, str], words: str) -> None:
    with pytest.raises(BadInput, match=words):
        read_file(book(tmp_path / "x.xlsx", **parts))  # type: ignore[arg-type]  # texts and bytes by their names


def test_a_zip_of_csv_is_read_and_a_bomb_of_it_is_not(tmp_path: Path) -> None:
    path = tmp_path / "x.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a/RVTools_tabvInfo.csv", ",".join(HEAD) + "\n" + ",".join(ROW))
        archive.writestr("a/RVTools_tabvDisk.csv", "VM ID,VI SDK UUID,Disk,Capacity MiB\nvm-1,vc,d,1024\n")
    assert read_file(path)[2].totals.disk_mib == 1024
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("vInfo.csv", b"VM," * 20_000_000)
    with pytest.raises(BadInput, match="tight"):
        read_file(path)


def test_a_workbook_in_a_zip_is_the_workbook(tmp_path: Path) -> None:
    plain = read_file(book(tmp_path / "x.xlsx"))[2]
    path = tmp_path / "mail.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write(tmp_path / "x.xlsx", "export/../../x.xlsx")
        archive.writestr("readme.md", "hello")
    importer, source, found = read_file(path)
    assert importer.name == "rvtools"
    assert [s.source for s in found.sightings] == [s.source for s in plain.sightings]
    assert (found.rows, found.totals) == (plain.rows, plain.totals)
    (folder,) = {Path(table._where).parent for table in source.tables}  # type: ignore[union-attr]  # a workbook's
    assert folder.is_dir()
    del source, found, importer
    gc.collect()
    assert not folder.exists(), "what was unpacked is taken away"


def test_a_zip_of_two_workbooks_or_a_bad_one_is_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "x.zip"
    book(tmp_path / "x.xlsx")
    with zipfile.ZipFile(path, "w") as archive:
        archive.write(tmp_path / "x.xlsx", "a.xlsx")
        archive.writestr("b.csv", "Server name,vCPU\na,1\n")
    with pytest.raises(BadInput, match=r"several things to import: a.xlsx, b.csv"):
        read_file(path)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.xlsx", b"no workbook")
    with pytest.raises(BadInput, match=r"x.zip: a.xlsx: not a workbook"):
        read_file(path)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.xlsx", b"0" * 60_000_000)
    with pytest.raises(BadInput, match="tight"):
        read_file(path)
    inner = tmp_path / "bomb.xlsx"
    with zipfile.ZipFile(inner, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        archive.writestr("[Content_Types].xml", "x")
        archive.writestr("xl/workbook.xml", b" " * 20_000_000)
    with zipfile.ZipFile(path, "w") as archive:
        archive.write(inner, "a.xlsx")
    with pytest.raises(BadInput, match=r"a.xlsx: .*tight|a.xlsx: .*larger than any"):
        read_file(path)


def test_an_archive_of_absurdly_many_parts_is_refused_before_its_directory_is_read(tmp_path: Path) -> None:
    path = tmp_path / "x.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("vmInfo.csv", "MachineId,MemoryGiB\n1,2\n")
        for number in range(200):
            archive.writestr(f"{number}{'x' * 60_000}", b"")
    with pytest.raises(BadInput, match="absurdly many"):
        read_file(path)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_csv_in_any_common_encoding_and_with_any_delimiter(tmp_path: Path, encoding: str, delimiter: str) -> None:
    text = io.StringIO()
    writer = csv.writer(text, delimiter=delimiter)
    writer.writerows([["Büro"], [], ["Server name", "vCPU", "RAM (GB)"], ['a, "b";\nc|ü', "2", "4"], ["x", "1", "2"]])
    path = tmp_path / "x.csv"
    path.write_bytes(text.getvalue().encode(encoding))
    found = read_file(path)[2]
    assert names(found) == ['a, "b";\nc|ü', "x"]
    assert found.totals.memory_mib == 6144
    assert found.sightings[1].source == "list:x.csv#x:5"


def test_nul_bytes_a_sep_line_and_bytes_of_another_encoding(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    head = b"\xef\xbb\xbfsep=;\r\nName;vCPU;RAM (MB)\r\n"
    path.write_bytes(head + b"a\0b;2;1024\r\n" + b"\xff\xfe;1;1.024\r\n" + b'=1+1;1;1024\r\n"cut')
    found = read_file(path)[2]
    assert (found.rows, found.totals.memory_mib) == (4, 3072)
    assert names(found)[0] == "ab"
    assert names(found)[2] == "=1+1"
    assert "PSE-I022" in {f.code for f in found.findings}


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (b'Name,vCPU\n"' + b"x" * 3_000_000, "field"),
        (b"Name,vCPU\n" + b"x" * 9_000_000, "4 MiB"),
        (b"Name,vCPU\na,1\n" + b"," * 20_000, "columns"),
    ],
)
def test_csv_made_to_fill_the_memory_is_refused(tmp_path: Path, raw: bytes, words: str) -> None:
    path = tmp_path / "x.csv"
    path.write_bytes(raw)
    with pytest.raises(BadInput, match=words):
        read_file(path)


def test_more_than_a_file_may_hold_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "x.csv"
    path.write_text("Name,vCPU,Rack\n" + "".join(f"a{i},1,{'r' * 50}\n" for i in range(20)), encoding="utf-8")
    monkeypatch.setattr(machines, "_TAG_BYTES", 500)
    with pytest.raises(BadInput, match="kept as tags"):
        read_file(path)
    monkeypatch.setattr(machines, "MOST_ROWS", 7)
    with pytest.raises(BadInput, match="more than 7 rows"):
        read_file(path)


def test_nothing_that_a_terminal_or_a_spreadsheet_obeys_is_in_a_finding(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text("Name,vCPU\n" + "web,2\n" * 20 + '"\x1b[31m\u202e=cmd|/c","\x1b]0;x\x07"\n', encoding="utf-8")
    finding = next(f for f in read_file(path)[2].findings if "22" in f.source)
    assert all(printable(text) == text for text in (finding.subject, finding.message, finding.source))


@settings(deadline=None, max_examples=60)
@given(st.binary(max_size=400) | st.text(max_size=200).map(str.encode))
def test_any_bytes_are_read_or_refused(tmp_path_factory: pytest.TempPathFactory, raw: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "any.csv"
    for start in (b"", b"Name,vCPU,RAM (GB)\n", b"{"):
        path.write_bytes(start + raw)
        try:
            found = read_file(path)[2]
        except BadInput:
            continue
        assert found.rows == found.servers + found.templates + found.skipped


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 2**32))
def test_invented_and_damaged_files_are_counted_or_refused(tmp_path_factory: pytest.TempPathFactory, seed: int) -> None:
    path = fuzz.case(random.Random(seed), tmp_path_factory.mktemp("case"))
    assert fuzz.tried(path, {"cases": 0, "read": 0, "refused": 0}) == ""


@settings(deadline=None)
@given(
    st.lists(st.decimals(0, 10**9, places=2), min_size=1, max_size=5),
    st.booleans(),
    st.sampled_from(["", ".", "'", "\u00a0"]),
)
def test_a_number_is_the_same_in_either_way_of_writing(values: list[float], continental: bool, group: str) -> None:
    points = [f"{value:,.2f}" for value in values]
    written = [
        text.replace(",", group or "\0").replace(".", ",").replace("\0", ".") if continental else text
        for text in points
    ]
    if continental and group == ".":
        written = [text.replace(",", "\0").replace(".", ",").replace("\0", ".") for text in points]
    numbers = numbers_of(written, continental=None)
    assert [round(numbers.number(text), 2) for text in written] == [float(value) for value in values]


@pytest.mark.parametrize(
    ("text", "unit", "mib"),
    [
        ("16 GB", "", 16384),
        ("65536 MB", "g", 65536),
        ("1,5 TiB", "", 1.5 * 1024**2),
        ("100GB + 500GB", "", 614400),
        ("61.2 GiB / 127 GiB", "", 127 * 1024),
        ("1,024", "m", 1024),
        ("32,768 MB", "", 32768),
        ("44.20382699742913", "g", 44.20382699742913 * 1024),
        ("1.5E3", "m", 1500),
        ("1048576", "k", 1024),
    ],
)
def test_sizes_with_and_without_units(text: str, unit: str, mib: float) -> None:
    assert Numbers().mib(text, unit) == pytest.approx(mib)


@pytest.mark.parametrize("text", ["", "-1", "x", "1e400", "16", "1.2.3", "16 QB", "9" * 30, "²", "NaN", "inf"])
def test_what_is_no_size(text: str) -> None:
    with pytest.raises(ValueError, match=r"not a|negative|larger|without"):
        Numbers().mib(text, "")


def test_words_of_other_tools() -> None:
    assert addresses("[2001:db8::1,10.0.0.1];[fe80::1];10.0.0.2/24, 127.0.0.1") == {
        "2001:db8::1",
        "10.0.0.1",
        "10.0.0.2",
    }
    assert macs("[00-50-56-AA-bb-01];005056aabb02 0050.56aa.bb03;00:00:00:00:00:00") == {
        f"00:50:56:aa:bb:0{n}" for n in (1, 2, 3)
    }
    systems = (
        "rhel8_64Guest",
        "windows2019srv_64Guest",
        "SUSE Linux Enterprise 12",
        "CentOS 4/5/6/7 (64-bit)",
        "AIX",
        "",
    )
    assert [os_family(name) for name in systems] == ["rhel", "windows", "suse", "rhel", "other", ""]
    assert [os_version(name) for name in systems] == ["8", "2019", "12", "", "", ""]


def test_a_table_is_read_as_a_stream(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text("Name,vCPU\n" + "a,1\n" * 100_000, encoding="utf-8")
    rows = csv_file(path, "x").rows(1, {0: "name"})
    assert next(rows).number == 2
    path.write_bytes(b"")
    assert sum(1 for _ in rows) < 100_000
