"""Small worlds of waves, and their rules written down a second time: from the words of the settings, not the model."""

import datetime as dt
from collections.abc import Mapping
from itertools import product
from random import Random

import msgspec

from blueprints.model import Demand, Wanted
from blueprints.waves import Waves, make_waves
from pse.core.documents.category import Category
from pse.core.documents.plan import Move
from pse.core.documents.schedule import Calendar, Freeze, ScheduleSettings, Uses
from pse.core.documents.workloads import WorkloadDeclaration

MONDAY = dt.date(2027, 1, 4)
GIB = 1024


def wanted(
    name: str,
    servers: int,
    category: Category = Category.OPEN,
    wave: int | None = None,
    *,
    gib: int = 0,
    **said: object,
) -> Wanted:
    demands = tuple(
        Demand(name=f"{name}-{n}", role="server", vcpus=1, memory_mib=1, os_family="debian") for n in range(servers)
    )
    move = Move(id=name, kind="files", source=name, target=f"{name}-0", size_mib=gib * GIB)
    return Wanted(
        id=name,
        category=category,
        class_id=category,
        servers=demands,
        moves=(move,) if gib else (),
        declared=msgspec.structs.replace(WorkloadDeclaration(wave=wave), **said),
    )


class World(msgspec.Struct, frozen=True, kw_only=True):
    """Inputs of `make_waves`."""

    moving: tuple[Wanted, ...]
    capacity: int
    uses: dict[str, list[str]] = {}
    settings: ScheduleSettings = ScheduleSettings()
    calendar: Calendar = Calendar()

    def made(self) -> Waves:
        return make_waves(
            self.moving, capacity=self.capacity, uses=self.uses, settings=self.settings, calendar=self.calendar
        )

    def days(self, wave: int) -> list[dt.date]:
        """Days of a wave, counted one by one from the first."""
        if self.settings.start is None:
            return []
        open_days: list[dt.date] = []
        day = self.settings.start
        while len(open_days) < wave * self.settings.wave_days:
            if not any(f.covers(day) for f in self.calendar.freeze if not f.workloads):
                open_days.append(day)
            day += dt.timedelta(days=1)
        return open_days[-self.settings.wave_days :]


def risky(w: Wanted) -> bool:
    return w.declared.risk == "high" or (
        not w.declared.risk and w.category in (None, Category.SENSITIVE, Category.SECRET)
    )


def amounts(world: World, some: list[Wanted]) -> dict[str, tuple[int, int]]:
    """What a wave moves, and the most that it may, by the name of the setting."""
    s = world.settings
    found = {"servers": (sum(len(w.servers) for w in some), world.capacity)}
    mib = sum(m.size_mib or 0 for w in some for m in w.moves)
    if s.wave_tib is not None:
        found["tib"] = (mib, s.wave_tib * 1024 * GIB)
    if s.link_mbps is not None:
        seconds = s.wave_days * s.link_hours * 3600
        found["link"] = (mib, s.link_mbps * 10**6 * seconds // (8 * 1024 * 1024))
    if s.wave_hours is not None:
        hours = [len(w.servers) * s.server_hours if w.declared.hours is None else w.declared.hours for w in some]
        found["hours"] = (sum(hours), s.wave_hours)
    if s.wave_risky is not None:
        found["risky"] = (sum(map(risky, some)), s.wave_risky)
    return found


def over(world: World, some: list[Wanted]) -> bool:
    return any(have > most for have, most in amounts(world, some).values())


def links(world: World) -> set[tuple[str, str]]:
    names = {w.id for w in world.moving}
    if world.settings.uses is Uses.IGNORE:
        return set()
    return {(a, b) for a, used in world.uses.items() for b in used if a in names and b in names and a != b}


def broken(world: World, wave: Mapping[str, int]) -> list[str]:
    """The rules that ``wave`` breaks for what people did not declare; empty is a good schedule."""
    free = [w for w in world.moving if w.declared.wave is None]
    found = []
    for number in sorted(set(wave.values())):
        some = [w for w in world.moving if wave[w.id] == number]
        chosen = [w for w in some if w in free]
        if chosen and over(world, some) and len(some) > 1:
            found.append(f"wave {number} is over its limits")
        if world.settings.by_category and len({w.category for w in chosen}) > 1:
            found.append(f"wave {number} has two categories")
    if world.settings.by_category:
        found += [
            f"{a.id} is more sensitive than {b.id} and not after it"
            for a, b in product(free, free)
            if rank(a) > rank(b) and wave[a.id] <= wave[b.id]
        ]
    found += [f"{w.id} is frozen" for w in free if frozen(world, w, wave[w.id])]
    found += [f"{w.id} is late" for w in free if late(world, w, wave[w.id])]
    found += pilot(world, free, wave)
    for a, b in sorted(links(world)):
        both = {w.id for w in world.moving if w.declared.wave is not None} >= {a, b}
        if world.settings.uses is Uses.TOGETHER and wave[a] != wave[b] and not both:
            found.append(f"{a} and {b} are apart")
        if world.settings.uses is Uses.FIRST and wave[b] > wave[a] and not both:
            found.append(f"{b} comes after {a}, which uses it")
    return found


def rank(w: Wanted) -> int:
    return list(Category).index(w.category) if w.category else 9


def frozen(world: World, w: Wanted, wave: int) -> bool:
    return any(f.covers(day) for f in world.calendar.freeze if f.is_for(w.id) for day in world.days(wave))


def late(world: World, w: Wanted, wave: int) -> bool:
    days = [d for d in (w.declared.deadline, world.settings.finish_by) if d is not None]
    return bool(days) and world.settings.start is not None and world.days(wave)[-1] > min(days)


def pilot(world: World, free: list[Wanted], wave: Mapping[str, int]) -> list[str]:
    most = world.settings.pilot_servers
    if most is None or not free:
        return []
    least = [w for w in free if rank(w) == min(map(rank, free))]
    mild = [w for w in least if not risky(w)] or least
    first = [w for w in world.moving if wave[w.id] == 1]
    if not any(w in free for w in first):
        return []
    servers = sum(len(w.servers) for w in first)
    found = [f"{w.id} is in the pilot" for w in first if w in free and w not in mild]
    return found + ["the pilot is large"] * (servers > max(most, min(len(w.servers) for w in mild)))


def price(world: World, wave: Mapping[str, int], worth: int) -> list[tuple[int, int, int]]:
    """By category, or for all at once: what both count as, the last wave, and the dependencies that the waves part.

    Args:
        world: What moves.
        wave: Of each workload.
        worth: Dependencies that a wave counts as; 0 for waves first.
    """
    free = {w.id: w for w in world.moving if w.declared.wave is None}
    stage = {name: rank(w) if world.settings.by_category else 0 for name, w in free.items()}
    pairs = {(min(a, b), max(a, b)) for a, b in links(world)}
    found = []
    for number in sorted(set(stage.values())):
        inside = {name for name in free if stage[name] == number}
        apart = [
            (a, b)
            for a, b in pairs
            if wave[a] != wave[b] and {a, b} & inside and {a, b} <= inside | (wave.keys() - free)
        ]
        last = max(wave[name] for name in inside)
        found.append((worth and worth * last + len(apart), last, len(apart)))
    return found


def best(world: World, last: int, worth: int) -> list[tuple[int, int, int]] | None:
    """The least price of any schedule up to wave ``last``, by trying them all; None when no schedule is good."""
    options = [
        [w.declared.wave]
        if w.declared.wave is not None
        else [n for n in range(1, last + 1) if not frozen(world, w, n) and not late(world, w, n)]
        for w in world.moving
    ]
    # Days were looked at already, workload by workload; what is left is between workloads.
    between = msgspec.structs.replace(world, calendar=Calendar(), settings=_without_days(world.settings))
    schedules = (dict(zip((w.id for w in world.moving), numbers, strict=True)) for numbers in product(*options))
    prices = (price(world, wave, worth) for wave in schedules if not broken(between, wave))
    return min(prices, default=None)


def _without_days(settings: ScheduleSettings) -> ScheduleSettings:
    return msgspec.structs.replace(settings, start=None)


def small_world(seed: int) -> World:
    """A world of at most six workloads with some of the rules."""
    random = Random(seed)
    count = random.randint(3, 4)
    categories = random.choice(((Category.OPEN,), (Category.OPEN, Category.RESTRICTED), tuple(Category)[:4]))
    moving = [
        wanted(
            f"w{n}",
            random.randint(1, 5),
            random.choice(categories),
            gib=random.choice((0, 300, 700)),
            risk=random.choice(("", "high", "low")),
            hours=random.choice((None, None, 30)),
            deadline=random.choice((None, None, None, MONDAY + dt.timedelta(days=random.randint(8, 40)))),
        )
        for n in range(count)
    ]
    if random.random() < 0.4:
        moving.append(wanted("declared", random.randint(1, 3), random.choice(categories), wave=random.randint(1, 3)))
    names = [w.id for w in moving]
    # Without circles: what is in one moves as one group, and that is looked at elsewhere.
    uses = {a: [b for b in names[:at] if random.random() < 0.45] for at, a in enumerate(names)}
    freezes = [Freeze(name="Exams", start=MONDAY, end=MONDAY + dt.timedelta(days=6), workloads=("w0", "w1"))]
    freezes += [Freeze(name="Holiday", start=MONDAY + dt.timedelta(days=2))]
    return World(
        moving=tuple(moving),
        capacity=random.randint(4, 8),
        uses=uses,
        settings=ScheduleSettings(
            start=MONDAY,
            wave_tib=random.choice((None, 1)),
            wave_hours=random.choice((None, 60)),
            wave_risky=random.choice((None, 1, 2)),
            link_mbps=random.choice((None, 25)),
            pilot_servers=random.choice((None, 2)),
            uses=random.choice((Uses.PREFER, Uses.PREFER, Uses.FIRST)),
            by_category=random.random() < 0.6,
        ),
        calendar=Calendar(sample=True, freeze=tuple(random.sample(freezes, random.randint(0, 2)))),
    )
