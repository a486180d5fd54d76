"""Snapshot: what the entity runs today, as seen at one moment by all sources together.

On disk: ``snapshot.json`` (a `Snapshot`, the manifest) beside one Parquet file a table; a row of table ``servers`` is
a `Server`, of ``flows`` a `Flow`, and so on, columns in the order of the fields. Rows are sorted by their key.
"""

from datetime import datetime

import msgspec

from pse.core.documents.metering import Use
from pse.core.findings import Finding


class Server(msgspec.Struct, frozen=True, kw_only=True):
    """One server, merged over all sources. Key: ``id``.

    Attributes:
        id: Stable id in this workspace, ``srv-`` + 12 hexadecimal digits.
        hostname: Short name as the server or the importer gave it.
        addresses: IPv4 and IPv6 addresses in text order, loopback left out unless it is all there is.
        os_family: ``debian``, ``rhel``, ``suse``, ``alpine``, ``windows`` or ``other``; empty when unknown.
        os_version: Version id, for example ``12``.
        os_name: Pretty name.
        kernel: Kernel release; empty when unknown.
        architecture: ``x86_64``, ``aarch64`` …; empty when unknown.
        virtual: Hypervisor or container, ``physical``, or empty when unknown.
        vcpus: Logical CPUs; None when unknown.
        memory_mib: MiB of memory; None when unknown.
        cpu_peak: Peak share of CPU used, 0 to 1; None when not measured.
        memory_peak: Peak share of memory used, 0 to 1; None when not measured.
        power_state: ``on``, ``off``, ``suspended`` or ``unknown``.
        is_template: A template, not a server.
        sources: Where it was seen: ``ssh:HOST`` or ``rvtools:FILE#SHEET:ROW``.
        tags: Tags and custom attributes as ``name=value``, sorted.
        packages: Names of installed packages that matter for a move; empty when unknown.
        blockers: Codes of findings that stop a rehost move of this server.
    """

    id: str
    hostname: str
    addresses: tuple[str, ...] = ()
    os_family: str = ""
    os_version: str = ""
    os_name: str = ""
    kernel: str = ""
    architecture: str = ""
    virtual: str = ""
    vcpus: int | None = None
    memory_mib: int | None = None
    cpu_peak: float | None = None
    memory_peak: float | None = None
    power_state: str = "unknown"
    is_template: bool = False
    sources: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    packages: tuple[str, ...] = ()
    blockers: tuple[str, ...] = ()


class Disk(msgspec.Struct, frozen=True, kw_only=True):
    """One disk of a server. Key: ``server``, ``name``.

    Attributes:
        server: Id of the server.
        name: Kernel's or hypervisor's name.
        size_mib: Size in MiB, rounded up.
        used_mib: MiB in use on its file systems; None when unknown.
        kind: ``disk``, ``rdm``, ``shared`` or ``unknown``.
    """

    server: str
    name: str
    size_mib: int
    used_mib: int | None = None
    kind: str = "disk"


class Filesystem(msgspec.Struct, frozen=True, kw_only=True):
    """One mounted local file system. Key: ``server``, ``mount``. Sizes in MiB, rounded up."""

    server: str
    mount: str
    fstype: str
    size_mib: int | None = None
    used_mib: int | None = None


class Nic(msgspec.Struct, frozen=True, kw_only=True):
    """One network interface. Key: ``server``, ``name``."""

    server: str
    name: str
    mac: str = ""
    addresses: tuple[str, ...] = ()


class Listener(msgspec.Struct, frozen=True, kw_only=True):
    """One listening socket with a visible owner. Key: ``server``, ``protocol``, ``address``, ``port``.

    Attributes:
        server: Id of the server.
        protocol: ``tcp`` or ``udp``.
        address: Address it listens on.
        port: Port number.
        process: Name of the owning process.
        service: Service that process and port stand for (``postgresql``, ``http`` …); empty when unknown.
    """

    server: str
    protocol: str
    address: str
    port: int
    process: str = ""
    service: str = ""


class Flow(msgspec.Struct, frozen=True, kw_only=True):
    """One observed conversation from a client to a service. Key: ``client``, ``server``, ``protocol``, ``port``.

    Attributes:
        client: Id of the server that connects, or ``external:ADDRESS``.
        server: Id of the server that listens, or ``external:ADDRESS``.
        protocol: ``tcp`` or ``udp``.
        port: Port of the service.
        service: Service name; empty when unknown.
        client_process: Process at the client.
        server_process: Process at the server.
        seen: Times seen; 0 when it was seen by an earlier discovery only.
        binds: The two ends have to move together (a database or file protocol, not administration or loose calls).
    """

    client: str
    server: str
    protocol: str
    port: int
    service: str = ""
    client_process: str = ""
    server_process: str = ""
    seen: int = 1
    binds: bool = False


class Database(msgspec.Struct, frozen=True, kw_only=True):
    """One database of a database server. Key: ``server``, ``engine``, ``port``, ``name``.

    Attributes:
        server: Id of the server.
        engine: ``postgresql``, ``mariadb``, ``mysql``, ``oracle`` …
        port: Port it listens on.
        name: Database name; empty when only the engine is known.
        version: Engine version.
        size_mib: MiB on disk; None when not permitted to know.
    """

    server: str
    engine: str
    port: int
    name: str = ""
    version: str = ""
    size_mib: int | None = None


class ConfigItem(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that a server is set up with and a new one has to be given. Key: all fields.

    Attributes:
        server: Id of the server.
        kind: ``service``, ``job``, ``user``, ``group``, ``site``, ``certificate``, ``module`` or ``time-server``.
        name: Unit, program, account, host name, file, module.
        value: The rest, in words.
    """

    server: str
    kind: str
    name: str
    value: str = ""


class ProposedWorkload(msgspec.Struct, frozen=True, kw_only=True):
    """Servers that should move together. Key: ``id``.

    Attributes:
        id: Lower-case letters, digits and hyphens, at most 40.
        members: Ids of servers, sorted.
        reasons: One line a member, in the order of ``members``.
        edited: A person's file says so, not the flows.
    """

    id: str
    members: tuple[str, ...]
    reasons: tuple[str, ...]
    edited: bool = False


TABLES: dict[str, type[msgspec.Struct]] = {
    "servers": Server,
    "disks": Disk,
    "filesystems": Filesystem,
    "nics": Nic,
    "listeners": Listener,
    "flows": Flow,
    "databases": Database,
    "configuration": ConfigItem,
    "workloads": ProposedWorkload,
}
"""Tables of a snapshot and the struct of their rows."""

ADDED = frozenset({"configuration"})
"""Tables that snapshots of earlier versions do not have; while one is empty it is left out, and hashes stay."""


class Table(msgspec.Struct, frozen=True, kw_only=True):
    """One table in the manifest.

    Attributes:
        rows: Number of rows.
        sha256: Hash over the canonical rows, not over the Parquet file, so that library versions do not change it.
    """

    rows: int
    sha256: str


class Snapshot(msgspec.Struct, frozen=True, kw_only=True):
    """The manifest.

    Attributes:
        schema: Version of this document.
        tables: By table name.
        findings: What was found out about the estate.
        hash: SHA-256 over ``tables`` and ``findings``; the name of the snapshot.
    """

    schema: int = 1
    tables: dict[str, Table]
    findings: tuple[Finding, ...] = ()
    hash: str = ""


class Sighting(msgspec.Struct, frozen=True, kw_only=True):
    """One server as one source saw it: what discovery and importers hand to the store.

    Attributes:
        source: ``ssh:HOST`` or ``rvtools:FILE#SHEET:ROW``.
        seen: When.
        identity: Evidence for merging: ``machine_id``, ``uuid``, ``serial``, ``host_key``, ``macs`` (comma-separated).
        server: With the id empty; ids are given by the merge.
        disks: With ``server`` empty, like all rows below.
        filesystems: Mounted local file systems.
        nics: Network interfaces.
        listeners: Listening sockets.
        sockets: Established sockets ``(protocol, local, local_port, remote, remote_port, process)``.
        databases: Databases.
        configuration: What it is set up with.
        findings: What this source found out; kept with the server.
        use: What repeated visits measured; None where nothing was.
    """

    source: str
    seen: datetime
    identity: dict[str, str]
    server: Server
    disks: tuple[Disk, ...] = ()
    filesystems: tuple[Filesystem, ...] = ()
    nics: tuple[Nic, ...] = ()
    listeners: tuple[Listener, ...] = ()
    sockets: tuple[tuple[str, str, int, str, int, str], ...] = ()
    databases: tuple[Database, ...] = ()
    configuration: tuple[ConfigItem, ...] = ()
    findings: tuple[Finding, ...] = ()
    use: Use | None = None
