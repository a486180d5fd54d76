"""The ledger's head is signed, and a ledger that is gone, cut or put back is missed."""

import shutil
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from policy import init_keys
from policy.ledger import Ledger
from policy.ledgerhead import Head
from pse.core.canonical import encode
from pse.core.errors import Refused
from pse.core.settings import Workspace

FILES = ("ledger.jsonl", "ledger.head")


@pytest.fixture
def kept(house: Workspace) -> Workspace:
    """A workspace with a key and three entries."""
    for number in range(3):
        Ledger(house).record("note", {"number": number})
    return house


def every_way(workspace: Workspace) -> tuple[Callable[[], object], ...]:
    ledger = Ledger(workspace)
    return (ledger.verify, ledger.entries, ledger.head, ledger.last_day, lambda: ledger.record("note", {}))


def test_a_ledger_that_is_gone_with_its_head_is_missed(kept: Workspace) -> None:
    for name in FILES:
        (kept.private / name).unlink()
    for way in every_way(kept):
        with pytest.raises(Refused, match="it had 3 entries and has 0"):
            way()


def test_an_older_ledger_with_its_own_signed_head_is_missed(kept: Workspace, tmp_path: Path) -> None:
    for name in FILES:
        shutil.copy(kept.private / name, tmp_path / name)
    Ledger(kept).record("note", {})
    for name in FILES:
        shutil.copy(tmp_path / name, kept.private / name)
    for way in every_way(kept):
        with pytest.raises(Refused, match="it had 4 entries and has 3"):
            way()


def test_another_ledger_of_the_same_length_is_missed(kept: Workspace) -> None:
    mark = kept.private / "locks" / "ledger.mark"
    held = mark.read_bytes()
    for name in ("ledger.jsonl", "ledger.head", "locks/ledger.mark"):
        (kept.private / name).unlink()
    for number in range(3):
        Ledger(kept).record("other", {"number": number})
    mark.write_bytes(held)
    for way in every_way(kept):
        with pytest.raises(Refused, match="not the ledger that was here"):
            way()
    mark.unlink()
    Ledger(kept).record("other", {})
    mark.write_bytes(held)
    with pytest.raises(Refused, match="not the ledger that was here"):
        Ledger(kept).verify()


@pytest.mark.parametrize("signature", ["", "0" * 128])
def test_a_head_that_nobody_signed_is_refused(kept: Workspace, signature: str) -> None:
    path = kept.private / "ledger.head"
    head = msgspec.json.decode(path.read_bytes(), type=Head)
    path.write_bytes(encode(msgspec.structs.replace(head, signature=signature)))
    for way in every_way(kept):
        with pytest.raises(Refused, match="its head is not signed with the workspace's key"):
            way()


def test_a_head_of_another_key_is_refused(kept: Workspace, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    pin = init_keys(tmp_path / "other")
    (tmp_path / "other" / "pse.toml").write_text(f'entity = "Another office"\nsigner = "{pin}"\n')
    other = Workspace(tmp_path / "other")
    for number in range(3):
        Ledger(other).record("note", {"number": number})
    for name in FILES:
        shutil.copy(other.private / name, kept.private / name)
    with pytest.raises(Refused, match="not signed with the workspace's key"):
        Ledger(kept).verify()


def test_without_the_key_nothing_is_written(kept: Workspace) -> None:
    (kept.private / "signing_key").unlink()
    before = (kept.private / "ledger.jsonl").read_bytes()
    with pytest.raises(Refused, match="cannot be signed"):
        Ledger(kept).record("note", {})
    assert (kept.private / "ledger.jsonl").read_bytes() == before
    assert Ledger(kept).verify().entries == 3


def test_a_mark_that_was_lost_or_is_behind_is_made_anew(kept: Workspace) -> None:
    mark = kept.private / "locks" / "ledger.mark"
    behind = mark.read_bytes()
    Ledger(kept).record("note", {})
    mark.write_bytes(behind)
    assert Ledger(kept).verify().entries == 4
    mark.unlink()
    Ledger(kept).record("note", {})
    assert mark.read_bytes() == (kept.private / "ledger.head").read_bytes()
