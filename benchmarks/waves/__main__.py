"""`make bench-waves`: waves of 1,000 and of 10,000 move groups, with dependencies, limits, freezes and deadlines.

    python -m benchmarks.waves [--groups 1000 10000] [--seed 6]

The estate is made from the seed: applications of one to eight workloads that use each other, one in ten of which uses
another application as well, and four shared services that one in a hundred uses. Once with all rules, once as
`pse plan` does by default. Last line on stdout: one JSON object with the figures.
"""

import argparse
import json
import sys
import time
from collections.abc import Iterator
from datetime import date, timedelta
from random import Random

from blueprints.model import Demand, Wanted
from blueprints.waves import make_waves
from pse.core.documents.category import Category
from pse.core.documents.plan import Move
from pse.core.documents.schedule import Calendar, Every, Freeze, ScheduleSettings, Weekday
from pse.core.documents.workloads import WorkloadDeclaration

START = date(2027, 1, 4)
CALENDAR = Calendar(
    sample=True,
    freeze=(
        Freeze(name="Weekend", every=Every.WEEK, weekdays=(Weekday.SATURDAY, Weekday.SUNDAY)),
        Freeze(name="Month end", every=Every.MONTH, days=(-1, 1), workloads=("app1*",)),
        Freeze(name="Examinations", start=date(2027, 3, 1), end=date(2027, 3, 31), workloads=("app2*",)),
    ),
)


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="make bench-waves", description=__doc__)
    parser.add_argument("--groups", type=int, nargs="+", default=[1000, 10_000])
    parser.add_argument("--seed", type=int, default=6)
    given = parser.parse_args()
    found = {
        f"{groups} {name}": measured(groups, given.seed, name) for groups in given.groups for name in ("default", "all")
    }
    print(json.dumps({"target": "bench-waves", "by_groups": found}))
    return 0


def measured(groups: int, seed: int, name: str) -> dict[str, object]:
    """Seconds, waves, bounds and gap of one estate."""
    moving, uses = estate(groups, seed, deadlines=name == "all")
    capacity = max(50, groups * 5 // 100)
    settings = ScheduleSettings()
    if name == "all":
        settings = ScheduleSettings(
            start=START,
            wave_tib=capacity * 2,
            wave_hours=capacity * 9,
            wave_risky=max(2, capacity // 5),
            pilot_servers=5,
            link_mbps=1_000_000,
        )
    begun = time.perf_counter()
    made = make_waves(
        moving, capacity=capacity, uses=uses, settings=settings, calendar=CALENDAR if name == "all" else Calendar()
    )
    seconds = time.perf_counter() - begun
    s = made.schedule
    figures: dict[str, object] = {
        "seconds": round(seconds, 2),
        "waves": len(made.waves),
        "last": s.last,
        "last_bound": s.last_bound,
        "dependencies": s.dependencies,
        "parted": s.parted,
        "parted_bound": s.parted_bound,
        "gap_percent": float(s.gap_percent),
        "parted_gap_percent": float(s.parted_gap_percent),
        "given_up": sum(f.code in ("PSE-B080", "PSE-B082") for f in made.findings),
    }
    print(f"{groups} groups, {name}: {figures}", file=sys.stderr, flush=True)
    return figures


def estate(groups: int, seed: int, *, deadlines: bool) -> tuple[list[Wanted], dict[str, list[str]]]:
    """Workloads, and by workload those that it uses."""
    random = Random(seed)
    moving: list[Wanted] = []
    uses: dict[str, list[str]] = {}
    applications: list[list[str]] = []
    while len(moving) < groups:
        category = random.choices(list(Category), weights=(10, 30, 40, 15, 5))[0]
        names = [f"app{len(applications)}-{n}" for n in range(min(random.randint(1, 8), groups - len(moving)))]
        for n, name in enumerate(names):
            moving.append(_workload(name, category, random, deadlines=deadlines))
            uses[name] = names[max(0, n - 2) : n]
        if applications and random.random() < 0.1:
            uses[names[0]].append(random.choice(applications[-50:])[0])
        if random.random() < 0.01:
            uses[names[0]] += [applications[at][0] for at in range(min(4, len(applications)))]
        applications.append(names)
    return moving, uses


def _workload(name: str, category: Category, random: Random, *, deadlines: bool) -> Wanted:
    servers = min(40, 1 + int(random.expovariate(0.25)))
    due = START + timedelta(days=random.randint(900, 2000)) if deadlines and random.random() < 0.05 else None
    return Wanted(
        id=name,
        category=category,
        class_id=category,
        servers=tuple(_servers(name, servers)),
        moves=(Move(id=name, kind="files", source=name, target=name, size_mib=random.randint(1, servers * 2 * 2**20)),),
        declared=WorkloadDeclaration(deadline=due),
    )


def _servers(name: str, count: int) -> Iterator[Demand]:
    for n in range(count):
        yield Demand(name=f"{name}-{n}", role="server", vcpus=1, memory_mib=1, os_family="debian")


if __name__ == "__main__":
    sys.exit(main())
