"""A disk of which 2 % changed: our pass beside ``rsync --inplace``, both over ssh with AES-GCM."""

import os
import random
import shlex
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

from migrate.replicators.blocks.passes import Pass
from migrate.replicators.blocks.replicator import Blocks, ends_of
from migrate.replicators.files import rsync
from migrate.replicators.ports import Task
from pse.core.documents.plan import Move
from tests.migrate.rig import Rig

STRETCH = 4 << 20
SHARE = 0.02


def measured(*, mib: int, rounds: int, seed: int) -> dict[str, float]:
    """Seconds of both in the median of ``rounds``, which take turns, each with changes of its own at random places.

    Args:
        mib: Size of each disk, an image file in memory's cache.
        rounds: How often.
        seed: Of the places.
    """
    draw = random.Random(seed)
    with tempfile.TemporaryDirectory(prefix="pse-bench-", ignore_cleanup_errors=True) as folder:
        rig = Rig(Path(folder))
        try:
            rig.source.start()
            rig.target.start()
            disks = [rig.source.root / "srv" / name for name in ("ours", "theirs")]
            for disk in disks:
                _fill(disk, mib)
            task = rig.task(Move(id="ours", kind="blocks", source="source", target="target", paths=("/srv/ours",)))
            blocks = Blocks()
            blocks.seed(task)
            _rsync(task, "seed")
            took: dict[str, list[float]] = {"ours": [], "theirs": []}
            sent = []
            for number in range(rounds):
                places = [draw.randrange((mib << 20) - STRETCH) for _ in range(max(1, int(mib * SHARE / 4)))]
                for disk in disks:
                    _change(disk, places)
                # The pass alone: rsync proves nothing either.
                one = Pass(task, *ends_of(task), f"round{number}", still=True)
                began = time.monotonic()
                sent.append(int(str(one.carry()["sent"])))
                took["ours"].append(time.monotonic() - began)
                began = time.monotonic()
                _rsync(task, f"round{number}")
                took["theirs"].append(time.monotonic() - began)
                for disk in disks:
                    subprocess.run(["cmp", disk, rig.target.root / "srv" / disk.name], check=True)
        finally:
            rig.stop()
    ours, theirs = (statistics.median(took[name]) for name in ("ours", "theirs"))
    return {"ours_s": ours, "theirs_s": theirs, "ratio": theirs / ours, "sent_mib": statistics.median(sent) / (1 << 20)}


def _fill(disk: Path, mib: int) -> None:
    piece = os.urandom(16 << 20)
    with disk.open("wb") as file:
        for number in range(0, mib, 16):
            # No two pieces are the same, and none costs a random byte each.
            file.write((number.to_bytes(8, "big") + piece[8:])[: min(16, mib - number) << 20])


def _change(disk: Path, places: list[int]) -> None:
    with disk.open("r+b") as file:
        for place in places:
            file.seek(place)
            file.write(os.urandom(1 << 16) * (STRETCH >> 16))


def _rsync(task: Task, name: str) -> None:
    """The way that everybody knows, with the same key, cipher and host key."""
    folder = task.passage.open()
    there = f"{task.target.endpoint.user}@{task.passage.address}:/srv/theirs"
    words = ["--inplace", "--no-whole-file", "--ignore-times", "--", "/srv/theirs", there]
    arguments = " ".join(shlex.quote(word) for word in words)
    shell = task.passage.shell(name, rsync._server_command(task.source, folder, arguments))
    task.source.text(f"rsync -e {shlex.quote(shell)} {arguments}", timeout_s=1800)
