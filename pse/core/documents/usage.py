"""Usage: what was measured of servers over time, from ``usage.csv``; a row a host, empty cells were not measured."""

import csv
import io
import re
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Annotated

import msgspec

from pse.core.canonical import hash_of, read_bytes
from pse.core.errors import BadInput
from pse.core.settings import Workspace
from pse.core.text import printable

FILE = "usage.csv"
_Number = re.compile(r"\d{1,12}(\.\d{1,9})?", re.ASCII)
_SHARES = tuple(f"{name}_{kind}" for name in ("cpu", "memory") for kind in ("p50", "p95", "peak"))
_MOST = 100


class Usage(msgspec.Struct, frozen=True, kw_only=True):
    """What was measured of one host. Shares are percentages of what it has; rates are sums over its disks or cards.

    Attributes:
        host: Host name as in the snapshot.
        first: First day of the window.
        last: Last day of it.
        coverage: Percent of the window's data points that are there.
        cpu_p50: Percent of CPU that it stays at or below half of the time.
        cpu_p95: Percent of CPU that it stays at or below 95 % of the time.
        cpu_peak: Highest percent of CPU.
        memory_p50: As for CPU.
        memory_p95: As for CPU.
        memory_peak: As for CPU.
        iops_p50: Reads and writes a second, half of the time at most.
        iops_p95: Reads and writes a second.
        iops_peak: Reads and writes a second.
        disk_mbps_p50: MB a second read and written.
        disk_mbps_p95: MB a second read and written.
        disk_mbps_peak: MB a second read and written.
        network_mbps_p50: MB a second received and sent.
        network_mbps_p95: MB a second received and sent.
        network_mbps_peak: MB a second received and sent.
        logins: Log-ins of people in the window.
        off_since: Day since which it is switched off.
        cpu_performance: Work of one of its CPUs, 1 being the reference of the price book; needs ``source``.
        source: Who measured, for example the monitoring system.
    """

    host: str
    first: date
    last: date
    coverage: Decimal
    cpu_p50: Decimal | None = None
    cpu_p95: Decimal | None = None
    cpu_peak: Decimal | None = None
    memory_p50: Decimal | None = None
    memory_p95: Decimal | None = None
    memory_peak: Decimal | None = None
    iops_p50: Decimal | None = None
    iops_p95: Decimal | None = None
    iops_peak: Decimal | None = None
    disk_mbps_p50: Decimal | None = None
    disk_mbps_p95: Decimal | None = None
    disk_mbps_peak: Decimal | None = None
    network_mbps_p50: Decimal | None = None
    network_mbps_p95: Decimal | None = None
    network_mbps_peak: Decimal | None = None
    logins: Annotated[int, msgspec.Meta(ge=0)] | None = None
    off_since: date | None = None
    cpu_performance: Decimal | None = None
    source: str = ""

    @property
    def days(self) -> int:
        """Days of the window, both ends included."""
        return (self.last - self.first).days + 1

    @property
    def window(self) -> str:
        """The window in words."""
        return f"{self.first} to {self.last}"


class Usages(msgspec.Struct, frozen=True, kw_only=True):
    """The whole file: host name to what was measured of it; ``hash`` is empty where there is no file."""

    of: dict[str, Usage] = {}
    hash: str = ""


def load_usage(workspace: Workspace) -> Usages:
    """Read ``usage.csv``; a missing file says that nothing was measured over time.

    Raises:
        BadInput: Not UTF-8, an unknown or missing column, a cell that is no number or day or that cannot be, or a host
            that is there twice; the message names the row.
    """
    path = workspace.path(FILE)
    if not path.exists():
        return Usages()
    where = str(path)
    try:
        text = read_bytes(path).decode("utf-8-sig")
        rows = csv.DictReader(io.StringIO(text, newline=""), strict=True, restkey="")
        _check_columns(rows.fieldnames or (), where)
        found: dict[str, Usage] = {}
        for row in rows:
            usage = _usage(row, f"{where}:{rows.line_num}")
            if usage.host in found:
                raise BadInput(f"{printable(usage.host)} is there twice", where=f"{where}:{rows.line_num}")
            found[usage.host] = usage
    except UnicodeDecodeError as exc:
        raise BadInput("not UTF-8 text", where=where, hint="Save it as UTF-8.") from exc
    except csv.Error as exc:
        raise BadInput(f"not CSV: {exc}", where=where, hint='Cells with commas stand in "quotes".') from exc
    ordered = {host: found[host] for host in sorted(found)}
    return Usages(of=ordered, hash=hash_of(ordered))


def _check_columns(columns: Sequence[str], where: str) -> None:
    known = Usage.__struct_fields__
    strange = [name for name in columns if name not in known]
    lacking = [name for name in ("host", "first", "last", "coverage") if name not in columns]
    if strange or lacking or len(set(columns)) < len(columns):
        words = f"unknown column {printable(strange[0])!r}" if strange else f"no column {lacking[0]}" if lacking else ""
        raise BadInput(
            words or "a column is there twice", where=f"{where}:1", hint=f"Its columns are: {', '.join(known)}."
        )


def _usage(row: dict[str, str | None], where: str) -> Usage:
    if "" in row:
        raise BadInput("the row has more cells than the heading", where=where)
    cells = {name: text.strip() for name, text in row.items() if text is not None and text.strip()}
    for name, text in cells.items():
        if name not in ("host", "first", "last", "off_since", "source") and not _Number.fullmatch(text):
            raise BadInput(f"{name} is not a number: {printable(text[:40])!r}", where=where, hint="Write it as 12.5.")
    try:
        usage = msgspec.convert(cells, Usage, strict=False)
    except msgspec.ValidationError as exc:
        raise BadInput(f"cannot be used: {exc}", where=where) from exc
    for name in ("coverage", *_SHARES, "cpu_performance"):
        if (getattr(usage, name) or 0) > _MOST:
            raise BadInput(f"{name} is more than {_MOST}", where=where)
    if usage.last < usage.first:
        raise BadInput("its window ends before it begins", where=where)
    if usage.cpu_performance == 0:
        raise BadInput("cpu_performance is 0; leave it out where nobody measured it", where=where)
    if usage.cpu_performance is not None and not usage.source:
        raise BadInput("cpu_performance needs the source that measured it", where=where)
    return usage
