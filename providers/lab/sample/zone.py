"""The lab's name server: bind9 for the sample zone, which takes updates of A records signed with one TSIG key.

bind9 binds only addresses that an interface carries, and the loopback interface carries 127.0.0.1 alone of its /8. So
it listens there, on a port that goes with the workspace's address range, and not on its host's address as others do.
"""

from pathlib import Path

from providers.lab.files import remove_tree

ZONE = "ministry.example"
ADDRESS = "127.0.0.1"
TTL_S = 5

PUBLISHED = ("portal", "records", "opendata", "learning")
"""Hosts with a record in the zone."""

RC_LOCAL = """#!/bin/sh
mkdir -p /run/named
exec /usr/sbin/named -4 -n 1 -c /etc/bind/named.conf
"""

_CONF = """// Sample: the lab's name server
include "/etc/bind/key.conf";
controls {{ }};
options {{
    directory "/var/lib/bind";
    pid-file "/run/named/named.pid";
    session-keyfile "/run/named/session.key";
    listen-on port {port} {{ 127.0.0.1; }};
    listen-on-v6 {{ none; }};
    recursion no;
    dnssec-validation no;
    allow-transfer {{ none; }};
    notify no;
}};
zone "{zone}" {{
    type primary;
    file "/var/lib/bind/{zone}.zone";
    update-policy {{ grant {key_name} zonesub A TXT; }};
}};
"""


def write(root: Path, addresses: dict[str, str], *, port: int, key_name: str, key: str) -> None:
    """Write configuration, key and fresh zone into the root of the name server's host, which must not run.

    Args:
        root: The root, seen from outside.
        addresses: Host names of the room and their addresses.
        port: TCP and UDP port to listen on.
        key_name: Name of the TSIG key.
        key: The TSIG key, base64.
    """
    etc, state = root / "etc/bind", root / "var/lib/bind"
    remove_tree(state)
    for folder in (etc, state):
        folder.mkdir(parents=True, exist_ok=True)
    (etc / "named.conf").write_text(_CONF.format(port=port, zone=ZONE, key_name=key_name))
    key_file = etc / "key.conf"
    key_file.unlink(missing_ok=True)
    key_file.touch(mode=0o600)
    key_file.write_text(f'key "{key_name}" {{ algorithm hmac-sha256; secret "{key}"; }};\n')
    lines = [
        f"$ORIGIN {ZONE}.",
        f"$TTL {TTL_S}",
        "@ IN SOA ns hostmaster 1 3600 600 86400 5",
        "@ IN NS ns",
        f"ns IN A {ADDRESS}",
        *(f"{name} IN A {addresses[name]}" for name in PUBLISHED),
    ]
    (state / f"{ZONE}.zone").write_text("\n".join(lines) + "\n")
