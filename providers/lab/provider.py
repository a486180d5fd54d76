"""The adapter of the lab."""

from collections.abc import Collection, Mapping
from typing import ClassVar

from providers.lab.account import Account
from providers.lab.skeleton import IMAGES
from providers.lab.stores import WORKS, LabStore
from providers.ports import PortError, Provider, Store, Target
from providers.rfc2136 import UNNAMED, by_options

_SHARED = "all lab servers share the machine's own network"


class LabProvider:
    """See `providers.ports.Provider`. Every place has its own account folder under ``.pse/lab/places/``.

    Options of the register's entry: ``quota_<kind>`` (most objects of a kind, for example ``quota_server``),
    ``boot_s`` (seconds that a first boot may take; 120), and those of `providers.rfc2136` for a name server.
    """

    name: ClassVar[str] = "lab"
    kinds: ClassVar[Mapping[str, str]] = dict.fromkeys(WORKS, "needs no permission")
    lacks: ClassVar[Mapping[str, str]] = {
        "Router": _SHARED,
        "Address": _SHARED,
        "LoadBalancer": "a lab server has no address that could be another's; nginx on one can stand before others",
        **UNNAMED,
        "Image": "a lab server starts from the machine's own system",
        "BackupPolicy": "nothing of the lab runs by itself, so nothing would take the snapshots",
        "Bucket": "the lab has no object store",
        "EncryptionKey": "the lab has no key store, and encrypts nothing",
        "Volume.iops": "a folder has the disk's own speed",
        "Volume.encryptionKey": "a folder is not encrypted",
        "Server.bootVolume": "a lab server starts from a folder of its own",
        "Server.apart": "all lab servers share one machine",
    }
    images: ClassVar[Collection[str]] = IMAGES

    @classmethod
    def by_options(cls, options: Mapping[str, str]) -> type[Provider]:
        """See `providers.ports.ByOptions`."""
        return by_options(cls, options)

    def __init__(self, target: Target) -> None:
        """Remember the target; nothing is read or written yet."""
        self._target = target

    def store(self, kind: str) -> Store:
        """The store of one kind.

        Raises:
            PortError: The lab has no such kind.
        """
        if kind not in WORKS:
            raise PortError(f"the lab makes no {kind}", reason="invalid", where=self._target.place)
        return LabStore(self._target, kind)

    def check_options(self) -> None:
        """See `providers.ports.ChecksOptions`."""
        Account(self._target)

    def ready(self) -> None:
        """See `providers.ports.OnThisMachine`."""
        from providers.lab.sandbox import ready

        ready()

    def close(self) -> None:
        """Nothing is kept open."""
