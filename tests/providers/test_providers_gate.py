"""The gate in Check and in the pack, on the real engine; secrets stay wrapped."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from policy.gate import read_gate
from policy.register import sign_register
from providers.audit import audit
from providers.identity import stack_tag
from pse.core.errors import PseError, Refused
from pse.core.time import today
from tests.providers.house import (
    ABROAD,
    ALSO,
    HERE,
    PLAN,
    REGISTER,
    UNIT,
    House,
    inputs,
    networks,
    server,
    volumes,
)

CANARY = "canary-7f3a-first-boot-password"


def changed(house: House) -> list[dict[str, Any]]:
    return house.calls("create", "update", "delete")


def test_wrong_place_is_refused_by_pack_and_by_check_before_any_call(engine_house: House) -> None:
    house = engine_house
    with pytest.raises(Refused, match=r"PSE-R003 .*It is abroad") as caught:
        house.engine.preview(house.unit(), networks("a", place=ABROAD), plan=PLAN)
    assert caught.value.exit_code == 3
    with pytest.raises(Refused, match="PSE-R003"):
        house.up(networks("a", place=ABROAD))
    # Raw `pulumi up`, without the pack: the plugin's Check stands alone.
    with pytest.raises(Refused, match="PSE-R003"):
        house.raw_up(networks("a", place=ABROAD), pack=False)
    assert house.calls() == []
    assert ("pack", "PSE-R003") in house.refusals()
    assert ("check", "PSE-R003") in house.refusals()
    assert len(house.refusals()) == len(set(house.refusals()))


def test_place_that_is_not_known_at_preview_is_refused(engine_house: House) -> None:
    house = engine_house

    def program() -> None:
        from providers import sdk

        first = sdk.Network("first", **inputs("first", cidr="10.0.0.0/16"))
        # The id is not known before it exists, so neither is the place made from it.
        place = first.id.apply(lambda _: ABROAD)
        sdk.Network("second", **inputs("second", cidr="10.1.0.0/16", place=place))

    with pytest.raises(Refused, match=r"place in Network\.place is not known"):
        house.engine.preview(house.unit(), program, plan=PLAN)
    assert changed(house) == []
    with pytest.raises(Refused, match="PSE-R003"):
        house.up(program)
    assert [call["name"] for call in house.calls("create")] == ["first"]


def test_reference_to_another_place_is_refused_once_its_id_is_known(engine_house: House) -> None:
    house = engine_house
    house.gate(unit="landing", workloads=("landing",))
    house.up(networks("net", workload="landing", place=ALSO), unit="landing")
    (there,) = house.objects("Network", ALSO)

    def program() -> None:
        from providers import sdk

        sdk.Subnet("sub", **inputs("sub", network=there["id"], cidr="10.0.1.0/24"))

    with pytest.raises(Refused, match=r"reference in Subnet\.network is not known"):
        house.up(program)
    assert house.objects("Subnet") == []


@pytest.mark.parametrize("how", ["missing", "altered", "other unit's"])
def test_without_a_believable_gate_file_nothing_is_made(engine_house: House, how: str) -> None:
    house = engine_house
    path = house.root / ".pse" / "gate" / f"{UNIT}.json"
    if how == "missing":
        path.unlink()
    elif how == "altered":
        path.write_text(path.read_text().replace('"restricted"', '"open"'))
    else:
        house.gate(unit="other", workloads=(UNIT,))
        path.write_text((path.parent / "other.json").read_text())
    with pytest.raises(Refused, match="refused by the gate: PSE-G010"):
        house.raw_up(networks("a"), pack=False)
    with pytest.raises(Refused, match="PSE-G010"):
        house.up(networks("a"))
    assert house.calls() == []


def test_workload_of_another_unit_and_gate_of_another_unit_are_refused(engine_house: House) -> None:
    house = engine_house
    with pytest.raises(Refused, match="records"):
        house.up(networks("a", workload="records"))
    house.gate(unit="records", workloads=("records",))

    def program() -> None:
        import pulumi

        from providers import sdk

        other = sdk.Provider("other", workspace=str(house.root), unit="records")
        sdk.Network(
            "a", **inputs("a", cidr="10.0.0.0/16", workload="records"), opts=pulumi.ResourceOptions(provider=other)
        )

    with pytest.raises(Refused, match="may not use the gate of unit records"):
        house.raw_up(program, pack=False)
    assert house.calls() == []


def test_register_that_was_changed_since_the_plan_is_refused(engine_house: House) -> None:
    house = engine_house
    path = house.root / "policy" / "register.toml"
    path.write_text(REGISTER.replace('endpoint = "lab:north"\n', 'endpoint = "lab:elsewhere"\n'))
    with pytest.raises(Refused, match=r"PSE-G010 .*register"):
        house.raw_up(networks("a"), pack=False)
    sign_register(house.workspace)
    with pytest.raises(Refused, match="register changed since the plan was made"):
        house.up(networks("a"))
    assert house.calls() == []


def test_resources_of_others_cannot_be_judged_and_are_refused(engine_house: House) -> None:
    def program() -> None:
        import pulumi

        pulumi.CustomResource("random:index/randomPet:RandomPet", "pet", {})

    with pytest.raises(PseError):
        engine_house.up(program)
    assert engine_house.calls() == []


def test_component_around_our_resources_passes(engine_house: House) -> None:
    def program() -> None:
        import pulumi

        from providers import sdk

        site = pulumi.ComponentResource("pse:blueprints:Site", "site")
        sdk.Network("a", **inputs("a", cidr="10.0.0.0/16"), opts=pulumi.ResourceOptions(parent=site))

    engine_house.up(program)
    assert len(engine_house.objects("Network")) == 1


def test_secret_stays_wrapped_in_every_state_and_every_error(engine_house: House) -> None:
    house = engine_house
    said: list[str] = []

    def keep(act: Callable[[], object]) -> None:
        try:
            act()
        except PseError as exc:
            said.append(f"{exc} {exc.hint}")

    house.fault("create", "Server", "web", "partly")
    keep(lambda: house.up(server(user_data=CANARY)))
    keep(lambda: house.up(server(user_data=CANARY)))
    keep(lambda: house.up(server(user_data=CANARY, shape="std-4-16")))
    house.engine.refresh(UNIT)
    keep(lambda: house.up(server(user_data=CANARY, place=ABROAD)))
    assert house.one("Server")["inputs"]["userData"] == CANARY
    assert len(said) == 2
    assert not any(call["passphrase"] for call in house.calls())
    assert CANARY not in " ".join(said)
    assert CANARY.encode() not in house.state_bytes()
    for folder in ("intents", "known", "deployments", "ledger.jsonl"):
        path = house.root / ".pse" / folder
        for file in [path] if path.is_file() else path.rglob("*"):
            assert CANARY.encode() not in file.read_bytes()
    (entry,) = [entry for entry in house.export() if entry["type"] == "pse:index:Server"]
    assert "ciphertext" in entry["inputs"]["userData"]
    assert "ciphertext" in entry["outputs"]["userData"]


def test_secret_of_a_plain_program_is_wrapped_by_check(engine_house: House) -> None:
    house = engine_house

    def program() -> None:
        import pulumi

        from providers import sdk

        net = sdk.Network("net", **inputs("net", cidr="10.0.0.0/16"))
        sub = sdk.Subnet("sub", **inputs("sub", network=net.id, cidr="10.0.1.0/24"))
        key = sdk.KeyPair("key", **inputs("key", public_key="ssh-ed25519 AAAAC3Nza test"))
        # Not through our SDK class, which wraps it itself.
        given = {
            "name": "web",
            "workload": UNIT,
            "place": HERE,
            "shape": "s",
            "image": "debian-12",
            "subnet": sub.id,
            "keyPair": key.id,
            "userData": CANARY,
        }
        pulumi.CustomResource("pse:index:Server", "web", given)

    house.up(program)
    assert CANARY.encode() not in house.state_bytes()


def test_bad_inputs_are_told_by_name(engine_house: House) -> None:
    def program() -> None:
        import pulumi

        given = {"name": "UPPER", "workload": UNIT, "place": HERE, "cidr": "10.0.0.1/16", "size": 3}
        pulumi.CustomResource("pse:index:Network", "a", given)

    with pytest.raises(PseError) as caught:
        engine_house.up(program)
    for words in ("lower-case letters", "is not an IPv4 range", "no input of this name"):
        assert words in caught.value.message


def test_audit_finds_what_got_past(engine_house: House) -> None:
    house = engine_house
    house.up(volumes("a"))
    gate = read_gate(house.workspace, UNIT, now=today())
    assert audit(house.workspace, UNIT, gate) == ()
    # An object of ours abroad, as if somebody had gone round all four gates before.
    tag = stack_tag(house.workspace.settings.signer, "pse", UNIT)
    found = {**house.one("Volume")["inputs"], "place": ABROAD}
    folder = house.cloud / ABROAD.replace("/", "_") / "Volume"
    folder.mkdir(parents=True, exist_ok=True)
    identity = {"stack": tag, "urn": "0" * 32, "op": "0" * 32}
    record = {"id": "volume-away", "kind": "Volume", "identity": identity, "inputs": found, "ready": True}
    (folder / "volume-away.json").write_text(json.dumps(record))
    assert [refusal.rule for refusal in audit(house.workspace, UNIT, gate)] == ["PSE-R003"] * 2
    assert ("audit", "PSE-R003") in house.refusals()
