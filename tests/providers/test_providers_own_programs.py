"""What people meet who write their own Pulumi program: recovery, import, and what a refusal says they can do."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from pulumi.runtime.proto import provider_pb2 as pb

from providers.driving.recovery import clear_intents, clear_leftovers
from providers.identity import PROJECT
from providers.places import Places
from providers.plugin.wire import from_struct, plain, to_struct
from pse.core.errors import BadInput
from tests.providers.house import HERE, UNIT, House, inputs, python_path
from tests.providers.plugins import Connection, Plugin, plugin
from tests.providers.waiting import wait_for

SCRIPT = "#!/bin/sh\nexit 0\n"


@pytest.fixture
def running(house: House) -> Iterator[Plugin]:
    with plugin({"PYTHONPATH": python_path(), "PSE_WORKSPACE": ""}) as process:
        yield process


def urn(kind: str, name: str, *, stack: str = UNIT) -> str:
    return f"urn:pulumi:{stack}::mine::pse:index:{kind}::{name}"


def checked(connection: Connection, kind: str, given: dict[str, Any], *, stack: str = UNIT) -> list[str]:
    answer = connection.stub.Check(pb.CheckRequest(urn=urn(kind, "web", stack=stack), news=to_struct(given)))
    return [failure.reason for failure in answer.failures]


def test_after_a_crash_the_hint_is_a_command_that_works_for_this_program(house: House, running: Plugin) -> None:
    wanted = pb.CreateRequest(urn=urn("Network", "web"), properties=to_struct(inputs("web", cidr="10.0.0.0/16")))
    made = running.connect().configure(house).stub.Create(wanted)
    # The answer never reached a state; the next run is another connection, and knows no id.
    with pytest.raises(grpc.RpcError) as caught:
        running.connect().configure(house).stub.Create(wanted)
    said = caught.value.details() or ""
    assert f"does not list it, run `pulumi import pse:index:Network web {made.id}`" in said
    assert "pse adopt" not in said


def test_what_a_program_is_making_is_not_cleared_away_by_the_plans_stack_of_the_same_name(
    house: House, running: Plugin
) -> None:
    hung = house.fault("create", "Network", "web", "late")
    wanted = pb.CreateRequest(urn=urn("Network", "web"), properties=to_struct(inputs("web", cidr="10.0.0.0/16")))
    making = running.connect().configure(house).stub.Create.future(wanted)
    wait_for(hung.exists)
    assert clear_intents(house.workspace, UNIT, frozenset()) == ()
    hung.unlink()
    assert house.ids() == {making.result().id}
    assert clear_leftovers(house.workspace, PROJECT, UNIT, (HERE,), keep=frozenset()) == ()


def test_script_that_no_cloud_tells_is_taken_from_the_program_after_an_import(house: House, running: Plugin) -> None:
    first = running.connect().configure(house)
    names = {}
    for kind, more in (("Network", {"cidr": "10.0.0.0/16"}), ("KeyPair", {"publicKey": "ssh-ed25519 AAAA web"})):
        given = inputs(kind.lower(), **more)
        names[kind] = first.stub.Create(pb.CreateRequest(urn=urn(kind, kind.lower()), properties=to_struct(given))).id
    given = inputs("subnet", network=names["Network"], cidr="10.0.1.0/24")
    subnet = first.stub.Create(pb.CreateRequest(urn=urn("Subnet", "subnet"), properties=to_struct(given))).id
    refers = {"shape": "std-2-4", "image": "debian-12", "subnet": subnet, "keyPair": names["KeyPair"], "firewalls": []}
    program = inputs("web", userData=SCRIPT, **refers)
    made = first.stub.Create(pb.CreateRequest(urn=urn("Server", "web"), properties=to_struct(program)))

    read = first.stub.Read(pb.ReadRequest(id=made.id, urn=urn("Server", "web")))
    told = from_struct(read.inputs)
    assert "userData" not in told
    news = from_struct(first.stub.Check(pb.CheckRequest(urn=urn("Server", "web"), news=to_struct(program))).inputs)
    asked = pb.DiffRequest(id=made.id, urn=urn("Server", "web"), old_inputs=read.inputs, news=to_struct(news))
    found = first.stub.Diff(asked)
    assert (list(found.diffs), list(found.replaces)) == (["userData"], [])
    change = pb.UpdateRequest(id=made.id, urn=urn("Server", "web"), old_inputs=read.inputs, news=to_struct(news))
    assert plain(from_struct(first.stub.Update(change).properties))["userData"] == SCRIPT
    # From then on it is known, and another one is another server.
    other = to_struct({**news, "userData": "#!/bin/sh\nexit 1\n"})
    known = pb.DiffRequest(id=made.id, urn=urn("Server", "web"), old_inputs=to_struct(news), news=other)
    assert list(first.stub.Diff(known).replaces) == ["userData"]
    # A program without a script has nothing to change.
    none = to_struct({**told, "userData": ""})
    assert not first.stub.Diff(
        pb.DiffRequest(id=made.id, urn=urn("Server", "web"), old_inputs=read.inputs, news=none)
    ).diffs


def test_without_a_workspace_the_hint_names_what_pulumi_takes(
    house: House, running: Plugin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with plugin({"PYTHONPATH": python_path(), "PSE_WORKSPACE": ""}) as process:
        stub = process.connect().stub
        with pytest.raises(grpc.RpcError) as caught:
            stub.Configure(pb.ConfigureRequest(args=to_struct({}), acceptSecrets=True, acceptResources=True))
    said = caught.value.details() or ""
    assert "pulumi config set pse:workspace FOLDER" in said
    assert "--workspace" not in said


def test_stack_that_is_called_like_no_unit_is_told_what_to_do(house: House, running: Plugin) -> None:
    given = inputs("web", cidr="10.0.0.0/16")
    (said,) = checked(running.connect().configure(house), "Network", given, stack="dev")
    assert "no gate file for unit dev. Call the stack like a unit of the plan" in said
    (said,) = checked(running.connect().configure(house, unit=UNIT), "Network", given, stack="dev")
    assert f"`pulumi stack init {UNIT}`" in said


@pytest.mark.parametrize(
    ("provider", "options", "words"),
    [
        ("aws", {"region": "xx-1"}, "option zone is missing"),
        ("aws", {"regio": "xx-1"}, "no option is called 'regio'"),
        # Neither ends: a wait of theirs would not.
        ("aws", {"region": "xx-1", "zone": "xx-1a", "wait_s": "nan"}, "option wait_s is no number of seconds"),
        ("openstack", {"region": "x", "availability_zone": "x", "boot_s": "inf"}, "option boot_s is no number of"),
        ("openstack", {"region": "x"}, "option availability_zone is missing"),
        ("openstack", {"region": "x", "availability_zone": "x", "volumezone": "y"}, "no option is called 'volumezone'"),
        ("lab", {"bot_s": "3"}, "the lab knows no such option"),
    ],
)
def test_options_that_the_adapter_cannot_use_are_told_before_anything_is_made(
    house: House, running: Plugin, provider: str, options: dict[str, str], words: str
) -> None:
    house.move(provider, "lab:north" if provider == "lab" else "http://127.0.0.1:1", options)
    (said,) = checked(running.connect().configure(house), "Network", inputs("web", cidr="10.0.0.0/16"))
    assert f"options of {HERE}: {words}" in said
    # With the exit code of a file that cannot be used, and not of a cloud that failed.
    with pytest.raises(BadInput, match=re.escape(words)) as caught:
        Places(house.workspace).ready({HERE})
    assert (caught.value.exit_code, caught.value.where) == (4, f"policy/register.toml, options of {HERE}")


def test_good_options_pass_before_any_call(house: House, running: Plugin) -> None:
    house.move("aws", "http://127.0.0.1:1", {"region": "xx-1", "zone": "xx-1a"})
    assert checked(running.connect().configure(house), "Network", inputs("web", cidr="10.0.0.0/16")) == []
