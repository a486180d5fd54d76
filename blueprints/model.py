"""What planning works with before a place is chosen; none of it is written to disk."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Protocol

import msgspec

from blueprints.sizing.idle import Idle
from pse.core.documents.category import Category
from pse.core.documents.deployment import Deployment
from pse.core.documents.plan import Cost, CostLine, DnsSwitch, Move, PlannedServer, Service, Unit
from pse.core.documents.sizing import ANY, Constraints
from pse.core.documents.workloads import WorkloadDeclaration
from pse.core.findings import Finding


class WantedVolume(msgspec.Struct, frozen=True, kw_only=True):
    """A data volume before a place is chosen; sizes in GiB."""

    name: str
    size_gib: int
    mount: str


class Demand(msgspec.Struct, frozen=True, kw_only=True):
    """A server before a place is chosen.

    Attributes:
        name: Name at the cloud.
        role: ``web``, ``database``, ``files`` …
        source: Id of the server it replaces; empty for a new one.
        source_host: Host name of that server.
        vcpus: Virtual CPUs at least.
        memory_mib: MiB of memory at least.
        architecture: As in a snapshot.
        os_family: As in a snapshot.
        os_version: As in a snapshot; empty takes the newest image of the family.
        volumes: Data volumes.
        iops: Reads and writes a second at least, of all disks; 0 is not known.
        mbps: MB a second at least, of all disks; 0 is not known.
        nics: Network cards at least.
        constraints: What else a shape has to have.
        stars: How sure the size is, 1 to 5; 0 where nothing was there to measure.
        unscored: See `blueprints.sizing.sizes.Size`.
        licences: Products whose licences it needs, beside that of its system.
        needs: Names of servers of the workload that it connects to.
        packages: Packages that it needs.
        ports: TCP ports open to the workload's network; for what has no observed flows.
        published: It is reached from outside and takes a public address.
        why: Why this size.
    """

    name: str
    role: str
    source: str = ""
    source_host: str = ""
    vcpus: int
    memory_mib: int
    architecture: str = "x86_64"
    os_family: str
    os_version: str = ""
    volumes: tuple[WantedVolume, ...] = ()
    iops: int = 0
    mbps: int = 0
    nics: int = 1
    constraints: Constraints = ANY
    stars: int = 0
    unscored: bool = False
    licences: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    packages: tuple[str, ...] = ()
    ports: tuple[int, ...] = ()
    published: bool = False
    why: str = ""


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """A workload before strategy and place are chosen.

    Attributes:
        id: Workload id.
        category: None is unclassified.
        class_id: Verdict class.
        members: Host names, sorted; empty for an environment.
        servers: Those that others need first.
        declared: What a person says of it.
        new: No server behind it.
        blueprint: Named by a person; empty lets planning choose.
        place: Named by a person; empty lets planning choose.
        egress_gib: GiB a month that leave the place; None is not declared.
        load_balancers: Load balancers that people say it has.
        moves: Data moves.
        services: Services of the cut-over.
        switches: Records of the cut-over.
        findings: What came up on the way, and matters where it is built.
        idle: Servers that do little, with the evidence.
    """

    id: str
    category: Category | None
    class_id: str
    members: tuple[str, ...] = ()
    servers: tuple[Demand, ...] = ()
    declared: WorkloadDeclaration = WorkloadDeclaration()
    new: bool = False
    blueprint: str = ""
    place: str = ""
    egress_gib: int | None = None
    load_balancers: int = 0
    moves: tuple[Move, ...] = ()
    services: tuple[Service, ...] = ()
    switches: tuple[DnsSwitch, ...] = ()
    findings: tuple[Finding, ...] = ()
    idle: tuple[Idle, ...] = ()

    @property
    def moved_mib(self) -> int:
        """MiB that move, as far as known."""
        return sum(move.size_mib or 0 for move in self.moves)

    @property
    def all_sizes_known(self) -> bool:
        """Whether `moved_mib` is all that moves; a price for each GiB of it is no price otherwise."""
        return all(move.size_mib is not None for move in self.moves)


class Built(msgspec.Struct, frozen=True, kw_only=True):
    """A workload as one place would build it.

    Attributes:
        place: Place id.
        servers: With shapes, images and storage classes of the place; without firewall rules yet.
        lines: Its bill.
        cost: Totals of the bill.
        notes: What is worth saying of the match, for example another version of the image.
        older: Those of the notes that say of an image that it is older than the source's system.
        lacking: What the place does not sell; when not empty, nothing can be built there.
    """

    place: str
    servers: tuple[PlannedServer, ...] = ()
    lines: tuple[CostLine, ...] = ()
    cost: Cost = Cost(monthly=Decimal(0), one_time=Decimal(0), no_price=0)
    notes: tuple[str, ...] = ()
    older: tuple[str, ...] = ()
    lacking: tuple[str, ...] = ()


class Fit(msgspec.Struct, frozen=True):
    """How well a blueprint fits a workload: 0 is not at all, 100 is made for it; and why, in words."""

    score: int
    reasons: tuple[str, ...] = ()


class Blueprint(Protocol):
    """A reference architecture, found by the entry-point group ``pse.blueprints``.

    A class without arguments, with a `name`; one that builds more than servers, firewalls and volumes is a
    `blueprints.planning.abilities.Needing` too. Planning calls `fits`; the program calls `build`, where Pulumi is
    imported first.
    """

    @property
    def name(self) -> str:
        """Its name, by which it is installed."""

    def fits(self, wanted: Wanted) -> Fit:
        """How well it fits; the highest score is taken, a tie by name."""

    def build(self, unit: Unit, landing: Deployment | None, public_key: str) -> Mapping[str, object]:
        """Register the resources of ``unit`` and return the stack's outputs ``servers`` and ``outputs``.

        Args:
            unit: What to build.
            landing: The landing zone that stands at the place; None for a landing zone itself.
            public_key: For landing zones: one line in OpenSSH format.
        """
