"""A real name server for tests: bind9 for some zones, which takes updates and transfers signed with one TSIG key."""

import base64
import os
import secrets
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

import dns.exception
import dns.flags
import dns.message
import dns.query
import dns.rcode
import dns.tsigkeyring
import dns.update

from tests.require import require

KEY_NAME = "pse-names"
WEAK_NAME = "pse-weak"
ZONES = tuple(f"suite{number}.example" for number in range(1, 31))
SERVER_NAME = "ns.here.example"
_START_S = 60.0
_CONF = """
controls {{ }};
options {{
    directory "{folder}";
    pid-file "{folder}/named.pid";
    session-keyfile "{folder}/session.key";
    listen-on port {port} {{ 127.0.0.1; }};
    listen-on-v6 {{ none; }};
    recursion no;
    dnssec-validation no;
    notify no;
}};
key "{name}" {{ algorithm hmac-sha256; secret "{key}"; }};
key "{weak}" {{ algorithm hmac-sha256; secret "{key}"; }};
"""
_ZONE = """
zone "{zone}" {{
    type primary;
    file "{folder}/{zone}.zone";
    update-policy {{ grant {name} zonesub ANY; }};
    allow-transfer {{ key "{name}"; }};
}};
"""


class NameServer:
    """The server and its key.

    Args:
        folder: For its files.
        zones: Domains.
    """

    def __init__(self, folder: Path, zones: tuple[str, ...] = ZONES) -> None:
        """Write keys and zones; nothing is started yet."""
        self._folder = folder
        self.zones = zones
        self.key = base64.b64encode(secrets.token_bytes(32)).decode()
        self.key_file = folder / "tsig"
        self.key_file.touch(mode=0o600)
        self.key_file.write_text(self.key + "\n")
        self.port = 0
        self._process: subprocess.Popen[bytes] | None = None
        for zone in zones:
            text = f"$ORIGIN {zone}.\n$TTL 60\n@ IN SOA ns hostmaster 1 3600 600 86400 5\n@ IN NS {SERVER_NAME}.\n"
            (folder / f"{zone}.zone").write_text(text)

    @property
    def options(self) -> Mapping[str, str]:
        """Options of the register's entry."""
        return {
            "dns_server": f"127.0.0.1:{self.port}",
            "dns_zones": ", ".join(self.zones),
            "dns_key_name": KEY_NAME,
            "dns_key": f"file:{self.key_file}",
            "dns_name_servers": SERVER_NAME,
        }

    def start(self) -> None:
        """Start it, on a port that is free, and wait until it answers with its own key."""
        end = time.monotonic() + _START_S
        while self._process is None:
            assert time.monotonic() < end, (self._folder / "log").read_text()[-2000:]
            with socket.socket() as probe:
                probe.bind(("127.0.0.1", self.port))
                self.port = probe.getsockname()[1]
            self._process = self._run()
            while self._process.poll() is None and not self._answers() and time.monotonic() < end:
                time.sleep(0.02)
            if not self._answers():
                # Somebody took the port in between.
                self.stop()
                self.port = 0

    def stop(self) -> None:
        """Kill it; its journal keeps what was done."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def update(self, zone: str) -> dns.update.UpdateMessage:
        """An update as somebody else would send it: fill it and `send` it."""
        return dns.update.UpdateMessage(f"{zone}.", keyring=self._keyring())

    def send(self, update: dns.update.UpdateMessage) -> None:
        """Send it; it has to take effect."""
        answer = dns.query.tcp(update, "127.0.0.1", timeout=10, port=self.port)
        assert answer.rcode() == dns.rcode.NOERROR, dns.rcode.to_text(answer.rcode())

    def says(self, name: str, kind: str) -> list[str]:
        """What it answers, sorted."""
        answer = dns.query.tcp(dns.message.make_query(f"{name}.", kind), "127.0.0.1", timeout=10, port=self.port)
        return sorted(str(data) for rrset in answer.answer for data in rrset)

    # -- below: the process --

    def _run(self) -> subprocess.Popen[bytes]:
        conf = self._folder / "named.conf"
        own = {"folder": self._folder, "name": KEY_NAME, "weak": WEAK_NAME, "key": self.key, "port": self.port}
        conf.touch(mode=0o600)
        conf.write_text(_CONF.format(**own) + "".join(_ZONE.format(zone=zone, **own) for zone in self.zones))
        with (self._folder / "log").open("wb") as log:
            line = ["named", "-4", "-n", "1", "-g", "-c", str(conf)]
            path = {**os.environ, "PATH": f"{os.environ.get('PATH', '')}:/usr/sbin"}
            return subprocess.Popen(line, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=path)

    def _answers(self) -> bool:
        query = dns.message.make_query(f"{self.zones[-1]}.", "SOA")
        query.use_tsig(self._keyring())
        with suppress(OSError, EOFError, dns.exception.DNSException):
            answer = dns.query.tcp(query, "127.0.0.1", timeout=2, port=self.port)
            return answer.had_tsig and bool(answer.answer)
        return False

    def _keyring(self) -> dict[dns.name.Name, dns.tsig.Key]:
        return dns.tsigkeyring.from_text({KEY_NAME: ("hmac-sha256", self.key)})


@contextmanager
def name_server(folder: Path, zones: tuple[str, ...] = ZONES) -> Iterator[NameServer]:
    """A running one."""
    require("named")
    server = NameServer(folder, zones)
    server.start()
    try:
        yield server
    finally:
        server.stop()
