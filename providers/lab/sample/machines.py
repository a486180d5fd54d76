"""The six old servers: what each declares, which files make its services, and how they start at boot.

What a service here expects of its server, old or new, because the same commands run at both: ``hostname -i`` gives the
server's own address (its /etc/hosts says so) and services bind that one only; hosts that it calls are in /etc/hosts by
name; pid files go to ``/run/<name>``, logs to ``/var/log/<name>``; everything that has to move is below the paths of
``workloads.toml``; PostgreSQL has its data in ``/var/lib/postgresql/pse``, superuser ``postgres``, sockets in
``/var/run/postgresql`` with local trust, port 5432 on the server's own address, and lets the application in by password
(``/srv/portal/etc/database.pass``, which moves with it; its verifier moves with the database's roles).
The database server itself is no service of the cut-over: it has to go on while its last changes are read.
"""

import os
from collections.abc import Callable
from pathlib import Path

from providers.lab.hardware import Hardware, LabDisk
from providers.lab.sample import database, files
from providers.lab.sample.database import Postgres
from providers.lab.sample.workspace import text_of
from providers.lab.skeleton import HostSpec

_VENDOR = "QEMU"
_PRODUCT = "Standard PC (sample)"
_OLD_FLAGS = "fpu tsc msr pae cx8 apic sep cmov mmx fxsr sse sse2 ht"

_HARDWARE = {
    "portal": Hardware(vcpus=4, memory_mib=8192, memory_used=0.42, vendor=_VENDOR, product=_PRODUCT),
    "payments": Hardware(
        vcpus=4,
        memory_mib=16384,
        memory_used=0.55,
        disks=(LabDisk(name="vda", size_gib=40), LabDisk(name="vdb", size_gib=200)),
        vendor=_VENDOR,
        product=_PRODUCT,
    ),
    "records": Hardware(
        vcpus=2,
        memory_mib=8192,
        memory_used=0.3,
        disks=(LabDisk(name="sda", size_gib=500, vendor="SAMPLE", model="Disk 500", rotational=True),),
        vendor="Sample Hardware",
        product="Rack server (sample)",
        cpu_flags=_OLD_FLAGS + " nx lm",
    ),
    "opendata": Hardware(vcpus=2, memory_mib=4096, vendor=_VENDOR, product=_PRODUCT),
    "learning": Hardware(vcpus=2, memory_mib=4096, vendor=_VENDOR, product=_PRODUCT),
    "legacy": Hardware(
        vcpus=1,
        memory_mib=2048,
        memory_used=0.7,
        disks=(
            LabDisk(name="sda", size_gib=36, vendor="SAMPLE", model="Disk 36", rotational=True),
            LabDisk(name="sdb", size_gib=120, vendor="SAMPLE", model="SAN LUN"),
            LabDisk(name="dm-0", size_gib=120, dm_name="mpatha", dm_uuid="mpath-3600601600000000000000000000000a1"),
        ),
        usb=(("1-1", "0529", "0001", "Sample licence key"),),
        vendor="Sample Hardware",
        product="Tower server (sample)",
        cpu_flags=_OLD_FLAGS,
    ),
}

_PACKAGES = {
    "portal": ("nginx-light", "openssh-server", "python3", "python3-psycopg2", "rsync"),
    "records": ("nginx-light", "openssh-server", "rsync"),
    "opendata": ("nginx-light", "openssh-server", "rsync"),
    "learning": ("openssh-server", "python3", "rsync"),
}

_LEGACY_FILES = {
    "/etc/os-release": (
        'NAME="Red Hat Enterprise Linux Server"\nID="rhel"\nVERSION_ID="5.11"\n'
        'PRETTY_NAME="Red Hat Enterprise Linux Server release 5.11 (Tikanga)"\n'
    ),
    "/etc/redhat-release": "Red Hat Enterprise Linux Server release 5.11 (Tikanga)\n",
    "/etc/fstab": (
        "/dev/sda1 / ext3 defaults 1 1\n/dev/mapper/mpatha /u01 ocfs2 _netdev,datavolume 0 0\n"
        "/dev/sda2 swap swap defaults 0 0\n"
    ),
    "/var/lib/dpkg/status": "",
}

_START = {
    "portal": "/srv/portal/bin/app start && /srv/portal/bin/web start",
    "records": "/srv/share/bin/web start",
    "opendata": "/srv/opendata/bin/web start",
    "learning": "/srv/learning/bin/app start",
    "legacy": "/srv/legacy/bin/app start",
}


def spec(name: str, addresses: dict[str, str], server: Postgres, keys: tuple[str, ...]) -> HostSpec:
    """The old server called ``name``.

    Args:
        name: One of the room's.
        addresses: Host names of the room and their addresses.
        server: PostgreSQL of this machine.
        keys: Public keys that open it.
    """
    script = f"#!/bin/sh\n{_START[name]}\n" if name in _START else database.boot_script(server)
    packages = {**_PACKAGES, "payments": ("openssh-server", f"postgresql-{server.major}", "rsync")}
    return HostSpec(
        name=name,
        hostname=name,
        role="room",
        hardware=_HARDWARE[name],
        authorized_keys=keys,
        hosts=addresses,
        packages=packages.get(name, ()),
        files=_LEGACY_FILES if name == "legacy" else {},
        rc_local=script,
        personality=("i686", "--uname-2.6") if name == "legacy" else (),
    )


def fill(name: str, root: Path, server: Postgres, password: str) -> None:
    """Put the content of the host called ``name`` into its root; a try that was cut short is completed.

    Args:
        name: One of the room's.
        root: Root of the host, seen from outside.
        server: PostgreSQL of this machine.
        password: The application's at the database.
    """
    fillers: dict[str, Callable[[Path], None]] = {
        "portal": lambda root: _portal(root, password),
        "payments": lambda root: _payments(root, server, password),
        "records": _records,
        "opendata": _opendata,
        "learning": lambda root: _app(root, "learning"),
        "legacy": lambda root: _app(root, "legacy"),
    }
    fillers[name](root)


def _portal(root: Path, password: str) -> None:
    _app(root, "portal")
    _web(root, "portal", "portal.conf")
    _private(root / "srv/portal/etc/database.pass", f"*:5432:payments:portal:{password}\n")


def _payments(root: Path, server: Postgres, password: str) -> None:
    database.install(root, server, text_of("estate", "payments.sql"))
    kept = database.verifier(password, os.urandom(16))
    _private(root / database.ROLES.lstrip("/"), f"ALTER ROLE portal PASSWORD '{kept}';\n")


def _records(root: Path) -> None:
    _web(root, "share", "share.conf")
    files.make_records(root / "srv/records")


def _opendata(root: Path) -> None:
    _web(root, "opendata", "opendata.conf")
    files.make_opendata(root / "srv/opendata/www")


def _web(root: Path, name: str, conf: str) -> None:
    home = root / "srv" / name
    _script(home / "bin/web", text_of("estate", "web.sh"))
    _plain(home / "etc/nginx.conf", text_of("estate", "nginx-head.conf") + text_of("estate", conf))


def _app(root: Path, name: str) -> None:
    home = root / "srv" / name
    _script(home / "bin/app", text_of("estate", "app.sh").replace("@APP@", name))
    _plain(home / f"app/{name}.py", text_of("estate", f"{name}_app.py"))
    _plain(home / "app/room_service.py", text_of("estate", "room_service.py"))


def _script(path: Path, text: str) -> None:
    _plain(path, text)
    path.chmod(0o755)


def _private(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    path.touch(mode=0o600)
    path.write_text(text, encoding="ascii")


def _plain(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
