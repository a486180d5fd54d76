"""`make fuzz-import`: damaged bytes and invented cells at every importer, in bounded memory.

    python -m tests.inventory.fuzz [--minutes 10] [--seed N]

Takes the samples and workbooks, CSV files and JSON documents made of invented cells, damages them, and reads each. What
must hold: an import ends with its rows counted, or with BadInput; it takes seconds, and the process less than 1 GiB.
Ends 1 at the first case that breaks it, which is kept under the path that is printed.
"""

import argparse
import csv
import io
import json
import random
import resource
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path

from inventory.importers import known, read_file
from inventory.importers.declared import Declared
from inventory.importers.registry import FORMATS
from inventory.importers.rvtools_columns import BY_HEADING
from pse.core.errors import BadInput
from tests.inventory.bigbook import Sheet, write_book

SAMPLES = Path(__file__).parents[3] / "shared" / "samples"
MOST_MIB = 1024
MOST_S = 20.0
CELLS = (
    *("", " ", "0", "1", "-1", "2.5", "1,024", "1.024,5", "16 GB", "1e308", "9" * 400, "NaN", "inf", "true", "Falsch"),
    *("web01", "=1+1", "+cmd|' /C calc'!A0", "@SUM(A1)", "\x1b[31m", "\u202e", "\ufffd", "a\nb", '"', "'", ";", "\t"),
    *(
        "10.0.0.1",
        "fe80::1%eth0",
        "10.0.0.1/24",
        "[::1];[];",
        "00:50:56:01:00:01",
        "poweredOn",
        "Running",
        "7",
        "x" * 5000,
    ),
    *(
        "Red Hat Enterprise Linux 6 (32-bit)",
        "rhel8_64Guest",
        "100GB + 500GB",
        "1 GiB / 2 GiB",
        "#REF!",
        "12/31/2026",
        "²",
    ),
)


def main() -> int:
    """Fuzz until the time is up."""
    parser = argparse.ArgumentParser(prog="make fuzz-import", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    given = parser.parse_args()
    resource.setrlimit(resource.RLIMIT_AS, (4 * MOST_MIB * 1024**2, resource.getrlimit(resource.RLIMIT_AS)[1]))
    chance, end = random.Random(given.seed), time.monotonic() + 60 * given.minutes
    counts = {"cases": 0, "read": 0, "refused": 0}
    with tempfile.TemporaryDirectory() as folder:
        while time.monotonic() < end:
            path = case(chance, Path(folder))
            wrong = tried(path, counts)
            if wrong:
                kept = Path(tempfile.mkdtemp(prefix="fuzz-import-")) / path.name
                kept.write_bytes(path.read_bytes())
                print(f"{wrong}: {kept} (seed {given.seed}, case {counts['cases']})", file=sys.stderr)
                return 1
            path.unlink()
    peak = round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
    print(json.dumps({"target": "fuzz-import", "seed": given.seed, **counts, "peak_mib": peak}))
    return int(peak > MOST_MIB)


def tried(path: Path, counts: dict[str, int]) -> str:
    """Read ``path``; returns what broke, empty for nothing."""
    counts["cases"] += 1
    begun = time.monotonic()
    try:
        found = read_file(path)[2]
    except BadInput:
        counts["refused"] += 1
    except Exception as exc:  # noqa: BLE001 - whatever it is, it is the finding
        return f"{type(exc).__name__}: {exc}"
    else:
        counts["read"] += 1
        if found.rows != found.servers + found.templates + found.skipped:
            return "rows are not servers + templates + skipped"
        if len(found.sightings) != found.servers + found.templates:
            return "servers are not sightings"
    return "it took too long" if time.monotonic() - begun > MOST_S else ""


def case(chance: random.Random, folder: Path) -> Path:
    """One file."""
    makers: Sequence[Callable[[random.Random, Path], Path]] = (
        invented_book,
        invented_csv,
        invented_json,
        damaged_sample,
    )
    path = chance.choice(makers)(chance, folder)
    if chance.random() < 0.4:
        path.write_bytes(damaged(chance, path.read_bytes()))
    return path


def headings(chance: random.Random) -> list[str]:
    """Column names of one importer, some left out, some twice, in any order."""
    name = chance.choice(("rvtools", "list", *FORMATS))
    if name == "rvtools":
        names = list(BY_HEADING)
    else:
        said = [alias for table in Declared.of(name).tables for alias in table.columns.values()]
        names = [alias.replace("*", "1") for one in said for alias in ((one,) if isinstance(one, str) else one)]
    kept = [n for n in names if chance.random() < 0.9] + chance.choices(CELLS, k=2)
    chance.shuffle(kept)
    return [chance.choice((n, n.upper(), f"*{n} (optional)")) for n in kept]


def rows(chance: random.Random, width: int) -> list[list[str]]:
    """Rows of odd cells, some too long or too short."""
    return [
        chance.choices(CELLS, k=max(0, width + chance.choice((0, 0, 0, -1, 2)))) for _ in range(chance.randrange(12))
    ]


def invented_book(chance: random.Random, folder: Path) -> Path:
    """A workbook whose sheets are called as those of any tool."""
    names = chance.sample(("vInfo", "vDisk", "vPartition", "vNetwork", "Servers", "VMs", "VM Disks", "vCPU"), k=3)
    sheets = []
    for name in names:
        head = headings(chance)
        cells = [[*row, *[""] * len(head)][: len(head)] for row in rows(chance, len(head))]
        texts = [["".join(c for c in cell if c >= " " or c == "\n") for cell in row] for row in [head, *cells]]
        sheets.append(Sheet(name, texts[0], texts[1:], claims=chance.choice((0, 0, 2_000))))
    return write_book(folder / "case.xlsx", *sheets)


def invented_csv(chance: random.Random, folder: Path) -> Path:
    """A CSV file in any encoding, with any delimiter."""
    head = headings(chance)
    text = io.StringIO()
    writer = csv.writer(text, delimiter=chance.choice(",;\t|"), lineterminator=chance.choice(("\n", "\r\n", "\r")))
    writer.writerows([*[["A title"]] * chance.randrange(3), head, *rows(chance, len(head))])
    path = folder / chance.choice(("case.csv", "RVTools_tabvInfo.csv", "vmInfo.csv"))
    path.write_bytes(text.getvalue().encode(chance.choice(("utf-8", "utf-8-sig", "utf-16", "cp1252")), "replace"))
    return path


def invented_json(chance: random.Random, folder: Path) -> Path:
    """Facts or a state with values of any type where text is expected."""
    odd: tuple[object, ...] = (
        *CELLS,
        None,
        True,
        1,
        -1,
        1.5,
        [],
        {},
        [None],
        [[1]],
        {"a": []},
        {"size": "1.2.3 GB", "sectors": "x"},
    )
    facts = {name: chance.choice(odd) for name in FACTS if chance.random() < 0.9}
    state: dict[str, object] = {
        "version": 4,
        "serial": 1,
        "resources": chance.choice(([], [{}], [None], odd, [{"type": "aws_instance"}])),
    }
    path = folder / "case.json"
    path.write_text(json.dumps(chance.choice((facts, {"ansible_facts": facts}, {"h": facts}, state))), encoding="utf-8")
    return path


FACTS = tuple(
    f"ansible_{name}"
    for name in [
        "hostname",
        "fqdn",
        "memtotal_mb",
        "processor_vcpus",
        "processor_count",
        "devices",
        "mounts",
        "interfaces",
        "eth0",
        "product_uuid",
        "distribution",
        "distribution_version",
        "all_ipv4_addresses",
        "virtualization_type",
        "virtualization_role",
        "kernel",
    ]
)


def damaged_sample(chance: random.Random, folder: Path) -> Path:
    """A real file with some bytes changed, or a part of a workbook or zip changed and packed again."""
    source = chance.choice(sorted(p for p in SAMPLES.iterdir() if p.suffix in {".csv", ".xlsx", ".json", ".zip"}))
    path = folder / source.name
    raw = source.read_bytes()
    if not zipfile.is_zipfile(source) or chance.random() < 0.3:
        path.write_bytes(damaged(chance, raw))
        return path
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as new:
        names = old.namelist()
        hit = chance.choice(names)
        for name in names:
            part = old.read(name)
            new.writestr(name, damaged(chance, part) if name == hit else part)
    return path


def damaged(chance: random.Random, raw: bytes) -> bytes:
    """``raw`` cut off, with bytes changed, or with parts repeated."""
    data = bytearray(raw)
    for _ in range(chance.randrange(1, 8)):
        if not data:
            break
        at = chance.randrange(len(data))
        what = chance.randrange(5)
        if what == 0:
            data[at] = chance.randrange(256)
        elif what == 1:
            del data[at : at + chance.randrange(64)]
        elif what == 2:
            data[at:at] = data[at : at + chance.randrange(2000)]
        elif what == 3:
            data[at:at] = chance.choice(
                (b"\0", b"<", b">", b'"', b"<row>", b"</c>", b"&#x110000;", b"<!DOCTYPE x>", b"\xff")
            )
        elif chance.random() < 0.2:
            del data[at:]
    return bytes(data)


if __name__ == "__main__":
    assert known()
    sys.exit(main())
