"""An exported ledger is believed anywhere with the key alone, and any change, cut or addition is found."""

import json
from pathlib import Path

import pytest

from policy.chain import verify_export
from policy.ledger import Ledger
from pse.core.errors import Refused
from pse.core.settings import Workspace
from tests.policy.house import build

HERE = Path("ledger.jsonl")


@pytest.fixture
def exported(house: Workspace) -> tuple[bytes, bytes]:
    ledger = Ledger(house)
    for number in range(3):
        ledger.record("note", {"number": number})
    return ledger.export()


def test_entries_come_out_as_they_went_in(house: Workspace, exported: tuple[bytes, bytes]) -> None:
    lines, head = exported
    entries = verify_export(lines, head, signer=house.settings.signer, path=HERE)
    assert entries == Ledger(house).entries()
    assert lines == (house.private / "ledger.jsonl").read_bytes()


def test_a_ledger_without_entries_has_a_signed_head_too(house: Workspace) -> None:
    lines, head = Ledger(house).export()
    assert verify_export(lines, head, signer=house.settings.signer, path=HERE) == ()
    with pytest.raises(Refused, match="not signed"):
        verify_export(lines, head.replace(b'"signature": "', b'"signature": "0', 1), signer="0" * 64, path=HERE)


def test_every_change_is_found(house: Workspace, exported: tuple[bytes, bytes], tmp_path: Path) -> None:
    lines, head = exported
    first, second, third = lines.splitlines(keepends=True)
    other = Ledger(build(tmp_path / "other"))
    other.record("note", {"number": 0})
    for changed in (
        first + second,
        first + second + third[:-1],
        second + first + third,
        first + third + second,
        lines.replace(b'"number":1', b'"number":7'),
        lines + third,
        first + second + third.replace(b'"number":2', b'"number":9'),
        b"",
        other.export()[0],
    ):
        with pytest.raises(Refused, match="ledger was altered"):
            verify_export(changed, head, signer=house.settings.signer, path=HERE)
    shorter = json.loads(head) | {"entries": 2, "size": len(first + second), "start": len(first)}
    for forged in (other.export()[1], json.dumps(shorter).encode(), b"{}", head + b" "):
        with pytest.raises(Refused, match="its head"):
            verify_export(lines, forged, signer=house.settings.signer, path=HERE)
    with pytest.raises(Refused, match="not signed with"):
        verify_export(lines, head, signer="0" * 64, path=HERE)
