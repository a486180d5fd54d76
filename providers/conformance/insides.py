"""What is inside of single kinds: rules of firewalls, ways to servers, fingerprints of keys, devices of volumes."""

import base64
import hashlib
import ipaddress

import msgspec

from providers.conformance.base import Contract
from providers.conformance.refusals import HUSH
from providers.conformance.rig import Rig
from providers.ports import Made
from pse.core.schema import AttachmentInputs, AttachmentOutputs, FirewallRule, KeyPairOutputs, ServerOutputs

SSH = FirewallRule(direction="in", protocol="tcp", port=22, peer="10.0.0.0/8", why="suite")
WEB = FirewallRule(direction="in", protocol="tcp", port=443, peer="0.0.0.0/0", why="suite")
NAMES = FirewallRule(direction="out", protocol="udp", port=53, peer="10.0.0.2/32", why="suite")
PING = FirewallRule(direction="in", protocol="icmp", port=0, peer="10.0.0.0/8", why="suite")


class InsideContract(Contract):
    """Part of `providers.conformance.StoreContract`."""

    def test_firewall_without_a_rule_lets_nothing_through(self, rig: Rig) -> None:
        made = rig.make("Firewall")
        assert _flows(rig.store("Firewall").read(made.id, None)) == []

    def test_order_of_rules_does_not_matter(self, rig: Rig) -> None:
        rules = (SSH, WEB, NAMES)
        made = rig.make("Firewall", msgspec.structs.replace(rig.inputs("Firewall"), rules=rules))
        turned = msgspec.structs.replace(made.inputs, rules=rules[::-1])
        assert rig.store("Firewall").update(made.id, made.inputs, turned).inputs == turned
        seen = rig.store("Firewall").read(made.id, turned)
        assert seen is not None
        assert seen.inputs == turned
        assert _flows(seen) == sorted(_flow(rule) for rule in rules)

    def test_rules_become_exactly_those_that_are_wanted(self, rig: Rig) -> None:
        made = rig.make("Firewall", msgspec.structs.replace(rig.inputs("Firewall"), rules=(SSH, WEB)))
        wanted = msgspec.structs.replace(made.inputs, rules=(WEB, NAMES, PING))
        rig.store("Firewall").update(made.id, made.inputs, wanted)
        assert _flows(rig.store("Firewall").read(made.id, None)) == sorted(_flow(rule) for rule in (WEB, NAMES, PING))

    def test_every_sort_of_rule_is_seen_at_import(self, rig: Rig) -> None:
        rules = (SSH, WEB, NAMES, PING)
        made = rig.make("Firewall", msgspec.structs.replace(rig.inputs("Firewall"), rules=rules))
        assert _flows(rig.store("Firewall").read(made.id, None)) == sorted(_flow(rule) for rule in rules)

    def test_server_has_an_address_in_its_subnet(self, rig: Rig) -> None:
        made = rig.make("Server")
        subnet = rig.store("Subnet").read(str(getattr(made.inputs, "subnet", "")), None)
        assert subnet is not None
        assert isinstance(made.outputs, ServerOutputs)
        assert ipaddress.ip_address(made.outputs.address) in ipaddress.ip_network(getattr(subnet.inputs, "cidr", ""))

    def test_server_says_how_it_is_reached_and_shows_no_secret(self, rig: Rig) -> None:
        script = f"#!/bin/sh\n# {HUSH}\nexit 0\n"
        made = rig.make("Server", msgspec.structs.replace(rig.inputs("Server"), user_data=script))
        assert isinstance(made.outputs, ServerOutputs)
        assert 0 < made.outputs.ssh_port < 65536
        assert made.outputs.ssh_user
        assert ipaddress.ip_address(made.outputs.address).version == 4
        # A host key is of OpenSSH's form, or not known at all.
        assert made.outputs.host_key == "" or len(made.outputs.host_key.split()) > 1
        assert made.identity is not None
        store = rig.store("Server")
        seen = (store.read(made.id, None), store.list(), store.find(made.identity.stack, made.identity.urn))
        assert HUSH not in repr(seen)

    def test_fingerprint_of_a_key_is_that_of_openssh(self, rig: Rig) -> None:
        made = rig.make("KeyPair")
        blob = base64.b64decode(str(getattr(made.inputs, "public_key", "")).split()[1])
        told = base64.b64encode(hashlib.sha256(blob).digest()).decode().rstrip("=")
        assert isinstance(made.outputs, KeyPairOutputs)
        assert made.outputs.fingerprint == f"SHA256:{told}"

    def test_attachment_says_its_device_and_leaves_the_volume_when_the_server_goes(self, rig: Rig) -> None:
        made = rig.make("Attachment")
        assert isinstance(made.inputs, AttachmentInputs)
        assert isinstance(made.outputs, AttachmentOutputs)
        assert made.outputs.device
        seen = rig.store("Attachment").read(made.id, None)
        assert seen is not None
        assert isinstance(seen.inputs, AttachmentInputs)
        assert (seen.inputs.server, seen.inputs.volume) == (made.inputs.server, made.inputs.volume)
        rig.store("Attachment").delete(made.id)
        rig.store("Server").delete(made.inputs.server)
        left = rig.store("Volume").read(made.inputs.volume, None)
        assert left is not None
        assert left.healthy


def _flow(rule: FirewallRule) -> tuple[str, str, int, str]:
    """What passes; the words that explain it are not every cloud's to keep."""
    return rule.direction, rule.protocol, rule.port, rule.peer


def _flows(seen: Made | None) -> list[tuple[str, str, int, str]]:
    assert seen is not None
    return sorted(_flow(rule) for rule in getattr(seen.inputs, "rules", ()))
