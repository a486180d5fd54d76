"""An object that is not found is gone only where it was made: another account's silence proves nothing."""

from pathlib import Path

import pytest

from policy.register import sign_register
from providers.audit import must_ask_where_it_was_made
from providers.identity import ACCOUNT
from providers.places import Places
from pse.core.errors import PseError, RemoteError
from tests.providers.house import HERE, UNIT, House, networks, volumes


def lead_to(house: House, account: str) -> None:
    """The register's entry of the place, as its signers write it for another account."""
    register = house.root / "policy" / "register.toml"
    kept = [line for line in register.read_text().splitlines() if not line.startswith("options")]
    at = kept.index('endpoint = "lab:north"')
    register.write_text("\n".join([*kept[: at + 1], f'options = {{ account = "{account}" }}', *kept[at + 1 :]]))
    sign_register(house.workspace)


def test_nothing_is_forgotten_or_called_deleted_for_the_silence_of_another_account(engine_house: House) -> None:
    house = engine_house
    house.up(volumes("a"))
    (made,) = house.ids()
    lead_to(house, "second")
    said = rf"{made} is not found, but it was made in first, and second was asked .*register's entry of {HERE}"
    with pytest.raises(PseError, match=said):
        house.engine.refresh(UNIT)
    with pytest.raises(PseError, match=said):
        house.engine.destroy(UNIT)
    assert [entry["id"] for entry in house.export()] == [made]
    with pytest.raises(RemoteError, match="its objects are in first, and second would be asked"):
        must_ask_where_it_was_made(Places(house.workspace), house.engine.standing(UNIT))
    assert house.ids() == {made}
    lead_to(house, "")
    must_ask_where_it_was_made(Places(house.workspace), house.engine.standing(UNIT))
    house.engine.destroy(UNIT)
    assert house.ids() == set()


def test_what_is_gone_in_its_own_account_is_gone(engine_house: House) -> None:
    house = engine_house
    house.up(networks("a"))
    (entry,) = house.export()
    assert entry["outputs"][ACCOUNT] == "first"
    assert ACCOUNT not in entry["inputs"]
    for path in Path(house.cloud / HERE.replace("/", "_")).glob("Network/*.json"):
        path.unlink()
    assert [change.op for change in house.engine.refresh(UNIT)] == ["delete"]
