"""Workbooks written as a stream of XML: large ones, and ones that claim what they do not hold."""

import zipfile
from collections.abc import Iterable, Sequence
from itertools import chain
from pathlib import Path
from typing import NamedTuple
from xml.sax.saxutils import escape

_NS = "http://schemas.openxmlformats.org"
_MAIN = f"{_NS}/spreadsheetml/2006/main"
_REL = f"{_NS}/officeDocument/2006/relationships"
_TYPES = (
    f'<Types xmlns="{_NS}/package/2006/content-types"><Default Extension="xml" ContentType="application/xml"/>'
    '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/></Types>'
)


class Sheet(NamedTuple):
    """One sheet; ``claims`` is the number of rows that it says it has, formatted and blank to the end."""

    name: str
    head: Sequence[str]
    rows: Iterable[Sequence[object]]
    claims: int = 0


def write_book(path: Path, *sheets: Sheet) -> Path:
    """Write ``sheets``, texts shared among them as common programs do."""
    texts: dict[str, int] = {}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=4) as archive:
        archive.writestr("[Content_Types].xml", _TYPES)
        archive.writestr("_rels/.rels", _relations([("officeDocument", "xl/workbook.xml")]))
        names = "".join(
            f'<sheet name="{escape(s.name)}" sheetId="{n}" r:id="rId{n}"/>' for n, s in enumerate(sheets, start=1)
        )
        archive.writestr(
            "xl/workbook.xml", f'<workbook xmlns="{_MAIN}" xmlns:r="{_REL}"><sheets>{names}</sheets></workbook>'
        )
        parts = [("worksheet", f"worksheets/sheet{n}.xml") for n in range(1, len(sheets) + 1)]
        archive.writestr("xl/_rels/workbook.xml.rels", _relations([*parts, ("sharedStrings", "sharedStrings.xml")]))
        for number, sheet in enumerate(sheets, start=1):
            _sheet(archive, f"xl/worksheets/sheet{number}.xml", sheet, texts)
        with archive.open("xl/sharedStrings.xml", "w") as file:
            file.write(f'<sst xmlns="{_MAIN}">'.encode())
            for text in texts:
                file.write(f"<si><t>{escape(text)}</t></si>".encode())
            file.write(b"</sst>")
    return path


def _sheet(archive: zipfile.ZipFile, part: str, sheet: Sheet, texts: dict[str, int]) -> None:
    columns = [_letters(index) for index in range(len(sheet.head))]
    last = 1
    with archive.open(part, "w") as file:
        file.write(f'<worksheet xmlns="{_MAIN}">'.encode())
        if sheet.claims:
            file.write(f'<dimension ref="A1:{columns[-1]}{sheet.claims}"/>'.encode())
        file.write(b"<sheetData>")
        for last, row in enumerate(chain((sheet.head,), sheet.rows), start=1):
            cells = (_cell(f"{c}{last}", value, texts) for c, value in zip(columns, row, strict=True))
            file.write(f'<row r="{last}">{"".join(cells)}</row>'.encode())
        for number in range(last + 1, sheet.claims + 1):
            file.write(f'<row r="{number}" s="1" customFormat="1"/>'.encode())
        file.write(b"</sheetData></worksheet>")


def _cell(reference: str, value: object, texts: dict[str, int]) -> str:
    if value is None:
        return ""
    if isinstance(value, int | float):
        return f'<c r="{reference}"><v>{value}</v></c>'
    return f'<c r="{reference}" t="s"><v>{texts.setdefault(str(value), len(texts))}</v></c>'


def _relations(targets: Iterable[tuple[str, str]]) -> str:
    found = "".join(
        f'<Relationship Id="rId{n}" Type="{_REL}/{kind}" Target="{target}"/>'
        for n, (kind, target) in enumerate(targets, start=1)
    )
    return f'<Relationships xmlns="{_NS}/package/2006/relationships">{found}</Relationships>'


def _letters(index: int) -> str:
    high, low = divmod(index, 26)
    return (chr(64 + high) if high else "") + chr(65 + low)
