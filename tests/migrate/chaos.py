"""`make chaos-migrate`: kill -9 of controller and hosts at random moments of a move, kind by kind.

    python -m tests.migrate.chaos [--kills 40] [--kinds "files blocks"] [--seed 7]

Each step of a move runs in a controller of its own, which is killed, or what runs on the hosts is; then another one
does the step again, as a campaign would. After each way the ends are compared by other means than the replicator's.
A line for every kill; the last line on stdout is one JSON object. Ends 1 when anything was lost, doubled or left over.
"""

import argparse
import json
import random
import secrets
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

from migrate.conformance.journey import ATTEMPTS, WRITTEN, Journey, judge
from migrate.replicators.ports import CLOSING
from pse.core.errors import RemoteError
from tests.migrate.houses import BlocksHouse, FilesHouse, PostgresHouse, RigHouse
from tests.migrate.rig import Rig

HOUSES: Mapping[str, type[RigHouse]] = MappingProxyType(
    {"files": FilesHouse, "blocks": BlocksHouse, "postgresql": PostgresHouse}
)
RETRY = 75
"""How a controller ends that says itself that another try may help."""


@dataclass
class Score:
    """What became of one kind.

    Attributes:
        kills: By what was killed, ``controller`` or ``hosts``.
        lost: Lines of the giving end's contents that the other one lacks.
        doubled: Lines that the other one has and the giving end has not.
        leftovers: What was still there after the cleanup.
        moves: Ways there and back.
    """

    kind: str
    kills: Counter[str] = field(default_factory=Counter)
    lost: int = 0
    doubled: int = 0
    leftovers: int = 0
    moves: int = 0

    @property
    def bad(self) -> int:
        """How much went wrong."""
        return self.lost + self.doubled + self.leftovers


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
        self.house.fill()

    def run(self, kills: int) -> Score:
        """Move there and back until so many kills were made."""
        while self.score.kills.total() < kills:
            self.score.moves += 1
            key = f"plan/work/a{self.score.moves}"
            self._way(key, kills, back=False)
            self._way(key, kills, back=True)
        Journey(self.house).replicator.cleanup(self.house.task(f"plan/work/{CLOSING}", back=True))
        left = self.house.leftovers()
        self.score.leftovers += len(left)
        for line in left:
            self._tell(f"{self.score.kind}: left over: {line}")
        return self.score

    def _way(self, key: str, kills: int, *, back: bool) -> None:
        for name in Journey(self.house).steps(back=back):
            if name in WRITTEN:
                side, number = WRITTEN[name]
                self.house.write(side, number + 10 * self.score.moves)
            self._step(key, name, kills, back=back)
        gave, took = (Counter(self.house.contents(side).splitlines()) for side in ("source", "target"))
        if back:
            gave, took = took, gave
        self.score.lost += (gave - took).total()
        self.score.doubled += (took - gave).total()

    def _step(self, key: str, name: str, kills: int, *, back: bool) -> None:
        """Until a controller ends well; each is killed at most once, at a moment that the step may have reached."""
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
                self._kill(child, name, back=back)
            _, said = child.communicate(timeout=600)
            if child.returncode == 0:
                self._took[name] = time.monotonic() - began
                return
            attempts += 1
            if child.returncode not in (RETRY, -9) or attempts > ATTEMPTS:
                raise RuntimeError(f"{self.score.kind} {name} ended {child.returncode}: {said.decode()[-2000:]}")

    def _kill(self, child: subprocess.Popen[bytes], name: str, *, back: bool) -> None:
        moment = self._random.uniform(0.1, self._took.get(name, 2.0))
        whom = self._random.choice(("controller", "hosts"))
        try:
            child.wait(moment)
        except subprocess.TimeoutExpired:
            if whom == "controller":
                child.kill()
            elif not self._struck(child):
                return
            self.score.kills[whom] += 1
            way = "back" if back else "there"
            self._tell(f"{self.score.kind} {way} {name}: {whom} killed after {moment:.2f} s")

    def _struck(self, child: subprocess.Popen[bytes]) -> bool:
        """Kill what the step runs on the hosts, as soon as there is something."""
        while child.poll() is None:
            if self.house.strike():
                return True
            time.sleep(0.01)
        return False


def step(kind: str, base: Path, hosts: list[str], key: str, name: str, *, back: bool) -> int:
    """What a controller does: one step of a move whose hosts another process runs."""
    rig = Rig.running(base, *hosts)
    journey = Journey(HOUSES[kind](rig), key)
    try:
        judge(name, journey.steps(back=back)[name](journey.task(back=back)))
    except RemoteError as exc:
        sys.stderr.write(f"{exc}\n")
        return RETRY
    return 0


def attack(kind: str, *, kills: int, seed: str, tell: Callable[[str], None]) -> Score:
    """Kill in moves of one kind."""
    with tempfile.TemporaryDirectory(prefix=f"pse-chaos-{kind}-", ignore_cleanup_errors=True) as base:
        rig = Rig(Path(base))
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
                "controller": score.kills["controller"],
                "hosts": score.kills["hosts"],
                "moves": score.moves,
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
    parser.add_argument("--kills", type=int, default=40, help="for each kind")
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
