"""First-boot scripts: what a fresh server has to know and have. Plain POSIX shell, safe to run again.

The script leaves ``/etc/pse/boot`` behind, which runs at every boot: it writes the addresses of the servers that this
one needs into /etc/hosts, and makes and starts PostgreSQL on a database server. An adapter sets ``PSE_ADDRESS`` to the
server's own IPv4 address; without it the script finds the address by the host's name.
"""

import ipaddress
import re
import shlex
from collections.abc import Iterable, Mapping
from string import Template

from pse.core.documents.plan import PlannedServer
from pse.core.errors import BadInput

POSTGRES_DATA = "/var/lib/postgresql/pse"
"""Data directory of the database server; the volume is mounted at the folder above."""

MARIADB_DATA = "/var/lib/mysql/pse"
"""The same, of a MariaDB server."""

_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?", re.ASCII)
_PACKAGE = re.compile(r"[A-Za-z0-9][A-Za-z0-9+._-]{0,99}", re.ASCII)


def serves_postgres(server: PlannedServer) -> bool:
    """Whether the script sets up PostgreSQL."""
    return any(package.startswith("postgresql") for package in server.packages) and server.role == "database"


def serves_mariadb(server: PlannedServer) -> bool:
    """Whether the script sets up MariaDB."""
    return any(package.startswith("mariadb") for package in server.packages) and server.role == "database"


def script(server: PlannedServer, known: Mapping[str, str]) -> str:
    """The first-boot script of ``server``; empty when there is nothing to do.

    Args:
        server: As planned.
        known: Host names that it has to reach, and their IPv4 addresses.

    Raises:
        BadInput: A host name, address or package name is not one.
    """
    hosts = _hosts(server, known)
    for package in server.packages:
        if not _PACKAGE.fullmatch(package):
            raise BadInput(f"not the name of a package: {package!r}", where=server.name)
    postgres = serves_postgres(server)
    if not hosts and not server.packages:
        return ""
    boot = _BOOT.substitute(hosts="".join(f"know {address} {name}\n" for name, address in hosts))
    if postgres or serves_mariadb(server):
        boot += _ADDRESS
    if postgres:
        boot += _POSTGRES.substitute(data=POSTGRES_DATA)
    if serves_mariadb(server):
        boot += _MARIADB.substitute(data=MARIADB_DATA)
    return _FIRST.substitute(boot=boot, packages=" ".join(shlex.quote(name) for name in server.packages))


def _hosts(server: PlannedServer, known: Mapping[str, str]) -> list[tuple[str, str]]:
    found = []
    for name, address in sorted(known.items()):
        if not _HOST.fullmatch(name):
            raise BadInput(f"not a host name: {name!r}", where=server.name)
        try:
            ipaddress.IPv4Address(address)
        except ValueError as exc:
            raise BadInput(f"not an IPv4 address of {name}: {address!r}", where=server.name) from exc
        found.append((name, address))
    return found


def names_of(servers: Iterable[PlannedServer]) -> dict[str, tuple[str, ...]]:
    """Host names that each server goes by: that of the one it replaces, where it is one, and its own; by its own."""
    return {
        s.name: tuple(dict.fromkeys(name for name in (s.source_host, s.name) if _HOST.fullmatch(name))) for s in servers
    }


_FIRST = Template("""#!/bin/sh
# First boot: packages where they are missing, then what runs at every boot.
set -eu
umask 022
PATH=$$PATH:/usr/sbin:/sbin
export PATH
me=$$(id -u)
root() { if [ "$$me" = 0 ]; then "$$@"; else sudo -n "$$@"; fi; }
have() {
    case "$$1" in
        postgresql*) ls /usr/lib/postgresql/*/bin/initdb /usr/pgsql-*/bin/initdb /usr/bin/initdb >/dev/null 2>&1 ||
            [ -n "$$(find /usr/lib/postgresql /usr/pgsql-* /usr/bin -name initdb 2>/dev/null | head -n 1)" ] ;;
        mariadb*) PATH=$$PATH:/usr/libexec; command -v mariadbd >/dev/null 2>&1 || command -v mysqld >/dev/null 2>&1 ;;
        nginx*) command -v nginx >/dev/null 2>&1 ;;
        *) command -v "$$1" >/dev/null 2>&1 || [ -d "/usr/share/doc/$$1" ] ;;
    esac
}
missing=
for package in $packages; do
    have "$$package" || missing="$$missing $$package"
done
if [ -n "$$missing" ]; then
    if [ "$$me" != 0 ] && ! sudo -n true 2>/dev/null; then
        echo "packages are missing and cannot be installed without root:$$missing" >&2
        exit 1
    fi
    if command -v apt-get >/dev/null 2>&1; then
        # The distribution's own cluster would take the port.
        root mkdir -p /etc/postgresql-common
        echo 'create_main_cluster = false' | root tee /etc/postgresql-common/createcluster.conf >/dev/null
        root apt-get -q -y update
        root env DEBIAN_FRONTEND=noninteractive apt-get -q -y install --no-install-recommends $$missing
    elif command -v dnf >/dev/null 2>&1; then
        root dnf -q -y install $$missing
    elif command -v zypper >/dev/null 2>&1; then
        root zypper -q -n install $$missing
    elif command -v apk >/dev/null 2>&1; then
        root apk add -q $$missing
    else
        echo "no package manager is known here, and packages are missing:$$missing" >&2
        exit 1
    fi
fi
mkdir -p /etc/pse
cat >/etc/pse/boot.new <<'PSE_BOOT'
${boot}PSE_BOOT
chmod 755 /etc/pse/boot.new
mv /etc/pse/boot.new /etc/pse/boot
if [ -d /run/systemd/system ] && [ "$$me" = 0 ]; then
    cat >/etc/systemd/system/pse-boot.service <<'PSE_UNIT'
[Unit]
Description=Addresses and database of this server
After=network-online.target local-fs.target
Wants=network-online.target
[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/etc/pse/boot
[Install]
WantedBy=multi-user.target
PSE_UNIT
    systemctl daemon-reload
    systemctl enable pse-boot.service
    systemctl start pse-boot.service
else
    [ -e /etc/rc.local ] || echo '#!/bin/sh' >/etc/rc.local
    grep -qx /etc/pse/boot /etc/rc.local || echo /etc/pse/boot >>/etc/rc.local
    chmod 755 /etc/rc.local
    /etc/pse/boot
fi
""")

_BOOT = Template("""#!/bin/sh
# Runs at every boot; safe to run again.
set -eu
umask 022
PATH=$$PATH:/usr/sbin:/sbin
export PATH
know() {
    grep -qxF "$$1 $$2" /etc/hosts && return 0
    # Rewritten in place, because /etc/hosts may be a mount of its own.
    kept=$$(awk -v name="$$2" '{ for (i = 2; i <= NF; i++) if ($$i == name) next; print }' /etc/hosts)
    printf '%s\\n%s %s\\n' "$$kept" "$$1" "$$2" >/etc/hosts
}
$hosts""")

_ADDRESS = """
address=${PSE_ADDRESS:-}
if [ -z "$address" ]; then
    address=$(getent ahostsv4 "$(hostname)" | awk '$1 != "127.0.0.1" && $1 != "127.0.1.1" { print $1; exit }')
fi
[ -n "$address" ] || address=$(hostname -I 2>/dev/null | awk '{ print $1 }')
[ -n "$address" ] || { echo "this server does not know its own address" >&2; exit 1; }
"""

_POSTGRES = Template("""\
tool=$$(find /usr/lib/postgresql /usr/pgsql-* /usr/bin -name initdb 2>/dev/null | sort -V | tail -n 1)
bin=$$(dirname "$$tool")
data=$data
if [ "$$(id -u)" = 0 ]; then
    as() { su postgres -s /bin/sh -c "$$1"; }
    mkdir -p "$$(dirname "$$data")" /var/run/postgresql
    chown postgres: "$$(dirname "$$data")" /var/run/postgresql
else
    as() { sh -c "$$1"; }
    mkdir -p "$$(dirname "$$data")" /var/run/postgresql
fi
if [ ! -s "$$data/PG_VERSION" ]; then
    # Made beside and renamed: an interrupted initdb leaves nothing that looks like a cluster.
    rm -rf "$$data.new"
    locale=C
    if locale -a 2>/dev/null | grep -qix 'c.utf-\\{0,1\\}8'; then locale=C.UTF-8; fi
    as "'$$bin/initdb' -D '$$data.new' -U postgres -E UTF8 --locale=$$locale \\
        --auth-local=trust --auth-host=scram-sha-256"
    as "echo \\"include_if_exists = 'pse.conf'\\" >>'$$data.new/postgresql.conf'"
    as "printf '%s\\n' 'local all all trust' 'local replication all trust' 'host all all 0.0.0.0/0 scram-sha-256' \\
        'host replication all 0.0.0.0/0 scram-sha-256' >'$$data.new/pg_hba.conf'"
    as "mv '$$data.new' '$$data'"
fi
as "printf '%s\\n' \\"listen_addresses = '$$address'\\" 'port = 5432' 'wal_level = logical' 'max_wal_senders = 10' \\
    \\"unix_socket_directories = '/var/run/postgresql'\\" 'max_replication_slots = 10' >'$$data/pse.conf'"
if ! "$$bin/pg_isready" -q -h /var/run/postgresql -p 5432; then
    # After a hard stop the pid file may name another process, which PostgreSQL would take for itself.
    if [ -f "$$data/postmaster.pid" ]; then
        old=$$(head -n 1 "$$data/postmaster.pid")
        case "$$(cat "/proc/$$old/comm" 2>/dev/null)" in postgres*) ;; *) rm -f "$$data/postmaster.pid" ;; esac
    fi
    as "'$$bin/pg_ctl' -s -w -t 90 -D '$$data' -l '$$data/server.log' start"
fi
""")

_MARIADB = Template("""\
PATH=$$PATH:/usr/libexec
daemon=$$(command -v mariadbd || command -v mysqld)
data=$data
# Its number among servers that copy from each other is its address.
number=$$(echo "$$address" | awk -F. '{ print (($$1 * 256 + $$2) * 256 + $$3) * 256 + $$4 }')
options=
for folder in /etc/mysql/mariadb.conf.d /etc/my.cnf.d /etc/mysql/conf.d; do
    [ -n "$$options" ] || [ ! -d "$$folder" ] || options=$$folder
done
if [ -z "$$options" ]; then
    options=/etc/my.cnf.d
    mkdir -p "$$options"
    [ -e /etc/my.cnf ] || echo "!includedir $$options" >/etc/my.cnf
fi
printf '%s\\n' '[mysqld]' "datadir = $$data" "bind_address = $$address" 'port = 3306' "pid_file = /run/mysqld/pse.pid" \
    'socket = /run/mysqld/mysqld.sock' 'log_bin = log' 'binlog_format = ROW' "server_id = $$number" \
    "gtid_domain_id = $$number" "log_error = $$data.log" >"$$options/zy-pse.cnf"
me=mysql
[ "$$(id -u)" = 0 ] || me=$$(id -un)
mkdir -p "$$(dirname "$$data")" /run/mysqld
[ "$$(id -u)" != 0 ] || chown mysql: "$$(dirname "$$data")" /run/mysqld
if [ ! -d "$$data/mysql" ]; then
    # Made beside and renamed: an interrupted installation leaves nothing that looks like a server's folder.
    rm -rf "$$data.new"
    who=$$me
    [ "$$(id -u)" != 0 ] || who=root
    # Forced, because it would stop where no name server knows this host yet.
    mariadb-install-db --no-defaults --force --datadir="$$data.new" --user="$$me" --skip-test-db \\
        --auth-root-authentication-method=socket --auth-root-socket-user="$$who" >"$$data.log" 2>&1 ||
        { tail -n 3 "$$data.log" >&2; exit 1; }
    mv "$$data.new" "$$data"
fi
alive() { mariadb-admin -S /run/mysqld/mysqld.sock ping >/dev/null 2>&1; }
if [ -d /run/systemd/system ] && [ "$$me" = mysql ]; then
    # With its package came a server of its own, on the wrong folder.
    [ "$$(cat /run/mysqld/pse.pid 2>/dev/null)" ] && alive || systemctl restart mariadb
elif ! alive; then
    setsid "$$daemon" --user="$$me" >/dev/null 2>&1 </dev/null &
fi
tries=0
until alive; do
    tries=$$((tries + 1))
    [ "$$tries" -lt 450 ] || { tail -n 3 "$$data.log" >&2; exit 1; }
    sleep 0.2
done
""")
