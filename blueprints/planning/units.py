"""Units: what was decided, as the engine takes it, one stack each."""

from collections.abc import Collection, Mapping

import msgspec

from blueprints.bills.catalogue import Catalogue
from blueprints.bills.pricing import landing_bill, totals
from blueprints.estate.view import View
from blueprints.model import Wanted
from blueprints.names import landing_id
from blueprints.planning.decide import Outcome
from blueprints.planning.network import Network, Site, subnet_range
from blueprints.planning.parts import Parts, Spool
from blueprints.waves import Waves
from policy.register import Place
from pse.core import canonical
from pse.core.documents.plan import Strategy, Unit

SSH_PORTS = {"lab": 2222}
"""Port of sshd by provider, where it is not 22; the register's option ``ssh_port`` of a site wins."""


def site_of(wanted: Wanted, outcome: Outcome, ranges: Mapping[str, str]) -> Site:
    """Where ``wanted`` will be, for the rules of those that talk to it; ``ranges`` of landing zones by place."""
    strategy = outcome.decision.strategy
    place = outcome.decision.place if outcome.built is not None else ""
    return Site(
        workload=wanted.id,
        place=place,
        cidr=subnet_range(ranges[place]) if place else "",
        goes=strategy in (Strategy.RETIRE, Strategy.SAAS),
    )


def units_of(
    places: Mapping[str, Place],
    wanted: Mapping[str, Wanted],
    outcomes: Mapping[str, Outcome],
    waves: Waves,
    *,
    sample: bool,
) -> dict[str, Unit]:
    """The unit of every workload that is built, by id; its servers have no rules yet, see `ruled`.

    Args:
        places: Places of the register, by id.
        wanted: Workloads, by id.
        outcomes: What was decided of them, by id.
        waves: When they move.
        sample: Register or prices are samples.
    """
    units: dict[str, Unit] = {}
    for name, outcome in sorted(outcomes.items()):
        built, w = outcome.built, wanted[name]
        if built is None or w.category is None:
            continue
        units[name] = Unit(
            id=name,
            workload=name,
            sample=sample,
            blueprint=outcome.decision.blueprint,
            category=w.category,
            class_id=w.class_id,
            place=built.place,
            provider=places[built.place].provider,
            wave=waves.number.get(name, 0),
            servers=built.servers,
            moves=w.moves,
            services=w.services,
            switches=w.switches,
            costs=built.lines,
            cost=built.cost,
        )
    return units


def ruled(
    units: Mapping[str, Unit],
    places: Mapping[str, Place],
    view: View,
    wanted: Mapping[str, Wanted],
    sites: Mapping[str, Site],
    *,
    controllers: Collection[str],
    spool: Spool | None = None,
) -> Parts[Unit]:
    """``units`` with the firewall rules of their servers, as they are written.

    Args:
        units: See `units_of`; landing zones have no servers.
        places: Places of the register, by id.
        view: The estate.
        wanted: Workloads, by id.
        sites: Where they will be, by workload id.
        controllers: IPv4 ranges that this tool works from.
        spool: Where they are kept; memory when None.
    """
    by_server = {d.source: sites[w.id] for w in wanted.values() for d in w.servers if d.source}
    network = Network(view, by_server, controllers)

    def written(name: str) -> bytes:
        unit = units[name]
        if not unit.servers:
            return canonical.encode(unit)
        place, w = places[unit.place], wanted[name]
        ssh_port = int(place.options.get("ssh_port", SSH_PORTS.get(place.provider, 22)))
        servers = tuple(
            network.ruled(server, demand, w, site=sites[name], ssh_port=ssh_port)
            for server, demand in zip(unit.servers, w.servers, strict=True)
        )
        return canonical.encode(msgspec.structs.replace(unit, servers=servers))

    return Parts.made(Unit, written, sorted(units), spool)


def landings_of(units: Mapping[str, Unit], catalogue: Catalogue, ranges: Mapping[str, str]) -> dict[str, Unit]:
    """A landing zone for every place that units are at, by unit id."""
    found: dict[str, Unit] = {}
    for place in sorted({unit.place for unit in units.values()}):
        here = [unit for unit in units.values() if unit.place == place]
        # Of equally sensitive classes the one with the fewest deviations: its gate allows the least.
        first = min(here, key=lambda u: (-u.category.rank, u.class_id.count("+"), u.class_id))
        name = landing_id(place)
        lines = landing_bill(name, place, catalogue, (unit.costs for unit in here))
        found[name] = Unit(
            id=name,
            workload=name,
            landing=True,
            sample=first.sample,
            blueprint="landing",
            category=first.category,
            class_id=first.class_id,
            place=place,
            provider=first.provider,
            cidr=ranges[place],
            costs=lines,
            cost=totals(lines),
        )
    return found
