"""What a workload costs at every place, before anybody needs its bill.

Places are compared by totals, and the lines of all but one of them are never seen. Servers that differ in nothing but
their names cost the same, and so do volumes of one size: each kind is priced once for each place and kept, by the lines
that its bill has, so that an estimate is the total of the bill of `blueprints.bills.pricing.build_at`, to the last
digit.
"""

from bisect import bisect_left
from collections.abc import Callable, Sequence

from blueprints.bills.catalogue import Catalogue
from blueprints.bills.lines import copies_lines, disk_line, iops_lines, server_lines, workload_lines
from blueprints.bills.pricing import add, closing_lines, totals
from blueprints.model import Demand, Wanted
from blueprints.sizing.shapes import capacity
from pse.core.documents.category import Category
from pse.core.documents.plan import Cost
from pse.core.documents.sizing import ANY

_Costs = tuple[Cost | None, ...]
"""Of one thing at each place; None where the place does not sell it."""


class Estimates:
    """Estimates of workloads; the same answer for the same inputs."""

    def __init__(self, catalogue: Catalogue, places: Sequence[str]) -> None:
        """Estimate by ``catalogue`` at ``places``."""
        self._catalogue = catalogue
        self._places = tuple(places)
        shapes = [shape for place in places for shape in catalogue.shapes(place).all]
        # Demands between two steps of all catalogues get the same shape everywhere; see `Shapes.cheapest`.
        self._capacities = sorted({capacity(shape) for shape in shapes})
        self._memories = sorted({shape.memory_mib for shape in shapes})
        self._known: dict[object, _Costs] = {}

    def of(self, wanted: Wanted) -> dict[str, Cost]:
        """The total of ``wanted`` at each place that sells all of it."""
        parts = [part for demand in wanted.servers for part in self._parts(demand, wanted.category)]
        parts.append(self._whole(wanted))
        found: dict[str, Cost] = {}
        for place, costs in zip(self._places, zip(*parts, strict=True), strict=True):
            known = [cost for cost in costs if cost is not None]
            if len(known) == len(costs):
                cost = add(known)
                closing = closing_lines(wanted.id, place, cost, self._catalogue)
                found[place] = add([cost, totals(closing)]) if closing else cost
        return found

    def _parts(self, demand: Demand, category: Category | None) -> list[_Costs]:
        """What ``demand`` consists of: the server, each of its volumes, and what hangs on all of them together."""
        kind = (
            bisect_left(self._capacities, demand.vcpus),
            bisect_left(self._memories, demand.memory_mib),
            demand.architecture,
            demand.os_family,
            demand.os_version,
            len(demand.volumes),
            demand.nics,
            demand.iops,
            demand.mbps,
            None if demand.constraints is ANY else demand.constraints,
            demand.licences,
            demand.published,
        )
        parts = [self._each(kind, lambda place: self._server(demand, place))]
        for volume in demand.volumes:
            size = volume.size_gib
            key = (size, demand.role == "database", demand.iops, demand.mbps)
            parts.append(self._each(key, lambda place, size=size: self._volume(demand, size, place)))  # type: ignore[misc]  # a default that binds the loop's value
        if demand.volumes and (self._catalogue.settings.keep or demand.iops):
            parts.append(tuple(self._together(demand, category, place) for place in self._places))
        return parts

    def _each(self, key: object, cost: Callable[[str], Cost | None]) -> _Costs:
        found = self._known.get(key)
        if found is None:
            found = self._known[key] = tuple(cost(place) for place in self._places)
        return found

    def _server(self, demand: Demand, place: str) -> Cost | None:
        shape = self._catalogue.shapes(place).cheapest(demand)
        image = self._catalogue.image(place, demand)
        if shape is None or image is None:
            return None
        return totals(server_lines(demand, shape, image, self._catalogue))

    def _volume(self, demand: Demand, size_gib: int, place: str) -> Cost | None:
        disk = self._catalogue.disk(place, size_gib, demand)
        return None if disk is None else totals([disk_line("", disk)])

    def _together(self, demand: Demand, category: Category | None, place: str) -> Cost:
        disks = [self._catalogue.disk(place, volume.size_gib, demand) for volume in demand.volumes]
        rates = iops_lines(demand, place, disks, self._catalogue) if demand.iops else ()
        return totals([*rates, *copies_lines(demand, category, place, self._catalogue)])

    def _whole(self, wanted: Wanted) -> _Costs:
        key = (
            wanted.egress_gib,
            wanted.load_balancers,
            wanted.new,
            len(wanted.servers),
            wanted.moved_mib,
            wanted.all_sizes_known,
        )
        return self._each(key, lambda place: totals(workload_lines(wanted, place, self._catalogue)))
