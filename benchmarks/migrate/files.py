"""File trees: our passes beside rsync's and tar's own, over the same sshd.

What is measured, each in the median of rounds that take turns:

- *seed*: an empty target is filled. Ours is the pass alone; hashing ahead for the verification is told beside it.
- *round*: 0.1 % of the files changed.
- *frozen*: writers stand still. Ours is the last pass and the verification; theirs is rsync with ``--delete``, and
  ``--checksum`` as a check.
"""

import os
import random
import shlex
import shutil
import statistics
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

from migrate.replicators.files import replicator
from migrate.replicators.files.replicator import Files
from migrate.replicators.ports import Task
from pse.core.documents.plan import Move
from tests.migrate.rig import Rig

SHARE = 0.001
RSYNC = "-aHAXSx --numeric-ids --delete-delay --no-inc-recursive"
TAR = "--one-file-system --numeric-owner --acls --xattrs --xattrs-include='*' --sparse --format=posix -b 512"


def measured(*, count: int, size: int, rounds: int, seed: int) -> dict[str, float]:
    """Seconds of a tree of ``count`` files of about ``size`` bytes, and ratios: above 1 ours is faster.

    Args:
        count: Files of the tree.
        size: Bytes of each, one half to three halves of it.
        rounds: How often each is done; an odd number has a median that was seen.
        seed: Of contents and of what changes.
    """
    draw = random.Random(seed)
    took: defaultdict[str, list[float]] = defaultdict(list)
    with tempfile.TemporaryDirectory(prefix="pse-bench-", ignore_cleanup_errors=True) as folder:
        rig = Rig(Path(folder))
        try:
            rig.source.start()
            rig.target.start()
            tree = rig.source.root / "srv/tree"
            _fill(tree, count, size, draw)
            for number in range(rounds):
                _round(rig, tree, number, draw, took)
        finally:
            rig.stop()
    seconds = {name: statistics.median(each) for name, each in took.items()}
    best = min(seconds["seed rsync"], seconds["seed tar"])
    return {
        **{f"{name}_s".replace(" ", "_"): round(each, 3) for name, each in seconds.items()},
        "seed_ratio": best / seconds["seed ours"],
        "round_ratio": seconds["round rsync"] / seconds["round ours"],
        "freeze_ratio": seconds["frozen ours"] / seconds["frozen rsync"],
        "verify_overhead": seconds["ahead ours"] / seconds["seed ours"],
    }


def _round(rig: Rig, tree: Path, number: int, draw: random.Random, took: dict[str, list[float]]) -> None:
    move = Move(id=f"tree{number}", kind="files", source="source", target="target", paths=("/srv/tree",))
    task, files = rig.task(move, key=f"bench/tree/a{number}"), Files()
    hashed: list[float] = []
    shell = _door(rig, task)

    def ahead(task: Task) -> None:
        began = time.monotonic()
        true_ahead(task)
        hashed.append(time.monotonic() - began)

    true_ahead, replicator._ahead = replicator._ahead, ahead
    try:
        _emptied(rig)
        everything = _timed(lambda: files.seed(task))
        took["seed ours"].append(everything - hashed[-1])
        took["ahead ours"].append(hashed[-1])
        _change(tree, draw)
        everything = _timed(lambda: files.delta(task, final=False))
        took["round ours"].append(everything - hashed[-1])
        _change(tree, draw)

        def frozen() -> None:
            files.delta(task, final=True)
            results = files.verify(task)
            assert results
            assert all(r.equal for r in results), [r.detail for r in results]

        took["frozen ours"].append(_timed(frozen))
    finally:
        replicator._ahead = true_ahead
    files.cleanup(task)

    there = f"admin@{rig.target.address}:/srv/tree/"
    rsync = f"rsync -e {shlex.quote(shell)} {RSYNC}"
    _emptied(rig)
    took["seed tar"].append(_shell(task, f"set -o pipefail; {_tar(shell, rig)}"))
    _emptied(rig)
    took["seed rsync"].append(_shell(task, f"{rsync} /srv/tree/ {there}"))
    _change(tree, draw)
    took["round rsync"].append(_shell(task, f"{rsync} /srv/tree/ {there}"))
    _change(tree, draw)
    last = f"{rsync} /srv/tree/ {there} && {rsync} --checksum --dry-run --itemize-changes /srv/tree/ {there}"
    took["frozen rsync"].append(_shell(task, last))


def _timed(act: Callable[[], object]) -> float:
    began = time.monotonic()
    act()
    return time.monotonic() - began


def _shell(task: Task, script: str) -> float:
    return _timed(lambda: task.source.text(script, timeout_s=7200))


def _tar(shell: str, rig: Rig) -> str:
    receive = shlex.quote("mkdir -p /srv/tree && tar -C /srv/tree --numeric-owner -p --acls --xattrs -b 512 -xf -")
    return f"tar -C /srv/tree {TAR} -cf - . | {shell} admin@{rig.target.address} {receive}"


def _door(rig: Rig, task: Task) -> str:
    """A plain key from source to target, with the cipher that both sides choose, as for ours."""
    public = task.source.text("[ -e ~/k ] || ssh-keygen -q -t ed25519 -N '' -f ~/k; cat ~/k.pub")
    keys = rig.target.root / "home/admin/.ssh/authorized_keys"
    if public not in keys.read_text():
        keys.write_text(keys.read_text() + public)
    known = f"[{rig.target.address}]:2222 {rig.target.pin}\n"
    (rig.source.root / "home/admin/known").write_text(known)
    return "ssh -F none -p 2222 -i ~/k -o IdentitiesOnly=yes -o UserKnownHostsFile=~/known -o BatchMode=yes"


def _emptied(rig: Rig) -> None:
    shutil.rmtree(rig.target.root / "srv/tree", ignore_errors=True)
    os.sync()


def _fill(tree: Path, count: int, size: int, draw: random.Random) -> None:
    piece = draw.randbytes(min(2 * size, 1 << 20))
    for number in range(count):
        if number % 1000 == 0:
            folder = tree / f"folder{number // 1000:04}"
            folder.mkdir(parents=True)
        left = draw.randint(size // 2, size * 3 // 2)
        with (folder / f"file{number:07}").open("wb") as file:
            file.write(number.to_bytes(8, "big"))
            while left > 0:
                left -= file.write(piece[:left])


def _change(tree: Path, draw: random.Random) -> None:
    names = sorted(path for path in tree.rglob("file*"))
    for path in draw.sample(names, max(1, int(len(names) * SHARE))):
        with path.open("r+b") as file:
            file.write(draw.randbytes(8))
