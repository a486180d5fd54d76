"""Estate: a snapshot in memory, and its manifest and Parquet tables on disk."""

from pathlib import Path

import msgspec

from pse.core.documents.snapshot import (
    Database,
    Disk,
    Filesystem,
    Flow,
    Listener,
    Nic,
    ProposedWorkload,
    Server,
    Snapshot,
)
from pse.core.settings import Workspace


class Estate(msgspec.Struct, frozen=True, kw_only=True):
    """Everything known of what the entity runs; rows of each table are sorted by their key."""

    manifest: Snapshot
    servers: tuple[Server, ...] = ()
    disks: tuple[Disk, ...] = ()
    filesystems: tuple[Filesystem, ...] = ()
    nics: tuple[Nic, ...] = ()
    listeners: tuple[Listener, ...] = ()
    flows: tuple[Flow, ...] = ()
    databases: tuple[Database, ...] = ()
    workloads: tuple[ProposedWorkload, ...] = ()


def write(estate: Estate, folder: Path) -> None:
    """Write manifest and tables under ``folder``."""
    raise NotImplementedError


def read(folder: Path) -> Estate:
    """Read what `write` wrote."""
    raise NotImplementedError


def load_estate(workspace: Workspace) -> Estate:
    """The workspace's current snapshot."""
    raise NotImplementedError
