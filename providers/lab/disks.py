"""Volumes of the lab and their attachment.

A volume is a folder. Attached, that very folder stands at the mount path inside the server's root (a rename, so nothing
is copied and a running server sees it at once); detached, it moves back. Where the mount path holds files already and
the volume is empty, the volume takes them over: what a first boot wrote there is what it would have written on the
volume, had it waited for the device as on a real machine.
"""

import posixpath
import stat
from pathlib import Path
from typing import Any

import msgspec

from providers.lab.account import Account, Record
from providers.lab.files import copy_tree, remove_tree
from providers.ports import PortError
from pse.core.schema import AttachmentInputs, Inputs, VolumeInputs

Built = tuple[dict[str, Any], tuple[str, ...]]

_OWN = ("/usr", "/etc", "/proc", "/dev", "/sys", "/run", "/bin", "/sbin", "/lib", "/lib64", "/var/run")


class VolumeWork:
    """A volume; see `providers.lab.stores.Work`."""

    aspects: tuple[str, ...] = ("disk",)

    def __init__(self, account: Account) -> None:
        """Remember the self._account."""
        self._account = account

    def check(self, inputs: Inputs, /) -> None:
        """The size has to be one, and not less than the snapshot's."""
        wanted = msgspec.convert(inputs, VolumeInputs, from_attributes=True)
        snapshot = self._account.get("Snapshot", wanted.snapshot) if wanted.snapshot else None
        least = int(snapshot.outputs.get("sizeGib", 1)) if snapshot else 1
        if wanted.size_gib < least:
            raise PortError(f"this volume has at least {least} GiB", reason="invalid", where=inputs.name)

    def build(self, record: Record, _inputs: Inputs, /) -> Built:
        """Make the folder, from the snapshot if there is one, unless the volume is attached and its files are there."""
        data = self._account.volume(record.id) / "data"
        if attachment_of(self._account, record) is None and not data.is_dir():
            if snapshot := str(record.inputs.get("snapshot", "")):
                copy_tree(self._account.snapshot(snapshot) / "data", data.with_name("draft"))
                data.with_name("draft").rename(data)
            else:
                data.mkdir(parents=True, exist_ok=True)
        return {}, ()

    def look(self, record: Record, /) -> tuple[str, ...]:
        """The files have to be somewhere."""
        return () if files_of(self._account, record) is not None else ("its files are gone",)

    def tear(self, record: Record, /) -> None:
        """Remove the files."""
        remove_tree(self._account.volume(record.id))


class AttachmentWork:
    """A volume at a server; see `providers.lab.stores.Work`."""

    aspects: tuple[str, ...] = ()

    def __init__(self, account: Account) -> None:
        """Remember the self._account."""
        self._account = account

    def check(self, inputs: Inputs, /) -> None:
        """The volume has to be free, and the path sensible and not inside another mount."""
        wanted = msgspec.convert(inputs, AttachmentInputs, from_attributes=True)
        mount = wanted.mount
        own = any(mount == path or mount.startswith(path + "/") for path in _OWN)
        if not mount.startswith("/") or posixpath.normpath(mount) != mount or mount == "/" or own:
            raise PortError(f"nothing can be mounted at {mount}", reason="invalid", where=inputs.name)
        for other in self._account.records("Attachment"):
            if other.inputs["volume"] == wanted.volume:
                raise PortError("the volume is attached already", reason="in-use", where=wanted.volume)
            theirs = str(other.inputs["mount"])
            nested = f"{mount}/".startswith(f"{theirs}/") or f"{theirs}/".startswith(f"{mount}/")
            if other.inputs["server"] == wanted.server and nested:
                raise PortError(f"{theirs} is a mount already", reason="conflict", where=wanted.server)

    def build(self, record: Record, _inputs: Inputs, /) -> Built:
        """Move the volume's folder to the mount path."""
        data = self._account.volume(str(record.inputs["volume"])) / "data"
        if data.is_dir():
            target = _inside(self._account, record, make=True)
            if not any(target.iterdir()):
                data.rename(target)
            elif not any(data.iterdir()):
                data.rmdir()
            else:
                raise PortError("both the volume and the mount path hold files", reason="conflict", where=record.id)
        return {"device": f"/dev/disk/by-id/lab-{record.inputs['volume']}"}, self.look(record)

    def look(self, record: Record, /) -> tuple[str, ...]:
        """The volume's files have to be at the mount path."""
        return () if mount_path(self._account, record) is not None else ("the volume is not at its mount path",)

    def tear(self, record: Record, /) -> None:
        """Move the volume's folder back and leave an empty one."""
        detach(self._account, record)


def attachment_of(account: Account, volume: Record) -> Record | None:
    """The attachment record of a volume; None when it is free."""
    return next((r for r in account.records("Attachment") if r.inputs["volume"] == volume.id), None)


def files_of(account: Account, volume: Record) -> Path | None:
    """Where a volume's files are: at a server, or at the volume; None when they are at neither."""
    attachment = attachment_of(account, volume)
    at_server = mount_path(account, attachment) if attachment is not None else None
    data = account.volume(volume.id) / "data"
    return at_server or (data if data.is_dir() else None)


def mount_path(account: Account, attachment: Record) -> Path | None:
    """Where an attached volume's files are, seen from outside; None when they are not at the server."""
    if (account.volume(str(attachment.inputs["volume"])) / "data").exists():
        return None
    try:
        path = _inside(account, attachment, make=False)
    except PortError:
        return None
    return path if path.is_dir() else None


def detach(account: Account, attachment: Record) -> None:
    """Move the files of an attached volume back to it; quiet when they are there."""
    path = mount_path(account, attachment)
    if path is not None:
        volume = account.volume(str(attachment.inputs["volume"]))
        volume.mkdir(parents=True, exist_ok=True)
        path.rename(volume / "data")
        path.mkdir()


def _inside(account: Account, attachment: Record, *, make: bool) -> Path:
    """The mount path inside the server's root; a link on the way, which could lead out of the root, is refused."""
    path = account.hosts.inside(str(attachment.inputs["server"]))
    for part in str(attachment.inputs["mount"]).strip("/").split("/"):
        path /= part
        try:
            mode = path.lstat().st_mode
        except FileNotFoundError:
            if make and path.parent.is_dir():
                path.mkdir()
            continue
        if not stat.S_ISDIR(mode):
            raise PortError("the mount path leads over something that is no folder", reason="invalid", where=str(path))
    return path
