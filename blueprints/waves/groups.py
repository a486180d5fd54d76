"""Move groups from workloads: what goes together, what it takes, and which rules there are for it."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence

import msgspec

from blueprints.model import Wanted
from blueprints.waves.model import Group, Load
from blueprints.waves.windows import Windows
from pse.core.documents.category import Category
from pse.core.documents.schedule import ScheduleSettings, Uses

UNCLASSIFIED = 9


class Moves(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that moves.

    Attributes:
        groups: Sorted by id.
        uses: Places of a group and of one that it uses.
        deadlines: Place of a group, and the last wave that keeps its own deadline.
        freezes: Name of a freeze, places of the groups that it is for, and the waves that it closes to them.
        horizon: Waves up to it are known to the freezes.
        torn: Workloads that had to move together and were declared for different waves.
    """

    groups: tuple[Group, ...]
    uses: tuple[tuple[int, int], ...] = ()
    deadlines: Mapping[int, int] = {}
    freezes: tuple[tuple[str, frozenset[int], frozenset[int]], ...] = ()
    horizon: int = 0
    torn: tuple[tuple[str, str], ...] = ()


def moves_of(
    moving: Iterable[Wanted], uses: Mapping[str, Collection[str]], settings: ScheduleSettings, windows: Windows
) -> Moves:
    """Group ``moving``; ``uses`` says of a workload which others it uses."""
    workloads = {w.id: w for w in sorted(moving, key=lambda w: w.id)}
    links = sorted({(a, b) for a in workloads for b in uses.get(a, ()) if b in workloads and a != b})
    if settings.uses is Uses.IGNORE:
        links = []
    members, torn = _joined(workloads, links, settings.uses)
    groups = tuple(_group([workloads[name] for name in some], settings) for some in members)
    place = {name: at for at, group in enumerate(groups) for name in group.workloads}
    horizon = 2 * len(groups) + 60 + max([0, *(g.declared or 0 for g in groups)])
    deadlines: dict[int, int] = {}
    freezes = []
    if windows.dated:
        for at, group in enumerate(groups):
            days = [d for name in group.workloads if (d := workloads[name].declared.deadline) is not None]
            if days:
                deadlines[at] = windows.last_by(min(days))
        for freeze in windows.scoped:
            some = frozenset(at for at, g in enumerate(groups) if any(freeze.is_for(name) for name in g.workloads))
            if some:
                freezes.append((freeze.name, some, windows.hit_by(freeze, horizon)))
    return Moves(
        groups=groups,
        uses=tuple(sorted({(place[a], place[b]) for a, b in links if place[a] != place[b]})),
        deadlines=deadlines,
        freezes=tuple(freezes),
        horizon=horizon,
        torn=tuple(torn),
    )


def _group(members: Sequence[Wanted], settings: ScheduleSettings) -> Group:
    loads = [_load(w, settings) for w in members]
    total = [sum(load[kind] for load in loads) for kind in range(4)]
    return Group(
        id=members[0].id,
        workloads=tuple(w.id for w in members),
        rank=max(w.category.rank if w.category else UNCLASSIFIED for w in members),
        load=(total[0], total[1], total[2], total[3]),
        declared=next((w.declared.wave for w in members if w.declared.wave is not None), None),
    )


def _load(wanted: Wanted, settings: ScheduleSettings) -> Load:
    servers, hours = len(wanted.servers), wanted.declared.hours
    return (servers, wanted.moved_mib, servers * settings.server_hours if hours is None else hours, int(risky(wanted)))


def risky(wanted: Wanted) -> bool:
    """Whether the move is of high risk: declared so, or by the category of its data."""
    if wanted.declared.risk:
        return wanted.declared.risk == "high"
    return wanted.category is None or wanted.category.rank >= Category.SENSITIVE.rank


def _joined(
    workloads: Mapping[str, Wanted], links: Sequence[tuple[str, str]], uses: Uses
) -> tuple[list[list[str]], list[tuple[str, str]]]:
    """Ids that move together, each list sorted and all by their first; and those that were declared apart."""
    parent = {name: name for name in workloads}
    wave = {name: w.declared.wave for name, w in workloads.items()}
    torn = []

    def root(name: str) -> str:
        while parent[name] != name:
            parent[name] = parent[parent[name]]
            name = parent[name]
        return name

    for a, b in _binding(links, uses):
        one, other = sorted((root(a), root(b)))
        if wave[one] is not None and wave[other] is not None and wave[one] != wave[other]:
            torn.append((a, b))
        elif one != other:
            parent[other] = one
            wave[one] = wave[other] if wave[one] is None else wave[one]
    found: defaultdict[str, list[str]] = defaultdict(list)
    for name in workloads:
        found[root(name)].append(name)
    return sorted(found.values()), torn


def _binding(links: Sequence[tuple[str, str]], uses: Uses) -> Iterable[tuple[str, str]]:
    """Links whose ends cannot be in different waves: all of them, or those of a circle of who moves first."""
    if uses is Uses.TOGETHER:
        return links
    if uses is not Uses.FIRST:
        return ()
    import networkx as nx

    circles = nx.strongly_connected_components(nx.DiGraph(links))
    circle = {name: number for number, some in enumerate(circles) for name in some}
    return [(a, b) for a, b in links if circle[a] == circle[b]]
