"""Snapshots of the lab: a copy of a volume's files, wherever they are, in which nothing changed while it was taken.

The copy is made beside and put in place by one rename: killed at any moment, it is there as a whole or not at all.
"""

import os
from pathlib import Path
from typing import Any

from providers.lab.account import Account, Record
from providers.lab.disks import files_of
from providers.lab.files import copy_tree, remove_tree
from providers.ports import PortError
from pse.core.errors import RemoteError
from pse.core.schema import Inputs

_TRIES = 5


class SnapshotWork:
    """A snapshot; see `providers.lab.stores.Work`."""

    aspects: tuple[str, ...] = ("disk",)

    def __init__(self, account: Account) -> None:
        """Remember the account."""
        self._account = account

    def check(self, inputs: Inputs, /) -> None:
        """Nothing besides its references."""

    def build(self, record: Record, _inputs: Inputs, /) -> tuple[dict[str, Any], tuple[str, ...]]:
        """Copy the files, unless that was done."""
        volume = self._account.get("Volume", str(record.inputs["volume"]))
        data = self._account.snapshot(record.id) / "data"
        if not data.is_dir():
            if volume is None:
                raise PortError("its volume is gone", reason="not-found", where=record.id)
            self._take(volume, data)
        size = record.outputs.get("sizeGib") or (volume.inputs["sizeGib"] if volume else 0)
        return {"sizeGib": size}, ()

    def look(self, record: Record, /) -> tuple[str, ...]:
        """The copy has to be there."""
        return () if (self._account.snapshot(record.id) / "data").is_dir() else ("its files are gone",)

    def tear(self, record: Record, /) -> None:
        """Remove the copy."""
        remove_tree(self._account.snapshot(record.id))

    def _take(self, volume: Record, data: Path) -> None:
        draft = data.with_name("draft")
        for _ in range(_TRIES):
            source = files_of(self._account, volume)
            if source is None:
                raise PortError("the files of the volume are gone", reason="conflict", where=volume.id)
            try:
                before = _state(source)
                copy_tree(source, draft)
                if _state(source) == before:
                    draft.rename(data)
                    return
            except (FileNotFoundError, RemoteError):
                # A server wrote meanwhile, or the volume came to one or left it.
                continue
        remove_tree(draft)
        raise PortError(
            "a server keeps writing to the volume",
            reason="in-use",
            where=volume.id,
            hint="Stop what writes to it, or detach it, and try again.",
        )


def _state(folder: Path) -> dict[str, tuple[int, ...]]:
    """What shows that a file changed, by path; links are not followed."""
    found: dict[str, tuple[int, ...]] = {}
    for root, folders, names in os.walk(folder):
        for name in (*folders, *names, "."):
            seen = Path(root, name).lstat()
            found[f"{root}/{name}"] = (seen.st_ino, seen.st_size, seen.st_mtime_ns, seen.st_ctime_ns)
    return found
