"""Estates made by hand: the sample ministry as discovery sees it, and helpers for smaller ones."""

from datetime import date

from blueprints.estate.categories import note_today
from blueprints.planning.bundle import Bundle
from blueprints.planning.inputs import Inputs, read_inputs
from blueprints.planning.making import Draft, draft_plan, seal
from inventory.estate import Estate, make_estate, set_current
from policy import load_policy
from pse.core.documents.snapshot import (
    TABLES,
    Database,
    Disk,
    Filesystem,
    Flow,
    Listener,
    ProposedWorkload,
    Server,
    Snapshot,
)
from pse.core.findings import Finding, Severity
from pse.core.settings import Workspace

AS_OF = date(2026, 11, 25)
IN_COUNTRY = "sample-markhor/islamabad/ict-1"
SUSPENDED = "sample-ibex/karachi/khi-1"
ABROAD = "sample-elsewhere/abroad/abr-1"


def server(name: str, **words: object) -> Server:
    """A Debian server of 2 vCPUs and 4 GiB, otherwise by ``words``."""
    usual: dict[str, object] = {
        "id": f"srv-{name}",
        "hostname": name,
        "addresses": (f"192.0.2.{sum(name.encode()) % 250 + 1}",),
        "os_family": "debian",
        "os_version": "12",
        "architecture": "x86_64",
        "vcpus": 2,
        "memory_mib": 4096,
        "power_state": "on",
    }
    return Server(**{**usual, **words})  # type: ignore[arg-type]  # words of a test are what the struct takes


def workload(name: str, *members: str) -> ProposedWorkload:
    """A workload of servers made by `server`."""
    ids = tuple(sorted(f"srv-{member}" for member in members or (name,)))
    return ProposedWorkload(id=name, members=ids, reasons=tuple("test" for _ in ids))


def estate(servers: tuple[Server, ...], workloads: tuple[ProposedWorkload, ...], **tables: object) -> Estate:
    """An estate whose manifest names nothing."""
    return Estate(manifest=Snapshot(tables={}, hash="1" * 64), servers=servers, workloads=workloads, **tables)  # type: ignore[arg-type]


def ministry_estate() -> Estate:
    """The six servers of the sample ministry."""
    servers = tuple(
        server(name, addresses=(f"192.0.2.{number}",))
        for number, name in enumerate(("portal", "payments", "records", "opendata", "learning"), start=11)
    )
    old = server("legacy", os_family="rhel", os_version="5", architecture="i686", blockers=("PSE-I101", "PSE-I105"))
    said = (
        Finding(code="PSE-I101", severity=Severity.ERROR, subject="legacy", message="a 32-bit kernel"),
        Finding(code="PSE-I105", severity=Severity.ERROR, subject="legacy", message="a device that cannot move"),
    )
    made = estate(
        (*servers, old),
        (
            workload("portal", "payments", "portal"),
            *(workload(name) for name in ("records", "opendata", "learning", "legacy")),
        ),
        disks=tuple(Disk(server=s.id, name="vda", size_mib=40960, used_mib=9000) for s in servers),
        filesystems=tuple(
            Filesystem(server=s.id, mount="/", fstype="ext4", size_mib=40960, used_mib=9000) for s in servers
        ),
        listeners=(
            Listener(server="srv-portal", protocol="tcp", address="192.0.2.11", port=8080, service="http"),
            Listener(server="srv-portal", protocol="tcp", address="127.0.0.1", port=9000, service="http"),
            Listener(server="srv-payments", protocol="tcp", address="192.0.2.12", port=5432, service="postgresql"),
        ),
        flows=(
            Flow(
                client="srv-portal",
                server="srv-payments",
                protocol="tcp",
                port=5432,
                service="postgresql",
                binds=True,
            ),
            Flow(client="srv-learning", server="srv-opendata", protocol="tcp", port=8080, service="http"),
            Flow(client="external:198.51.100.7", server="srv-records", protocol="tcp", port=873, service="rsync"),
        ),
        databases=(
            Database(server="srv-payments", engine="postgresql", port=5432, name="payments", size_mib=900),
            Database(server="srv-payments", engine="postgresql", port=5432, name="postgres", size_mib=8),
        ),
    )
    return Estate(
        **{
            **{f: getattr(made, f) for f in made.__struct_fields__},
            "manifest": Snapshot(tables={}, findings=said, hash="2" * 64),
        }
    )


def inputs(workspace: Workspace, of: Estate) -> Inputs:
    """Inputs of a plan for ``of`` by everything else in the workspace."""
    return read_inputs(workspace, load_policy(workspace, as_of=AS_OF), as_of=AS_OF, estate=of)


def draft(workspace: Workspace, of: Estate) -> Draft:
    """What is decided for ``of``."""
    return draft_plan(inputs(workspace, of))


def known(workspace: Workspace, of: Estate) -> None:
    """Make ``of`` what the workspace knows of its servers."""
    set_current(workspace, make_estate({name: getattr(of, name) for name in TABLES}, of.manifest.findings))


def bundle(workspace: Workspace, of: Estate) -> Bundle:
    """A sealed plan for ``of``, which is what the workspace knows."""
    known(workspace, of)
    note_today(workspace, load_policy(workspace, as_of=AS_OF))
    return seal(workspace, load_policy(workspace, as_of=AS_OF), draft(workspace, of))
