"""Another key for a workspace: everything signed anew, tags as before, and safe to be cut short at any step."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import policy
from policy import rekey as rekeying
from policy import signing
from policy.gate import read_gate
from policy.ledger import Ledger
from policy.register import load_register
from policy.rekey import rekey
from policy.signing import sign, verify
from policy.succession import FILE, first_signer
from pse.core.errors import Refused
from pse.core.settings import Workspace
from pse.core.time import today
from tests.providers.house import AS_OF, UNIT, House


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """A workspace with a gate, categories, marks and a ledger."""
    house = House(tmp_path / "workspace")
    Ledger(house.workspace).record("approval", {"by": "Director Records"})
    return house.workspace


def whole(workspace: Workspace) -> None:
    """Everything that was signed is believed."""
    load_register(workspace)
    assert read_gate(workspace, UNIT, now=today()).unit == UNIT
    Ledger(workspace).verify()
    verify(workspace.settings.signer, b"x", sign(workspace, b"x"))


def test_everything_is_signed_anew_and_tags_stay(workspace: Workspace) -> None:
    first = workspace.settings.signer
    once = rekey(workspace)
    twice = rekey(once)
    assert len({first, once.settings.signer, twice.settings.signer}) == 3
    assert first_signer(workspace) == first_signer(once) == first_signer(twice) == first
    whole(twice)
    assert [entry.kind for entry in Ledger(twice).entries()][-2:] == ["rekey", "rekey"]
    assert (twice.private / "signing_key").stat().st_mode & 0o777 == 0o600
    assert not (twice.private / rekeying.NEXT).exists()
    policy.load_policy(twice, as_of=AS_OF)


def test_former_key_signs_nothing_any_more(workspace: Workspace) -> None:
    old = (workspace.private / "signing_key").read_text()
    new = rekey(workspace)
    (new.private / "signing_key").write_text(old)
    with pytest.raises(Refused, match="not the signer that"):
        sign(new, b"x")


@pytest.mark.parametrize("step", ["_name_successor", "_pin", "adopt", "_sign_anew", "record"])
def test_rekey_that_is_cut_short_goes_on(workspace: Workspace, monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    first = workspace.settings.signer

    def cut(act: Callable[..., Any]) -> Callable[..., Any]:
        def and_die(*given: Any, **words: Any) -> Any:
            act(*given, **words)
            raise KeyboardInterrupt

        return and_die

    with monkeypatch.context() as patch:
        if step == "adopt":
            patch.setattr(signing, "adopt_key", cut(signing.adopt_key))
        elif step == "record":
            patch.setattr(Ledger, "record", cut(Ledger.record))
        else:
            patch.setattr(rekeying, step, cut(getattr(rekeying, step)))
        with pytest.raises(KeyboardInterrupt):
            rekey(workspace)
    new = rekey(Workspace(workspace.root))
    assert new.settings.signer != first
    assert first_signer(new) == first
    assert len(json.loads((new.root / FILE).read_text())) == 1
    whole(new)


def test_succession_that_the_old_key_did_not_sign_is_refused(workspace: Workspace, tmp_path: Path) -> None:
    stranger = House(tmp_path / "other").workspace
    mine = workspace.settings.signer
    forged = {"signer": stranger.settings.signer, "successor": mine, "signature": sign(workspace, b"x")}
    workspace.path(FILE).write_text(json.dumps([forged]))
    with pytest.raises(Refused, match="does not fit"):
        first_signer(workspace)
    workspace.path(FILE).write_text("{}")
    with pytest.raises(Refused, match="not a list of keys"):
        first_signer(workspace)


def test_nothing_is_signed_that_was_not_believed(workspace: Workspace) -> None:
    register = workspace.path("policy", "register.toml")
    register.write_text(register.read_text() + "\n# changed\n")
    before = workspace.path("pse.toml").read_bytes()
    with pytest.raises(Refused):
        rekey(workspace)
    assert workspace.path("pse.toml").read_bytes() == before
    assert not workspace.path(FILE).exists()
