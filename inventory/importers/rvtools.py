"""RVTools: the xlsx export of vSphere's inventory (3.x and 4.x)."""

import ipaddress
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path

from inventory.importers import ReadFile
from inventory.importers.rvtools_columns import ATTRIBUTE, BY_HEADING, column, detail
from inventory.importers.workbook import Row, Workbook, heading
from inventory.readiness import os_findings
from pse.core.documents.snapshot import Disk, Nic, Server, Sighting
from pse.core.errors import BadInput
from pse.core.findings import Finding, Severity
from pse.core.text import printable
from pse.core.time import now

_POWER = {"poweredon": "on", "poweredoff": "off", "suspended": "suspended"}
_TRUE = {"true", "1", "yes", "wahr", "vrai", "verdadero", "vero"}
_FAMILIES = (
    ("windows", "windows"),
    ("red hat", "rhel"),
    ("centos", "rhel"),
    ("oracle linux", "rhel"),
    ("rocky", "rhel"),
    ("almalinux", "rhel"),
    ("fedora", "rhel"),
    ("debian", "debian"),
    ("ubuntu", "debian"),
    ("suse", "suse"),
    ("sles", "suse"),
    ("alpine", "alpine"),
)
_DETAILS = ("vDisk", "vNetwork", "vUSB", "vPartition")


class RVTools:
    """Importer of RVTools workbooks. Only vInfo is needed; other sheets add disks, interfaces and devices."""

    def sniff(self, path: Path) -> bool:
        """See `inventory.importers.Importer`; Nutanix' collector has a vInfo, too, with other columns."""
        try:
            book = Workbook(path)
            sheet = _sheet(book, "vInfo")
            return sheet is not None and _is_vinfo(book.headers(sheet))
        except BadInput:
            return False

    def read(self, path: Path) -> ReadFile:
        """See `inventory.importers.Importer`."""
        book = Workbook(path)
        sheet = _sheet(book, "vInfo")
        if sheet is None or not _is_vinfo(book.headers(sheet)):
            raise BadInput("a workbook without the sheet vInfo and its columns VM and Powerstate", where=str(path))
        return _Reading(path.name, book, sheet).result()


def _sheet(book: Workbook, name: str) -> str | None:
    return next((s for s in book.sheets if s.strip().casefold() == name.casefold()), None)


def _is_vinfo(headers: Iterable[str]) -> bool:
    known = {BY_HEADING.get(heading(name)) for name in headers}
    return {"vm", "power", "cpus", "memory"} <= known


class _Reading:
    """One file while it is read."""

    def __init__(self, file: str, book: Workbook, sheet: str) -> None:
        self._prefix = f"rvtools:{file}#"
        self._sheet = sheet
        self._findings: list[Finding] = []
        self._rows = book.rows(sheet, column)
        self._index = _Index(self._rows)
        self._details: dict[str, dict[int, list[Row]]] = {}
        for name in _DETAILS:
            found = _sheet(book, name)
            self._details[name] = self._joined(name, book.rows(found, detail) if found else [])
        self._shared = self._shared_disks()

    def result(self) -> ReadFile:
        taken, seen = [], set()
        for row in self._rows:
            try:
                key = _key(row)
                if key in seen:
                    raise ValueError("the same machine stands in an earlier row")  # noqa: TRY301 - one way to skip a row
                taken.append(self._sighting(row))
                seen.add(key)
            except ValueError as exc:
                self._skip(row, str(exc))
        templates = sum(s.server.is_template for s in taken)
        return ReadFile(
            prefix=self._prefix,
            rows=len(self._rows),
            servers=len(taken) - templates,
            templates=templates,
            skipped=len(self._rows) - len(taken),
            sightings=tuple(taken),
            findings=tuple(sorted(self._findings)),
        )

    def _skip(self, row: Row, why: str) -> None:
        self._findings.append(
            Finding(
                code="PSE-I020",
                severity=Severity.ERROR,
                subject=printable(row.cells.get("vm", f"row {row.number}")),
                message=f"sheet {self._sheet}, row {row.number} was left out: {printable(why)}",
                remedy="Correct the cell, or export again.",
                source=printable(f"{self._prefix}{self._sheet}:{row.number}"),
            )
        )

    def _joined(self, sheet: str, rows: list[Row]) -> dict[int, list[Row]]:
        joined: dict[int, list[Row]] = defaultdict(list)
        for row in rows:
            at = self._index.find(row)
            if at is not None:
                joined[at].append(row)
                continue
            self._findings.append(
                Finding(
                    code="PSE-I021",
                    severity=Severity.WARNING,
                    subject=printable(row.cells.get("vm", f"row {row.number}")),
                    message=f"sheet {sheet}, row {row.number} belongs to no machine of vInfo",
                    remedy="Export all sheets at one time.",
                    source=printable(f"{self._prefix}{sheet}:{row.number}"),
                )
            )
        return joined

    def _shared_disks(self) -> set[int]:
        """Row numbers of disks that several machines use: marked so, or one LUN of one size twice."""
        rows = [row for rows in self._details["vDisk"].values() for row in rows]
        luns = Counter(lun for row in rows if (lun := _lun(row)))
        return {
            row.number
            for row in rows
            if row.cells.get("sharing", "sharingNone") not in {"sharingNone", "0"}
            or row.cells.get("shared_bus", "noSharing") not in {"noSharing", "0"}
            or luns.get(_lun(row), 0) > 1
        }

    def _sighting(self, row: Row) -> Sighting:
        cells = row.cells
        if "vm" not in cells:
            raise ValueError("it has no name")
        name = cells["vm"]
        source = f"{self._prefix}{self._sheet}:{row.number}"
        nics = tuple(self._nics(row))
        addresses = {*_addresses(cells.get("ip", "")), *(a for nic in nics for a in nic.addresses)}
        os_name = cells.get("os_tools") or cells.get("os_config", "")
        template = _flag(cells.get("template", ""))
        identity = {
            "uuid": cells.get("bios_uuid") or cells.get("uuid", ""),
            "macs": ",".join(sorted({nic.mac for nic in nics if nic.mac})),
            "dns": cells.get("dns", ""),
            "vm": "/".join(_key(row)),
        }
        return Sighting(
            source=source,
            seen=now(),
            identity={key: value for key, value in identity.items() if value},
            server=Server(
                id="",
                hostname=name,
                addresses=tuple(sorted(addresses)),
                os_family=_family(os_name),
                os_version=_version(os_name),
                os_name=os_name,
                architecture="i686" if "32-bit" in os_name else "x86_64" if "64-bit" in os_name else "",
                virtual="vmware",
                vcpus=_number(cells, "cpus"),
                memory_mib=_number(cells, "memory"),
                power_state=_POWER.get(cells.get("power", "").casefold(), "unknown"),
                is_template=template,
                sources=(source,),
                tags=tuple(sorted(_tags(cells))),
            ),
            disks=tuple(self._disks(row)),
            nics=nics,
            findings=() if template else tuple(sorted(self._readiness(row, source, os_name))),
        )

    def _nics(self, row: Row) -> Iterator[Nic]:
        used: Counter[str] = Counter()
        for item in self._details["vNetwork"].get(row.number, ()):
            label = item.cells.get("nic") or "Network adapter"
            used[label] += 1
            addresses = {a for key in ("ipv4", "ipv6") for a in _addresses(item.cells.get(key, ""))}
            mac = item.cells.get("mac", "").lower().replace("-", ":")
            yield Nic(
                server="",
                name=label if used[label] == 1 else f"{label} ({used[label]})",
                mac=mac if re.fullmatch(r"[0-9a-f]{2}(:[0-9a-f]{2}){5}", mac) else "",
                addresses=tuple(sorted(addresses)),
            )

    def _disks(self, row: Row) -> Iterator[Disk]:
        used: Counter[str] = Counter()
        for item in self._details["vDisk"].get(row.number, ()):
            label = item.cells.get("disk") or "Disk"
            used[label] += 1
            raw = _flag(item.cells.get("raw", ""))
            try:
                size = _number(item.cells, "capacity")
            except ValueError:
                size = None
            if size is None:
                self._bad_disk(item)
                continue
            yield Disk(
                server="",
                name=label if used[label] == 1 else f"{label} ({used[label]})",
                size_mib=size,
                kind="shared" if item.number in self._shared else "rdm" if raw else "disk",
            )

    def _bad_disk(self, item: Row) -> None:
        self._findings.append(
            Finding(
                code="PSE-I020",
                severity=Severity.ERROR,
                subject=printable(item.cells.get("vm", f"row {item.number}")),
                message=f"sheet vDisk, row {item.number} was left out: its capacity is not a number",
                remedy="Correct the cell, or export again.",
                source=printable(f"{self._prefix}vDisk:{item.number}"),
            )
        )

    def _readiness(self, row: Row, source: str, os_name: str) -> Iterator[Finding]:
        subject, cells = printable(row.cells["vm"]), row.cells
        yield from os_findings(subject=subject, source=printable(source), name=os_name)

        def blocks(code: str, message: str, remedy: str) -> Finding:
            return Finding(
                code=code,
                severity=Severity.ERROR,
                subject=subject,
                message=message,
                remedy=remedy,
                source=printable(source),
            )

        for item in self._details["vDisk"].get(row.number, ()):
            label = printable(item.cells.get("disk", "a disk"))
            if item.number in self._shared or _flag(item.cells.get("raw", "")):
                kind = "is shared with another server" if item.number in self._shared else "is a raw LUN (RDM)"
                yield blocks("PSE-I106", f"{label} {kind}", "Move its data as files or as a database.")
        for item in self._details["vUSB"].get(row.number, ()):
            if _flag(item.cells.get("connected", "")):
                device = printable(item.cells.get("usb_type", "a USB device"))
                remedy = "Ask the vendor for a licence without hardware, or retain the server."
                yield blocks("PSE-I105", f"a USB device is connected: {device}", remedy)
        if _flag(cells.get("placeholder", "")):
            yield blocks("PSE-I107", "it is a placeholder of a server recovered here", "Move the server itself.")
        if cells["vm"].startswith("vCLS"):
            yield blocks("PSE-I107", "it is an agent of the cluster and no server", "Leave it where it is.")
        if cells.get("ft_role", "").isdigit() and int(cells["ft_role"]) > 1:
            yield blocks("PSE-I107", "it is the secondary of a fault-tolerant pair", "Move the primary.")
        if cells.get("connection", "connected").casefold() != "connected":
            state = printable(cells["connection"])
            yield blocks("PSE-I108", f"the hypervisor calls it {state}", "Repair or retire it.")


class _Index:
    """Finds the row of vInfo that a row of another sheet belongs to: by vCenter and VM id, then less sure ones."""

    def __init__(self, rows: Iterable[Row]) -> None:
        self._maps: list[dict[tuple[str, ...], int | None]] = [{}, {}, {}, {}]
        for row in rows:
            for known, key in zip(self._maps, self._keys(row), strict=True):
                if key:
                    known[key] = None if key in known else row.number

    def find(self, row: Row) -> int | None:
        for known, key in zip(self._maps, self._keys(row), strict=True):
            if key and (at := known.get(key)) is not None:
                return at
        return None

    @staticmethod
    def _keys(row: Row) -> tuple[tuple[str, ...], ...]:
        cells = row.cells
        machine, vcenter = cells.get("id", ""), cells.get("vcenter", "")
        return (
            (vcenter, machine) if machine else (),
            (machine,) if machine and not vcenter else (),
            (cells["uuid"].lower(),) if "uuid" in cells else (),
            (cells["vm"],) if "vm" in cells else (),
        )


def _key(row: Row) -> tuple[str, ...]:
    cells = row.cells
    if "id" in cells:
        return (cells.get("vcenter", ""), cells["id"])
    return ("uuid", cells["uuid"].lower()) if "uuid" in cells else ("name", cells.get("vm", str(row.number)))


def _lun(row: Row) -> tuple[str, ...]:
    """Hosts number LUNs alike, so the size belongs to it."""
    return (row.cells["raw_lun"], row.cells.get("capacity", "")) if "raw_lun" in row.cells else ()


def _flag(text: str) -> bool:
    return text.casefold() in _TRUE


def _number(cells: dict[str, str], name: str) -> int | None:
    text = cells.get(name)
    if text is None:
        return None
    if not re.fullmatch(r"\d{1,15}(\.\d*)?", text):
        raise ValueError(f"{name} is {'negative' if text.startswith('-') else 'not a number'}: {text!r}")
    return round(float(text))


def _addresses(text: str) -> set[str]:
    found = set()
    for word in re.split(r"[\s,;]+", text):
        try:
            address = ipaddress.ip_address(word)
        except ValueError:
            continue
        if not address.is_link_local and not address.is_loopback and not address.is_unspecified:
            found.add(str(address))
    return found


def _tags(cells: dict[str, str]) -> Iterator[str]:
    for name, value in cells.items():
        if name.startswith(ATTRIBUTE):
            yield f"{name.removeprefix(ATTRIBUTE)}={value}"
        elif name in {"datacenter", "cluster", "folder"}:
            yield f"{name}={value}"


def _family(os_name: str) -> str:
    words = os_name.casefold()
    return next((family for word, family in _FAMILIES if word in words), "other" if words else "")


def _version(os_name: str) -> str:
    """``CentOS 4/5/6/7 (64-bit)`` names four versions and so none."""
    name = re.sub(r"\(.*?\)", "", os_name)
    if windows := re.search(r"Windows.*?\b(\d+(?: R2)?)\b", name):
        return windows[1]
    found = re.findall(r"\d+(?:\.\d+)*", name)
    return found[0] if len(found) == 1 else ""
