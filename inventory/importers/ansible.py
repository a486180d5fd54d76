"""Ansible: cached facts of hosts (`fact_caching = jsonfile`), and what the module ``setup`` prints, one file a host."""

import re
from collections.abc import Iterator, Mapping

from inventory.importers.cells import Way
from inventory.importers.documents import Documents
from inventory.importers.machines import Intake, Parts
from inventory.importers.reading import ReadFile, Source
from inventory.importers.values import UNITS, Numbers, addresses, macs
from pse.core.documents.snapshot import Disk, Filesystem, Nic

Facts = Mapping[str, object]
_SIZE = re.compile(r"([\d.]+) ([KMGTP]?)i?B", re.IGNORECASE)
_NO_DISK = re.compile(r"loop|sr\d|ram|dm-|fd\d|zram|md\d")
_NETWORK = frozenset({"nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "ceph", "glusterfs", "fuse.sshfs", "afs", "autofs"})
_PSEUDO = frozenset({"tmpfs", "devtmpfs", "proc", "sysfs", "overlay", "squashfs", "iso9660", "efivarfs", "ramfs"})
_NUMBERS = Numbers()


class Ansible:
    """Importer of Ansible's facts: one host a file, or several hosts of one file by name."""

    name = "ansible-facts"
    title = "facts cached by Ansible (JSON, one file or a folder)"

    def knows(self, source: Source) -> bool:
        """See `inventory.importers.reading.Importer`."""
        return isinstance(source, Documents) and any(
            _hosts(document.name, document.data) for document in source.documents
        )

    def read(self, source: Source) -> ReadFile:
        """See `inventory.importers.reading.Importer`; each host is a row, and so is each file that is none."""
        intake = Intake(f"{self.name}:{source.path.name}#")
        if not isinstance(source, Documents):
            return intake.result()
        way = Way(numbers=_NUMBERS, units={"memory": "m"}, key=("machine_id", "uuid", "dns", "name"))
        for document in source.documents:
            hosts = _hosts(document.name, document.data)
            for host, facts in hosts:
                where = document.name if len(hosts) == 1 else f"{document.name}:{host}"
                intake.take(_cells(host, facts), where, way, _parts(facts))
            if not hosts:
                intake.skip({}, document.name, "it holds no facts of a host")
        for name, why in source.unread:
            intake.skip({}, name, why)
        return intake.result()


def _hosts(name: str, data: Facts) -> list[tuple[str, Facts]]:
    """Facts by host: of this document itself, under ``ansible_facts``, or under the names of hosts."""
    own = _facts_of(data)
    if own is not None:
        return [(name.removesuffix(".json"), own)]
    found = [(host, facts) for host, value in data.items() if isinstance(value, dict) and (facts := _facts_of(value))]
    return found if len(found) == len(data) else []


def _facts_of(data: Facts) -> Facts | None:
    inner = data.get("ansible_facts")
    facts = inner if isinstance(inner, dict) else data
    named = {str(key).removeprefix("ansible_"): value for key, value in facts.items()}
    return named if {"hostname", "fqdn", "nodename"} & named.keys() and "memtotal_mb" in named else None


def _text(facts: Facts, *names: str) -> str:
    for name in names:
        value = facts.get(name)
        if isinstance(value, str | int | float) and not isinstance(value, bool) and value not in ("", "NA"):
            return str(value)
    return ""


def _cells(host: str, facts: Facts) -> dict[str, str]:
    system = _text(facts, "distribution", "system")
    version = _text(facts, "distribution_version")
    cells = {
        "name": _text(facts, "hostname", "nodename") or host,
        "dns": _text(facts, "fqdn"),
        "machine_id": _text(facts, "machine_id"),
        "uuid": _text(facts, "product_uuid"),
        "serial": _text(facts, "product_serial"),
        "os": system if not version or version in system else f"{system} {version}",
        "os_version": version,
        "kernel": _text(facts, "kernel"),
        "architecture": _text(facts, "architecture", "machine"),
        "vcpus": _text(facts, "processor_vcpus") or _threads(facts),
        "memory": _text(facts, "memtotal_mb"),
        "power": "on",
        "virtual": _text(facts, "virtualization_type"),
    }
    if cells["virtual"].casefold() in {"na", "none", ""} or _text(facts, "virtualization_role") == "host":
        cells["virtual"], cells["physical"] = "", "yes" if _text(facts, "virtualization_role") in {"NA", "host"} else ""
    for number, address in enumerate(sorted(_addresses(facts)), start=1):
        cells[f"addresses#{number}"] = address
    return {name: text for name, text in cells.items() if text}


def _threads(facts: Facts) -> str:
    parts = [_text(facts, f"processor_{name}") for name in ("count", "cores", "threads_per_core")]
    if not parts[0].isdecimal():
        return ""
    total = 1
    for part in parts:
        total *= int(part) if part.isdecimal() and len(part) < 6 else 1
    return str(total)


def _addresses(facts: Facts) -> Iterator[str]:
    for name in ("all_ipv4_addresses", "all_ipv6_addresses", "ip_addresses"):
        listed = facts.get(name)
        for address in listed if isinstance(listed, list) else ():
            yield from addresses(str(address))


def _parts(facts: Facts) -> Parts:
    return Parts(disks=tuple(_disks(facts)), filesystems=tuple(_filesystems(facts)), nics=tuple(_nics(facts)))


def _disks(facts: Facts) -> Iterator[Disk]:
    """Block devices; sectors are exact, and the size in words says GB for GiB."""
    devices = facts.get("devices")
    for name, device in sorted(devices.items()) if isinstance(devices, dict) else ():
        if _NO_DISK.match(str(name)) or not isinstance(device, dict):
            continue
        sectors, size = _text(device, "sectors"), _text(device, "sectorsize") or "512"
        said = _SIZE.fullmatch(_text(device, "size"))
        if sectors.isdecimal() and size.isdecimal() and len(sectors + size) < 24:
            mib = -(-int(sectors) * int(size) // 1024**2)
        elif said and len(said[1]) < 20 and said[1].count(".") < 2:
            mib = round(float(said[1]) * UNITS[(said[2] or "b").lower()])
        else:
            continue
        if 0 < mib < 2**53:
            yield Disk(server="", name=str(name), size_mib=mib)


def _filesystems(facts: Facts) -> Iterator[Filesystem]:
    seen = set()
    mounts = facts.get("mounts")
    for mount in mounts if isinstance(mounts, list) else ():
        if not isinstance(mount, dict):
            continue
        kind, where = _text(mount, "fstype"), _text(mount, "mount")
        size, free = _text(mount, "size_total"), _text(mount, "size_available")
        if not where or where in seen or kind in _NETWORK | _PSEUDO or not (size.isdecimal() and free.isdecimal()):
            continue
        if len(size) > 18 or len(free) > 18:
            continue
        seen.add(where)
        used = max(int(size) - int(free), 0)
        yield Filesystem(
            server="", mount=where, fstype=kind, size_mib=-(-int(size) // 1024**2), used_mib=-(-used // 1024**2)
        )


def _nics(facts: Facts) -> Iterator[Nic]:
    listed = facts.get("interfaces")
    seen = set()
    for item in listed if isinstance(listed, list) else ():
        if isinstance(item, dict):
            name, card = _text(item, "interface_name", "connection_name"), item
        else:
            named = facts.get(str(item).replace("-", "_").replace(":", "_").replace(".", "_"))
            name, card = str(item), named if isinstance(named, dict) else {}
        mac = next(iter(macs(_text(card, "macaddress"))), "")
        if not name or name in seen or not mac:
            continue
        seen.add(name)
        yield Nic(server="", name=name, mac=mac, addresses=tuple(sorted(set(_own_addresses(card)))))


def _own_addresses(card: Facts) -> Iterator[str]:
    four = card.get("ipv4")
    blocks = [four, *_list(card.get("ipv4_secondaries")), *_list(card.get("ipv6"))]
    for block in blocks:
        if isinstance(block, dict):
            yield from addresses(_text(block, "address"))


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []
