"""What a cloud has to refuse, and that a refusal makes nothing, tells no secret and keeps all its words."""

import pickle

import msgspec
import pytest

from providers.conformance.base import REASONS, Contract, refused
from providers.conformance.rig import Rig
from providers.ports import PartlyMade, PortError
from pse.core.schema import FirewallRule

NO_SUCH = "suite-no-such"
HUSH = "suite-hush-5f0c1d"
"""A secret that has to be seen nowhere."""
ELSEWHERE = "suite-elsewhere/nowhere/one"
WRONG = frozenset({"invalid", "not-found"})


class RefusalContract(Contract):
    """Part of `providers.conformance.StoreContract`."""

    def test_wrong_place_is_refused_and_makes_nothing(self, rig: Rig) -> None:
        for kind in ("Network", "KeyPair", "Volume"):
            error = refused(rig, kind, msgspec.structs.replace(rig.inputs(kind), place=ELSEWHERE))
            assert error.reason == "invalid"

    def test_unknown_image_is_refused_and_makes_nothing(self, rig: Rig) -> None:
        error = refused(rig, "Server", msgspec.structs.replace(rig.inputs("Server"), image=NO_SUCH))
        assert error.reason in WRONG

    def test_unknown_shape_is_refused_and_makes_nothing(self, rig: Rig) -> None:
        error = refused(rig, "Server", msgspec.structs.replace(rig.inputs("Server"), shape=NO_SUCH))
        assert error.reason in WRONG

    def test_unknown_storage_class_is_refused_and_makes_nothing(self, rig: Rig) -> None:
        error = refused(rig, "Volume", msgspec.structs.replace(rig.inputs("Volume"), storage_class=NO_SUCH))
        assert error.reason in WRONG

    @pytest.mark.parametrize("cidr", ["10.0.0.0/99", "10.0.0", "fe80::/64", ""])
    def test_range_that_is_none_is_refused(self, rig: Rig, cidr: str) -> None:
        error = refused(rig, "Network", msgspec.structs.replace(rig.inputs("Network"), cidr=cidr))
        assert error.reason == "invalid"

    def test_subnet_outside_its_network_is_refused(self, rig: Rig) -> None:
        error = refused(rig, "Subnet", msgspec.structs.replace(rig.inputs("Subnet"), cidr="192.168.7.0/24"))
        assert error.reason in {"invalid", "conflict"}

    def test_subnet_over_another_is_refused(self, rig: Rig) -> None:
        made = rig.make("Subnet")
        error = refused(rig, "Subnet", msgspec.structs.replace(made.inputs, name="suite-over"))
        assert error.reason in {"invalid", "conflict"}

    def test_volume_of_no_size_is_refused(self, rig: Rig) -> None:
        error = refused(rig, "Volume", msgspec.structs.replace(rig.inputs("Volume"), size_gib=0))
        assert error.reason == "invalid"

    def test_shrinking_is_refused_and_changes_nothing(self, rig: Rig) -> None:
        made = rig.make("Volume", msgspec.structs.replace(rig.inputs("Volume"), size_gib=2))
        smaller = msgspec.structs.replace(made.inputs, size_gib=1)
        with pytest.raises(PortError) as caught:
            rig.store("Volume").update(made.id, made.inputs, smaller)
        assert caught.value.reason == "invalid"
        assert rig.store("Volume").read(made.id, made.inputs) == made

    @pytest.mark.parametrize("key", ["", "no key"])
    def test_key_that_is_none_is_refused(self, rig: Rig, key: str) -> None:
        error = refused(rig, "KeyPair", msgspec.structs.replace(rig.inputs("KeyPair"), public_key=key))
        assert error.reason == "invalid"

    @pytest.mark.parametrize(
        "rule",
        [
            FirewallRule(direction="in", protocol="tcp", port=70000, peer="10.0.0.0/8"),
            FirewallRule(direction="in", protocol="tcp", port=22, peer="10.0.0.0/99"),
            FirewallRule(direction="in", protocol="carrier-pigeon", port=22, peer="10.0.0.0/8"),
        ],
        ids=["port", "peer", "protocol"],
    )
    def test_rule_that_is_none_is_refused_and_opens_nothing(self, rig: Rig, rule: FirewallRule) -> None:
        store, inputs = rig.store("Firewall"), msgspec.structs.replace(rig.inputs("Firewall"), rules=(rule,))
        before = {made.id for made in store.list()}
        with pytest.raises(PortError) as caught:
            rig.make("Firewall", inputs)
        left = [made for made in store.list() if made.id not in before]
        # What stands was told with its id, and lets nothing through.
        assert [made.id for made in left] == ([caught.value.made.id] if isinstance(caught.value, PartlyMade) else [])
        assert [getattr(made.inputs, "rules", None) for made in left] == [()] * len(left)
        for made in left:
            store.delete(made.id)

    def test_volume_is_attached_once(self, rig: Rig) -> None:
        made = rig.make("Attachment")
        error = refused(rig, "Attachment", msgspec.structs.replace(made.inputs, name="suite-other"))
        assert error.reason in {"in-use", "conflict", "invalid"}
        assert rig.store("Attachment").read(made.id, made.inputs) == made

    def test_refusal_is_in_the_common_words_and_survives_pickling(self, rig: Rig) -> None:
        subnet = msgspec.structs.replace(rig.inputs("Subnet"), network=NO_SUCH)
        error = refused(rig, "Subnet", subnet)
        assert error.reason in REASONS
        assert error.message.isprintable()
        again = pickle.loads(pickle.dumps(error))  # noqa: S301  (our own)
        words = ("message", "hint", "where", "reason", "vendor_code", "retry_after_s")
        assert type(again) is type(error)
        assert [getattr(again, word) for word in words] == [getattr(error, word) for word in words]

    def test_secret_is_in_no_refusal(self, rig: Rig) -> None:
        wanted = msgspec.structs.replace(rig.inputs("Server"), subnet=NO_SUCH, user_data=f"#!/bin/sh\n# {HUSH}\n")
        error: BaseException | None = refused(rig, "Server", wanted)
        while error is not None:
            assert HUSH not in str(error) + repr(error) + getattr(error, "hint", "") + getattr(error, "where", "")
            error = error.__cause__
