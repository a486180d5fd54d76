"""A campaign on the real engine whose hosts say what a test wants: services that do not start, a name server in memory.

The moves take a moment and carry nothing; see `benchmarks.campaign.simulated`. What is done, and when, is one list.
"""

from collections.abc import Callable, Collection
from typing import Any, cast

import msgspec
import pytest

from benchmarks.campaign.simulated import AnsweringHost, SimulatedRuntime, campaign, entry_point
from blueprints import Bundle
from migrate.campaign import carry_out
from migrate.durable import Stopped
from migrate.floor import floor
from migrate.hosts import Host
from migrate.journal import SqlJournal
from migrate.standing import standing
from migrate.store import Store
from migrate.turn import Turn
from migrate.work import Work, chosen, works
from pse.core.database import open_database
from pse.core.documents.campaign import Campaign, MoveState
from pse.core.documents.deployment import BuiltServer
from pse.core.documents.plan import DnsSwitch, Service, Unit
from pse.core.errors import RemoteError
from pse.core.progress import Event, Progress
from pse.core.settings import Workspace

OLD, NEW = "192.0.2.1", "192.0.2.2"
NAME = "w0000.example"


@pytest.fixture
def ready(sample: Workspace, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """A workspace that such a campaign can run in."""
    packages = tmp_path_factory.mktemp("packages")
    entry_point(packages)
    monkeypatch.syspath_prepend(str(packages))
    monkeypatch.delenv("PSE_DATABASE_URL", raising=False)
    return sample


class Killed(Stopped):
    """The process died here: nothing after it ran."""


class ShakyHost(AnsweringHost):
    """Runs no command, and says of those that are broken that they failed."""

    def __init__(self, name: str, world: "World") -> None:
        super().__init__(name)
        self.world = world

    def text(self, script: str, **words: Any) -> str:
        what = str(words.get("what", ""))
        if what.split(" ", maxsplit=1)[0] in ("start", "stop"):
            side = "new" if self.name.startswith("new ") else "old"
            self.world.did(f"{what} {side}")
        return super().text(script, **words)


class MemoryDns:
    """A zone with one record."""

    def __init__(self, world: "World") -> None:
        self.world, self.used, self.address = world, True, OLD

    def lookup(self, _name: str) -> tuple[str, int]:
        self.world.did("lookup", quiet=True)
        return self.address, 1

    def swap(self, _name: str, *, old: str, new: str, ttl: int, ticket: str = "") -> None:
        assert (old != new, ttl > 0, ticket is not None) == (True, True, True)
        self.world.did(f"ask for {new}", quiet=True)
        self.address = new
        self.world.did(f"point at {new}")

    def admit(self, _name: str, _ticket: str) -> None:
        self.world.did("admit", quiet=True)

    def withdraw(self, _name: str) -> None:
        self.world.did("withdraw", quiet=True)

    def give_back_ttl(self, _name: str, _ttl: int) -> None:
        self.world.did("give the TTL back", quiet=True)


class World:
    """One workload ``w0000`` with services ``db`` and ``web``, and beside it ``w0001`` without any.

    Attributes:
        seen: What was done, in order: ``seed``, ``start db old``, ``point at 192.0.2.2`` …
        broken: What fails.
        deadly: The process dies at this, once: just before it is done.
        gone: The new servers were destroyed.
    """

    def __init__(self, workspace: Workspace, *, record: bool = False, plan: int = 1) -> None:
        self.root = workspace.root
        self.seen: list[str] = []
        self.broken: Collection[str] = ()
        self.deadly = ""
        self.gone = False
        self.watched: Callable[[str], None] = lambda _what: None
        self.dns = MemoryDns(self) if record else None
        self.bundle = campaign(2, mean_s=0.05 * plan)
        unit = self.bundle.units["w0000"]
        services = tuple(Service(name=name, server="w0000", start="up", stop="down") for name in ("db", "web"))
        switches = (DnsSwitch(name=NAME, server="w0000"),) if record else ()
        units = cast("dict[str, Unit]", self.bundle.units)
        units["w0000"] = msgspec.structs.replace(unit, services=services, switches=switches)

    @property
    def workspace(self) -> Workspace:
        return Workspace(self.root)

    def did(self, what: str, *, quiet: bool = False) -> None:
        if self.deadly == what:
            self.deadly = ""
            raise Killed
        self.watched(what)
        if not quiet:
            self.seen.append(what)
        if what in self.broken:
            raise RemoteError(f"{what} broke", where="there")

    def settings(self, text: str) -> None:
        """With these tables in `pse.toml`."""
        path = self.root / "pse.toml"
        path.write_text(path.read_text() + text)

    def _tell(self, event: Event) -> None:
        if event.subject == "w0000" and event.state == "start":
            self.did(event.step)

    def opener(
        self, workspace: Workspace, bundle: Bundle, store: Store, journal: SqlJournal, progress: Progress
    ) -> SimulatedRuntime:
        world = self

        class Shaky(SimulatedRuntime):
            def _host_of(self, name: str) -> Host:
                with self._lock:
                    return self._hosts.setdefault(name, ShakyHost(name, world))

            def built(self, work: Work, server: str) -> BuiltServer:
                if world.gone:
                    raise RemoteError(f"server {server} is not built", where=work.workload)
                return super().built(work, server)

        made = Shaky(workspace=workspace, bundle=bundle, store=store, journal=journal, progress=progress)
        if self.dns is not None:
            made.__dict__["dns"] = self.dns
        return made

    def _floor(self) -> Any:
        known: Callable[[str], Bundle] = lambda _: self.bundle  # noqa: E731 - a name for its type
        return floor(self.workspace, known, progress=self._tell, parallel=2, opener=self.opener)

    def run(self, *, workloads: Collection[str] = ("w0000",)) -> Campaign:
        """Move, or go on where it died."""
        with self._floor() as made:
            return carry_out(made, self.bundle, chosen(self.bundle, (), workloads), parallel=2)

    def dies(self, at: str) -> None:
        """Move until the process dies at that."""
        self.deadly = at
        with self._floor() as made:
            made.turns.ask([self._turn("move")])
            taken = made.turns.take(made.worker, [])
            assert taken is not None
            made.do(taken)
        assert not self.deadly, self.seen

    def back(self) -> None:
        """Roll back."""
        with self._floor() as made:
            turn = self._turn("back")
            made.turns.seize(made.worker, turn)
            made.do(turn)

    def _turn(self, kind: str) -> Turn:
        return Turn(plan=self.bundle.plan.hash, workload="w0000", kind=kind, run=kind, wave=1)

    def mark(self, state: MoveState) -> None:
        """Say that ``w0000`` is in this state."""
        database = open_database(self.workspace)
        try:
            Store(database, self.bundle.plan.hash).update(
                "w0000", lambda known: msgspec.structs.replace(known, state=state)
            )
        finally:
            database.dispose()

    def status(self) -> Campaign:
        """As `pse status` has it."""
        database = open_database(self.workspace)
        try:
            plan = self.bundle.plan.hash
            return standing(self.workspace, Store(database, plan), SqlJournal(database), plan, works(self.bundle))
        finally:
            database.dispose()

    def codes(self) -> list[str]:
        """Of the findings of ``w0000``."""
        return [one.code for one in self.status().findings if one.subject == "w0000"]

    def state(self) -> MoveState:
        """Of ``w0000``."""
        return next(one.state for one in self.status().workloads if one.workload == "w0000")

    def since(self, what: str) -> list[str]:
        """What was done after the last time that this was."""
        return self.seen[len(self.seen) - self.seen[::-1].index(what) :]
