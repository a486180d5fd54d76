"""govmomi's simulator of vCenter, as `scripts/setup` builds it; started by the constructor, stopped by `stop`."""

import hashlib
import os
import re
import select
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from inventory.vsphere.connection import connected, pin_of, target_of
from tests.require import missing, require

VERSION = "0.43.0"
USER = "reader"
PASSWORD = "pse-canary-vsphere"
MACHINES = 10
"""Of the one that the tests share."""


def program() -> Path:
    """Where `scripts/setup` keeps it; skips the test, or fails it, when it is not there."""
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    found = base / "pse" / f"vcsim-{VERSION}" / "vcsim"
    if not found.exists():
        missing(f"vcsim {VERSION}")
    return found


class Vcsim:
    """A vCenter with one data centre; its certificate is made anew."""

    def __init__(self, folder: Path, *options: str) -> None:
        require("openssl")
        folder.mkdir(parents=True, exist_ok=True)
        self.certificate, key = folder / "cert.pem", folder / "key.pem"
        subprocess.run(
            [
                *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"),
                *("-keyout", str(key), "-out", str(self.certificate), "-subj", "/CN=vcsim"),
                *("-addext", "subjectAltName=IP:127.0.0.1"),
            ],
            check=True,
            capture_output=True,
            timeout=60,
        )
        self._log = (folder / "log").open("wb")
        # 6.7 has TPMs; at 7.0 the simulator loses the options of a machine's boot.
        self._process = subprocess.Popen(
            [
                *(str(program()), "-l", "127.0.0.1:0", "-username", USER, "-password", PASSWORD),
                *("-tlscert", str(self.certificate), "-tlskey", str(key), "-api-version", "6.7", *options),
            ],
            stdout=subprocess.PIPE,
            env={**os.environ, "TMPDIR": str(folder)},  # files of its machines
            stderr=self._log,
        )
        self.port = self._said_port()

    @property
    def url(self) -> str:
        """As `pse import` takes it."""
        return f"vsphere://{USER}@127.0.0.1:{self.port}"

    @property
    def pin(self) -> str:
        """SHA-256 of its certificate."""
        der = ssl.PEM_cert_to_DER_cert(self.certificate.read_text("utf-8"))
        return hashlib.sha256(der).digest().hex(":").upper()

    @contextmanager
    def content(self) -> Iterator[Any]:
        """A session, for changes to what it simulates."""
        with connected(target_of(self.url), PASSWORD, pin=pin_of(self.pin)) as content:
            yield content

    def stop(self) -> None:
        """End it."""
        self._process.kill()
        self._process.wait()
        self._log.close()
        if self._process.stdout is not None:
            self._process.stdout.close()

    def _said_port(self) -> int:
        assert self._process.stdout is not None
        ready, _, _ = select.select([self._process.stdout], [], [], 120)
        line = self._process.stdout.readline() if ready else b""
        match = re.search(rb"@127\.0\.0\.1:(\d+)/sdk", line)
        if match is None:
            self.stop()
            raise AssertionError(f"vcsim did not start: {line!r}")
        return int(match[1])


class Odd:
    """Makes machines of a simulated vCenter odd, each in its own way."""

    def __init__(self, content: Any) -> None:
        from pyVmomi import vim

        self._vim = vim
        self._content = content
        view = content.viewManager.CreateContainerView(content.rootFolder, [vim.VirtualMachine], True)
        self._machines = {vm.name: vm for vm in view.view}
        view.DestroyView()

    def make(self) -> None:
        vim = self._vim
        self._shared("DC0_H0_VM0")
        efi = vim.vm.BootOptions(efiSecureBootEnabled=True)
        self._change("DC0_H0_VM2", firmware="efi", bootOptions=efi, guestId="centos7_64Guest")
        usb = vim.vm.device.VirtualUSB(key=-9, connected=True, vendor=1, product=2)
        self._add("DC0_H0_VM3", usb, vim.vm.device.VirtualTPM(key=-10), vim.vm.device.VirtualPCIPassthrough(key=-11))
        self._done(self._machines["DC0_H0_VM4"].PowerOffVM_Task())
        self._machines["DC0_H0_VM4"].MarkAsTemplate()
        one = self._machines["DC0_C0_RP0_VM0"]
        self._done(one.CreateSnapshot_Task("a", "", False, False))
        self._done(one.CreateSnapshot_Task("b", "", False, False))
        field = self._content.customFieldsManager.AddCustomFieldDef("Owner of it", vim.VirtualMachine)
        self._content.customFieldsManager.SetField(one, field.key, "Finance")
        folder = one.parent.CreateFolder("works")
        self._done(folder.MoveIntoFolder_Task([one]))

    def _shared(self, name: str) -> None:
        vim = self._vim
        scsi = next(d for d in self._machines[name].config.hardware.device if hasattr(d, "sharedBus"))
        backing = vim.vm.device.VirtualDisk.FlatVer2BackingInfo(
            fileName="[LocalDS_0] shared.vmdk", diskMode="persistent", sharing="sharingMultiWriter"
        )
        disk = vim.vm.device.VirtualDisk(
            key=-1, controllerKey=scsi.key, unitNumber=5, capacityInKB=2_000_000, backing=backing
        )
        self._add(name, disk)

    def _add(self, name: str, *devices: Any) -> None:
        spec = self._vim.vm.device.VirtualDeviceSpec
        changes = [
            spec(operation="add", device=d, **({"fileOperation": "create"} if hasattr(d, "capacityInKB") else {}))
            for d in devices
        ]
        self._change(name, deviceChange=changes)

    def _change(self, name: str, **values: Any) -> None:
        self._done(self._machines[name].ReconfigVM_Task(self._vim.vm.ConfigSpec(**values)))

    def _done(self, task: Any) -> None:
        from pyVim.task import WaitForTask

        WaitForTask(task)
