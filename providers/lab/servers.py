"""Servers of the lab: real lab hosts.

Shapes are named ``<family>-<vcpus>-<GiB of memory>``, for example ``std-2-8``. The one image is ``debian-12``: a
fresh root with this machine's /usr. ``user_data`` runs once, as the first boot, with its output in /run/lab on the
server; a script that fails leaves a server that exists and is not healthy, and `update` runs it again. Like
/etc/rc.local, which runs at every boot, it finds the server's own address in ``PSE_ADDRESS``.
"""

import re
from typing import Any

import msgspec

from providers.lab import disks
from providers.lab.account import Account, Record
from providers.lab.hardware import Hardware
from providers.lab.skeleton import IMAGES, HostSpec
from providers.ports import PortError
from pse.core.schema import Inputs, ServerInputs

_SHAPE = re.compile(r"[a-z0-9]+-(\d{1,3})-(\d{1,4})")


class ServerWork:
    """A server; see `providers.lab.stores.Work`."""

    aspects: tuple[str, ...] = ("disk", "log", "key")

    def __init__(self, account: Account) -> None:
        """Remember the self._account."""
        self._account = account

    def check(self, inputs: Inputs, /) -> None:
        """Shape, image and name have to be ones that the lab has."""
        wanted = msgspec.convert(inputs, ServerInputs, from_attributes=True)
        _size(wanted.shape)
        if wanted.image not in IMAGES:
            raise PortError(
                f"no image {wanted.image!r}", reason="invalid", where=inputs.name, hint=f"Images: {', '.join(IMAGES)}."
            )

    def build(self, record: Record, inputs: Inputs, /) -> tuple[dict[str, Any], tuple[str, ...]]:
        """Bring the host up and wait for its boot; a first boot that did not succeed runs again."""
        wanted = msgspec.convert(inputs, ServerInputs, from_attributes=True)
        hosts, name = self._account.hosts, record.id
        vcpus, memory_mib = _size(wanted.shape)
        key = self._account.get("KeyPair", wanted.key_pair)
        if key is None:
            raise PortError(f"no KeyPair {wanted.key_pair!r} here", reason="not-found", where=inputs.name)
        hosts.define(
            HostSpec(
                name=name,
                hostname=wanted.name,
                role="server",
                place=self._account.place,
                hardware=Hardware(vcpus=vcpus, memory_mib=memory_mib, memory_used=0.1),
                authorized_keys=(str(key.inputs["publicKey"]),),
            )
        )
        boot_s = self._account.boot_s
        first = wanted.user_data.encode() if wanted.user_data else None
        if hosts.get(name).running and first is not None and hosts.wait_booted(name, timeout_s=boot_s).first != 0:
            hosts.stop(name)
        done = first is None or hosts.boot(name).first == 0
        hosts.start(name, first_boot=None if done else first)
        hosts.wait_booted(name, timeout_s=boot_s)
        host = hosts.get(name)
        outputs = {
            "address": host.address,
            "sshPort": host.ssh_port,
            "sshUser": host.ssh_user,
            "hostKey": host.host_key,
        }
        return outputs, _reasons(self._account, record)

    def look(self, record: Record, /) -> tuple[str, ...]:
        """The host has to run and its first boot to have succeeded."""
        return _reasons(self._account, record)

    def tear(self, record: Record, /) -> None:
        """Give attached volumes their files back, then kill and remove the host."""
        self._account.hosts.stop(record.id)
        with self._account.lock():
            for attachment in list(self._account.users(record)):
                disks.detach(self._account, attachment)
                self._account.drop(attachment)
        self._account.hosts.remove(record.id)


def _reasons(account: Account, record: Record) -> tuple[str, ...]:
    if record.id not in account.hosts.names():
        return ("the host is gone",)
    reasons = []
    if not account.hosts.get(record.id).running:
        reasons.append("the host does not run")
    boot = account.hosts.boot(record.id)
    if record.first_boot and boot.first != 0:
        code = "has not ended" if boot.first is None else f"ended with exit code {boot.first}"
        reasons.append(f"the first boot {code}; see /run/lab/first-boot.log on the server")
    elif boot.boot:
        reasons.append(f"/etc/rc.local ended with exit code {boot.boot}; see /run/lab/boot.log on the server")
    return tuple(reasons)


def _size(shape: str) -> tuple[int, int]:
    found = _SHAPE.fullmatch(shape)
    if found is None or int(found[1]) < 1 or int(found[2]) < 1:
        raise PortError(
            f"no shape {shape!r}", reason="invalid", hint="Lab shapes are <family>-<vcpus>-<GiB>, such as std-2-8."
        )
    return int(found[1]), int(found[2]) * 1024
