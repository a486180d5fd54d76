"""The root of a lab host: what is its own in /etc, /var and /home; /usr is the machine's, read-only."""

import hashlib
import shutil
from pathlib import Path

import msgspec

from providers.lab.hardware import Hardware

UID = 1000
USER = "admin"
SSH_PORT = 2222
STATE = "/run/lab"
IMAGES = ("debian-12",)
"""The one image: a root of its own, with this machine's ``/usr``."""
"""Where a host's boot leaves its logs and exit codes; bound from outside the root, so that the lab can trust it."""

_FOLDERS = (
    *("dev", "proc", "run", "sys", "usr", "tmp", "mnt", "opt", "srv", "root", "home/admin/.ssh"),
    *("etc/ssh", "etc/lab", "etc/ssl", "etc/alternatives"),
    *("var/lib/nginx", "var/lib/dpkg", "var/lib/postgresql", "var/log/nginx", "var/log/postgresql"),
    *("var/tmp", "var/cache", "var/spool/cron"),
)

_INIT = """#!/bin/sh
# Boot of a lab host: first boot once (its script comes on descriptor 3 and is kept nowhere), /etc/rc.local at every
# boot, and sshd. /run is empty at every boot, as on a real machine.
umask 022
cd /
mkdir -p /run/postgresql /run/sshd /run/lock
if [ "$1" = first ]; then
    cat <&3 >/run/user-data
    chmod 700 /run/user-data
fi
exec 3<&-
(
    if [ -e /run/user-data ]; then
        /run/user-data </dev/null >@STATE@/first-boot.log 2>&1
        echo $? >@STATE@/first-boot.new
        rm -f /run/user-data
        mv @STATE@/first-boot.new @STATE@/first-boot.rc
    fi
    rc=0
    if [ -x /etc/rc.local ]; then
        /etc/rc.local </dev/null >@STATE@/boot.log 2>&1
        rc=$?
    fi
    echo $rc >@STATE@/boot.new
    mv @STATE@/boot.new @STATE@/boot.rc
) &
exec /usr/sbin/sshd -D -e -f /etc/ssh/sshd_config
""".replace("@STATE@", STATE)

_OS_RELEASE = """PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"
NAME="Debian GNU/Linux"
VERSION_ID="12"
VERSION="12 (bookworm)"
VERSION_CODENAME=bookworm
ID=debian
"""


class HostSpec(msgspec.Struct, frozen=True, kw_only=True):
    """What a lab host is; kept in its folder, so that it can be started again. Holds no secret.

    Attributes:
        name: Unique in the workspace.
        hostname: As the host itself says.
        role: ``room``, ``dns`` or ``server``.
        place: Place id; empty for the old server room.
        hardware: What it declares.
        authorized_keys: Public keys that open it, one line each.
        hosts: Other hosts that it knows by name, name to address.
        packages: Names of packages that its package database lists.
        files: Further files of its root by absolute path, and their text.
        rc_local: Shell script run at every boot; empty for none.
        personality: Arguments of ``setarch`` that sshd runs under; empty for the machine's own.
    """

    name: str
    hostname: str
    role: str
    place: str = ""
    hardware: Hardware = Hardware(vcpus=2, memory_mib=4096)
    authorized_keys: tuple[str, ...] = ()
    hosts: dict[str, str] = {}
    packages: tuple[str, ...] = ()
    files: dict[str, str] = {}
    rc_local: str = ""
    personality: tuple[str, ...] = ()


def make(root: Path, spec: HostSpec, address: str) -> str:
    """Make the root of a host that does not run; safe to repeat.

    Returns:
        Its public host key, one line.
    """
    for name in _FOLDERS:
        (root / name).mkdir(parents=True, exist_ok=True)
    _links(root)
    (root / "tmp").chmod(0o1777)
    for name, text in (_etc(spec, address) | spec.files).items():
        path = root / name.lstrip("/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    for name in ("etc/lab/init", "etc/rc.local"):
        if (root / name).exists():
            (root / name).chmod(0o755)
    (root / "home/admin/.ssh").chmod(0o700)
    for name in ("ld.so.cache", "localtime", "nsswitch.conf", "protocols", "services"):
        source = Path("/etc", name)
        if source.exists() and not (root / "etc" / name).exists():
            shutil.copyfile(source, root / "etc" / name)
    return _host_key(root / "etc/ssh/ssh_host_ed25519_key", spec.hostname)


def _links(root: Path) -> None:
    for name in ("bin", "sbin", "lib", "lib32", "lib64"):
        # Where the machine has merged /usr, so has the host; else `sandbox.command` binds the real folder.
        real, ours = Path("/", name), root / name
        if real.is_symlink() and not ours.is_symlink():
            ours.symlink_to(real.readlink())
    for name, target in (("var/run", "/run"), ("etc/mtab", "/proc/mounts")):
        if not (root / name).is_symlink():
            (root / name).symlink_to(target)


def renew_hosts(root: Path, spec: HostSpec, address: str) -> None:
    """Write /etc/hosts and sshd's address anew, for a host whose addresses changed; it must not run."""
    etc = _etc(spec, address)
    for name in ("/etc/hosts", "/etc/ssh/sshd_config"):
        path = root / name.lstrip("/")
        path.unlink(missing_ok=True)
        path.write_text(etc[name], encoding="utf-8")


def _etc(spec: HostSpec, address: str) -> dict[str, str]:
    known = {"localhost": "127.0.0.1", spec.hostname: address} | spec.hosts
    files = {
        "/etc/hostname": spec.hostname + "\n",
        "/etc/hosts": "".join(f"{at}\t{name}\n" for name, at in known.items()),
        "/etc/machine-id": hashlib.sha256(f"{spec.name}@{address}".encode()).hexdigest()[:32] + "\n",
        "/etc/passwd": (
            "root:x:0:0:root:/root:/bin/sh\n"
            f"{USER}:x:{UID}:{UID}:Administrator:/home/{USER}:/bin/bash\n"
            "sshd:x:100:65534::/run/sshd:/usr/sbin/nologin\n"
            "nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n"
        ),
        "/etc/group": f"root:x:0:\ntty:x:5:\n{USER}:x:{UID}:\nnogroup:x:65534:\n",
        "/etc/resolv.conf": "# The lab resolves by /etc/hosts only.\n",
        "/etc/os-release": _OS_RELEASE,
        "/etc/fstab": "/dev/vda1 / ext4 defaults 0 1\n",
        "/etc/ssh/sshd_config": (
            f"Port {SSH_PORT}\nListenAddress {address}\nHostKey /etc/ssh/ssh_host_ed25519_key\nPidFile none\n"
            "UsePAM no\nStrictModes no\nUseDNS no\nPasswordAuthentication no\nKbdInteractiveAuthentication no\n"
            "AllowAgentForwarding no\nX11Forwarding no\nPrintMotd no\nMaxStartups 100:30:200\nMaxSessions 64\n"
            "Subsystem sftp internal-sftp\nLogLevel ERROR\n"
        ),
        "/etc/lab/init": _INIT,
        f"/home/{USER}/.ssh/authorized_keys": "".join(key.strip() + "\n" for key in spec.authorized_keys),
        "/var/lib/dpkg/status": "".join(_stanza(name) for name in sorted(spec.packages)),
    }
    if spec.rc_local:
        files["/etc/rc.local"] = spec.rc_local
    return files


def _stanza(name: str) -> str:
    return (
        f"Package: {name}\nStatus: install ok installed\nPriority: optional\nSection: misc\nMaintainer: lab\n"
        f"Architecture: amd64\nVersion: 12.0\nDescription: declared by the lab\n\n"
    )


def _host_key(path: Path, hostname: str) -> str:
    from cryptography.hazmat.primitives import serialization as ser
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    public = path.with_name(path.name + ".pub")
    if not public.exists():
        key = Ed25519PrivateKey.generate()
        path.unlink(missing_ok=True)
        path.touch(mode=0o600)
        path.write_bytes(key.private_bytes(ser.Encoding.PEM, ser.PrivateFormat.OpenSSH, ser.NoEncryption()))
        line = key.public_key().public_bytes(ser.Encoding.OpenSSH, ser.PublicFormat.OpenSSH).decode()
        public.write_text(f"{line} {hostname}\n", encoding="ascii")
    return public.read_text(encoding="ascii").strip()
