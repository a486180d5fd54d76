"""The workspace's key: made once, private, and checked strictly."""

import stat
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policy.signing import init_keys, sign, verify
from pse.core.errors import BadInput, Refused
from pse.core.settings import Workspace

# RFC 8032, section 7.1, test 2: made by others.
PUBLIC = "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c"
SIGNATURE = (
    "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
    "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
)


def test_key_is_private_and_kept(tmp_path: Path) -> None:
    pin = init_keys(tmp_path)
    key = tmp_path / ".pse" / "signing_key"
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert len(pin) == 64
    assert pin not in key.read_text()
    assert init_keys(tmp_path) == pin


def test_two_workspaces_have_two_keys(tmp_path: Path) -> None:
    assert init_keys(tmp_path / "a") != init_keys(tmp_path / "b")


def test_signature_of_the_standard_holds() -> None:
    verify(PUBLIC, b"\x72", SIGNATURE)


@pytest.mark.parametrize(
    ("signer", "data", "signature"),
    [
        (PUBLIC, b"\x73", SIGNATURE),
        (PUBLIC, b"", SIGNATURE),
        (PUBLIC.upper(), b"\x72", SIGNATURE),
        (PUBLIC, b"\x72", SIGNATURE.upper()),
        (PUBLIC, b"\x72", SIGNATURE + "\n"),
        (PUBLIC, b"\x72", ""),
        ("", b"\x72", SIGNATURE),
        ("0" * 64, b"\x72", SIGNATURE),
        ("f" * 64, b"\x72", SIGNATURE),
    ],
)
def test_anything_else_does_not(signer: str, data: bytes, signature: str) -> None:
    with pytest.raises(Refused):
        verify(signer, data, signature)


def test_what_a_workspace_signs_its_pin_verifies(house: Workspace) -> None:
    signature = sign(house, b"data")
    verify(house.settings.signer, b"data", signature)
    with pytest.raises(Refused):
        verify(house.settings.signer, b"date", signature)


@settings(max_examples=100, deadline=None)
@given(bit=st.integers(min_value=0, max_value=511))
def test_law_a_turned_bit_of_the_signature_is_refused(bit: int) -> None:
    turned = bytearray(bytes.fromhex(SIGNATURE))
    turned[bit // 8] ^= 1 << bit % 8
    with pytest.raises(Refused):
        verify(PUBLIC, b"\x72", turned.hex())


def test_key_that_others_can_read_is_not_used(house: Workspace) -> None:
    key = house.private / "signing_key"
    key.chmod(0o644)
    with pytest.raises(BadInput, match="read by others") as caught:
        sign(house, b"data")
    assert key.read_text().strip() not in str(caught.value)
    with pytest.raises(BadInput):
        init_keys(house.root)


def test_missing_or_broken_key_is_named_and_not_shown(house: Workspace) -> None:
    key = house.private / "signing_key"
    key.write_text("not a key at all\n")
    with pytest.raises(BadInput, match="not a signing key") as caught:
        sign(house, b"data")
    assert "at all" not in str(caught.value)
    key.unlink()
    with pytest.raises(BadInput, match="cannot be read"):
        sign(house, b"data")
