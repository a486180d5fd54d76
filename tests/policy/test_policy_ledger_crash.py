"""A crash at any step of an append loses nothing and lets nothing in."""

import hashlib
import json
import multiprocessing
import os
import signal
from pathlib import Path

import pytest

from policy.ledger import Ledger
from pse.core.canonical import write_bytes
from pse.core.errors import Refused
from pse.core.settings import Workspace
from tests.policy.test_policy_ledger import lines, path, refuse

_STEPS = ("announced", "half", "lines", "head", "mark")


def _append_and_die(root: str, step: str) -> None:
    """Append three entries, and die right after ``step`` of it is on disk."""

    def written(target: Path, data: bytes, *, mode: int = 0o644) -> None:
        write_bytes(target, data, mode=mode)
        if target.name == {"announced": "ledger.next", "head": "ledger.head", "mark": "ledger.mark"}.get(step):
            os.kill(os.getpid(), signal.SIGKILL)

    def lines_of(handle: int, data: bytes) -> None:
        half = data.index(b"\n") + 5
        os.write(handle, data[:half] if step == "half" else data)
        if step in {"half", "lines"}:
            os.kill(os.getpid(), signal.SIGKILL)

    ledger = Ledger(Workspace(Path(root)))
    ledger.verify()
    patch = pytest.MonkeyPatch()  # never undone: this process dies with it
    patch.setattr("policy.ledgerhead.write_bytes", written)
    patch.setattr("policy.ledger._write_all", lines_of)
    refuse(ledger, "urn:crash", "PSE-R001", "PSE-R002", "PSE-R003")


@pytest.mark.parametrize("step", _STEPS)
@pytest.mark.parametrize("before", [0, 1])
def test_a_kill_at_any_step_leaves_all_of_what_was_appended_or_nothing(
    house: Workspace, step: str, before: int
) -> None:
    for _ in range(before):
        Ledger(house).record("note", {})
    worker = multiprocessing.get_context("fork").Process(target=_append_and_die, args=(str(house.root), step))
    worker.start()
    worker.join(60)
    assert worker.exitcode == -signal.SIGKILL
    Ledger(house).verify()
    # The very first head of all is written before any line.
    whole = step in {"lines", "mark"} or (step == "head" and before)
    assert refuse(Ledger(house), "urn:crash", "PSE-R001", "PSE-R002", "PSE-R003") == (0 if whole else 3)
    assert Ledger(house).verify().entries == before + 3


def test_a_line_that_continues_the_chain_without_the_key_is_refused(house: Workspace) -> None:
    Ledger(house).record("note", {})
    *_, last = lines(house)
    forged = json.loads(last) | {"prev": hashlib.sha256(last[:-1]).hexdigest(), "kind": "approval"}
    forged["seq"] += 1
    whole = path(house).read_bytes()
    path(house).write_bytes(whole + json.dumps(forged).encode() + b"\n")
    for way in (
        lambda: Ledger(house).verify(),
        lambda: Ledger(house).record("note", {}),
        lambda: refuse(Ledger(house), "urn:new"),
    ):
        with pytest.raises(Refused, match="key did not sign"):
            way()
    path(house).write_bytes(whole)
    Ledger(house).record("note", {})
