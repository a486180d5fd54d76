"""What an importer hands over, and what it has to be able to do."""

from typing import Protocol

import msgspec

from inventory.importers.documents import Documents
from pse.core.documents.snapshot import Sighting
from pse.core.documents.usage import Usage
from pse.core.findings import Finding
from pse.core.tables.table import Table, Tables

Source = Tables | Documents
"""What a file was opened as."""


class Totals(msgspec.Struct, frozen=True, kw_only=True):
    """Sums over all machines taken, templates among them, as the file says: nothing is rounded up to whole CPUs.

    Attributes:
        vcpus: CPUs.
        memory_mib: MiB of memory.
        provisioned_mib: MiB that the machine rows give for storage.
        in_use_mib: MiB of them in use.
        disks: Disks that are listed, or counted where only their number is given.
        disk_mib: MiB of the listed disks.
        on: Machines that run.
        off: Machines that are off.
        suspended: Machines that are suspended.
    """

    vcpus: float = 0
    memory_mib: float = 0
    provisioned_mib: float = 0
    in_use_mib: float = 0
    disks: float = 0
    disk_mib: float = 0
    on: float = 0
    off: float = 0
    suspended: float = 0


class ReadFile(msgspec.Struct, frozen=True, kw_only=True):
    """What an importer read: ``rows`` = ``servers`` + ``templates`` + ``skipped``.

    Attributes:
        prefix: What the sources of all its sightings start with; an earlier import of the same file is replaced.
        rows: Rows of machines in the file; blank ones do not count.
        servers: Rows taken as servers.
        templates: Rows taken as templates.
        skipped: Rows left out; each has a finding with sheet and row.
        totals: Sums over the rows taken.
        sightings: One a row taken.
        findings: About the file; those about a machine are in its sighting.
        usages: What was measured of machines, by source of their sighting; ``host`` is empty.
    """

    prefix: str
    rows: int
    servers: int
    templates: int
    skipped: int
    totals: Totals = Totals()
    sightings: tuple[Sighting, ...]
    findings: tuple[Finding, ...] = ()
    usages: tuple[tuple[str, Usage], ...] = ()


class Importer(Protocol):
    """Reads one kind of file."""

    name: str
    """For ``--format``: lower-case letters, digits and hyphens."""
    title: str
    """For people."""

    def knows(self, source: Source) -> bool:
        """Whether the content of ``source`` is of this kind; False, never an error, for anything else."""

    def read(self, source: Source) -> ReadFile:
        """Read ``source``, which this importer knows.

        Raises:
            BadInput: The file as a whole cannot be used; what is wrong with one row is a finding.
        """


def prefix_of(name: str, table: Table) -> str:
    """What the sources of an import start with: the file of the machines, whichever file beside it was named."""
    return f"{name}:{table.file}#"
