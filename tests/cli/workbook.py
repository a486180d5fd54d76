"""A small RVTools workbook."""

from collections.abc import Sequence
from pathlib import Path


def write_workbook(path: Path, names: Sequence[str]) -> Path:
    """Write servers of two CPUs and 4096 MiB under Debian to ``path``."""
    import openpyxl

    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = "vInfo"
    sheet.append(
        ["VM", "Powerstate", "Template", "CPUs", "Memory", "OS according to the configuration file", "VM UUID"]
    )
    for number, name in enumerate(names):
        uuid = f"42000000-0000-0000-0000-{number:012d}"
        sheet.append([name, "poweredOn", "False", 2, 4096, "Debian GNU/Linux 12 (64-bit)", uuid])
    book.save(path)
    return path
