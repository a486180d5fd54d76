"""After a change of the key: what the old one signed is signed anew, and what nobody signed is not."""

from collections.abc import Callable

import pytest

from policy import categories, gatefiles
from policy.gate import sign_gate, write_gate
from policy.signing import init_keys
from pse.core.errors import Refused
from pse.core.settings import Workspace
from tests.policy.test_policy_gatefiles import gate_of, note


@pytest.fixture
def keys(house: Workspace) -> tuple[Workspace, Workspace]:
    """The workspace with its former pin, and with its new key and pin."""
    note(house)
    for unit in ("portal", "records"):
        write_gate(house, sign_gate(house, gate_of(house, unit)))
    former = house.settings.signer
    (house.private / "signing_key").unlink()
    settings = house.path("pse.toml")
    settings.write_text(settings.read_text().replace(former, init_keys(house.root)))
    return house, Workspace(house.root)


@pytest.mark.parametrize("sign_anew", [gatefiles.sign_anew, categories.NOTE.sign_anew], ids=["gates", "categories"])
def test_what_the_old_key_signed_is_signed_anew_and_nothing_else_is(
    keys: tuple[Workspace, Workspace], sign_anew: Callable[[Workspace, Workspace], None]
) -> None:
    old, new = keys
    paths = [*sorted((new.private / "gate").glob("*.json")), new.private / "categories.json"]
    before = {path: path.read_bytes() for path in paths}
    sign_anew(old, new)
    changed = {path.name for path in paths if path.read_bytes() != before[path]}
    assert changed in ({"portal.json", "records.json"}, {"categories.json"})
    after = {path: path.read_bytes() for path in paths}
    sign_anew(old, new)
    assert {path: path.read_bytes() for path in paths} == after, "the second time changes nothing"
    for path in paths:
        path.write_bytes(before[path].replace(b"restricted", b"open"))
    with pytest.raises(Refused) as refused:
        sign_anew(old, new)
    assert refused.value.where in {str(path) for path in paths}


def test_gates_that_were_signed_anew_say_what_they_said(keys: tuple[Workspace, Workspace]) -> None:
    old, new = keys
    gatefiles.sign_anew(old, new)
    raw = (new.private / "gate" / "records.json").read_bytes()
    assert gatefiles.open_gate(new, raw, where="x").unit == "records"
    (new.private / "categories.json").unlink()
    categories.NOTE.sign_anew(old, new)
    assert not (new.private / "categories.json").exists()
