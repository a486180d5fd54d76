"""Estate: a snapshot in memory, and its manifest and Parquet tables on disk."""

import hashlib
import shutil
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from operator import attrgetter
from pathlib import Path
from typing import Any

import msgspec

from inventory.tables import arrow_table, read_rows
from pse.core import canonical
from pse.core.documents.snapshot import (
    ADDED,
    TABLES,
    ConfigItem,
    Database,
    Disk,
    Filesystem,
    Flow,
    Listener,
    Nic,
    ProposedWorkload,
    Server,
    Snapshot,
    Table,
)
from pse.core.errors import BadInput
from pse.core.findings import Finding
from pse.core.settings import Workspace

MANIFEST = "snapshot.json"
_AGAIN = (
    "Put it back from a copy. Or remove .pse/snapshot and run `pse discover` when everything talks: "
    "flows that are not seen then are forgotten."
)
"""A snapshot that cannot be read is not passed over: its flows may be all that holds a group together."""
_ROW = msgspec.json.Encoder(order="deterministic", decimal_format="string")
_CHUNK = 10_000
"""Rows that are made text of at once, to be hashed."""
_KEYS = {
    "servers": attrgetter("id"),
    "disks": attrgetter("server", "name"),
    "filesystems": attrgetter("server", "mount"),
    "nics": attrgetter("server", "name"),
    "listeners": attrgetter("server", "protocol", "address", "port"),
    "flows": attrgetter("client", "server", "protocol", "port"),
    "databases": attrgetter("server", "engine", "port", "name"),
    "configuration": attrgetter("server", "kind", "name", "value"),
    "workloads": attrgetter("id"),
}
"""By which the rows of each table are sorted."""


class Estate(msgspec.Struct, frozen=True, kw_only=True):
    """Everything known of what the entity runs; rows of each table are sorted by their key.

    Attributes:
        manifest: Counts, hashes and findings; its ``hash`` names the snapshot.
        servers: Also templates; see `Server.is_template`.
        disks: Disks of servers.
        filesystems: Mounted local file systems.
        nics: Network interfaces.
        listeners: Listening sockets with a visible owner.
        flows: Conversations.
        databases: Databases.
        configuration: What servers are set up with.
        workloads: Proposed ones, with people's edits.
    """

    manifest: Snapshot
    servers: tuple[Server, ...] = ()
    disks: tuple[Disk, ...] = ()
    filesystems: tuple[Filesystem, ...] = ()
    nics: tuple[Nic, ...] = ()
    listeners: tuple[Listener, ...] = ()
    flows: tuple[Flow, ...] = ()
    databases: tuple[Database, ...] = ()
    configuration: tuple[ConfigItem, ...] = ()
    workloads: tuple[ProposedWorkload, ...] = ()


def make_estate(tables: Mapping[str, Iterable[msgspec.Struct]], findings: Iterable[Finding]) -> Estate:
    """An estate of ``tables`` (by name, see `TABLES`) with its manifest."""
    rows = {name: _sorted(name, tables.get(name, ())) for name in TABLES}
    told = {name: _table(found) for name, found in rows.items() if found or name not in ADDED}
    return Estate(manifest=_manifest(told, findings), **rows)


def regrouped(estate: Estate, workloads: Iterable[ProposedWorkload], findings: Iterable[Finding]) -> Estate:
    """``estate`` with other workloads and findings; of the rest nothing is read again."""
    rows = _sorted("workloads", workloads)
    manifest = _manifest({**estate.manifest.tables, "workloads": _table(rows)}, findings)
    return msgspec.structs.replace(estate, manifest=manifest, workloads=rows)


def _manifest(tables: dict[str, Table], findings: Iterable[Finding]) -> Snapshot:
    manifest = Snapshot(tables=tables, findings=tuple(sorted(set(findings))))
    named = canonical.hash_of({"tables": manifest.tables, "findings": manifest.findings})
    return msgspec.structs.replace(manifest, hash=named)


def _table(rows: Sequence[msgspec.Struct]) -> Table:
    digest = hashlib.sha256()
    for start in range(0, len(rows), _CHUNK):
        digest.update(_ROW.encode_lines(rows[start : start + _CHUNK]))
    return Table(rows=len(rows), sha256=digest.hexdigest())


def write(estate: Estate, folder: Path) -> Path:
    """Write manifest and tables under ``folder``/HASH, whole or not at all; quiet when they are there already.

    Returns:
        The snapshot's own folder.

    Raises:
        BadInput: The folder cannot be written.
    """
    import pyarrow.parquet as pq

    target = folder / estate.manifest.hash
    if target.exists():
        return target
    try:
        folder.mkdir(parents=True, exist_ok=True)
        building = Path(tempfile.mkdtemp(prefix=".new-", dir=folder))
        try:
            for name in estate.manifest.tables:
                kind = TABLES[name]
                pq.write_table(arrow_table(getattr(estate, name), kind), building / f"{name}.parquet")
            canonical.write(building / MANIFEST, estate.manifest)
            building.chmod(0o755)
            building.rename(target)
        except OSError:
            if not target.exists():  # another run may have written the same snapshot meanwhile
                raise
        finally:
            shutil.rmtree(building, ignore_errors=True)
    except OSError as exc:
        raise BadInput(
            f"the snapshot cannot be written: {exc.strerror or exc}; the one before is still there",
            where=str(folder),
            hint="Free some space on its disk, or see who owns the folder, then run it again.",
        ) from exc
    canonical.sync_folder(folder)
    return target


def read(folder: Path) -> Estate:
    """Read what `write` wrote, and hold every table against its hash.

    Raises:
        BadInput: Missing, unreadable or altered.
    """
    import pyarrow as pa

    manifest = canonical.read(folder / MANIFEST, Snapshot)
    rows: dict[str, Any] = {}
    for name, kind in TABLES.items():
        if name in ADDED and name not in manifest.tables:
            continue
        path = folder / f"{name}.parquet"
        try:
            rows[name] = list(read_rows(path, kind))
        except (OSError, pa.ArrowException, msgspec.ValidationError) as exc:
            raise BadInput(f"not a table of a snapshot: {exc}", where=str(path)) from exc
    estate = make_estate(rows, manifest.findings)
    if estate.manifest != manifest:
        raise BadInput("the snapshot was altered after it was made", where=str(folder), hint=_AGAIN)
    return estate


def set_current(workspace: Workspace, estate: Estate) -> None:
    """Make ``estate`` the workspace's snapshot."""
    write(estate, workspace.private / "snapshots")
    canonical.write_bytes(workspace.private / "snapshot", f"{estate.manifest.hash}\n".encode())


def current(workspace: Workspace) -> Estate | None:
    """The workspace's current snapshot as it was made; None before the first.

    Raises:
        BadInput: The snapshot cannot be used.
    """
    pointer = workspace.private / "snapshot"
    if not pointer.exists():
        return None
    name = canonical.read_bytes(pointer).decode("ascii", "replace").strip()
    if len(name) != 64 or not name.isalnum():
        raise BadInput("not the name of a snapshot", where=str(pointer), hint=_AGAIN)
    try:
        return read(workspace.private / "snapshots" / name)
    except BadInput as exc:
        raise BadInput(exc.message, where=exc.where, hint=_AGAIN) from exc


def load_estate(workspace: Workspace, *, or_none: bool = False) -> Estate:
    """The workspace's current snapshot, with what ``workloads.toml`` says now.

    When that file was edited since, the estate with the edits is a new snapshot and is written as such.

    Args:
        workspace: Where.
        or_none: Where nothing is known yet give an estate of no servers.

    Raises:
        BadInput: Nothing was discovered or imported yet, or the snapshot or ``workloads.toml`` cannot be used.
    """
    from inventory.groups import SAID, propose
    from pse.core.documents.workloads import load_workloads

    estate = current(workspace)
    if estate is None and or_none:
        return Estate(manifest=Snapshot(tables={}))
    if estate is None:
        raise BadInput(
            "nothing is known of any server yet",
            where=str(workspace.root),
            hint="Run `pse discover` or `pse import FILE`.",
        )
    workloads, findings = propose(estate.servers, estate.flows, load_workloads(workspace))
    kept = [f for f in estate.manifest.findings if f.code not in SAID]
    edited = regrouped(estate, workloads, [*kept, *findings])
    if edited.manifest.hash != estate.manifest.hash:
        set_current(workspace, edited)
    return edited


def _sorted(name: str, rows: Iterable[msgspec.Struct]) -> tuple[Any, ...]:
    return tuple(sorted(rows, key=_KEYS[name]))
