"""A room of many lab hosts: each a real OpenSSH server in its own sandbox and at its own address."""

import contextlib
import subprocess
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from providers.lab.hosts import Hosts, LabHost
from providers.lab.skeleton import HostSpec
from pse.core.database import open_database
from pse.core.settings import Workspace

PACKAGES = 300
"""What a small Debian server has installed."""


class Lab(NamedTuple):
    """A running room.

    Attributes:
        root: Folder of the room's workspace.
        key: Private key that opens all hosts.
        hosts: Its hosts.
    """

    root: Path
    key: Path
    hosts: tuple[LabHost, ...]

    def workspace(self, folder: Path, *, names_each: int = 1, parallel: int = 64) -> Path:
        """Make a fresh workspace that asks every host, ``names_each`` times under names of its own."""
        folder.mkdir(parents=True)
        (folder / "pse.toml").write_text(
            f'entity = "Benchmark"\n[discovery]\nparallel = {parallel}\n', encoding="utf-8"
        )
        text = (
            f'[defaults]\nuser = "{self.hosts[0].ssh_user}"\nkey = "file:{self.key}"\nport = {self.hosts[0].ssh_port}\n'
        )
        pins = ""
        for number in range(names_each):
            for host in self.hosts:
                name = host.name if not number else f"{host.name}-{number}"
                text += f'[[host]]\nname = "{name}"\naddress = "{host.address}"\n'
                pins += f"{name} {' '.join(host.host_key.split()[:2])}\n"
        (folder / "hosts.toml").write_text(text, encoding="utf-8")
        (folder / ".pse").mkdir(mode=0o700)
        (folder / ".pse" / "known_hosts").write_text(pins, encoding="utf-8")
        open_database(Workspace(folder)).dispose()  # made once in the life of a workspace, and no part of asking
        return folder


@contextlib.contextmanager
def running(count: int) -> Iterator[Lab]:
    """``count`` hosts that run until the end of the block."""
    with tempfile.TemporaryDirectory(prefix="pse-bench-") as temporary:
        root = Path(temporary)
        key = root / "key"
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True, timeout=60)
        public = Path(f"{key}.pub").read_text(encoding="utf-8").strip()
        hosts = Hosts(root)
        packages = tuple(f"sample-package-{number:03d}" for number in range(PACKAGES))

        def start(number: int) -> LabHost:
            name = f"h{number:03d}"
            spec = HostSpec(name=name, hostname=name, role="room", authorized_keys=(public,), packages=packages)
            hosts.define(spec)
            return hosts.start(name, timeout_s=60.0)

        with ThreadPoolExecutor(4) as pool:
            try:
                yield Lab(root, key, tuple(pool.map(start, range(count))))
            finally:
                for name in hosts.names():
                    hosts.remove(name)
                hosts.addresses.release()
