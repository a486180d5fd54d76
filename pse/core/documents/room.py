"""Room: what the old server room costs, by figures of the entity, from ``room.toml``."""

from decimal import Decimal
from types import MappingProxyType
from typing import Annotated

import msgspec

from pse.core.errors import BadInput
from pse.core.settings import Workspace, load_toml

FILE = "room.toml"
_MOST = Decimal(10) ** 12

DEFAULTS = MappingProxyType(
    {
        "vms_per_host": (Decimal(10), "our own assumption"),
        "watts_per_host": (Decimal(350), "our own assumption for a two-socket server under load"),
        "pue": (Decimal("1.6"), "near the mean of 1.58 of the Uptime Institute's Global Data Center Survey 2023"),
        "hosts_per_rack": (Decimal(20), "our own assumption"),
        "refresh_years": (Decimal(5), "our own assumption"),
    }
)
"""Figures of technique that stand in where the entity gives none, and where they are from. Money has no default."""


class Room(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Figures of the room; None is not given. Amounts are in ``currency``, and by the month unless the name says else.

    Attributes:
        currency: Of all amounts; a plan in another one is refused.
        source: Who gave the figures, and when.
        hosts: Physical servers; from the plan's servers and ``vms_per_host`` where not given.
        vms_per_host: Servers of the plan that one physical server carries.
        watts_per_host: Mean power of one physical server.
        pue: Power of the whole room / power of its servers.
        price_kwh: Price of a kilowatt-hour.
        hosts_per_rack: Physical servers of one rack.
        rack_month: Space of one rack: rent, or what its building costs.
        price_host: Price of a new physical server, once.
        refresh_years: Years after which one is replaced.
        maintenance_month: Contracts for hardware, cooling, fire and power.
        licences_month: Licences and their support that end with the servers.
        network_month: Lines of the room.
        people: People who run the room, in full posts.
        person_month: What one costs.
        people_after: Posts that stay after the move; as many as today where not given.
    """

    currency: Annotated[str, msgspec.Meta(pattern="^[A-Z]{3}$")]
    source: str = ""
    hosts: Annotated[int, msgspec.Meta(ge=0, le=10**7)] | None = None
    vms_per_host: Decimal | None = None
    watts_per_host: Decimal | None = None
    pue: Decimal | None = None
    price_kwh: Decimal | None = None
    hosts_per_rack: Decimal | None = None
    rack_month: Decimal | None = None
    price_host: Decimal | None = None
    refresh_years: Decimal | None = None
    maintenance_month: Decimal | None = None
    licences_month: Decimal | None = None
    network_month: Decimal | None = None
    people: Decimal | None = None
    person_month: Decimal | None = None
    people_after: Decimal | None = None

    def __post_init__(self) -> None:
        """Refuse figures that no room has.

        Raises:
            ValueError: msgspec turns it into a validation error that names the table.
        """
        for name in self.__struct_fields__:
            value = getattr(self, name)
            if isinstance(value, Decimal) and not (value.is_finite() and 0 <= value <= _MOST):
                raise ValueError(f"{name} has to be from 0 to {_MOST:,f}")
        for name in ("vms_per_host", "hosts_per_rack", "refresh_years"):
            if getattr(self, name) == 0:
                raise ValueError(f"{name} cannot be 0")
        if self.pue is not None and self.pue < 1:
            raise ValueError("pue is 1 at least: the whole room takes no less power than its servers")


def load_room(workspace: Workspace) -> Room:
    """Read ``room.toml``.

    Raises:
        BadInput: It is missing, is not TOML, has an unknown key or a figure that cannot be.
    """
    path = workspace.path(FILE)
    if not path.exists():
        raise BadInput(
            "the figures of the old room are not there yet",
            where=str(path),
            hint='Write them into room.toml; docs/sizing.md, section "The old room", has an example.',
        )
    return load_toml(path, Room)
