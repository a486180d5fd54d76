"""Facts: what is read on a host, each one class with its section of the probe and its parser.

`TABLE` is the one list: the probe's script is built from it, its answers are read by it, and what is published for an
auditor (`published`) is printed from it.
"""

from types import MappingProxyType
from typing import Any

import msgspec

from inventory.facts.base import Fact, Frame, Outcome, Reading, Section
from inventory.facts.certificates import CertificatesFact
from inventory.facts.configured import ConfiguredFact
from inventory.facts.cpu import CPUFact
from inventory.facts.databases import PostgresFact
from inventory.facts.devices import DevicesFact
from inventory.facts.disks import BlockNumbersFact, CryptFact, DisksFact
from inventory.facts.filesystems import FstabFact, MountsFact
from inventory.facts.history import HistoryFact
from inventory.facts.identity import IdentityFact
from inventory.facts.kernel import ClockFact, KernelFact
from inventory.facts.mariadb import MariadbFact
from inventory.facts.memory import MemoryFact
from inventory.facts.nics import NicsFact
from inventory.facts.packages import PackagesFact
from inventory.facts.setup import AccountsFact, JobsFact, ServicesFact
from inventory.facts.sockets import OwnersFact, ProcessesFact, SocketsFact
from inventory.facts.surroundings import SurroundingsFact
from inventory.facts.system import SystemFact
from inventory.facts.use import UseFact

__all__ = ["TABLE", "Fact", "Frame", "Outcome", "Published", "Reading", "Section", "published"]

# Sockets come right before their owners and processes: the shorter the time between, the fewer have gone.
TABLE: "MappingProxyType[str, Fact[Any]]" = MappingProxyType(
    {
        fact.name: fact
        for fact in (
            IdentityFact(),
            SystemFact(),
            CPUFact(),
            MemoryFact(),
            UseFact(),
            ClockFact(),
            KernelFact(),
            ServicesFact(),
            JobsFact(),
            AccountsFact(),
            SurroundingsFact(),
            SocketsFact(),
            OwnersFact(),
            ProcessesFact(),
            DisksFact(),
            BlockNumbersFact(),
            CryptFact(),
            MountsFact(),
            FstabFact(),
            NicsFact(),
            DevicesFact(),
            PostgresFact(),
            MariadbFact(),
            PackagesFact(),
            ConfiguredFact(),
            CertificatesFact(),
            HistoryFact(),
        )
    }
)
"""Every fact by name, in the order of the probe."""


class Published(msgspec.Struct, frozen=True, kw_only=True):
    """One row of what is run and read on a host.

    Attributes:
        fact: Name of the fact; ``probe`` for the frame around all of them.
        doc: What it is for.
        runs: Programs.
        reads: Files.
        sh: The shell text itself.
        timeout_s: Seconds after which it is stopped.
    """

    fact: str
    doc: str
    runs: tuple[str, ...]
    reads: tuple[str, ...]
    sh: str
    timeout_s: int


def published() -> tuple[Published, ...]:
    """All that is ever run and read on a host by discovery, from the table that runs."""
    from inventory.probe import COMMAND, DEADLINE_S, FRAME_READS, FRAME_RUNS

    frame = Published(
        fact="probe",
        doc="The frame: lowers its own priority, starts each section under a watchdog, prints to the connection only.",
        runs=FRAME_RUNS,
        reads=FRAME_READS,
        sh=COMMAND,
        timeout_s=DEADLINE_S,
    )
    return (
        frame,
        *(
            Published(
                fact=fact.name,
                doc=(type(fact).__doc__ or "").strip().split("\n", maxsplit=1)[0],
                runs=fact.section.runs,
                reads=(*fact.section.files, *fact.section.reads),
                sh=fact.section.sh.strip(),
                timeout_s=fact.section.timeout_s,
            )
            for fact in TABLE.values()
        ),
    )
