"""What changed: the snapshot that every discovery and import left behind, and two of them side by side."""

from collections.abc import Collection, Iterator

import msgspec
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from inventory.estate import Estate, current, load_estate, read
from inventory.listing import listed
from pse.core.database import RUNS, open_database, unusable
from pse.core.errors import BadInput
from pse.core.settings import Workspace


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """One discovery or import.

    Attributes:
        number: Counts up.
        snapshot: Hash of the snapshot that it left behind.
        recorded: When, in UTC, ISO 8601.
    """

    number: int
    snapshot: str
    recorded: str


class Change(msgspec.Struct, frozen=True, kw_only=True, order=True):
    """One fact of one server that differs; None on the side that does not have it."""

    hostname: str
    fact: str
    before: str | None
    after: str | None


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """Two snapshots side by side.

    Attributes:
        old: Hash of the one.
        new: Hash of the other.
        added: Host names of servers that only ``new`` has.
        gone: Host names of servers that only ``old`` has.
        changes: Facts that differ of servers that both have. What a server uses at the moment is no such fact.
        flows_added: Conversations that only ``new`` has, as ``client -> server: service``.
        flows_gone: Conversations that only ``old`` has.
    """

    old: str
    new: str
    added: tuple[str, ...]
    gone: tuple[str, ...]
    changes: tuple[Change, ...]
    flows_added: tuple[str, ...]
    flows_gone: tuple[str, ...]


def runs(workspace: Workspace) -> tuple[Run, ...]:
    """All discoveries and imports, the first one first.

    Raises:
        BadInput: The database cannot be used.
    """
    engine = open_database(workspace)
    try:
        with engine.begin() as connection:
            rows = connection.execute(select(RUNS).order_by(RUNS.c.number)).all()
    except SQLAlchemyError as exc:
        raise unusable(engine, exc) from exc
    finally:
        engine.dispose()
    return tuple(Run(number=row.number, snapshot=row.snapshot, recorded=row.recorded) for row in rows)


def snapshot(workspace: Workspace, name: str) -> Estate:
    """The estate as it was in the snapshot ``name``: the first digits of its hash, or the number of a run.

    Raises:
        BadInput: There is no such snapshot, there are several, or it cannot be read.
    """
    folder = workspace.private / "snapshots"
    hashes = {path.name for path in folder.glob("*") if len(path.name) == 64}
    numbered = {run.snapshot for run in runs(workspace) if str(run.number) == name}
    found = sorted(numbered or (h for h in hashes if len(name) >= 4 and h.startswith(name.lower())))
    if len(found) != 1 or found[0] not in hashes:
        several = "several snapshots begin so" if len(found) > 1 else "there is no such snapshot"
        raise BadInput(
            several, where=name, hint="`pse inventory history` shows all; take its number, or more digits of the hash."
        )
    return read(folder / found[0])


def two_of(workspace: Workspace, old: str | None, new: str | None) -> tuple[Estate, Estate]:
    """The snapshots that ``old`` and ``new`` name: without ``new`` what is known now, without both what changed last.

    Raises:
        BadInput: One of them is not there or cannot be read.
    """
    if old is None:
        return _last_two(workspace)
    return snapshot(workspace, old), load_estate(workspace) if new is None else snapshot(workspace, new)


def _last_two(workspace: Workspace) -> tuple[Estate, Estate]:
    """The estate as it is, and as it was before the run that changed it last.

    Raises:
        BadInput: There was only one, or a snapshot cannot be read.
    """
    now = current(workspace)
    recorded = [run.snapshot for run in runs(workspace)]
    last = recorded[-1] if recorded else ""
    before = next((one for one in reversed(recorded) if one != last), None)
    if now is None or before is None:
        raise BadInput(
            "there is no earlier snapshot to compare with",
            where=str(workspace.private / "snapshots"),
            hint="Discover or import again, and compare then; or name two snapshots of `pse inventory history`.",
        )
    return snapshot(workspace, before), now


def difference(old: Estate, new: Estate) -> Difference:
    """``old`` and ``new`` side by side.

    A server is the same one by its id, or by its host name where only one on each side has that: a file that is
    exported again may give its servers new ids.
    """
    was, now = _facts(old), _facts(new)
    pairs = _pairs(old, new)
    changes = [
        Change(hostname=now[two].hostname, fact=fact, before=a, after=b)
        for one, two in pairs.items()
        for fact in sorted(was[one].facts.keys() | now[two].facts.keys())
        if (a := was[one].facts.get(fact)) != (b := now[two].facts.get(fact))
    ]
    talked, talks = set(_flows(old)), set(_flows(new))
    return Difference(
        old=old.manifest.hash,
        new=new.manifest.hash,
        added=tuple(sorted(now[name].hostname for name in now.keys() - set(pairs.values()))),
        gone=tuple(sorted(was[name].hostname for name in was.keys() - pairs.keys())),
        changes=tuple(sorted(changes, key=lambda c: (c.hostname, c.fact))),
        flows_added=tuple(sorted(talks - talked)),
        flows_gone=tuple(sorted(talked - talks)),
    )


class _Facts(msgspec.Struct):
    hostname: str
    facts: dict[str, str]


def _facts(estate: Estate) -> dict[str, _Facts]:
    """What of each server is compared, as text by its name for people."""
    found: dict[str, _Facts] = {}
    for one in listed(estate):
        facts = {
            "host name": one.hostname,
            "addresses": " ".join(one.addresses),
            "operating system": one.os,
            "vCPUs": "" if one.vcpus is None else str(one.vcpus),
            "memory": "" if one.memory_mib is None else f"{one.memory_mib} MiB",
            "power": one.power_state,
            "workload": one.workload,
            "readiness": one.readiness.value,
        }
        facts |= {f"disk {disk.name}": f"{disk.size_mib} MiB" for disk in one.disks}
        found[one.id] = _Facts(one.hostname, {name: text for name, text in facts.items() if text})
    for server in estate.servers:
        if server.kernel:
            found[server.id].facts["kernel"] = server.kernel
    for fs in estate.filesystems:
        size = "size unknown" if fs.size_mib is None else f"{fs.size_mib} MiB"
        found[fs.server].facts[f"file system {fs.mount}"] = f"{fs.fstype}, {size}"
    for db in estate.databases:
        found[db.server].facts[f"database {db.engine} {db.name} on port {db.port}"] = db.version or "version unknown"
    for row in estate.listeners:
        name = f"listens on {row.protocol}/{row.port} at {row.address}"
        found[row.server].facts[name] = row.process or "owner unknown"
    return found


def _pairs(old: Estate, new: Estate) -> dict[str, str]:
    """Ids of the same server in both, by the one in ``old``."""
    same = {s.id for s in old.servers} & {s.id for s in new.servers}
    was, now = _by_name(old, same), _by_name(new, same)
    renamed = {ids[0]: now[name][0] for name, ids in was.items() if len(ids) == len(now.get(name, ())) == 1}
    return {one: one for one in same} | renamed


def _by_name(estate: Estate, but: Collection[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for server in estate.servers:
        if server.id not in but:
            found.setdefault(server.hostname, []).append(server.id)
    return found


def _flows(estate: Estate) -> Iterator[str]:
    names = {server.id: server.hostname for server in estate.servers}
    for flow in estate.flows:
        ends = (names.get(end, end.removeprefix("external:")) for end in (flow.client, flow.server))
        yield f"{' -> '.join(ends)}: {flow.service or 'unknown service'}, {flow.protocol}/{flow.port}"
