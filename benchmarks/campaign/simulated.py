"""Moves that take nothing but time: hosts that answer at once, and a replicator that sleeps.

All else is real: the steps of a move, the durable engine, the effect journal, turns with their limits, the database.
Every start and end of a move is a line in a log of its own, which knows nothing of turns: the limits are judged by it.
"""

import json
import os
import time
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from random import Random
from types import SimpleNamespace
from typing import Any, NamedTuple, cast

from blueprints import Bundle
from inventory.ssh import Completed, Endpoint
from migrate.hosts import Host
from migrate.journal import SqlJournal
from migrate.replicators.ports import Moved, Task
from migrate.store import Store
from migrate.work import Runtime, Work
from pse.core.canonical import digest
from pse.core.documents.campaign import CheckResult
from pse.core.documents.category import Category
from pse.core.documents.deployment import BuiltServer
from pse.core.documents.plan import Cost, Move, PlannedServer, Unit
from pse.core.documents.waves import Wave
from pse.core.findings import Finding
from pse.core.moving import LimitSettings, Link
from pse.core.progress import Progress
from pse.core.settings import Workspace

LOG = "starts-and-ends.jsonl"
PLACES = ("sample-markhor/islamabad/ict-1", "sample-ibex/karachi/khi-1", "sample-elsewhere/abroad/abr-1")


class Limiting(NamedTuple):
    """Limits of a run, as `pse.toml` has them."""

    limits: LimitSettings
    links: tuple[Link, ...]


def limiting(total: int) -> Limiting:
    """So many at once in all, and limits of sources, places and links that are met as well."""
    north = Link(name="north", sources=("old-0*", "old-1*"), places=("sample-markhor/*",), moves=max(1, total // 5))
    south = Link(name="south", sources=("old-2*",), moves=max(1, total // 4))
    return Limiting(LimitSettings(total=total, per_source=2, per_target=total * 4 // 9 or 1), (north, south))


SHARES = {"seed": 0.6, "delta": 0.1, "final": 0.1, "verify": 0.2}
"""How the time of a move is spent."""


def settings(of: Limiting) -> str:
    """What `pse.toml` says of limits."""
    lines = ["[migrate.limits]", *(f"{k} = {getattr(of.limits, k)}" for k in ("total", "per_source", "per_target"))]
    for link in of.links:
        lines += ["[[migrate.link]]", f'name = "{link.name}"', f"moves = {link.moves}"]
        lines += [f"sources = {json.dumps(link.sources)}", f"places = {json.dumps(link.places)}"]
    return "\n".join(lines) + "\n"


def campaign(moves: int, *, mean_s: float, waves: int = 1, seed: int = 8) -> Bundle:
    """A plan of so many workloads with one move each, whose seconds are drawn; the same for the same numbers."""
    drawn = Random(seed)
    units = [_unit(n, 1 + n * waves // moves, drawn.uniform(0.25, 1.75) * mean_s, drawn) for n in range(moves)]
    numbers = sorted({unit.wave for unit in units})
    made = SimpleNamespace(
        plan=SimpleNamespace(
            hash=digest(f"simulated {moves} {mean_s} {waves} {seed}".encode()),
            waves=tuple(
                Wave(
                    number=number,
                    workloads=tuple(unit.workload for unit in units if unit.wave == number),
                    servers=1,
                    size_mib=0,
                    why="simulated",
                )
                for number in numbers
            ),
        ),
        units={unit.id: unit for unit in units},
    )
    return cast("Bundle", made)


def _unit(number: int, wave: int, seconds: float, drawn: Random) -> Unit:
    name, host = f"w{number:04}", f"old-{drawn.randrange(60):02}"
    move = Move(id=f"{name}-data", kind="simulated", source=host, target=name, size_mib=round(seconds * 1000))
    return Unit(
        id=name,
        workload=name,
        blueprint="server",
        category=Category.OPEN,
        class_id="simulated",
        place=drawn.choice(PLACES),
        provider="lab",
        wave=wave,
        servers=(PlannedServer(name=name, role="web", source_host=host, shape="s", image="i"),),
        moves=(move,),
        cost=Cost(monthly=Decimal(0), one_time=Decimal(0), no_price=0),
    )


def seconds_of(move: Move) -> float:
    """How long a move takes."""
    return (move.size_mib or 0) / 1000


class AnsweringHost(Host):
    """A host that is not there and answers what a move asks, at once."""

    def __init__(self, name: str) -> None:
        """Remember its name."""
        super().__init__(Endpoint(name=name, address="192.0.2.1", port=22, user="admin", key=""), base=Path("/"))

    def run(self, script: str, **_words: Any) -> Completed:
        """Say that no job is known, and that all else went well."""
        return Completed(rc=1 if ".rc ] && exit 0" in script else 0, stdout=b"", stderr=b"")

    def text(self, script: str, **_words: Any) -> str:
        """The time, where that is asked, and who decided: nobody before the controller."""
        if script.startswith("date"):
            return f"{time.time():.9f}"
        return "by-controller" if "by-controller" in script else "nobody"


@dataclass(eq=False)
class SimulatedRuntime(Runtime):
    """What a process holds of a campaign whose hosts are not there."""

    def source(self, name: str) -> Host:
        """An old host."""
        return self._host_of(name)

    def target(self, work: Work, server: str) -> Host:
        """A new one."""
        return self._host_of(f"new {server} of {work.workload}")

    def built(self, work: Work, server: str) -> BuiltServer:
        """It stands always."""
        return BuiltServer(
            name=server, id=work.workload, address="192.0.2.2", ssh_port=22, ssh_user="admin", host_key=""
        )

    def provision(self, unit: Unit) -> int:
        """Nothing is built; it is where a move begins."""
        log(self.workspace, "start", unit.workload)
        return 0

    def task(self, work: Work, move: Move, key: str, *, without_target: bool = False) -> Task:
        """With a way to the target that is there always."""
        task = super().task(work, move, key, without_target=without_target)
        task.__dict__.setdefault("passage", SimpleNamespace(shell=lambda *_: "true", address=""))
        task.__dict__["workspace"] = self.workspace
        return task

    def _host_of(self, name: str) -> Host:
        with self._lock:
            return self._hosts.setdefault(name, AnsweringHost(name))


def opener(
    workspace: Workspace, bundle: Bundle, store: Store, journal: SqlJournal, progress: Progress
) -> SimulatedRuntime:
    """As `migrate.floor.opened`."""
    return SimulatedRuntime(workspace=workspace, bundle=bundle, store=store, journal=journal, progress=progress)


class Simulated:
    """The replicator: sleeps."""

    def preflight(self, _task: Task) -> tuple[Finding, ...]:
        """Nothing is in the way."""
        return ()

    def seed(self, task: Task) -> Moved:
        """Most of the time; told as a real one tells it."""
        total = 1 << 30
        for tenth in range(10):
            time.sleep(seconds_of(task.move) * SHARES["seed"] / 10)
            task.tell("copy", done=total * (tenth + 1) // 10, total=total)
        return Moved(sent=total, behind_s=1000.0)

    def delta(self, task: Task, *, final: bool) -> Moved:
        """A tenth of the time."""
        time.sleep(seconds_of(task.move) * SHARES["final" if final else "delta"])
        return Moved(sent=1000, behind_s=0.0)

    def finish(self, _task: Task) -> Moved:
        """Nothing."""
        return Moved()

    def verify(self, task: Task) -> tuple[CheckResult, ...]:
        """A fifth of the time."""
        time.sleep(seconds_of(task.move) * SHARES["verify"])
        return (CheckResult(subject=task.move.id, method="time", source="1", target="1", items=1, equal=True),)

    def cleanup(self, _task: Task) -> tuple[str, ...]:
        """Nothing is left."""
        return ()

    def freeze(self, _task: Task, *, at_target: bool) -> None:
        """Nothing writes."""

    def thaw(self, _task: Task, *, at_target: bool) -> None:
        """Nothing was stopped."""

    def thaw_script(self, _task: Task) -> str:
        """Nothing to run."""
        return ""

    def arm(self, _task: Task) -> Moved:
        """Nothing is kept."""
        return Moved()

    def way_back(self, _task: Task) -> tuple[Finding, ...]:
        """Nothing stays behind."""
        return ()

    def catch_up(self, _task: Task) -> Moved:
        """Nothing was written."""
        return Moved()

    def disarm(self, _task: Task) -> tuple[str, ...]:
        """Nothing was kept."""
        return ()

    def rest(self, task: Task) -> None:
        """It is where a move ends."""
        log(task.__dict__["workspace"], "end", task.move.target)


def log(workspace: Workspace, what: str, workload: str) -> None:
    """One line, whole, whoever else writes."""
    line = json.dumps({"at": time.time(), "what": what, "workload": workload, "pid": os.getpid()})
    handle = os.open(workspace.path(LOG), os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        os.write(handle, line.encode() + b"\n")
    finally:
        os.close(handle)


def entry_point(folder: Path) -> None:
    """Make a distribution in ``folder`` that offers the replicator, as somebody else's package would."""
    info = folder / "simulated_moves-1.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: simulated-moves\nVersion: 1\n")
    (info / "entry_points.txt").write_text("[pse.replicators]\nsimulated = benchmarks.campaign.simulated:Simulated\n")
