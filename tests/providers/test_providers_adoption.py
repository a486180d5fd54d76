"""Adoption after lost answers: never a second object, never a live one that is about to be deleted."""

from typing import Any

import grpc
import pytest

from providers.ports import SETTLE_S, settle_s
from pse.core.errors import Incomplete, PseError
from pse.core.journal import FileJournal
from tests.providers.house import UNIT, House, networks, server, urn, volumes
from tests.providers.plugins import plugin


def pending(house: House) -> list[str]:
    journal = FileJournal(house.root / ".pse" / "intents" / f"{UNIT}.jsonl")
    return [intent.what for intent in journal.pending()]


def test_answer_lost_on_the_way_is_found_in_the_same_run(engine_house: House) -> None:
    house = engine_house
    house.fault("create", "Volume", "a", "lost")
    deployment = house.up(volumes("a"))
    assert [resource.id for resource in deployment.resources] == [house.one("Volume")["id"]]
    assert len(house.calls("create")) == 1


def test_object_of_a_killed_plugin_is_taken_over_by_the_next_run(engine_house: House) -> None:
    house = engine_house
    house.fault("create", "Server", "web", "kill")
    with pytest.raises(Incomplete):
        house.up(server())
    orphan = house.one("Server")
    assert "Server" not in {entry["type"].rpartition(":")[2] for entry in house.export()}
    assert pending(house) == ["create Server web"]
    house.up(server())
    assert house.one("Server") == orphan
    assert len(house.objects()) == 7
    assert pending(house) == []


def late(house: House, fault: str, *, settle: str = "30") -> None:
    """Plant a fault whose object comes to be only when it has been looked for twice in vain."""
    (house.faults / "settle").write_text(settle)
    house.fault("create", "Volume", "a", fault)


def test_object_of_a_killed_plugin_that_comes_late_is_waited_for(engine_house: House) -> None:
    house = engine_house
    late(house, "kill-late")
    with pytest.raises(PseError):
        house.up(volumes("a"))
    assert house.objects() == []
    assert pending(house) == ["create Volume a"]
    deployment = house.up(volumes("a"))
    assert [resource.id for resource in deployment.resources] == [house.one("Volume")["id"]]
    assert len(house.calls("create")) == 1


def test_answer_lost_on_the_way_of_what_comes_late_makes_no_second_one(engine_house: House) -> None:
    house = engine_house
    late(house, "lost-late")
    deployment = house.up(volumes("a"))
    assert [resource.id for resource in deployment.resources] == [house.one("Volume")["id"]]
    assert len(house.calls("create")) == 1


def test_intent_without_an_answer_outlives_a_refusal_of_the_next_run(engine_house: House) -> None:
    house = engine_house
    late(house, "kill-late", settle="0")
    with pytest.raises(PseError):
        house.up(volumes("a"))
    # What the first run asked for may still come to be, whatever the cloud says to the second.
    house.fault("create", "Volume", "a", "quota")
    with pytest.raises(PseError, match="quota reached"):
        house.up(volumes("a"))
    assert pending(house) == ["create Volume a"]


def test_late_object_that_nobody_wants_any_more_is_waited_for_and_deleted(engine_house: House) -> None:
    house = engine_house
    late(house, "kill-late")
    with pytest.raises(PseError):
        house.up(volumes("a"))
    deployment = house.up(volumes("b"))
    assert house.ids() == {resource.id for resource in deployment.resources}
    assert [call["kind"] for call in house.calls("delete")] == ["Volume"]
    assert pending(house) == []


def test_destroy_waits_for_what_comes_late(engine_house: House) -> None:
    house = engine_house
    late(house, "kill-late")
    with pytest.raises(PseError):
        house.up(volumes("a"))
    house.engine.destroy(UNIT)
    assert house.objects() == []
    assert len(house.calls("delete")) == 1


def test_who_has_no_time_to_wait_for_what_comes_late_makes_nothing(house: House) -> None:
    with plugin() as running:
        connection = running.connect().configure(house)
        late(house, "kill-late")
        with pytest.raises(grpc.RpcError):
            connection.volume("a").result(timeout=30)
    with plugin() as running:
        connection = running.connect().configure(house)
        with pytest.raises(grpc.RpcError, match="longer than its timeout"):
            connection.volume("a", timeout_s=0.4).result(timeout=30)
        assert len(house.calls("create")) == 1
        # Others wait in vain no longer than the store says.
        (house.faults / "settle").write_text("0.2")
        for path in house.cloud.glob("*/Volume/*.late?"):
            path.unlink()
        assert connection.volume("a").result(timeout=30).id
    assert len(house.calls("create")) == 2


def test_store_that_does_not_say_how_long_it_takes_is_given_time() -> None:
    store: Any = object()
    assert settle_s(store) == SETTLE_S >= 10


def test_object_that_the_state_lost_is_taken_over_without_a_journal(engine_house: House) -> None:
    house = engine_house
    house.fault("create", "Volume", "a", "kill")
    with pytest.raises(PseError):
        house.up(volumes("a"))
    orphan = house.one("Volume")
    (house.root / ".pse" / "intents" / f"{UNIT}.jsonl").unlink()
    house.up(volumes("a", size=20))
    assert house.one("Volume")["id"] == orphan["id"]
    assert house.one("Volume")["inputs"]["sizeGib"] == 20


def test_replacement_on_demand_adopts_nothing_that_lives(engine_house: House) -> None:
    house = engine_house
    house.up(networks("a"))
    old = house.one("Network")["id"]
    house.raw_up(networks("a"), replace=[urn("Network", "a")])
    new = house.one("Network")["id"]
    assert new != old
    assert [entry["id"] for entry in house.export()] == [new]


def test_taint_adopts_nothing_that_lives(engine_house: House) -> None:
    house = engine_house
    house.up(server())
    old = house.one("Server")["id"]
    with house.opened("taint") as run:
        run.stack._run_pulumi_cmd_sync(["state", "taint", urn("Server", "web"), "--yes"])
    house.up(server())
    assert house.one("Server")["id"] != old
    assert len(house.objects()) == 7


def test_plain_pulumi_up_works_while_nothing_carries_our_tags(engine_house: House) -> None:
    engine_house.raw_up(volumes("a"), known=False)
    assert len(engine_house.objects("Volume")) == 1


def test_plain_pulumi_up_names_the_ids_and_the_command_instead_of_adopting(engine_house: House) -> None:
    house = engine_house
    house.fault("create", "Volume", "a", "kill")
    with pytest.raises(PseError):
        house.raw_up(volumes("a"), known=False)
    orphan = house.one("Volume")["id"]
    with pytest.raises(PseError, match=rf"{orphan} carries the tags .* `pse adopt {UNIT}`"):
        house.raw_up(volumes("a"), known=False)
    house.up(volumes("a"))
    assert house.ids() == {orphan}


def test_two_strangers_are_never_chosen_between(engine_house: House) -> None:
    house = engine_house
    house.fault("create", "Volume", "a", "kill")
    with pytest.raises(PseError):
        house.up(volumes("a"))
    first = house.one("Volume")
    twin = {**first, "id": "volume-twin"}
    import json

    path = next(house.cloud.glob("*/Volume/*.json"))
    path.with_name("volume-twin.json").write_text(json.dumps(twin))
    with pytest.raises(PseError, match="which one is meant") as caught:
        house.up(volumes("a"))
    assert first["id"] in caught.value.message
    assert "volume-twin" in caught.value.message
    assert len(house.objects()) == 2


def test_stranger_with_other_force_new_inputs_is_not_adopted(engine_house: House) -> None:
    house = engine_house
    house.fault("create", "Network", "a", "kill")
    with pytest.raises(PseError):
        house.up(networks("a"))
    with pytest.raises(PseError, match="made with other inputs"):
        house.up(networks("a", cidr="10.9.0.0/16"))
    assert len(house.objects()) == 1


def test_partly_made_object_keeps_its_id_and_the_next_run_repairs_it(engine_house: House) -> None:
    house = engine_house
    house.fault("create", "Server", "web", "partly")
    with pytest.raises(Incomplete, match="not usable yet: web"):
        house.up(server())
    broken = house.one("Server")
    (entry,) = [entry for entry in house.export() if entry["type"] == "pse:index:Server"]
    assert entry["id"] == broken["id"]
    assert "it does not answer" in " ".join(entry["initErrors"])
    # Still broken, then repaired: the same object all the time.
    house.fault("update", "Server", "web", "partly")
    with pytest.raises(Incomplete, match="not usable yet: web"):
        house.up(server())
    house.up(server())
    assert house.one("Server")["id"] == broken["id"]
    assert house.one("Server")["ready"] is True
    assert len(house.objects()) == 7


def test_object_that_nobody_wants_after_a_crash_is_deleted(engine_house: House) -> None:
    house = engine_house
    house.fault("create", "Volume", "a", "kill")
    with pytest.raises(PseError):
        house.up(volumes("a"))
    deployment = house.up(volumes("b"))
    assert house.ids() == {resource.id for resource in deployment.resources}
    assert pending(house) == []


def test_destroy_takes_what_no_state_knows(engine_house: House) -> None:
    house = engine_house
    house.fault("create", "Server", "web", "kill")
    with pytest.raises(Incomplete):
        house.up(server())
    house.engine.destroy(UNIT)
    assert house.objects() == []
    assert pending(house) == []
