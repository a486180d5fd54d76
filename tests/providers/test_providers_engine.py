"""The engine driver on the real engine: up, again, preview, refresh, import, destroy."""

import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable
from typing import Any

import pulumi
import pytest

from policy.ledger import Ledger
from providers import pulumi_cli
from providers.driving.project import environment, write_project
from providers.engine import Engine
from pse.core.documents.deployment import BuiltServer
from pse.core.errors import BadInput, Incomplete, PseError, Refused, RemoteError, UsageError
from pse.core.progress import Event
from tests.providers.house import HERE, PLAN, UNIT, House, inputs, networks, server, urn, volumes
from tests.providers.waiting import wait_for

HASH = "a" * 64
UP = {"plan": PLAN, "unit": UNIT, "unit_hash": HASH, "place": HERE}


def told(house: House) -> list[tuple[str, dict[str, object]]]:
    """Kind and data of every entry of the ledger."""
    return [(entry.kind, entry.data) for entry in Ledger(house.workspace).entries()]


def test_stack_goes_up_stands_and_goes_away(fresh_house: House) -> None:
    house = fresh_house
    deployment = house.engine.ensure(house.unit(), server(), plan=PLAN, unit_hash=HASH)
    (web,) = house.objects("Server")
    assert deployment.servers == (
        BuiltServer(
            name="web",
            id=web["id"],
            address="127.0.0.1",
            ssh_port=22,
            ssh_user="admin",
            host_key="ssh-ed25519 AAAA",
        ),
    )
    assert {resource.id for resource in deployment.resources} == house.ids()
    assert deployment.outputs["network"] == house.one("Network")["id"]
    assert (deployment.plan, deployment.unit_hash, deployment.place) == (PLAN, HASH, HERE)
    assert house.engine.deployment(UNIT) == deployment
    assert house.engine.stacks() == (UNIT,)
    assert told(house) == [("up", {**UP, "created": len(deployment.resources), "changed": 0, "deleted": 0})]
    house.engine.ensure(house.unit(), server(), plan=PLAN, unit_hash=HASH)
    assert len(told(house)) == 1, "nothing was done"
    house.engine.destroy(UNIT, with_moved_data=True)
    assert house.objects() == []
    assert house.engine.deployment(UNIT) is None
    assert house.engine.stacks() == ()
    gone = {"plan": PLAN, "unit": UNIT, "place": HERE, "with_moved_data": True}
    assert told(house)[1:] == [("destroy", {**gone, "deleted": len(deployment.resources)})]
    house.engine.destroy(UNIT)
    assert len(told(house)) == 2, "nothing was there any more"


def test_ensure_does_nothing_for_the_same_hash(engine_house: House) -> None:
    house = engine_house
    first = house.engine.ensure(house.unit(), volumes("a"), plan=PLAN, unit_hash=HASH)
    calls = len(house.calls())

    def never() -> None:
        raise AssertionError("the program ran again")

    again = house.engine.ensure(house.unit(), never, plan="q" * 64, unit_hash=HASH)
    assert (again.resources, again.plan) == (first.resources, "q" * 64)
    assert len(house.calls()) == calls


def test_preview_tells_and_changes_nothing(fresh_house: House) -> None:
    house = fresh_house
    changes = house.engine.preview(house.unit(), server(), plan=PLAN)
    assert {(change.type, change.name, change.op) for change in changes} >= {
        ("pse:index:Server", "web", "create"),
        ("pse:index:Network", "net", "create"),
    }
    assert len(changes) == 7
    assert house.objects() == []
    assert house.calls("create", "update", "delete") == []
    assert house.engine.stacks() == ()
    house.up(volumes("a", "b"))
    changes = house.engine.preview(house.unit(), volumes("b", "c", size=20), plan=PLAN)
    assert [(change.name, change.op) for change in changes] == [("a", "delete"), ("b", "update"), ("c", "create")]
    assert {found["inputs"]["sizeGib"] for found in house.objects("Volume")} == {10}
    assert house.engine.stacks() == (UNIT,)


def test_change_in_place_keeps_the_server_and_a_new_image_replaces_it(engine_house: House) -> None:
    house = engine_house
    house.up(server())
    old, disk = house.one("Server"), house.one("Volume")
    house.up(server(shape="std-4-16"))
    assert (house.one("Server")["id"], house.one("Server")["inputs"]["shape"]) == (old["id"], "std-4-16")
    changes = house.engine.preview(house.unit(), server(shape="std-4-16", image="debian-13"), plan=PLAN)
    assert {(change.name, change.op) for change in changes if change.op != "same"} == {
        ("web", "replace"),
        ("web-at", "replace"),
    }
    # The same volume cannot hang on two servers: the attachment has to go before its successor comes.
    house.up(server(shape="std-4-16", image="debian-13"))
    assert house.one("Server")["id"] != old["id"]
    assert house.one("Volume")["id"] == disk["id"]
    assert house.one("Attachment")["inputs"]["server"] == house.one("Server")["id"]


def test_volume_does_not_shrink_and_is_not_replaced_without_leave(engine_house: House) -> None:
    house = engine_house
    house.up(volumes("a"))
    kept = house.one("Volume")
    with pytest.raises(RemoteError, match="can only grow, and it is 10 now"):
        house.up(volumes("a", size=5))

    def other(storage_class: str = "ssd", size: int = 10, opts: Any = None, **more: bool) -> Callable[[], None]:
        def program() -> None:
            from providers import sdk

            sdk.Volume("a", opts=opts, **inputs("a", size_gib=size, storage_class=storage_class, **more))

        return program

    first = pulumi.ResourceOptions(delete_before_replace=True)
    grown = pulumi.ResourceOptions(delete_before_replace=True, replace_on_changes=["sizeGib"])
    with pytest.raises(Refused, match=r"replace a \(storageClass\) with the data on it"):
        house.up(other("hdd"))
    # Raw `pulumi up` is held by the plugin alone.
    for program, again in (
        (other("hdd"), ()),
        (other(), ("a",)),
        (other(opts=first), ("a",)),
        (other(size=20, opts=grown), ()),
    ):
        with pytest.raises(PseError, match="data would be lost"):
            house.raw_up(program, replace=[urn("Volume", name) for name in again])
    assert house.objects("Volume") == [kept]
    house.raw_up(other("hdd", opts=first, allow_replace=True))
    assert house.one("Volume")["id"] != kept["id"]


def test_refresh_finds_drift_and_deletion_and_the_next_run_repairs(engine_house: House) -> None:
    house = engine_house
    house.engine.ensure(house.unit(), networks("a", "b"), plan=PLAN, unit_hash=HASH)
    house.engine.ensure(house.unit(), volumes("c", "d"), plan=PLAN, unit_hash=HASH, again=True)
    assert house.engine.refresh(UNIT) == ()
    by_name = {found["inputs"]["name"]: found for found in house.objects("Volume")}
    folder = house.cloud / HERE.replace("/", "_") / "Volume"
    (folder / f"{by_name['d']['id']}.json").unlink()
    drifted = by_name["c"]
    drifted["inputs"]["sizeGib"] = 7
    (folder / f"{drifted['id']}.json").write_text(json.dumps(drifted))
    assert [(change.name, change.op) for change in house.engine.refresh(UNIT)] == [("c", "update"), ("d", "delete")]
    deployment = house.engine.ensure(house.unit(), volumes("c", "d"), plan=PLAN, unit_hash=HASH)
    assert {found["inputs"]["sizeGib"] for found in house.objects("Volume")} == {10}
    assert {resource.id for resource in deployment.resources} == house.ids("Volume")
    assert drifted["id"] in house.ids("Volume")


def test_delete_of_a_missing_object_succeeds(engine_house: House) -> None:
    house = engine_house
    house.up(volumes("a", "b", allow_replace=True))
    for path in (house.cloud / HERE.replace("/", "_") / "Volume").glob("*.json"):
        path.unlink()
    house.up(volumes("b", allow_replace=True))
    house.engine.destroy(UNIT)
    assert house.engine.stacks() == ()


def test_import_takes_a_live_object_and_a_difference_is_told(engine_house: House) -> None:
    house = engine_house
    folder = house.cloud / HERE.replace("/", "_") / "Network"
    folder.mkdir(parents=True)
    found = {"name": "old", "workload": "", "place": HERE, "cidr": "10.0.0.0/16"}
    record = {"id": "network-foreign", "kind": "Network", "identity": None, "inputs": found, "ready": True}
    (folder / "network-foreign.json").write_text(json.dumps(record))

    def program(name: str) -> Callable[[], None]:
        def run() -> None:
            import pulumi

            from providers import sdk

            given = inputs(name, cidr="10.0.0.0/16")
            sdk.Network("old", **given, opts=pulumi.ResourceOptions(import_="network-foreign"))

        return run

    with pytest.raises((RemoteError, Incomplete), match="import"):
        house.up(program("another-name"))
    house.up(program("old"))
    assert [entry["id"] for entry in house.export()] == ["network-foreign"]
    assert house.calls("create") == []


def test_passphrase_goes_by_file_and_a_users_own_does_not_win(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PULUMI_CONFIG_PASSPHRASE", raising=False)
    given = environment(house.workspace, UNIT, plan=PLAN)
    assert given["PULUMI_CONFIG_PASSPHRASE_FILE"] == str(house.root / ".pse" / "passphrase")
    assert "PULUMI_CONFIG_PASSPHRASE" not in given
    monkeypatch.setenv("PULUMI_CONFIG_PASSPHRASE", "a passphrase of something else")
    given = environment(house.workspace, UNIT, plan=PLAN)
    assert given["PULUMI_CONFIG_PASSPHRASE"] == (house.root / ".pse" / "passphrase").read_text()


def test_local_state_on_a_runner_is_refused(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", "true")
    with pytest.raises(UsageError, match="on this runner only"):
        house.engine.preview(house.unit(), volumes("a"), plan=PLAN)


def test_another_machine_goes_on_from_the_state_alone(engine_house: House) -> None:
    house = engine_house
    deployment = house.up(server(user_data="hush"))
    for name in ("project", "plugin", "pulumi", "intents", "known", "deployments", "locks"):
        shutil.rmtree(house.root / ".pse" / name, ignore_errors=True)
    assert house.up(server(user_data="hush")).resources == deployment.resources
    assert len(house.calls("create")) == 7
    assert b"hush" not in house.state_bytes()


def test_independent_units_go_up_side_by_side(engine_house: House) -> None:
    house = engine_house
    house.gate(unit="records", workloads=("records",))
    failed: list[BaseException] = []

    def one(unit: str) -> None:
        try:
            house.up(volumes("a", workload=unit), unit=unit)
        except BaseException as exc:  # noqa: BLE001  handed to the test
            failed.append(exc)

    threads = [threading.Thread(target=one, args=(unit,)) for unit in (UNIT, "records")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert failed == []
    assert {found["inputs"]["workload"] for found in house.objects("Volume")} == {UNIT, "records"}
    assert house.engine.stacks() == (UNIT, "records")


def test_one_plugin_serves_many_stacks_and_the_end_of_one_is_not_the_end_of_all(
    engine_house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = engine_house
    house.gate(unit="records", workloads=("records",))
    known = house.root / ".pse" / "known"
    hung = house.fault("create", "Volume", "b", "hang")
    with subprocess.Popen(
        [sys.executable, "-P", "-m", "providers.plugin.main"],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PSE_KNOWN": str(known)},
    ) as shared:
        assert shared.stdout is not None
        monkeypatch.setenv("PULUMI_DEBUG_PROVIDERS", f"pse:{shared.stdout.readline().strip()}")
        thread = threading.Thread(target=house.up, args=(volumes("b", workload="records"),), kwargs={"unit": "records"})
        thread.start()
        wait_for(hung.exists)
        house.up(volumes("a"))
        house.raw_up(networks("n"), replace=[urn("Volume", "a")])
        hung.unlink()
        thread.join(60)
        assert {call["pid"] for call in house.calls()} == {shared.pid}
        shared.kill()
    assert {found["inputs"]["name"] for found in house.objects()} == {"b", "n"}
    assert house.engine.deployment("records") is not None


def test_second_run_on_the_same_stack_is_told_to_wait(engine_house: House) -> None:
    house = engine_house
    hung = house.fault("create", "Volume", "a", "hang")
    thread = threading.Thread(target=house.up, args=(volumes("a"),))
    thread.start()
    wait_for(hung.exists)
    with pytest.raises(RemoteError, match="another run is at work"):
        Engine(house.workspace).destroy(UNIT)
    hung.unlink()
    thread.join(30)
    assert len(house.objects("Volume")) == 1


def test_cloud_that_says_no_is_quoted_with_its_code(engine_house: House) -> None:
    house = engine_house
    house.fault("create", "Volume", "a", "quota")
    with pytest.raises(RemoteError, match=r"quota reached \[quota, Quota\]") as caught:
        house.up(volumes("a"))
    assert caught.value.where == UNIT
    house.fault("create", "Volume", "b", "quota")
    with pytest.raises(Incomplete, match=r"what stands: 1 resource; .*quota reached"):
        house.up(volumes("a", "b"))
    house.up(volumes("a", "b"))
    assert len(house.objects("Volume")) == 2


def test_throttled_call_is_tried_again(engine_house: House) -> None:
    engine_house.fault("create", "Volume", "a", "throttle")
    engine_house.up(volumes("a"))
    assert [call["verb"] for call in engine_house.calls("create")] == ["create", "create"]
    assert len(engine_house.objects("Volume")) == 1


def test_error_of_the_program_keeps_its_class(engine_house: House) -> None:
    def program() -> None:
        raise BadInput("no such image", hint="Look into the price book.", where="unit portal")

    with pytest.raises(BadInput, match="no such image") as caught:
        engine_house.up(program)
    assert caught.value.hint == "Look into the price book."


def test_progress_tells_each_resource(engine_house: House) -> None:
    told: list[Event] = []

    def listen(event: Event) -> None:
        told.append(event)

    engine_house.engine = Engine(engine_house.workspace, progress=listen)
    engine_house.up(volumes("a", "b"))
    assert {event.message for event in told} >= {"create Volume a", "create Volume b"}
    assert max(event.done or 0 for event in told) == 2
    assert {event.subject for event in told} == {UNIT}


def test_schema_can_be_read_by_the_cli(engine_house: House) -> None:
    project = write_project(engine_house.workspace)
    said = subprocess.run(
        [str(pulumi_cli.find()), "package", "get-schema", str(project.parent / "plugin" / "pulumi-resource-pse")],
        cwd=project,
        env={
            "PATH": "/usr/bin:/bin",
            "HOME": str(engine_house.root),
            "PULUMI_SKIP_UPDATE_CHECK": "1",
            "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "1",
        },
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    schema = json.loads(said.stdout)
    assert schema["resources"]["pse:index:Server"]["inputProperties"]["userData"]["secret"] is True
