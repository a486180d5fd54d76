"""The store: the newest sighting of each source in the workspace's database, and the snapshot made of all."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from operator import attrgetter
from sys import intern

import msgspec
from sqlalchemy import Connection, Engine, delete, select
from sqlalchemy.exc import SQLAlchemyError

from inventory.carried import keep_flows, quiet_findings
from inventory.estate import Estate, current, make_estate, set_current
from inventory.flows import find_flows
from inventory.groups import propose
from inventory.losses import left_out, losses
from inventory.merge import Cluster, merge, server_of, trust
from inventory.use import advance
from policy.labels import FILE as LABELS
from policy.labels import Labels, load_labels
from pse.core.database import RUNS, SIGHTINGS, open_database, unusable
from pse.core.documents.metering import Use
from pse.core.documents.snapshot import TABLES, Sighting
from pse.core.documents.workloads import load_workloads
from pse.core.errors import BadInput
from pse.core.findings import Finding
from pse.core.settings import Workspace

_CHUNK = 500
_BYTES = 1024 * 1024
"""Characters of the sightings that are text at one time: as text they take more room than all the rest."""
_TABLES = ("disks", "filesystems", "nics", "listeners", "databases", "configuration")


def record(
    workspace: Workspace, sightings: Sequence[Sighting], *, replaces: str = "", said: Iterable[Finding] = ()
) -> Estate:
    """Keep ``sightings`` and write a new snapshot of all that is known, flows of the one before included.

    Args:
        workspace: Where.
        sightings: Each replaces the one of the same source.
        replaces: Sources that start with this are forgotten first: rows of an earlier import of the same file.
        said: What came up while the file was read.

    Raises:
        BadInput: The database, the snapshot before or ``workloads.toml`` cannot be used.
    """
    before = current(workspace)
    engine = open_database(workspace)
    try:
        known = _load(engine)
        past = {s.source: s.use for s in known if s.use}
        fresh = {s.source: _used(s, past.get(s.source)) for s in sightings}
        kept = [s for s in known if s.source not in fresh and not (replaces and s.source.startswith(replaces))]
        # Rows of a file move when it is exported again, so the id of a row says nothing about the next file's row.
        given = {} if replaces else {s.source: s.server.id for s in known}
        clusters, findings = merge([*kept, *(_with_id(s, given.get(s.source, "")) for s in fresh.values())])
        findings = (*findings, *left_out(before, said, replaces=replaces))
        estate = _told(workspace, _estate(workspace, clusters, findings, before), before)
        _save(engine, clusters, {s.source for s in known}, snapshot=estate.manifest.hash)
    except SQLAlchemyError as exc:
        raise unusable(engine, exc) from exc
    finally:
        engine.dispose()
    set_current(workspace, estate)
    return estate


def keep(workspace: Workspace, sightings: Sequence[Sighting], *, use_only: bool = False) -> None:
    """Keep ``sightings`` and make no snapshot yet: the next `record` takes them in, whatever becomes of this run.

    Args:
        workspace: Where.
        sightings: Each replaces the one of the same source.
        use_only: Only what they say of use is taken, and only for sources that are known.

    Raises:
        BadInput: The database cannot be used.
    """
    engine = open_database(workspace)
    try:
        sources = [s.source for s in sightings]
        with engine.begin() as connection:
            known: dict[str, Sighting] = {}
            for at in range(0, len(sources), _CHUNK):
                some = SIGHTINGS.c.source.in_(sources[at : at + _CHUNK])
                for source, body in connection.execute(select(SIGHTINGS.c.source, SIGHTINGS.c.body).where(some)):
                    known[source] = msgspec.json.decode(body, type=Sighting)
                connection.execute(delete(SIGHTINGS).where(some))
            rows = []
            for new in sightings:
                old = known.get(new.source)
                used = _used(new, old.use if old else None)
                if old and use_only:
                    used = msgspec.structs.replace(old, use=used.use)
                if old or not use_only:
                    rows.append(_row(used, old.server.id if old else ""))
            if rows:
                connection.execute(SIGHTINGS.insert(), rows)
    except SQLAlchemyError as exc:
        raise unusable(engine, exc) from exc
    finally:
        engine.dispose()


def _used(sighting: Sighting, before: Use | None) -> Sighting:
    """``sighting`` with the use of the visits before it."""
    if before is None:
        return sighting
    use = advance(before, sighting.use.meter, sighting.seen) if sighting.use else before
    return msgspec.structs.replace(sighting, use=use)


def seen(workspace: Workspace) -> dict[str, datetime]:
    """When each source was seen last."""
    engine = open_database(workspace)
    try:
        with engine.begin() as connection:
            rows = connection.execute(select(SIGHTINGS.c.source, SIGHTINGS.c.seen)).all()
    except SQLAlchemyError as exc:
        raise unusable(engine, exc) from exc
    finally:
        engine.dispose()
    return {source: datetime.fromisoformat(at) for source, at in rows}


def sightings(workspace: Workspace) -> tuple[Sighting, ...]:
    """The newest sighting of each source, sorted by source."""
    engine = open_database(workspace)
    try:
        return tuple(_load(engine))
    finally:
        engine.dispose()


def sightings_of(workspace: Workspace, sources: Sequence[str]) -> tuple[Sighting, ...]:
    """The newest sightings of these sources, the most trusted first; those that are not there are left out.

    Raises:
        BadInput: The database cannot be used.
    """
    engine = open_database(workspace)
    try:
        return tuple(sorted(_load(engine, sources), key=trust))
    except SQLAlchemyError as exc:
        raise unusable(engine, exc) from exc
    finally:
        engine.dispose()


def _estate(
    workspace: Workspace, clusters: Sequence[Cluster], findings: Iterable[Finding], before: Estate | None
) -> Estate:
    servers = [server_of(cluster) for cluster in clusters]
    tables: dict[str, list[msgspec.Struct]] = {"servers": list(servers)}
    for name in _TABLES:
        rows = attrgetter(name)
        # A server's rows come from the most trusted sighting that has any: two sources name the same disk differently.
        tables[name] = [
            msgspec.structs.replace(row, server=cluster.id)
            for cluster in clusters
            for row in next(filter(None, map(rows, cluster.sightings)), ())
        ]
    flows = find_flows({c.id: c.sightings for c in clusters})
    if before is not None:
        flows = keep_flows(flows, before.flows, before.servers, servers)
    workloads, said = propose(servers, flows, load_workloads(workspace))
    tables["flows"], tables["workloads"] = list(flows), list(workloads)
    seen = [f for cluster in clusters for s in cluster.sightings for f in s.findings]
    return make_estate(tables, [*findings, *said, *seen, *quiet_findings(flows, servers)])


def _told(workspace: Workspace, estate: Estate, before: Estate | None) -> Estate:
    """``estate`` with findings about what it lost."""
    if before is None:
        return estate
    try:
        labels = load_labels(workspace.path(LABELS))
    except BadInput:
        labels = Labels()  # told by whoever needs them; what was found is kept all the same
    lost = losses(before, estate, labels)
    tables = {name: getattr(estate, name) for name in TABLES}
    return make_estate(tables, [*estate.manifest.findings, *lost]) if lost else estate


def _with_id(sighting: Sighting, server_id: str) -> Sighting:
    if sighting.server.id == server_id:
        return sighting
    return msgspec.structs.replace(sighting, server=msgspec.structs.replace(sighting.server, id=server_id))


def _load(engine: Engine, sources: Sequence[str] | None = None) -> list[Sighting]:
    decoder = msgspec.json.Decoder(Sighting)
    wanted = select(SIGHTINGS.c.body).order_by(SIGHTINGS.c.source)
    if sources is not None:
        wanted = wanted.where(SIGHTINGS.c.source.in_(sources[:_CHUNK]))
    with engine.begin() as connection:
        bodies = connection.execute(wanted).scalars().all()
    try:
        return [_shared(decoder.decode(body)) for body in bodies]
    except msgspec.ValidationError as exc:
        raise BadInput(
            f"a sighting of another version: {exc}",
            where=engine.url.render_as_string(hide_password=True),
            hint="Discover and import again into a new database.",
        ) from exc


def _shared(sighting: Sighting) -> Sighting:
    """``sighting`` whose connections share their words with all others': most of its room is taken by them."""
    sockets = tuple(
        (intern(protocol), intern(local), local_port, intern(remote), remote_port, intern(process))
        for protocol, local, local_port, remote, remote_port, process in sighting.sockets
    )
    return msgspec.structs.replace(sighting, sockets=sockets)


def _save(engine: Engine, clusters: Sequence[Cluster], known: set[str], *, snapshot: str) -> None:
    """Write all sightings with the id their server got, so that the id stays whatever is learned later; and the run."""
    kept = [(s, c.id) for c in clusters for s in c.sightings]
    gone = known | {s.source for s, _ in kept}
    with engine.begin() as connection:
        there = set(connection.execute(select(SIGHTINGS.c.source)).scalars())
        if there <= gone:
            connection.execute(delete(SIGHTINGS))
        else:  # somebody else kept more meanwhile
            _forget(connection, sorted(there & gone))
        some: list[dict[str, str]] = []
        size = 0
        for sighting, given in kept:
            row = _row(sighting, given)
            some.append(row)
            size += len(row["body"])
            if size > _BYTES:
                connection.execute(SIGHTINGS.insert(), some)
                some, size = [], 0
        if some:
            connection.execute(SIGHTINGS.insert(), some)
        connection.execute(RUNS.insert(), {"snapshot": snapshot, "recorded": _when(datetime.now(UTC))})


def _forget(connection: Connection, sources: Sequence[str]) -> None:
    for at in range(0, len(sources), _CHUNK):
        connection.execute(delete(SIGHTINGS).where(SIGHTINGS.c.source.in_(sources[at : at + _CHUNK])))


def _row(sighting: Sighting, server_id: str) -> dict[str, str]:
    body = msgspec.json.encode(_with_id(sighting, server_id)).decode()
    return {"source": sighting.source, "seen": _when(sighting.seen), "body": body}


def _when(seen: datetime) -> str:
    return seen.isoformat()
