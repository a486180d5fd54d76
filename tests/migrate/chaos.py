"""`make chaos-migrate`: strikes at random moments of moves whose users pay all the time, kind by kind.

    python -m tests.migrate.chaos [--kills 25] [--kinds "files blocks"] [--seed 7]

Each step of a move runs in a controller of its own. It is killed with -9, or what runs on the hosts is: the copier, the
SSH sessions, the database server; or the target's disk fills up. Then another one does the step again, as a campaign
would. After each way the ends are compared by other means than the replicator's, and the payments that users were told
are made are counted. A line for every strike; the last line on stdout is one JSON object. Ends 1 when anything was
lost, doubled or left over.
"""

import argparse
import contextlib
import hashlib
import json
import random
import secrets
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from types import MappingProxyType

from msgspec.structs import replace

from migrate.conformance import Side
from migrate.conformance.journey import ATTEMPTS, WRITTEN, Journey, judge
from migrate.replicators.ports import CLOSING
from pse.core.errors import PseError, RemoteError
from tests.migrate.houses import SIDES, BlocksHouse, FilesHouse, PostgresHouse, RigHouse
from tests.migrate.mariadb_house import MOVE, MariaHouse
from tests.migrate.mariadb_rig import made_once
from tests.migrate.payer import Payer
from tests.migrate.rig import Rig

ROOM_MIB = 640
"""What the target's disk holds; a strike takes the rest of it for a moment."""
FULL_S = 1.0
RETRY, ANEW = 75, 76
"""How a controller ends that says itself that another try may help, or that the attempt has failed."""
GIVE_BACK = "give-back"
"""What a campaign does with an attempt that failed."""


def maria(rig: Rig) -> MariaHouse:
    """With a data folder that is made once, and the same job in every controller of a rig."""
    made = rig.base / "mariadb"
    house = MariaHouse(rig, made if made.exists() else made_once(rig.base))
    house.move = replace(MOVE, id=hashlib.sha256(str(rig.base).encode()).hexdigest()[:12])
    return house


HOUSES: Mapping[str, Callable[[Rig], RigHouse]] = MappingProxyType(
    {"files": FilesHouse, "blocks": BlocksHouse, "postgresql": PostgresHouse, "mariadb": maria}
)


@dataclass
class Score:
    """What became of one kind.

    Attributes:
        kills: By what was struck: ``controller``, ``copier``, ``line``, ``server`` or ``disk``.
        paid: Payments that were acknowledged.
        lost: Lines of the giving end's contents that the other one lacks, and acknowledged payments that it lacks.
        doubled: Lines that the other one has and the giving end has not, and payments that are there twice.
        leftovers: What was still there after the cleanup.
        moves: Ways there and back.
    """

    kind: str
    kills: Counter[str] = field(default_factory=Counter)
    paid: int = 0
    lost: int = 0
    doubled: int = 0
    leftovers: int = 0
    moves: int = 0

    @property
    def bad(self) -> int:
        """How much went wrong."""
        return self.lost + self.doubled + self.leftovers


class AttemptFailed(Exception):
    """What a controller would end an attempt for."""


class Attack:
    """Moves of one kind, and kills.

    Args:
        kind: Of `HOUSES`.
        rig: Two hosts that run.
        seed: The same one draws the same moments.
        tell: Takes a line for each kill.
    """

    def __init__(self, kind: str, rig: Rig, seed: str, tell: Callable[[str], None]) -> None:
        """Make what moves."""
        self.house = HOUSES[kind](rig)
        self.score = Score(kind)
        self._random = random.Random(f"{seed} {kind}")
        self._tell = tell
        self._took: dict[str, float] = {}
        self._paid: set[int] = set()
        self._next = self._attempt = 0
        self.house.fill()

    def run(self, kills: int) -> Score:
        """Move there and back until so many strikes were made."""
        while self.score.kills.total() < kills:
            self.score.moves += 1
            self._way(kills, back=False)
            self._way(kills, back=True)
        Journey(self.house).replicator.cleanup(self.house.task(f"plan/work/{CLOSING}", back=True))
        left = self.house.leftovers()
        self.score.leftovers += len(left)
        for line in left:
            self._tell(f"{self.score.kind}: left over: {line}")
        return self.score

    def _way(self, kills: int, *, back: bool) -> None:
        gives, takes = SIDES[::-1] if back else SIDES
        for _ in range(ATTEMPTS):
            # The way back is that of the attempt that arrived.
            self._attempt += not back
            key = f"plan/work/a{self._attempt}"
            payer = Payer(self.house, gives, first=self._next)
            try:
                self._steps(key, payer, kills, back=back)
            except AttemptFailed as exc:
                self._tell(f"{self.score.kind}: once more from the start: {exc}")
                self._step(key, GIVE_BACK, 0, back=back)
            else:
                self._count(gives, takes)
                return
        raise RuntimeError(f"{self.score.kind} did not arrive in {ATTEMPTS} attempts")

    def _steps(self, key: str, payer: Payer, kills: int, *, back: bool) -> None:
        try:
            with ExitStack() as payers:
                payers.enter_context(payer)
                for name in Journey(self.house).steps(back=back):
                    if name.startswith("freeze") and not self.house.serves:
                        payers.close()  # as its services, which a campaign stops
                    if name in WRITTEN:
                        side, number = WRITTEN[name]
                        self.house.write(side, number + 10 * self.score.moves)
                    self._step(key, name, kills, back=back)
        finally:
            self._next = payer.next
            self._paid |= payer.acknowledged
            self.score.paid = len(self._paid)

    def _count(self, gives: Side, takes: Side) -> None:
        gave, took = (Counter(self.house.contents(side).splitlines()) for side in (gives, takes))
        paid = self.house.paid(takes)
        lost = [*(gave - took).elements(), *(f"payment {number}" for number in sorted(self._paid - paid.keys()))]
        doubled = [*(took - gave).elements(), *(f"payment {number}" for number, times in paid.items() if times > 1)]
        self.score.lost += len(lost)
        self.score.doubled += len(doubled)
        for what, found in (("lost", lost), ("there and not at the giving end, or twice", doubled)):
            if found:
                self._tell(f"{self.score.kind} at the {takes}, {what}: {found[:5]}" + " and more" * (len(found) > 5))

    def _step(self, key: str, name: str, kills: int, *, back: bool) -> None:
        """Until a controller ends well; each is struck at most once, at a moment that the step may have reached."""
        attempts = 0
        while True:
            began = time.monotonic()
            command = [sys.executable, "-m", "tests.migrate.chaos", "--step", name, "--key", key]
            command += ["--base", str(self.house.rig.base), "--kinds", self.score.kind] + ["--back"] * back
            command += ["--hosts", self.house.rig.source.address, self.house.rig.target.address]
            child = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
            )
            if self.score.kills.total() < kills and self._random.random() < 0.6:
                self._strike(child, name, back=back)
            _, said = child.communicate(timeout=600)
            if child.returncode == 0:
                self._took[name] = time.monotonic() - began
                return
            if child.returncode == ANEW and name != GIVE_BACK:
                raise AttemptFailed(f"{name}: {said.decode()[-300:].strip()}")
            attempts += 1
            if child.returncode not in (RETRY, ANEW, -9) or attempts > ATTEMPTS:
                raise RuntimeError(f"{self.score.kind} {name} ended {child.returncode}: {said.decode()[-2000:]}")

    def _strike(self, child: subprocess.Popen[bytes], name: str, *, back: bool) -> None:
        moment = self._random.uniform(0.1, self._took.get(name, 2.0))
        whom = self._random.choice(("controller", "copier", "line", "disk", *["server"] * self.house.serves))
        side = self._random.choice(SIDES)
        try:
            child.wait(moment)
        except subprocess.TimeoutExpired:
            if whom == "controller":
                child.kill()
            elif whom == "server":
                self.house.crash(side)
            elif whom == "disk":
                with full(self.house):
                    time.sleep(FULL_S)
                self.house.serving("target")
            elif not self._killed(child, partial(self.house.hang_up, side) if whom == "line" else self.house.strike):
                return
            self.score.kills[whom] += 1
            way = "back" if back else "there"
            self._tell(f"{self.score.kind} {way} {name}: {whom} struck after {moment:.2f} s")

    def _killed(self, child: subprocess.Popen[bytes], kill: Callable[[], int]) -> bool:
        """Kill what the step runs on the hosts, as soon as there is something."""
        while child.poll() is None:
            if kill():
                return True
            time.sleep(0.01)
        return False


def small(rig: Rig) -> None:
    """Give the target disks of its own, which can be filled; before it is started."""
    rig.target.mounts, rig.target.room_mib = ["/srv", "/var/lib"], ROOM_MIB


@contextmanager
def full(house: RigHouse) -> Iterator[None]:
    """No room at all on the target's disk for as long as this lasts; it has to be one of its own, and small."""
    assert house.rig.target.mounts
    assert house.rig.target.room_mib
    ballast = house.rig.target.inside / house.store.strip("/") / ".ballast"
    try:
        with contextlib.suppress(OSError), ballast.open("wb", buffering=0) as file:
            while file.write(b"\0" * (1 << 20)):
                pass
        yield
    finally:
        ballast.unlink()


def step(kind: str, base: Path, hosts: list[str], key: str, name: str, *, back: bool) -> int:
    """What a controller does: one step of a move whose hosts another process runs."""
    rig = Rig.running(base, *hosts)
    journey = Journey(HOUSES[kind](rig), key)
    try:
        if name == GIVE_BACK:
            give_back(journey, back=back)
        else:
            judge(name, journey.steps(back=back)[name](journey.task(back=back)))
    except AssertionError as exc:  # ends that are not equal: a campaign ends the attempt for it
        sys.stderr.write(f"{exc}\n")
        return ANEW
    except PseError as exc:
        sys.stderr.write(f"{exc}\n")
        return RETRY if isinstance(exc, RemoteError) and exc.retryable else ANEW
    return 0


def give_back(journey: Journey, *, back: bool) -> None:
    """Let the giving end be written again; see `migrate.steps.Steps.give_back` and `Forward.tidy`."""
    task, does = journey.task(back=back), journey.replicator
    if back:
        does.thaw(task, at_target=True)
        return
    with contextlib.suppress(PseError):
        does.disarm(task)
    does.thaw(task, at_target=False)
    does.cleanup(task)


def attack(kind: str, *, kills: int, seed: str, tell: Callable[[str], None]) -> Score:
    """Kill in moves of one kind."""
    with tempfile.TemporaryDirectory(prefix=f"pse-chaos-{kind}-", ignore_cleanup_errors=True) as base:
        rig = Rig(Path(base))
        small(rig)
        try:
            rig.source.start()
            rig.target.start()
            return Attack(kind, rig, seed, tell).run(kills)
        finally:
            rig.stop()


def figures(scores: list[Score], *, seed: str) -> dict[str, object]:
    """What the last line says."""
    return {
        "kills": sum(score.kills.total() for score in scores),
        "lost": sum(score.lost for score in scores),
        "doubled": sum(score.doubled for score in scores),
        "leftovers": sum(score.leftovers for score in scores),
        "seed": seed,
        "by_kind": {
            score.kind: {
                "kills": score.kills.total(),
                "of": dict(sorted(score.kills.items())),
                "moves": score.moves,
                "paid": score.paid,
                "lost": score.lost,
                "doubled": score.doubled,
                "leftovers": score.leftovers,
            }
            for score in scores
        },
    }


def main() -> int:
    """Run it."""
    parser = argparse.ArgumentParser(prog="make chaos-migrate", description=__doc__)
    parser.add_argument("--kills", type=int, default=25, help="for each kind")
    parser.add_argument("--kinds", default="", help=f"of {' '.join(HOUSES)}")
    parser.add_argument("--seed", default="", help="the same seed draws the same moments")
    for name in ("--step", "--key", "--base"):
        parser.add_argument(name, help=argparse.SUPPRESS)
    parser.add_argument("--hosts", nargs=2, help=argparse.SUPPRESS)
    parser.add_argument("--back", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    kinds = given.kinds.split() or list(HOUSES)
    if strange := sorted(set(kinds) - set(HOUSES)):
        parser.error(f"no such kinds: {', '.join(strange)}; there are {', '.join(HOUSES)}")
    if given.step:
        return step(kinds[0], Path(given.base), given.hosts, given.key, given.step, back=given.back)
    seed = given.seed or secrets.token_hex(4)
    print(f"seed {seed}", file=sys.stderr)

    def tell(line: str) -> None:
        print(line, file=sys.stderr)

    scores = [attack(kind, kills=given.kills, seed=seed, tell=tell) for kind in kinds]
    print(json.dumps({"target": "chaos-migrate", "figures": figures(scores, seed=seed)}))
    return int(any(score.bad for score in scores))


if __name__ == "__main__":
    sys.exit(main())
