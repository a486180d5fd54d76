"""Nothing of another stack is imported, referred to, changed or deleted; a stack knows its own by their tags."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from policy.rekey import rekey
from policy.succession import FILE
from providers.engine import Engine
from pse.core.errors import PseError, Refused
from pse.core.names import landing_id
from tests.providers.house import HERE, UNIT, House, inputs, networks, urn, volumes
from tests.providers.test_providers_losses import both

OTHER = "records"


def importing(object_id: str, *, name: str = "mine") -> Callable[[], None]:
    def program() -> None:
        import pulumi

        from providers import sdk

        given = inputs(name, cidr="10.0.0.0/16")
        sdk.Network(name, **given, opts=pulumi.ResourceOptions(import_=object_id))

    return program


def subnet(network: str) -> Callable[[], None]:
    def program() -> None:
        from providers import sdk

        sdk.Subnet("sub", **inputs("sub", network=network, cidr="10.0.1.0/24"))

    return program


def others_network(house: House) -> str:
    """A network of the stack ``records``, at the same place."""
    house.gate(unit=OTHER, workloads=(OTHER,))
    return house.up(networks("theirs", workload=OTHER), unit=OTHER).resources[0].id


def change_state(house: House, change: Callable[[dict[str, Any]], None]) -> None:
    """Write into the state what only a hand or an older release could."""
    with house.opened("forge") as run:
        exported = run.stack.export_stack()
        for entry in (exported.deployment or {})["resources"]:
            change(entry)
        run.stack.import_stack(exported)


def record(house: House, object_id: str) -> tuple[Path, dict[str, Any]]:
    (path,) = (house.cloud / HERE.replace("/", "_")).glob(f"*/{object_id}.json")
    return path, json.loads(path.read_text())


def test_object_of_another_stack_is_neither_imported_nor_ever_touched(engine_house: House) -> None:
    house = engine_house
    theirs = others_network(house)
    with pytest.raises(PseError, match=f"{theirs} belongs to another stack"):
        house.up(importing(theirs, name="theirs"))
    assert house.export() == []
    # A state that holds it all the same, as one written by hand does.
    house.up(networks("mine"))
    (mine,) = house.ids("Network") - {theirs}
    change_state(house, lambda entry: entry.update(id=theirs) if entry.get("id") == mine else None)
    with pytest.raises(PseError, match=f"{theirs} belongs to another stack .*pulumi state delete"):
        house.engine.destroy(UNIT)
    assert theirs in house.ids()
    assert [call for call in house.calls("delete") if call["name"] == "theirs"] == []


def test_object_whose_tags_were_taken_off_is_neither_changed_nor_deleted(engine_house: House) -> None:
    house = engine_house
    house.up(volumes("a"))
    path, found = record(house, house.one("Volume")["id"])
    path.write_text(json.dumps({**found, "identity": None}))
    with pytest.raises(PseError, match="carries no tags"):
        house.up(volumes("a", size=20))
    with pytest.raises(PseError, match="carries no tags"):
        house.engine.destroy(UNIT)
    assert house.calls("update", "delete") == []
    path.write_text(json.dumps(found))
    house.engine.destroy(UNIT)
    assert house.objects() == []


def test_reference_to_another_workloads_object_is_refused_in_words_and_in_the_ledger(engine_house: House) -> None:
    house = engine_house
    theirs = others_network(house)
    with pytest.raises(Refused, match=rf"PSE-G011 Subnet\.network is '{theirs}', which belongs to another stack"):
        house.up(subnet(theirs))
    assert house.objects("Subnet") == []
    assert ("check", "PSE-G011") in house.refusals()


def test_reference_to_the_landing_zone_and_to_what_was_imported_is_fine(engine_house: House) -> None:
    house = engine_house
    landing = landing_id(HERE)
    house.gate(unit=landing, workloads=(landing,))
    net = house.up(networks("net", workload=landing), unit=landing).resources[0].id
    house.up(subnet(net))
    assert house.one("Subnet")["inputs"]["network"] == net
    # Nobody's object may be referred to only once the state holds it.
    path, found = record(house, net)
    path.with_name("network-free.json").write_text(json.dumps({**found, "id": "network-free", "identity": None}))
    with pytest.raises(Refused, match=r"PSE-G011 .*carries no tags"):
        house.up(subnet("network-free"))


def test_create_judges_references_for_a_client_that_skips_check(engine_house: House) -> None:
    import grpc
    from pulumi.runtime.proto import provider_pb2

    from providers.plugin.servicer import Servicer
    from providers.plugin.wire import to_struct

    house = engine_house
    theirs = others_network(house)

    class Aborted(Exception):
        pass

    class Context:
        def peer(self) -> str:
            return "test"

        def abort(self, code: grpc.StatusCode, text: str) -> None:
            raise Aborted(f"{code.name} {text}")

    context: Any = Context()
    servicer = Servicer()
    servicer.Configure(
        provider_pb2.ConfigureRequest(args=to_struct({"workspace": str(house.root), "unit": UNIT})), context
    )

    def create(kind: str, name: str, **given: Any) -> None:
        properties = to_struct(inputs(name, **given))
        servicer.Create(provider_pb2.CreateRequest(urn=urn(kind, "x"), properties=properties), context)

    with pytest.raises(Aborted, match=r"FAILED_PRECONDITION .*PSE-G011"):
        create("Subnet", "x", network=theirs, cidr="10.0.1.0/24")
    with pytest.raises(Aborted, match=r"INVALID_ARGUMENT .*name takes 1 to 40"):
        create("Network", "../../x", cidr="10.0.0.0/16")
    assert len(house.objects()) == 1


def test_id_of_another_resource_of_the_stack_is_neither_changed_nor_deleted(engine_house: House) -> None:
    house = engine_house
    house.up(volumes("a", "b"))
    ids = {found["inputs"]["name"]: found["id"] for found in house.objects("Volume")}
    # A state that says twice that it holds the one, as one written by hand does.
    change_state(house, lambda entry: entry.update(id=ids["a"]) if entry.get("id") == ids["b"] else None)
    with pytest.raises(PseError, match=f"{ids['a']} was made for another resource of this stack"):
        house.raw_up(volumes("a"))
    with pytest.raises(PseError, match=f"{ids['a']} was made for another resource of this stack"):
        house.up(volumes("a", "b", size=20))
    assert house.ids("Volume") == set(ids.values())
    assert house.calls("delete") == []


def test_renamed_resource_keeps_its_object(engine_house: House) -> None:
    house = engine_house
    house.up(networks("a"))
    first = house.ids("Network")

    def program() -> None:
        import pulumi

        networks("b", opts=pulumi.ResourceOptions(aliases=[pulumi.Alias(name="a")], ignore_changes=["name"]))()

    house.up(program)
    assert house.ids("Network") == first
    # As `pulumi state rename` does.
    change_state(
        house, lambda entry: entry.update(urn=urn("Network", "c")) if entry["urn"] == urn("Network", "b") else None
    )
    house.engine.destroy(UNIT)
    assert house.objects() == []


def test_objects_stay_the_workspaces_own_when_its_key_is_changed(engine_house: House) -> None:
    house = engine_house
    house.up(volumes("a"))
    made = house.one("Volume")["id"]
    house.workspace = rekey(house.workspace)
    house.engine = Engine(house.workspace)
    house.up(volumes("a", size=20))
    assert (house.one("Volume")["id"], house.one("Volume")["inputs"]["sizeGib"]) == (made, 20)
    # Without the former key's word nobody can know whose they are.
    (house.root / FILE).unlink()
    with pytest.raises(PseError, match="belongs to another stack"):
        house.up(volumes("a", size=30))


def test_what_the_cloud_put_somewhere_else_is_neither_imported_nor_referred_to(engine_house: House) -> None:
    house = engine_house
    made = house.up(networks("mine")).resources[0].id
    path, found = record(house, made)
    path.write_text(json.dumps({**found, "where": "westeurope"}))
    with pytest.raises(Refused, match=r"PSE-G\d+ .*westeurope"):
        house.up(both(networks("mine"), subnet(made)))
    assert house.objects("Subnet") == []
    change_state(house, lambda entry: entry.pop("id", None) if entry.get("id") == made else None)
    path.write_text(json.dumps({**found, "where": "westeurope", "identity": None}))
    with pytest.raises(PseError, match=f"{made} rests in westeurope, and not at {HERE}"):
        house.up(importing(made, name="other"))
    assert made not in {entry.get("id") for entry in house.export()}
