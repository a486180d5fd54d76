"""Names that were found in an estate: what discovery saw, and what the owner of a database listed in a file.

Discovery sees hosts, tags, mounts, services and databases. Tables, columns and files it does not look into; who may,
lists them in a CSV file with the columns ``host``, ``kind`` and ``name``::

    host,kind,name
    db1,column,citizen.cnic_no
    files1,path,/srv/scans/passports

``kind`` is ``column``, ``table``, ``database``, ``path``, ``service``, ``host`` or ``tag``; only names, never contents.
"""

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path

from policy.clues import Look, Seen
from pse.core.canonical import read_bytes
from pse.core.documents.snapshot import Database, Filesystem, Listener, Server
from pse.core.errors import BadInput
from pse.core.text import printable

_HEAD = ("host", "kind", "name")
_HINT = f"The first row is {','.join(_HEAD)}; see docs/own-estate.md."


def found_in(
    servers: Iterable[Server],
    *,
    filesystems: Iterable[Filesystem] = (),
    listeners: Iterable[Listener] = (),
    databases: Iterable[Database] = (),
) -> tuple[Seen, ...]:
    """What discovery saw, sorted, each once."""
    names = {Seen(server=server.id, look=Look.HOST, name=server.hostname) for server in servers}
    names |= {Seen(server=server.id, look=Look.TAG, name=tag) for server in servers for tag in server.tags}
    names |= {Seen(server=one.server, look=Look.PATH, name=one.mount) for one in filesystems}
    names |= {Seen(server=one.server, look=Look.SERVICE, name=one.service or one.process) for one in listeners}
    names |= {Seen(server=one.server, look=Look.DATABASE, name=one.name) for one in databases}
    return tuple(sorted(one for one in names if one.name))


def read_found(path: Path, servers: Sequence[Server]) -> tuple[Seen, ...]:
    """Read a file of names that somebody listed; see the module.

    Args:
        path: CSV in UTF-8.
        servers: The estate; a host is written as it is called there, capitals do not matter.

    Raises:
        BadInput: Not such a file, a kind that is none, or a host that nobody knows: the row is named.
    """
    try:
        text = read_bytes(path).decode("utf-8-sig")
    except UnicodeDecodeError as exc:
        raise BadInput("not UTF-8", where=str(path), hint="Save it as CSV in UTF-8.") from exc
    by_name = {server.hostname.lower(): server.id for server in servers}
    found: set[Seen] = set()
    rows = csv.reader(text.splitlines(), strict=True)
    try:
        for number, row in enumerate(rows, start=1):
            where = f"{path}, row {number}"
            cells = [cell.strip() for cell in row]
            if number == 1:
                if tuple(cell.lower() for cell in cells) != _HEAD:
                    raise BadInput("not a file of names", where=where, hint=_HINT)
            elif any(cells):
                found.add(_seen(cells, by_name, where))
    except csv.Error as exc:
        raise BadInput(f"not CSV: {exc}", where=str(path), hint=_HINT) from exc
    return tuple(sorted(found))


def _seen(cells: list[str], by_name: dict[str, str], where: str) -> Seen:
    if len(cells) != len(_HEAD) or not cells[2]:
        raise BadInput("a row has a host, a kind and a name", where=where, hint=_HINT)
    host, kind, name = cells
    server = by_name.get(host.lower())
    if server is None:
        raise BadInput(
            f"no server is called {printable(host[:80])!r}", where=where, hint="`pse label` lists workloads."
        )
    if kind.lower() not in list(Look):
        raise BadInput(f"not a kind of name: {printable(kind[:80])!r}", where=where, hint=f"One of {', '.join(Look)}.")
    return Seen(server=server, look=Look(kind.lower()), name=name)
