"""The workspace on disk and its settings (`pse.toml`)."""

import ipaddress
import os
import tomllib
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, TypeVar

import msgspec

from pse.core.canonical import read_bytes
from pse.core.comparing import CompareSettings
from pse.core.costing import CostSettings
from pse.core.documents.category import Category
from pse.core.documents.schedule import ScheduleSettings
from pse.core.documents.sizing import IdleSettings, SizingSettings
from pse.core.errors import BadInput, UsageError
from pse.core.moving import CutOver, Hook, LimitSettings, Link

T = TypeVar("T")

FILE = "pse.toml"


class DiscoverySettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How hosts are asked.

    Attributes:
        parallel: Hosts asked at once.
        deadline_s: Seconds after which one host is given up.
        connect_s: Seconds allowed for connecting and logging in.
        per_subnet: Hosts of one subnet (a /24 of IPv4, a /64 of IPv6) asked at once; 0 for no limit of its own.
        per_bastion: Hosts behind one jump host asked at once; 0 for no limit. An sshd as it is delivered turns away
            log-ins at random when ten are going on.
        retries: Times that a host is asked again that could not be reached or broke off.
        backoff_s: Seconds before it is; twice as many before each further time.
    """

    parallel: Annotated[int, msgspec.Meta(ge=1, le=1024)] = 64
    deadline_s: float = 90.0
    connect_s: float = 10.0
    per_subnet: Annotated[int, msgspec.Meta(ge=0)] = 0
    per_bastion: Annotated[int, msgspec.Meta(ge=0)] = 8
    retries: Annotated[int, msgspec.Meta(ge=0, le=10)] = 1
    backoff_s: Annotated[float, msgspec.Meta(ge=0, le=600)] = 2.0


class PlanSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How plans are made.

    Attributes:
        comfort: Factor on measured use when sizing.
        wave_servers: Most servers that one wave moves.
        currency: Currency of totals.
        horizon_months: Months over which one-time and monthly costs are weighed against each other.
        controllers: IPv4 ranges that this tool works from; new servers open SSH to these and to their sources only.
        sizing: See `SizingSettings`.
        idle: See `IdleSettings`.
        cost: See `pse.core.costing.CostSettings`.
        schedule: See `ScheduleSettings`.
    """

    comfort: Decimal = Decimal("1.3")
    wave_servers: Annotated[int, msgspec.Meta(ge=1)] = 50
    currency: Annotated[str, msgspec.Meta(pattern="^[A-Z]{3}$")] = "PKR"
    horizon_months: Annotated[int, msgspec.Meta(ge=1, le=240)] = 36
    controllers: tuple[str, ...] = ()
    sizing: SizingSettings = SizingSettings()
    idle: IdleSettings = IdleSettings()
    cost: CostSettings = CostSettings()
    schedule: ScheduleSettings = ScheduleSettings()

    def __post_init__(self) -> None:
        """Refuse numbers and ranges that make no sense.

        Raises:
            ValueError: msgspec turns it into a validation error that names the table.
        """
        if not self.comfort.is_finite() or not Decimal(1) <= self.comfort <= Decimal(10):
            raise ValueError("comfort has to be from 1 to 10")
        for network in self.controllers:
            ipaddress.IPv4Network(network)


class DnsSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The name server that takes the cut-over's updates (RFC 2136 with TSIG).

    Attributes:
        server: IPv4 address.
        port: TCP and UDP port.
        zone: Zone that holds the records.
        key_name: Name of the TSIG key.
        key: Secret reference of the TSIG key, base64.
        algorithm: TSIG algorithm.
    """

    server: str = ""
    port: int = 53
    zone: str = ""
    key_name: str = ""
    key: str = ""
    algorithm: str = "hmac-sha256"


class MigrateSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How moves run.

    Attributes:
        parallel: Workloads moved at once.
        freeze_budget_s: Seconds that writers may be stopped before the cut-over is undone by itself.
        freeze_grace_s: Seconds after that until the source's own guard undoes it, when the controller is gone.
        ttl_s: TTL in seconds of DNS records during the cut-over.
        utc_offset: Hours that the clock of windows and rates is ahead of UTC; Pakistan's by default.
        limits: See `pse.core.moving.LimitSettings`; they count for all processes together, ``parallel`` for one.
        link: Lines that moves share, see `pse.core.moving.Link`.
        priorities: Patterns of workload ids with a number; within a wave the highest begin first, 0 is all others.
        cut_over: Windows and approvals before writers are stopped, see `pse.core.moving.CutOver`.
        hook: Commands around steps, see `pse.core.moving.Hook`.
        dns: See `DnsSettings`; an empty server means that records are not switched and the runbook says so.
    """

    parallel: int = 4
    freeze_budget_s: float = 60.0
    freeze_grace_s: float = 10.0
    ttl_s: int = 1
    utc_offset: Annotated[float, msgspec.Meta(ge=-14, le=14)] = 5.0
    limits: LimitSettings = LimitSettings()
    link: tuple[Link, ...] = ()
    priorities: dict[str, int] = {}
    cut_over: tuple[CutOver, ...] = ()
    hook: tuple[Hook, ...] = ()
    dns: DnsSettings = DnsSettings()

    def __post_init__(self) -> None:
        """Refuse two links of one name.

        Raises:
            ValueError: msgspec turns it into a validation error that names the table.
        """
        if len({one.name for one in self.link}) < len(self.link):
            raise ValueError("two links have the same name")


class ApprovalSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What `pse up` and `pse migrate` wait for before they begin.

    Attributes:
        count: People who have to approve a plan by its hash; 0 asks nobody.
        least: Data category from which on it takes approvals, whatever is more sensitive included.
        people: Who may approve; empty is anybody who is named.
        days: Days that an approval counts after its own.
    """

    count: Annotated[int, msgspec.Meta(ge=0, le=20)] = 0
    least: Category = Category.OPEN
    people: tuple[str, ...] = ()
    days: Annotated[int, msgspec.Meta(ge=0, le=366)] = 30


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Everything `pse.toml` may hold.

    Attributes:
        entity: Name of the public sector entity.
        jurisdiction: ``federal`` or a province's id.
        sample: The workspace was made by ``pse init --sample``.
        signer: Pinned Ed25519 public key (64 hexadecimal digits) of this workspace; what another key signed is refused.
        database: Database URL reference; empty means SQLite in the workspace. ``PSE_DATABASE_URL`` wins.
        backend: Pulumi backend URL; empty means ``file://`` in the workspace.
        passphrase: Secret reference for Pulumi's passphrase secrets provider.
        allow_local_state: Permit local state and SQLite in a pipeline (CI=true).
        price_book: Path of the price book, relative to the workspace.
        ssh_key: Secret reference of the private key that opens new servers.
        discovery: See `DiscoverySettings`.
        plan: See `PlanSettings`.
        compare: See `CompareSettings`.
        migrate: See `MigrateSettings`.
        approvals: See `ApprovalSettings`.
    """

    entity: str
    jurisdiction: str = "federal"
    sample: bool = False
    signer: str = ""
    database: str = ""
    backend: str = ""
    passphrase: str = "file:.pse/passphrase"
    allow_local_state: bool = False
    price_book: str = "policy/prices.toml"
    ssh_key: str = "file:.pse/ssh_key"
    discovery: DiscoverySettings = DiscoverySettings()
    plan: PlanSettings = PlanSettings()
    compare: CompareSettings = CompareSettings()
    migrate: MigrateSettings = MigrateSettings()
    approvals: ApprovalSettings = ApprovalSettings()


def load_toml(path: Path, kind: type[T]) -> T:
    """Read a TOML file strictly into ``kind``.

    Raises:
        BadInput: Missing, not TOML (the row is named), an unknown key or a wrong value (its path is
            named, and what is allowed there).
    """
    return parse_toml(read_bytes(path), kind, where=str(path))


def parse_toml(raw: bytes, kind: type[T], *, where: str) -> T:
    """Read the bytes of a TOML file strictly into ``kind``, for what is verified before it is read.

    Raises:
        BadInput: As `load_toml`; ``where`` is the file to name.
    """
    data: dict[str, Any] = {}
    try:
        data = tomllib.loads(raw.decode("utf-8"))
        return msgspec.convert(data, kind, strict=False)
    except UnicodeDecodeError as exc:
        raise BadInput("not UTF-8 text", where=where, hint="Save it as UTF-8.") from exc
    except tomllib.TOMLDecodeError as exc:
        hint = (
            'Correct that line: text stands in "quotes", a table begins with [name] and a row of a list with [[name]].'
        )
        raise BadInput(f"not TOML: {exc}", where=where, hint=hint) from exc
    except msgspec.ValidationError as exc:
        from pse.core.advice import advise, remedy

        raise BadInput(f"cannot be used: {advise(exc, data, kind)}", where=where, hint=remedy(exc)) from exc
    except RecursionError as exc:
        raise BadInput("nested too deeply", where=where, hint="Take the tables inside each other apart.") from exc
    except ValueError as exc:
        # Not a mistake of TOML: a number with more digits than Python reads.
        raise BadInput("a number that is too large", where=where, hint="Shorten it.") from exc


class Workspace:
    """The folder that `pse init` makes, and where things are in it.

    Attributes:
        root: Absolute path of the folder that holds ``pse.toml``.
        settings: What ``pse.toml`` says.
    """

    def __init__(self, root: Path) -> None:
        """Open the workspace at ``root``.

        Raises:
            BadInput: ``pse.toml`` is missing or cannot be used.
        """
        self.root = root.resolve()
        self.settings = load_toml(self.root / FILE, Settings)

    @classmethod
    def find(cls, explicit: Path | None = None, start: Path | None = None) -> "Workspace":
        """Open the workspace: ``explicit``, else ``PSE_WORKSPACE``, else the nearest ``pse.toml`` upward of ``start``.

        Raises:
            UsageError: There is none.
            BadInput: ``pse.toml`` cannot be used.
        """
        named = explicit or (Path(os.environ["PSE_WORKSPACE"]) if os.environ.get("PSE_WORKSPACE") else None)
        if named is not None:
            return cls(named)
        here = (start or Path.cwd()).resolve()
        for folder in (here, *here.parents):
            if (folder / FILE).is_file():
                return cls(folder)
        raise UsageError("no workspace here", hint="Run `pse init`, or name one with --workspace.", where=str(here))

    def path(self, *parts: str) -> Path:
        """A path inside the workspace."""
        return self.root.joinpath(*parts)

    @property
    def private(self) -> Path:
        """``.pse``: database, state, ledger, reports, keys; never in git."""
        return self.root / ".pse"

    def database_url(self) -> str:
        """SQLAlchemy URL of inventory, journal and campaign.

        Raises:
            UsageError: In a pipeline with local SQLite and without ``allow_local_state``.
        """
        from pse.core import secrets

        given = os.environ.get("PSE_DATABASE_URL") or (
            secrets.resolve(self.settings.database, base=self.root) if self.settings.database else ""
        )
        if given:
            return given
        self.refuse_local("the database")
        return f"sqlite:///{self.private / 'pse.db'}"

    def backend_url(self) -> str:
        """Pulumi backend URL.

        Raises:
            UsageError: In a pipeline with local state and without ``allow_local_state``.
        """
        if self.settings.backend and not self.settings.backend.startswith("file://"):
            return self.settings.backend
        self.refuse_local("Pulumi's state")
        return self.settings.backend or f"file://{self.private / 'state'}"

    def refuse_local(self, what: str) -> None:
        """Refuse to keep the only copy of ``what`` on a runner that is thrown away.

        Raises:
            UsageError: ``CI=true`` and ``allow_local_state`` is not set.
        """
        if os.environ.get("CI") == "true" and not self.settings.allow_local_state:
            raise UsageError(
                f"{what} would live on this runner only",
                hint="Configure a remote one, or set allow_local_state = true in pse.toml.",
                where=str(self.root / FILE),
            )
