"""A real sshd of the tests' own: own keys, own configuration, the current user, a free 127.x address."""

import getpass
import os
import random
import secrets
import socket
import subprocess
import time
from pathlib import Path

from inventory.ssh import Endpoint

SSHD = "/usr/sbin/sshd"


def free_address() -> str:
    """A loopback address that nobody else is likely to use."""
    return f"127.{random.randint(40, 90)}.{random.randint(1, 254)}.{random.randint(2, 254)}"


def keygen(path: Path, kind: str = "ed25519", passphrase: str = "") -> str:
    """Make a key pair and return the public line ``type base64``."""
    subprocess.run(
        ["ssh-keygen", "-q", "-t", kind, "-N", passphrase, "-C", path.name, "-f", str(path)], check=True, timeout=60
    )
    return " ".join(Path(f"{path}.pub").read_text(encoding="utf-8").split()[:2])


class Sshd:
    """Started by the constructor, stopped by `stop`."""

    def __init__(self, folder: Path, *options: str, key: Path, host_key_kind: str = "ed25519") -> None:
        folder.mkdir(parents=True, exist_ok=True)
        if os.geteuid() == 0:
            Path("/run/sshd").mkdir(exist_ok=True)  # sshd wants it when it is root, whatever it does with it
        self.address = free_address()
        with socket.socket() as probe:
            probe.bind((self.address, 0))
            self.port = int(probe.getsockname()[1])
        self.key = key
        self.host_key = keygen(folder / f"host-{secrets.token_hex(4)}", host_key_kind)
        host_key_file = next(p for p in folder.glob("host-*") if p.suffix != ".pub")
        config = folder / "sshd_config"
        config.write_text(
            "\n".join(
                [
                    *options,  # the first value of an option counts
                    f"Port {self.port}",
                    f"ListenAddress {self.address}",
                    f"HostKey {host_key_file}",
                    f"AuthorizedKeysFile {key}.pub",
                    f"PidFile {folder / 'pid'}",
                    "UsePAM no",
                    "StrictModes no",
                    "PermitRootLogin prohibit-password",
                    "PasswordAuthentication no",
                    "MaxStartups 100",
                    "LogLevel VERBOSE",
                ]
            )
            + "\n",
            encoding="utf-8",
        )
        self.log = folder / "log"
        with self.log.open("wb") as log:
            self._process = subprocess.Popen([SSHD, "-D", "-e", "-f", str(config)], stderr=log, stdout=log)
        self._wait()

    def _wait(self) -> None:
        until = time.monotonic() + 20
        while time.monotonic() < until:
            if self._process.poll() is not None:
                raise RuntimeError(self.log.read_text(errors="replace"))
            with socket.socket() as client:
                client.settimeout(1)
                if client.connect_ex((self.address, self.port)) == 0:
                    return
            self._process.poll()
        raise RuntimeError("sshd did not start in time")

    def endpoint(self, *, name: str = "host", host_key: str | None = None, jump: Endpoint | None = None) -> Endpoint:
        """An endpoint of it, pinned unless ``host_key`` says otherwise."""
        return Endpoint(
            name=name,
            address=self.address,
            port=self.port,
            user=getpass.getuser(),
            key=f"file:{self.key}",
            host_key=self.host_key if host_key is None else host_key,
            jump=jump,
        )

    def stop(self) -> None:
        """End it and wait."""
        self._process.terminate()
        self._process.wait(timeout=20)
