"""One host's readings as one sighting."""

import ipaddress
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec

from inventory.conditions import clock_findings, configuration_findings, kernel_findings, unread_findings
from inventory.configuration import configuration_of
from inventory.facts import Reading
from inventory.facts.certificates import Certificate
from inventory.facts.configured import Configured
from inventory.facts.cpu import CPU
from inventory.facts.databases import PostgresServer
from inventory.facts.disks import BlockDevice
from inventory.facts.filesystems import LOCAL, Mount
from inventory.facts.history import Past
from inventory.facts.identity import Identity
from inventory.facts.kernel import Clock, Kernel
from inventory.facts.mariadb import MariadbServer
from inventory.facts.memory import Memory
from inventory.facts.nics import Interface
from inventory.facts.packages import Package
from inventory.facts.setup import Account, Jobs, Services
from inventory.facts.sockets import Socket
from inventory.facts.surroundings import Surroundings
from inventory.facts.system import System
from inventory.hosts import HostEntry
from inventory.readiness import host_findings, set_up_findings, system_findings
from inventory.services import DATABASES, service_of
from inventory.use import recall
from pse.core.documents.metering import Meter, Use
from pse.core.documents.snapshot import Database, Disk, Filesystem, Listener, Nic, Server, Sighting
from pse.core.findings import Finding, Severity
from pse.core.text import printable

MIB = 1024 * 1024
_EMPTY_POSTGRES = 12 * MIB
"""Bytes below which the maintenance database ``postgres`` is taken for the empty one that every server has."""

_MATTER = re.compile(
    r"^(postgresql|mariadb|mysql|percona|mongodb|redis|oracle|nginx|apache2|httpd|haproxy|varnish|tomcat|jetty|wildfly"
    r"|php|python3|nodejs|openjdk|java|ruby|dotnet|docker|podman|containerd|kubelet|samba|nfs-kernel|nfs-utils"
    r"|bind9?|named|dnsmasq|postfix|exim|dovecot|openldap|slapd|rsync|pacemaker|corosync|drbd|open-vm-tools|cloud-init"
    r"|bacula|zabbix|nagios|multipath|cryptsetup|lvm2|openssh-server)([-.0-9].*)?(?<!-dev)(?<!-doc)(?<!-common)$"
)
"""Packages that a new server needs, or that say what a server is for."""


class _Readings:
    """Values of readings by the name of their fact; None for absent and failed alike."""

    def __init__(self, readings: Mapping[str, Reading[Any]]) -> None:
        self.identity: Identity = self._get(readings, "identity") or Identity()
        self.system: System | None = self._get(readings, "system")
        self.cpu: CPU | None = self._get(readings, "cpu")
        self.memory: Memory | None = self._get(readings, "memory")
        self.meter: Meter | None = self._get(readings, "use")
        self.surroundings: Surroundings = self._get(readings, "surroundings") or Surroundings()
        self.disks: tuple[BlockDevice, ...] = self._get(readings, "disks") or ()
        self.crypt: tuple[str, ...] = self._get(readings, "crypt") or ()
        numbers: tuple[str, ...] = self._get(readings, "block_numbers") or ()
        self.mounts: tuple[Mount, ...] = tuple(_own(m, numbers) for m in self._get(readings, "mounts") or ())
        self.fstab: tuple[Mount, ...] = self._get(readings, "fstab") or ()
        self.nics: tuple[Interface, ...] = self._get(readings, "nics") or ()
        self.sockets: tuple[Socket, ...] = self._get(readings, "sockets") or ()
        self.owners: dict[int, tuple[int, ...]] = self._get(readings, "owners") or {}
        self.processes: dict[int, str] = self._get(readings, "processes") or {}
        self.postgres: tuple[PostgresServer, ...] = self._get(readings, "postgres") or ()
        self.mariadb: tuple[MariadbServer, ...] = self._get(readings, "mariadb") or ()
        self.packages: tuple[Package, ...] = self._get(readings, "packages") or ()
        self.devices: tuple[Any, ...] = self._get(readings, "devices") or ()
        self.kernel: Kernel | None = self._get(readings, "kernel")
        self.history: tuple[Past, ...] = self._get(readings, "history") or ()
        self.clock: Clock | None = self._get(readings, "clock")
        self.services: Services | None = self._get(readings, "services")
        self.jobs: Jobs = self._get(readings, "jobs") or Jobs()
        self.accounts: tuple[Account, ...] = self._get(readings, "accounts") or ()
        self.configured: Configured | None = self._get(readings, "configured")
        self.certificates: tuple[Certificate, ...] = self._get(readings, "certificates") or ()

    @staticmethod
    def _get(readings: Mapping[str, Reading[Any]], name: str) -> Any:
        reading = readings.get(name)
        return reading.value if reading else None

    def process_of(self, inode: int) -> str:
        """Name of the process that holds the socket; of several (a server and its children) the oldest one's."""
        for pid in self.owners.get(inode, ()):
            if pid in self.processes:
                return self.processes[pid]
        return ""


def _own(mount: Mount, numbers: tuple[str, ...]) -> Mount:
    """A file system on no block device of this host belongs to a host around it (container): its use says nothing.

    Numbers with major 0 are made up by the kernel (btrfs, zfs, overlay) and say nothing about the device.
    """
    if not numbers or mount.device.startswith("0:") or mount.device in numbers:
        return mount
    return msgspec.structs.replace(mount, size=None, used=None)


def sighting_of(
    entry: HostEntry,
    readings: Mapping[str, Reading[Any]],
    *,
    host_key: str,
    seen: datetime,
    began: datetime | None = None,
) -> Sighting:
    """What discovery hands to the store.

    Args:
        entry: The host as asked for.
        readings: By the name of the fact.
        host_key: The key it showed, ``type base64``.
        seen: When its answer was there.
        began: When it was asked; without it nothing is said about its clock.
    """
    read = _Readings(readings)
    listeners = _listeners(read)
    shared = _is_loopback(entry.address)
    nics = _nics(read, keep_addresses=not shared)
    hostname = (read.identity.hostname or entry.name).split(".")[0]
    system = read.system
    return Sighting(
        source=f"ssh:{entry.name}",
        seen=seen,
        identity={
            key: value
            for key, value in {
                "machine_id": read.identity.machine_id,
                "uuid": read.identity.uuid,
                "serial": read.identity.serial,
                "host_key": host_key,
                "macs": ",".join(sorted({nic.mac for nic in nics if nic.mac})),
            }.items()
            if value
        },
        server=Server(
            id="",
            hostname=hostname,
            addresses=_addresses(entry, nics, shared=shared),
            os_family=system.family if system else "",
            os_version=system.version if system else "",
            os_name=(system.name or system.id) if system else "",
            kernel=system.kernel if system else "",
            architecture=system.machine if system else "",
            virtual=read.identity.virtual,
            vcpus=read.cpu.vcpus if read.cpu else None,
            memory_mib=-(-read.memory.total_kib // 1024) if read.memory else None,
            power_state="on",
            sources=(f"ssh:{entry.name}",),
            tags=tuple(sorted(set(entry.tags))),
            packages=tuple(sorted(p.name for p in read.packages if _MATTER.match(p.name))),
        ),
        disks=_disks(read),
        filesystems=_filesystems(read.mounts),
        nics=nics,
        listeners=listeners,
        sockets=_sockets(read),
        databases=_databases(read, listeners),
        configuration=configuration_of(
            services=read.services,
            jobs=read.jobs.jobs,
            accounts=read.accounts,
            configured=read.configured,
            certificates=read.certificates,
            kernel=read.kernel,
            clock=read.clock,
        ),
        use=recall(Use(first=seen, last=seen, meter=read.meter), read.history) if read.meter else None,
        findings=tuple(sorted({*_own_findings(entry, read, readings), *_readiness(entry, read, began, seen)})),
    )


def _is_loopback(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False


def _addresses(entry: HostEntry, nics: tuple[Nic, ...], *, shared: bool) -> tuple[str, ...]:
    """A host that is reached over loopback shares our own network: the machine's addresses are not the host's."""
    if shared:
        return (str(ipaddress.ip_address(entry.address)),)
    found = {address for nic in nics for address in nic.addresses if not _is_loopback(address)}
    return tuple(sorted(found))


def _nics(read: _Readings, *, keep_addresses: bool) -> tuple[Nic, ...]:
    return tuple(
        Nic(server="", name=i.name, mac=i.mac, addresses=i.addresses if keep_addresses else ())
        for i in read.nics
        if not i.loopback
    )


def _listeners(read: _Readings) -> tuple[Listener, ...]:
    found = {}
    for sock in read.sockets:
        process = read.process_of(sock.inode)
        if sock.listening and process:
            found[sock.protocol, sock.local, sock.local_port] = Listener(
                server="",
                protocol=sock.protocol,
                address=sock.local,
                port=sock.local_port,
                process=process,
                service=service_of(process, sock.local_port),
            )
    return tuple(found[key] for key in sorted(found))


def _sockets(read: _Readings) -> tuple[tuple[str, str, int, str, int, str], ...]:
    """Also those without a visible owner, whose process is empty: they may be another host's and make no edge."""
    return tuple(
        sorted(
            {
                (s.protocol, s.local, s.local_port, s.remote, s.remote_port, read.process_of(s.inode))
                for s in read.sockets
                if not s.listening and s.remote_port
            }
        )
    )


def _disks(read: _Readings) -> tuple[Disk, ...]:
    disks = [d for d in read.disks if not d.removable]
    local = {m.device: m for m in read.mounts if m.fstype in LOCAL and m.used is not None}
    used = None
    if len(disks) == 1 and local and sum(m.size or 0 for m in local.values()) <= disks[0].bytes:
        # With several disks it is not known which file system lies on which; a larger one cannot lie on this disk.
        used = -(-sum(m.used or 0 for m in local.values()) // MIB)
    return tuple(
        Disk(
            server="",
            name=d.name,
            size_mib=-(-d.bytes // MIB),
            used_mib=used,
            kind="shared" if d.mapped == "multipath" else "disk",
        )
        for d in disks
    )


def _filesystems(mounts: tuple[Mount, ...]) -> tuple[Filesystem, ...]:
    best: dict[str, Mount] = {}
    for mount in mounts:
        if mount.fstype in LOCAL:
            known = best.get(mount.device)
            if known is None or _rank(mount) < _rank(known):
                best[mount.device] = mount
    return tuple(
        Filesystem(
            server="",
            mount=m.mount,
            fstype=m.fstype,
            size_mib=None if m.size is None else -(-m.size // MIB),
            used_mib=None if m.used is None else -(-m.used // MIB),
        )
        for m in sorted(best.values(), key=lambda m: m.mount)
    )


def _rank(mount: Mount) -> tuple[bool, bool, int, str]:
    """Of several mounts of one device the root of the host, then the one of the whole, then the shortest path."""
    return (mount.mount != "/", mount.root != "/", len(mount.mount), mount.mount)


def _databases(read: _Readings, listeners: tuple[Listener, ...]) -> tuple[Database, ...]:
    found: dict[tuple[str, int, str], Database] = {}
    for server in read.postgres:
        wanted = [d for d in server.databases if d.name != "postgres" or d.bytes >= _EMPTY_POSTGRES]
        for db in wanted:
            found["postgresql", server.port, db.name] = Database(
                server="",
                engine="postgresql",
                port=server.port,
                name=db.name,
                version=db.version,
                size_mib=-(-db.bytes // MIB),
            )
    for one in read.mariadb:
        for held in one.databases:
            found[one.engine, one.port, held.name] = Database(
                server="",
                engine=one.engine,
                port=one.port,
                name=held.name,
                version=one.version,
                size_mib=-(-held.bytes // MIB),
            )
    # What a server says of itself wins over the name of its program: that of an older MariaDB is MySQL's.
    said = {(one.engine, one.port) for one in read.mariadb if not one.denied}
    answered = {port for _, port in said}
    for engine, port in (
        {(item.service, item.port) for item in listeners if item.service in DATABASES and item.port not in answered}
        | {("postgresql", server.port) for server in read.postgres}
        | said
    ):
        if not any(key[:2] == (engine, port) for key in found):
            found[engine, port, ""] = Database(server="", engine=engine, port=port)
    return tuple(found[key] for key in sorted(found))


def _own_findings(entry: HostEntry, read: _Readings, readings: Mapping[str, Reading[Any]]) -> list[Finding]:
    found = [
        Finding(
            code="PSE-I002",
            severity=Severity.WARNING,
            subject=entry.name,
            message=f"{name} is not known: {printable(reading.reason)}",
            source=f"ssh:{entry.name}#{name}",
        )
        for name, reading in readings.items()
        if reading.outcome == "failed"
    ]
    found += [
        Finding(
            code="PSE-I003",
            severity=Severity.WARNING,
            subject=entry.name,
            message=f"{name} is not complete: {reading.reason}",
            source=f"ssh:{entry.name}#{name}",
        )
        for name, reading in readings.items()
        if reading.outcome == "value" and reading.reason
    ]
    found += [
        Finding(
            code="PSE-I004",
            severity=Severity.INFO,
            subject=entry.name,
            message=f"databases of the PostgreSQL server on port {server.port} are not known: "
            f"not permitted ({printable(server.denied)})",
            remedy="Let the login account connect over the local socket as postgres, or write the databases down.",
            source=f"ssh:{entry.name}#postgres",
        )
        for server in read.postgres
        if server.denied
    ]
    found += [
        Finding(
            code="PSE-I004",
            severity=Severity.INFO,
            subject=entry.name,
            message=f"databases of a MariaDB or MySQL server are not known: not permitted ({printable(one.denied)})",
            remedy="Let the login account connect over the local socket as administrator, or write the databases down.",
            source=f"ssh:{entry.name}#mariadb",
        )
        for one in read.mariadb
        if one.denied
    ]
    return found


def _readiness(entry: HostEntry, read: _Readings, began: datetime | None, seen: datetime) -> list[Finding]:
    about = {"subject": entry.name, "source": f"ssh:{entry.name}"}
    return [
        *system_findings(**about, system=read.system, wide=read.cpu.wide if read.cpu else None, on=seen.date()),
        *host_findings(
            **about,
            mounts={"mounts": read.mounts, "fstab": read.fstab},
            devices=read.devices,
            crypt=read.crypt,
            disks=read.disks,
        ),
        *set_up_findings(
            **about,
            surroundings=read.surroundings,
            processes=read.processes.values(),
            virtual=read.identity.virtual,
        ),
        *kernel_findings(**about, kernel=read.kernel),
        *(clock_findings(**about, clock=read.clock, began=began, seen=seen) if began else ()),
        *unread_findings(**about, jobs=read.jobs, configured=read.configured, certificates=read.certificates),
        *configuration_findings(**about, configured=read.configured, certificates=read.certificates, seen=seen),
    ]
