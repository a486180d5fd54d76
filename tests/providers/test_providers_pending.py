"""What waits to be deleted since a replacement failed, and what the program keeps, may be one and the same object."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.providers.house import UNIT, House, inputs, networks
from tests.providers.test_providers_ownership import change_state, importing


@pytest.mark.parametrize("known", [True, False], ids=["driven", "plain Pulumi"])
def test_object_that_waits_to_be_deleted_stays_once_it_is_imported(engine_house: House, *, known: bool) -> None:
    house = engine_house
    house.up(networks("mine"))
    (made,) = house.ids()
    # As a replacement leaves it whose new object could be made and whose old one could not be deleted.
    change_state(house, lambda entry: entry.update(delete=True) if entry.get("id") == made else None)
    house.raw_up(importing(made), known=known)
    assert house.ids() == {made}
    (entry,) = house.export()
    assert (entry["id"], "delete" in entry) == (made, False)
    house.engine.destroy(UNIT)
    assert house.ids() == set()


def firewall(port: int, *more: str) -> Callable[[], None]:
    """A firewall that the program wants replaced where its rules change, which the plugin would change in place."""

    def program() -> None:
        import pulumi

        from providers import sdk

        net = sdk.Network("net", **inputs("net", cidr="10.0.0.0/16"))
        rule: dict[str, Any] = {"direction": "in", "protocol": "tcp", "port": port, "peer": "10.0.0.0/8", "why": "test"}
        opts = pulumi.ResourceOptions(replace_on_changes=["rules"], delete_before_replace=True)
        sdk.Firewall("fire", **inputs("fire", network=net.id, rules=[rule]), opts=opts)
        for name in more:
            sdk.Network(name, **inputs(name, cidr="10.0.0.0/16"))

    return program


def test_what_the_program_drops_or_replaces_against_the_plugins_word_goes(engine_house: House) -> None:
    house = engine_house
    house.up(firewall(22, "dropped"))
    before = house.ids("Firewall")
    house.raw_up(firewall(443), refresh=True)
    assert len(house.ids("Firewall") - before) == len(house.ids("Firewall")) == 1
    assert [found["inputs"]["name"] for found in house.objects("Network")] == ["net"]
