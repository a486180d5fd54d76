"""The lab's adapter: one life cycle for every kind, and an account that tells the truth."""

import pickle
from pathlib import Path
from typing import Any

import msgspec
import pytest

from providers.lab.account import Account, Record
from providers.lab.provider import LabProvider
from providers.lab.stores import WORKS
from providers.ports import Identity, PortError
from pse.core.schema import (
    FirewallInputs,
    FirewallRule,
    Inputs,
    KeyPairInputs,
    NetworkInputs,
    ServerOutputs,
    SnapshotInputs,
    SubnetInputs,
    VolumeInputs,
)
from tests.lab.conftest import House


def inputs_of(house: House, kind: str) -> Inputs:
    rule = FirewallRule(direction="in", protocol="tcp", port=443, peer="10.0.0.0/16")
    made: dict[str, Inputs] = {
        "Network": NetworkInputs(name="n", cidr="10.1.0.0/16", **house.common),
        "Subnet": SubnetInputs(name="s", network=house.network.id, cidr="10.0.2.0/24", **house.common),
        "Firewall": FirewallInputs(name="f", network=house.network.id, rules=(rule,), **house.common),
        "KeyPair": KeyPairInputs(name="k", public_key=house.public_key, **house.common),
        "Volume": VolumeInputs(name="v", size_gib=3, storage_class="ssd", **house.common),
        "Server": house.server(),
    }
    if kind == "Snapshot":
        disk = house.make("Volume", made["Volume"])
        return SnapshotInputs(name="p", volume=disk.id, **house.common)
    return made[kind]


KIND_NAMES = sorted(set(WORKS) - {"Attachment"})


@pytest.mark.parametrize("kind", KIND_NAMES)
def test_an_object_is_made_read_found_listed_and_deleted(house: House, kind: str) -> None:
    store, inputs, identity = house.store(kind), inputs_of(house, kind), house.identity()
    before = {made.id for made in store.list()}
    made = store.create(inputs, identity=identity)
    assert made.healthy
    assert (made.inputs, made.identity) == (inputs, identity)
    assert {p.where for p in made.outputs.placement} == {house.place}
    assert store.read(made.id, inputs) == made
    assert [m.id for m in store.find(identity.stack, identity.urn)] == [made.id]
    assert store.find(identity.stack, "other") == store.find("other", identity.urn) == ()
    assert {m.id for m in store.list()} == before | {made.id}
    store.delete(made.id)
    store.delete(made.id)
    assert store.read(made.id, inputs) is None
    assert store.find(identity.stack, identity.urn) == ()
    assert {m.id for m in store.list()} == before


@pytest.mark.parametrize("kind", KIND_NAMES)
def test_the_same_intent_again_is_the_same_object(house: House, kind: str) -> None:
    store, inputs, identity = house.store(kind), inputs_of(house, kind), house.identity()
    assert store.create(inputs, identity=identity) == store.create(inputs, identity=identity)
    assert len(store.find(identity.stack, identity.urn)) == 1
    other = store.create(inputs, identity=msgspec.structs.replace(identity, op="another"))
    assert len(store.find(identity.stack, identity.urn)) == 2  # two intents are two objects, even of one URN
    store.delete(other.id)


def test_a_kind_that_the_lab_does_not_make_is_refused(house: House) -> None:
    with pytest.raises(PortError):
        house.provider.store("Bucket")


def test_an_account_is_one_place_only(house: House, tmp_path: Path) -> None:
    other = House(tmp_path, place="sample-ibex/karachi/khi-1")
    made = house.make("Volume", inputs_of(house, "Volume"))
    assert other.store("Volume").list() == ()
    assert other.store("Volume").read(made.id, None) is None
    other.store("Volume").delete(made.id)
    assert house.store("Volume").read(made.id, None) is not None
    with pytest.raises(PortError) as caught:
        other.make("Volume", inputs_of(house, "Volume"))
    assert caught.value.reason == "invalid"


def test_what_a_stranger_made_is_listed_without_identity(house: House) -> None:
    plain: dict[str, Any] = msgspec.to_builtins(inputs_of(house, "Network"))
    Account(house.target).put(Record(id="net-x", kind="Network", identity=None, state="ready", inputs=plain))
    strange = [made for made in house.store("Network").list() if made.identity is None]
    assert [made.id for made in strange] == ["net-x"]


@pytest.mark.parametrize(
    ("kind", "change", "reason"),
    [
        ("Network", {"cidr": "10.0.0.1/16"}, "invalid"),
        ("Network", {"cidr": "::/0"}, "invalid"),
        ("Subnet", {"cidr": "192.168.0.0/24"}, "invalid"),
        ("Subnet", {"network": "net-none"}, "not-found"),
        ("Subnet", {"network": "../../Network/x"}, "not-found"),
        ("Firewall", {"network": "net-none"}, "not-found"),
        ("KeyPair", {"public_key": "ssh-ed25519"}, "invalid"),
        ("KeyPair", {"public_key": "ssh-ed25519 AAAA\nssh-ed25519 AAAA"}, "invalid"),
        ("Volume", {"size_gib": 0}, "invalid"),
        ("Server", {"shape": "huge"}, "invalid"),
        ("Server", {"shape": "std-0-1"}, "invalid"),
        ("Server", {"image": "windows"}, "invalid"),
        ("Server", {"name": "a b"}, "invalid"),
        ("Server", {"firewalls": ("fir-none",)}, "not-found"),
        ("Server", {"key_pair": "key-none"}, "not-found"),
    ],
)
def test_what_cannot_be_is_refused_and_nothing_is_left(
    house: House, kind: str, change: dict[str, Any], reason: str
) -> None:
    before = house.store(kind).list()
    with pytest.raises(PortError) as caught:
        house.make(kind, msgspec.structs.replace(inputs_of(house, kind), **change))
    assert caught.value.reason == reason
    assert pickle.loads(pickle.dumps(caught.value)).reason == reason
    assert house.store(kind).list() == before
    assert house.hosts.names() == ()


def test_a_quota_is_kept(house: House, tmp_path: Path) -> None:
    tight = House(tmp_path, quota_volume="2")
    for _ in range(2):
        house.make("Volume", inputs_of(house, "Volume"))
    with pytest.raises(PortError) as caught:
        tight.make("Volume", inputs_of(house, "Volume"))
    assert caught.value.reason == "quota"


@pytest.mark.parametrize(
    ("key", "value"),
    [("boot_s", "soon"), ("boot_s", "nan"), ("boot_s", "0"), ("quota_volume", "two"), ("quota_moon", "1"), ("x", "1")],
)
def test_an_option_that_cannot_be_names_the_entry_and_its_key(tmp_path: Path, key: str, value: str) -> None:
    wrong = House(tmp_path, **{key: value})
    with pytest.raises(PortError) as caught:
        wrong.store("Network")
    assert caught.value.reason == "invalid"
    assert f"register's entry of {wrong.target.place}, options.{key}" in caught.value.where


def test_what_is_used_is_not_deleted(house: House) -> None:
    server = house.make("Server", house.server())
    for kind, used in (("Network", house.network), ("Subnet", house.subnet), ("KeyPair", house.key_pair)):
        with pytest.raises(PortError) as caught:
            house.store(kind).delete(used.id)
        assert caught.value.reason == "in-use"
    house.store("Server").delete(server.id)
    house.store("Subnet").delete(house.subnet.id)
    house.store("Network").delete(house.network.id)


@pytest.mark.parametrize(
    ("kind", "change"),
    [
        ("Network", {"cidr": "10.2.0.0/16"}),
        ("Network", {"name": "other"}),
        ("Volume", {"storage_class": "hdd"}),
        ("Volume", {"size_gib": 2}),
    ],
)
def test_what_only_a_replacement_could_change_is_refused(house: House, kind: str, change: dict[str, Any]) -> None:
    old = inputs_of(house, kind)
    made = house.make(kind, old)
    with pytest.raises(PortError) as caught:
        house.store(kind).update(made.id, old, msgspec.structs.replace(old, **change))
    assert caught.value.reason == "invalid"
    assert house.store(kind).read(made.id, None) == made


def test_what_can_change_in_place_changes_and_may_be_repeated(house: House) -> None:
    old = inputs_of(house, "Volume")
    new = msgspec.structs.replace(old, size_gib=9)
    made = house.make("Volume", old)
    for _ in range(2):
        assert house.store("Volume").update(made.id, old, new).inputs == new
    assert [m.inputs for m in house.store("Volume").list()] == [new]
    house.store("Volume").delete(made.id)
    with pytest.raises(PortError) as caught:
        house.store("Volume").update(made.id, old, new)
    assert caught.value.reason == "not-found"


def test_an_endpoint_that_is_not_the_labs_is_refused(house: House) -> None:
    real = LabProvider(msgspec.structs.replace(house.target, endpoint="https://cloud.example"))
    with pytest.raises(PortError):
        real.store("Network")


def test_a_full_disk_is_said_in_the_ports_words(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "mkdir", full)
    with pytest.raises(PortError) as caught:
        house.make("Volume", inputs_of(house, "Volume"))
    assert (caught.value.reason, caught.value.vendor_code) == ("capacity", "ENOSPC")
    monkeypatch.undo()
    assert house.store("Volume").list() == ()


def test_identity_is_kept_to_the_letter(house: House) -> None:
    identity = Identity(stack="s/ä\n", urn="u" * 32, op="o")
    house.store("Network").create(inputs_of(house, "Network"), identity=identity)
    assert [m.identity for m in house.store("Network").find("s/ä\n", "u" * 32)] == [identity]


def test_outputs_of_a_server_reach_it(house: House) -> None:
    made = house.make("Server", house.server())
    assert isinstance(made.outputs, ServerOutputs)
    assert made.outputs.address.startswith("127.")
    assert made.outputs.host_key.startswith("ssh-ed25519 ")
    assert (made.outputs.ssh_port, made.outputs.ssh_user) == (2222, "admin")


@pytest.mark.parametrize("kind", KIND_NAMES)
@pytest.mark.parametrize("name", ["../../x", "/etc/x", "a\nb", ""])
def test_a_name_that_is_none_makes_nothing(house: House, kind: str, name: str) -> None:
    store = house.store(kind)
    before = store.list()
    with pytest.raises(PortError, match="not a name") as caught:
        store.create(msgspec.structs.replace(inputs_of(house, kind), name=name), identity=house.identity())
    assert caught.value.reason == "invalid"
    assert store.list() == before


def test_no_path_is_built_from_what_is_no_id(house: House) -> None:
    for place in ("..", "../x", "/etc", "a/../b"):
        with pytest.raises(PortError, match="not a place's id"):
            Account(msgspec.structs.replace(house.target, place=place))
    for object_id in ("../x", "", "/etc"):
        with pytest.raises(PortError, match="no volume"):
            Account(house.target).volume(object_id)
