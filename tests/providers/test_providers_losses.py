"""What stands with data on it is deleted by no `up`, whatever an earlier run left or did not leave in the workspace."""

import json
import socket
from collections.abc import Callable

import msgspec
import pytest
from pulumi.automation import CommandError, CommandResult, ConcurrentUpdateError, Deployment

from providers.driving.losses import losses
from providers.driving.recorder import evaluate
from providers.engine import Engine
from providers.identity import PROJECT
from providers.known import write_known
from pse.core.documents.plan import PlannedServer, Unit
from pse.core.errors import PseError, Refused
from tests.providers.house import ALSO, HERE, PLAN, UNIT, House, inputs, networks, server, volumes


def both(*programs: Callable[[], None]) -> Callable[[], None]:
    def program() -> None:
        for one in programs:
            one()

    return program


def slow() -> None:
    from providers import sdk

    sdk.Volume("a", **inputs("a", size_gib=10, storage_class="hdd"))


def test_class_that_was_changed_outside_is_taken_over_and_never_changed_back_by_a_replacement(
    engine_house: House,
) -> None:
    house = engine_house
    house.up(volumes("a"))
    (path,) = house.cloud.glob("*/Volume/*.json")
    found = json.loads(path.read_text())
    path.write_text(json.dumps({**found, "inputs": {**found["inputs"], "storageClass": "hdd"}}))
    assert [change.op for change in house.engine.refresh(UNIT)] == ["update"]
    with pytest.raises(Refused, match=r"replace a \(storageClass\) with the data on it"):
        house.up(volumes("a"))
    # An up that refreshes as well compares before anything is checked, and refuses all the same.
    with pytest.raises(PseError, match="its data would be lost"):
        house.raw_up(volumes("a"), refresh=True)
    house.up(slow)
    assert house.calls("create", "delete", "update") == house.calls("create")
    assert house.ids() == {found["id"]}


def test_data_outlives_a_failed_run_a_foreign_one_and_another_machines(engine_house: House) -> None:
    house = engine_house
    house.up(volumes("a"))
    stood = house.ids("Volume")
    house.fault("create", "Network", "net", "quota")
    with pytest.raises(PseError):
        house.up(both(volumes("a"), networks("net")))
    assert house.engine.deployment(UNIT) is None
    for later, word in (
        (volumes("b"), "delete a with the data on it"),
        (networks("other"), "delete a with the data on it"),
        (slow, r"replace a \(storageClass\) with the data on it"),
    ):
        with pytest.raises(Refused, match=word):
            house.up(later)
    away = msgspec.structs.replace(house.unit(), place=ALSO)
    with pytest.raises(Refused, match=f"move it from {HERE} to {ALSO} and delete a with the data on it"):
        house.engine.ensure(away, volumes("a", place=ALSO), plan=PLAN, unit_hash="0" * 64)
    assert house.ids("Volume") == stood
    assert house.calls("delete") == []
    # A remote backend's state says the same, and the engine itself says it when nothing was written here.
    there = house.engine.standing(UNIT)
    (loss,) = losses(there, evaluate(volumes("b"), stack=UNIT), house.unit())
    assert loss.words == "delete Volume a with the data on it"
    # The same program goes on, and a volume whose data may go is let go.
    house.up(volumes("a", allow_replace=True))
    house.up(networks("net-2"))
    assert house.ids("Volume") == set()


def test_what_came_into_the_state_after_the_look_is_not_deleted(engine_house: House) -> None:
    house = engine_house
    house.up(volumes("a", "b"))
    stood = house.ids("Volume")
    with house.opened("up", volumes("a")) as run:
        # As if another engine had made it since: the driver's list is from before.
        (b,) = (entry for entry in run.state.ours() if entry["urn"].endswith("::b"))
        held = {urn: ids for urn, ids in run.state.urns().items() if urn != b["urn"]}
        write_known(house.workspace.private, PROJECT, UNIT, held)
        with pytest.raises(CommandError, match="after this run had looked at what it would delete"):
            run.stack.up(**house.engine._with_pack(run))
    assert house.ids("Volume") == stood
    assert house.calls("delete") == []


def test_after_a_wait_for_a_dead_engine_the_look_is_repeated(engine_house: House) -> None:
    house = engine_house
    house.up(volumes("a", "b"))
    with house.opened("forge") as run:
        whole = run.stack.export_stack()
        part = msgspec.json.decode(msgspec.json.encode(whole.deployment))
        part["resources"] = [entry for entry in part["resources"] if not entry["urn"].endswith("::b")]
        run.stack.import_stack(Deployment(version=whole.version, deployment=part))
    with house.opened("up", volumes("a")) as run:

        def locked() -> None:
            run.stack.import_stack(whole)
            dead = f"the stack is locked: created by me@{socket.gethostname()} (pid {2**22 + 1})"
            raise ConcurrentUpdateError(CommandResult(stdout="", stderr=dead, code=255))

        house.engine._lose_nothing(run, house.unit(), volumes("a"))
        with pytest.raises(Refused, match="delete b with the data on it"):
            run.work(locked, guard=lambda: house.engine._lose_nothing(run, house.unit(), volumes("a")))


def unit(house: House, role: str) -> Unit:
    planned = PlannedServer(name="web", role=role, shape="std-2-8", image="debian-12")
    return msgspec.structs.replace(house.unit(), servers=(planned,))


def lone(*, user_data: str = "#!/bin/sh\n", image: str = "debian-12", role: str = "") -> Callable[[], None]:
    """A server without a volume."""

    def program() -> None:
        import pulumi

        from providers import sdk

        net = sdk.Network("net", **inputs("net", cidr="10.0.0.0/16"))
        sub = sdk.Subnet("sub", **inputs("sub", network=net.id, cidr="10.0.1.0/24"))
        key = sdk.KeyPair("key", **inputs("key", public_key="ssh-ed25519 AAAAC3Nza test"))
        sdk.Server(
            "web",
            **inputs(
                "web",
                shape="std-2-8",
                image=image,
                subnet=sub.id,
                key_pair=key.id,
                user_data=pulumi.Output.secret(user_data),
            ),
        )
        if role:
            pulumi.export("roles", {"web": role})

    return program


def test_a_system_disk_with_data_is_kept_and_a_web_servers_is_not(engine_house: House) -> None:
    house, engine = engine_house, engine_house.engine

    def up(program: Callable[[], None], role: str, word: str) -> None:
        engine.ensure(unit(house, role), program, plan=PLAN, unit_hash=word * 64)

    up(lone(role="database"), "database", "a")
    first = house.ids("Server")
    with pytest.raises(Refused, match=r"replace web \(image\) with the data on it"):
        up(lone(image="debian-13"), "database", "b")
    with pytest.raises(Refused, match=r"replace web .* with the data on it"):
        up(lone(user_data="#!/bin/sh\necho 2\n"), "database", "c")
    with pytest.raises(Refused, match="delete web with the data on it"):
        engine.ensure(house.unit(), networks("net"), plan=PLAN, unit_hash="d" * 64)
    assert house.ids("Server") == first
    up(lone(), "web", "e")
    up(lone(image="debian-13"), "web", "f")
    assert house.ids("Server") != first


def test_a_server_with_its_data_on_a_volume_is_replaced_and_told(engine_house: House) -> None:
    house = engine_house
    house.up(server())
    engine = Engine(house.workspace)
    found = losses(engine.standing(UNIT), evaluate(server(image="debian-13"), stack=UNIT), unit(house, "database"))
    assert [(loss.words, loss.data) for loss in found] == [("replace Server web (image)", False)]
