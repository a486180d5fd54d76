"""Hosts that stand elsewhere than in ``hosts.toml``: ranges of addresses, and files of other tools that it names."""

import csv
import io
import ipaddress
import re
from pathlib import Path

import msgspec

from inventory.ansible_hosts import read_ini, read_yaml
from inventory.hosts import HostDefaults, HostLine
from inventory.ssh_config import read_ssh_config
from pse.core.canonical import read_bytes
from pse.core.errors import BadInput
from pse.core.text import printable

_MOST = 65_536
"""Addresses of one range: a /16."""

_COLUMNS = ("name", "address", "port", "user", "key", "agent_key", "jump", "tags")

KINDS = {"ssh-config": read_ssh_config, "ansible-ini": read_ini, "ansible-yaml": read_yaml}
"""Readers by what ``kind`` says; ``csv`` is here."""


class RangeLine(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One ``[[range]]``: every address of ``cidr``, each named by its address; what does not answer is passed over."""

    cidr: str
    omit: tuple[str, ...] = ()
    port: int | None = None
    user: str = ""
    key: str = ""
    agent_key: str = ""
    jump: str | None = None
    tags: tuple[str, ...] = ()


class IncludeLine(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One ``[[include]]``: a file of hosts, relative to the workspace; its ``kind`` is found out if it is not said."""

    file: str
    kind: str = ""
    tags: tuple[str, ...] = ()


class HostsFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The whole of ``hosts.toml``."""

    defaults: HostDefaults = HostDefaults()
    host: tuple[HostLine, ...] = ()
    range: tuple[RangeLine, ...] = ()
    include: tuple[IncludeLine, ...] = ()


def lines_of_range(line: RangeLine, *, where: str) -> tuple[HostLine, ...]:
    """One host an address, network and broadcast address left out.

    Raises:
        BadInput: Not a range, or one of more than 65,536 addresses.
    """
    try:
        network = ipaddress.ip_network(line.cidr, strict=False)
        omitted = [ipaddress.ip_network(word, strict=False) for word in line.omit]
    except ValueError as exc:
        raise BadInput(f"not a range of addresses: {exc}", where=where, hint='Write it as "192.0.2.0/24".') from exc
    if network.num_addresses > _MOST:
        raise BadInput(f"{line.cidr} has more than {_MOST} addresses", where=where, hint="Write the parts in use.")
    return tuple(
        HostLine(
            name=str(address),
            address=str(address),
            port=line.port,
            user=line.user,
            key=line.key,
            agent_key=line.agent_key,
            jump=line.jump,
            tags=line.tags,
        )
        for address in network.hosts()
        if not any(address.version == net.version and address in net for net in omitted)
    )


def lines_of_file(line: IncludeLine, root: Path) -> tuple[HostLine, ...]:
    """The hosts of an included file. Keys in it are relative to it; ``~`` is the user's home.

    Raises:
        BadInput: It cannot be read, or is not of its kind.
    """
    path = root / Path(line.file).expanduser()
    where = str(path)
    try:
        text = read_bytes(path).decode("utf-8-sig")
    except UnicodeDecodeError as exc:
        raise BadInput("not UTF-8 text", where=where) from exc
    kind = line.kind or kind_of(path.name, text)
    if kind == "csv":
        found = _read_csv(text, where=where)
    elif kind in KINDS:
        found = KINDS[kind](text, where=where)
    else:
        hint = f"Write one of {', '.join((*KINDS, 'csv'))}."
        raise BadInput(f"no such kind of file: {printable(kind)!r}", where=where, hint=hint)
    return tuple(
        msgspec.structs.replace(host, key=_key(host.key, path.parent), tags=(*host.tags, *line.tags)) for host in found
    )


def kind_of(name: str, text: str) -> str:
    """The kind of a file, by its content first."""
    lines = [s for line in text.splitlines() if (s := line.strip()) and s[0] not in "#;"]
    first = lines[0] if lines else ""
    if re.match(r"(?i)host\s+\S|host\s*=\s*\S|match\s|include\s", first) or any(
        re.match(r"(?i)hostname[\s=]|proxyjump[\s=]", line) for line in lines
    ):
        return "ssh-config"
    if first == "---" or re.fullmatch(r"[\w.-]+:", first):
        return "ansible-yaml"
    header = [word.strip().strip('"').lower() for word in first.split(",")]
    if name.lower().endswith(".csv") or {"name", "address"} <= set(header):
        return "csv"
    return "ansible-ini"


def _key(reference: str, folder: Path) -> str:
    if not reference.startswith("file:"):
        return reference
    return f"file:{folder / Path(reference.removeprefix('file:')).expanduser()}"


def _read_csv(text: str, *, where: str) -> tuple[HostLine, ...]:
    try:
        rows = list(csv.DictReader(io.StringIO(text, newline=""), strict=True, restkey=""))
    except csv.Error as exc:
        raise BadInput(f"not CSV: {exc}", where=where) from exc
    found = []
    for number, row in enumerate(rows, start=2):
        cells = {(k or "").strip().lower(): v.strip() for k, v in row.items() if isinstance(v, str) and v.strip()}
        at = f"{where}: row {number}"
        if strange := sorted(set(cells) - set(_COLUMNS)):
            hint = f"Its columns are: {', '.join(_COLUMNS)}."
            raise BadInput(f"unknown column {printable(strange[0])!r}", where=at, hint=hint)
        if not cells:
            continue
        port = cells.get("port", "")
        if port and not (port.isascii() and port.isdigit() and len(port) < 6):
            raise BadInput(f"{printable(port)!r} is not a TCP port", where=at)
        name = cells.get("name", cells.get("address", ""))
        if not name:
            raise BadInput("neither a name nor an address", where=at)
        found.append(
            HostLine(
                name=name,
                address=cells.get("address", name),
                port=int(port) if port else None,
                user=cells.get("user", ""),
                key=cells.get("key", ""),
                agent_key=cells.get("agent_key", ""),
                jump=cells.get("jump"),
                tags=tuple(tag.strip() for tag in cells.get("tags", "").split(";") if tag.strip()),
            )
        )
    return tuple(found)
