"""Plan: the contract between a laptop and a pipeline.

``plan.json`` (a `Plan`) is for review; ``units/<id>.json`` (a `Unit` each) is for the engine. Same inputs, same bytes.
"""

from datetime import date
from decimal import Decimal
from enum import StrEnum

import msgspec

from pse.core.documents.category import Category
from pse.core.documents.offers import Prices
from pse.core.documents.verdicts import Refusal
from pse.core.documents.waves import Schedule, Wave
from pse.core.findings import Finding
from pse.core.schema import FirewallRule


class Strategy(StrEnum):
    """What becomes of a workload."""

    RETIRE = "retire"
    RETAIN = "retain"
    REHOST = "rehost"
    REPLATFORM = "replatform"
    SAAS = "saas"
    NEW = "new"
    """No server behind it: from ``environments/``."""


class CostLine(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the bill.

    Attributes:
        item: Name of the resource or service it is for.
        kind: Kind of offer.
        offer: Id of the offer row; empty when no row was found.
        quantity: Units a month, or units once.
        unit: As the offer says.
        price: Per unit; None is "no price".
        monthly: Per month; None when once only or no price.
        one_time: Once; None when monthly only or no price.
    """

    item: str
    kind: str
    offer: str
    quantity: Decimal
    unit: str
    price: Decimal | None
    monthly: Decimal | None = None
    one_time: Decimal | None = None


class Cost(msgspec.Struct, frozen=True, kw_only=True):
    """Totals of lines.

    Attributes:
        monthly: Sum of the known monthly amounts.
        one_time: Sum of the known one-time amounts.
        no_price: Number of lines without a price, in neither sum.
    """

    monthly: Decimal
    one_time: Decimal
    no_price: int


class PlannedVolume(msgspec.Struct, frozen=True, kw_only=True):
    """A data volume and where it is mounted."""

    name: str
    size_gib: int
    storage_class: str
    mount: str


class PlannedServer(msgspec.Struct, frozen=True, kw_only=True):
    """A server to be built.

    Attributes:
        name: Name at the cloud, unique in the unit.
        role: ``web``, ``database``, ``files`` …
        source: Id of the server it replaces; empty for a new environment.
        source_host: Host name of that server.
        shape: Compute offer.
        image: Image name.
        volumes: Data volumes.
        needs: Names of servers of this unit that it connects to; they are made first and known to it by host name.
        inbound: Ports opened to it, as firewall rules.
        outbound: Ports that it may open elsewhere, as firewall rules.
        packages: Packages that it needs, by the names of its OS family.
        apart: Servers that share this word never share a machine; empty is anywhere.
        stars: How sure the size is, 1 to 5 by the share of data that was measured; 0 for a new environment.
        why: Why this size.
    """

    name: str
    role: str
    source: str = ""
    source_host: str = ""
    shape: str
    image: str
    volumes: tuple[PlannedVolume, ...] = ()
    needs: tuple[str, ...] = ()
    inbound: tuple[FirewallRule, ...] = ()
    outbound: tuple[FirewallRule, ...] = ()
    packages: tuple[str, ...] = ()
    apart: str = ""
    stars: int = 0
    why: str = ""


class Check(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A check of a service: a command that exits 0, run on the server, or an HTTP GET that answers 200.

    Attributes:
        name: Unique in the workload.
        command: Shell command run on the server; empty for HTTP.
        http: Port and path such as ``8080/health``; empty for a command.
    """

    name: str
    command: str = ""
    http: str = ""


class Move(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that moves from a server to a planned server.

    Attributes:
        id: Unique in the plan.
        kind: Name of a replicator: ``files``, ``blocks``, ``postgresql`` or ``mariadb``.
        source: Host name of the source, as in ``hosts.toml``.
        target: Name of the planned server.
        paths: Absolute paths; for files. For blocks the one disk, volume or image file at the source.
        onto: Path of the disk at the target; for blocks. Not in plans of before there were such moves.
        database: Database name; for databases. A MariaDB server moves as a whole: all its names, joined by commas.
        port: Port of the source database server.
        size_mib: MiB expected; None when unknown.
    """

    id: str
    kind: str
    source: str
    target: str
    paths: tuple[str, ...] = ()
    database: str = ""
    port: int = 0
    size_mib: int | None = None
    onto: str | msgspec.UnsetType = msgspec.UNSET


class Service(msgspec.Struct, frozen=True, kw_only=True):
    """A service that is stopped at the source and started at the target during a cut-over.

    Attributes:
        name: For people.
        server: Name of the planned server; the source is the one it replaces.
        start: Shell command.
        stop: Shell command.
        checks: What has to hold after the start.
    """

    name: str
    server: str
    start: str
    stop: str
    checks: tuple[Check, ...] = ()


class DnsSwitch(msgspec.Struct, frozen=True, kw_only=True):
    """A record that points at the source before and at the target after.

    Attributes:
        name: Fully qualified name.
        server: Name of the planned server.
    """

    name: str
    server: str


class Unit(msgspec.Struct, frozen=True, kw_only=True):
    """One stack's worth of work: a landing zone or a workload.

    Attributes:
        schema: Version of this document.
        id: Stack id: workload id, or ``landing-`` + place with slashes as hyphens.
        workload: Workload id (the unit's own id for a landing zone).
        landing: It is a landing zone.
        sample: Register or prices are samples.
        blueprint: Name of the blueprint that builds it.
        category: Data category; for a landing zone the strictest of its workloads.
        class_id: Verdict class.
        place: Place id.
        provider: Adapter of the place.
        wave: Wave number, from 1; 0 for landing zones and environments.
        cidr: Network range of a landing zone.
        servers: To be built, those that others need first.
        moves: Data moves.
        services: Services of the cut-over, in the order they start.
        switches: DNS records of the cut-over.
        costs: Lines of the bill.
        cost: Their totals.
    """

    schema: int = 1
    id: str
    workload: str
    landing: bool = False
    sample: bool = False
    blueprint: str
    category: Category
    class_id: str
    place: str
    provider: str
    wave: int = 0
    cidr: str = ""
    servers: tuple[PlannedServer, ...] = ()
    moves: tuple[Move, ...] = ()
    services: tuple[Service, ...] = ()
    switches: tuple[DnsSwitch, ...] = ()
    costs: tuple[CostLine, ...] = ()
    cost: Cost


class PlaceOption(msgspec.Struct, frozen=True, kw_only=True):
    """What one place would cost for a workload, and whether it is allowed.

    Attributes:
        place: Place id.
        allowed: See the verdict.
        cost: None when the place lacks an offer for it.
        refusals: Why it is not allowed.
    """

    place: str
    allowed: bool
    cost: Cost | None
    refusals: tuple[Refusal, ...] = ()


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """What the plan says of one workload.

    Attributes:
        workload: Workload id.
        members: Host names, sorted; empty for an environment.
        category: None is unclassified.
        strategy: See `Strategy`; None when refused.
        reasons: Why this strategy, architecture, size and place.
        proposed: Another strategy that the evidence speaks for; only a person's word in workloads.toml makes it so.
        blueprint: Chosen architecture; empty when nothing is built.
        place: Chosen place; empty when nothing is built.
        wave: Wave number; 0 when it is in none.
        options: Every place of the register with its cost, cheapest first, for the comparison.
        mandate_monthly: What the in-country mandate costs a month: this place less the cheapest one abroad that the
            mandate forbids; 0 when it forbids none, None when not comparable.
        mandate_against: That place abroad; empty when there is none.
        refusals: Why no place is allowed; empty unless refused.
        cost: Totals of everything that this decision spends.
        saas: Offer id of the SaaS that replaces it; only for that strategy.
        lines: Lines of the bill of that SaaS; what is built has them in its unit. Older plans have none.
    """

    workload: str
    members: tuple[str, ...]
    category: Category | None
    strategy: Strategy | None
    reasons: tuple[str, ...]
    proposed: Strategy | None = None
    blueprint: str = ""
    place: str = ""
    wave: int = 0
    options: tuple[PlaceOption, ...] = ()
    mandate_monthly: Decimal | None = None
    mandate_against: str = ""
    refusals: tuple[Refusal, ...] = ()
    cost: Cost
    saas: str = ""
    lines: tuple[CostLine, ...] | msgspec.UnsetType = msgspec.UNSET


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """The plan for review.

    Attributes:
        schema: Version of this document.
        entity: Name of the public sector entity.
        as_of: Day that decisions hold for.
        sample: Register or prices are samples; shown wherever the plan is.
        currency: Of all amounts.
        inputs: SHA-256 of snapshot, environments, calendar, verdicts, offers, register, rules, nocs, labels, workloads
            and settings, by those names.
        servers: Servers in the snapshot, templates left out.
        prices: The price book; plans that were made before it was written down have none.
        decisions: Sorted by workload.
        waves: In order.
        schedule: How good they are; not in plans of before it was known.
        cost: Totals of everything.
        findings: Sorted.
        units: Unit id to SHA-256 of its file; also the gate file and the verdicts under ``gate/…`` and ``verdicts``.
        hash: SHA-256 over the rest; the name of the plan.
    """

    schema: int = 1
    entity: str
    as_of: date
    sample: bool
    currency: str
    inputs: dict[str, str]
    servers: int
    decisions: tuple[Decision, ...]
    waves: tuple[Wave, ...]
    schedule: Schedule | msgspec.UnsetType = msgspec.UNSET
    cost: Cost
    findings: tuple[Finding, ...]
    units: dict[str, str]
    prices: Prices | msgspec.UnsetType = msgspec.UNSET
    hash: str = ""
