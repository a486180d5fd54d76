"""Data volumes: what of a server's disks its replacement needs, and where it is mounted.

A fresh image brings the system; a volume is planned for every data file system, for declared paths that lie on the
system disk, and for databases. Where no source saw a file system, disks stand in for them.
"""

from decimal import Decimal
from pathlib import PurePosixPath

from blueprints.estate.view import View
from blueprints.model import WantedVolume
from blueprints.names import unique
from blueprints.sizing.sizes import gib
from pse.core.documents.snapshot import Filesystem, Server
from pse.core.documents.workloads import HostDeclaration
from pse.core.text import counted

POSTGRES_HOME = "/var/lib/postgresql"
MARIADB_HOME = "/var/lib/mysql"
_SYSTEM = frozenset({"/", "/boot", "/efi", "/usr", "/var", "/tmp", "/var/tmp", "/var/log", "/etc", "/opt", "/home"})  # noqa: S108  (names of mount points, nothing is written there)
_SYSTEM_TREES = ("/boot/", "/proc", "/sys", "/dev", "/run", "/snap", "/usr/", "/etc/", "/var/lib/docker", "/var/snap")
_NOT_MOUNTABLE = frozenset({"/", "/etc", "/usr", "/usr/local", "/var", "/var/lib", "/home", "/opt", "/root", "/run"})
_PSEUDO = frozenset(
    {"tmpfs", "devtmpfs", "overlay", "squashfs", "iso9660", "proc", "sysfs", "swap", "ramfs", "autofs", "fuse"}
)
_UNKNOWN_MIB = 10 * 1024
LEAST_DATABASE_MIB = 10 * 1024
"""Least size of a volume that PostgreSQL or MariaDB lies on, whatever its databases hold today. Beside them lies the
WAL, whose ``max_wal_size`` is 1 GB by default and a soft limit (PostgreSQL 15 documentation, 20.5.2), which a
replication slot makes it keep without bound by default (``max_slot_wal_keep_size`` -1, 20.6.1), as it does while a
database moves; and temporary files. Ten times the soft limit is our own figure.
"""


def volumes_of(
    server: Server, name: str, declared: HostDeclaration, view: View, *, comfort: Decimal
) -> tuple[tuple[WantedVolume, ...], str]:
    """Data volumes of the server that replaces ``server``, by mount point.

    Args:
        server: The server of today.
        name: Name of its replacement; volumes are named after it.
        declared: What a person says of the host.
        view: The estate.
        comfort: Factor on used space.

    Returns:
        The volumes, and in words where their sizes come from.
    """
    mounts: dict[str, Decimal] = {}
    for fs in view.filesystems(server.id):
        if _is_data(fs):
            # A drive letter becomes a folder, because a mount point is a path everywhere else.
            mount = fs.mount if fs.mount.startswith("/") else f"/{fs.mount[:1].lower()}"
            mounts[mount] = _need(fs.used_mib, fs.size_mib, comfort)
    why = [f"{counted(len(mounts), 'data file system')} by use x {comfort}"] if mounts else []
    homes = _for_databases(server, declared, view, comfort, mounts, why)
    rest = _on_system_disk(server, view)
    before = len(mounts)
    for path in sorted(set(declared.paths)):
        if not _covered(path, mounts):
            mounts[_mount_for(path)] = _need(rest[0], rest[1], comfort)
    if len(mounts) > before:
        why.append("declared paths by what the disk under them holds")
    if not mounts:
        mounts, words = _from_disks(server, view, comfort)
        why.append(words)
    mounts = _unnested(mounts)
    for home in homes:
        why += _raised(mounts, home)
    taken: set[str] = set()
    found = []
    for mount in sorted(mounts):
        volume = unique(f"{name}-{mount.strip('/').replace('/', '-') or 'data'}", taken)
        taken.add(volume)
        found.append(WantedVolume(name=volume, size_gib=gib(mounts[mount]), mount=mount))
    return tuple(found), ", ".join(why)


def is_mountable(mount: str) -> bool:
    """Whether a volume may lie at ``mount``, a plain absolute path; the system's own folders it would hide."""
    taken = _SYSTEM | _NOT_MOUNTABLE | {"/bin", "/sbin", "/lib", "/lib64"}
    return mount not in taken and not f"{mount}/".startswith(_SYSTEM_TREES)


def _for_databases(
    server: Server,
    declared: HostDeclaration,
    view: View,
    comfort: Decimal,
    mounts: dict[str, Decimal],
    why: list[str],
) -> list[str]:
    """Add volumes for databases to ``mounts``, and to ``why`` where their sizes come from; returns their homes."""
    homes = []
    for home, engine in ((POSTGRES_HOME, "postgresql"), (MARIADB_HOME, "mariadb")):
        databases = [d for d in view.databases(server.id) if d.engine == engine]
        if databases or (declared.role == "database" and engine == _engine_of(server, view)):
            homes.append(home)
            if not _covered(home, mounts):
                known = sum(d.size_mib or 0 for d in databases)
                mounts[home] = Decimal(known) * comfort
                why.append(f"databases of {known} MiB x {comfort}")
    return homes


def _engine_of(server: Server, view: View) -> str:
    """The database server that a role of ``database`` stands for: what was seen, else PostgreSQL."""
    return "mariadb" if {d.engine for d in view.databases(server.id)} == {"mariadb"} else "postgresql"


def _raised(mounts: dict[str, Decimal], home: str) -> list[str]:
    """Give the volume that holds the databases of ``home`` its least size in ``mounts``, and say so."""
    holder = next(mount for mount in mounts if _covered(home, {mount: mounts[mount]}))
    if mounts[holder] >= LEAST_DATABASE_MIB:
        return []
    mounts[holder] = Decimal(LEAST_DATABASE_MIB)
    return [
        f"at least {gib(LEAST_DATABASE_MIB)} GiB under a database, for its {'WAL' if home == POSTGRES_HOME else 'logs'}"
    ]


def _unnested(mounts: dict[str, Decimal]) -> dict[str, Decimal]:
    """No volume inside another: what lies deeper becomes part of the outer one, because not every cloud nests them."""
    outer: dict[str, Decimal] = {}
    for mount in sorted(mounts):
        parent = next((m for m in outer if mount.startswith(m.rstrip("/") + "/")), mount)
        outer[parent] = outer.get(parent, Decimal(0)) + mounts[mount]
    return outer


def _is_data(fs: Filesystem) -> bool:
    if fs.fstype.split(".")[0] in _PSEUDO or fs.fstype.startswith(("nfs", "cifs")):
        return False
    if not fs.mount.startswith("/"):
        return fs.mount[:1].upper() not in ("C", "")
    return fs.mount not in _SYSTEM and not fs.mount.startswith(_SYSTEM_TREES)


def _need(used: int | None, size: int | None, comfort: Decimal) -> Decimal:
    if used is not None:
        return Decimal(used) * comfort
    return Decimal(_UNKNOWN_MIB if size is None else size)


def _covered(path: str, mounts: dict[str, Decimal]) -> bool:
    return any(path == mount or path.startswith(mount.rstrip("/") + "/") for mount in mounts)


def _mount_for(path: str) -> str:
    # The folder above, so that a file system's own lost+found never lies among the files that move.
    above = str(PurePosixPath(path).parent)
    return path if above in _NOT_MOUNTABLE else above


def _on_system_disk(server: Server, view: View) -> tuple[int | None, int | None]:
    """Used and whole MiB of what holds paths that lie on no data file system; of all disks where it is not known."""
    root = next((fs for fs in view.filesystems(server.id) if fs.mount == "/"), None)
    if root is not None and (root.used_mib is not None or root.size_mib is not None):
        return root.used_mib, root.size_mib
    disks = view.disks(server.id)
    used = [disk.used_mib for disk in disks]
    known = [mib for mib in used if mib is not None]
    whole = sum(disk.size_mib for disk in disks) if disks else None
    return sum(known) if known and len(known) == len(used) else None, whole


def _from_disks(server: Server, view: View, comfort: Decimal) -> tuple[dict[str, Decimal], str]:
    disks = view.disks(server.id)
    if not disks:
        return {
            "/srv": _need(*_on_system_disk(server, view), comfort)
        }, "one data volume by what its root file system holds"
    mounts = {
        "/srv" if number == 0 else f"/srv{number + 1}": _need(disk.used_mib, disk.size_mib, comfort)
        for number, disk in enumerate(disks)
    }
    measured = sum(disk.used_mib is not None for disk in disks)
    return mounts, f"{counted(len(disks), 'disk')}, {measured} by use x {comfort}, the others by size"
