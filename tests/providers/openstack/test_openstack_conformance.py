"""The adapter of OpenStack under the conformance suite, on the real control plane, and the calls that it took."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import msgspec
import pytest

from providers.conformance import Rig, StoreContract
from providers.conformance.rig import rigged
from providers.openstack import OpenStackProvider
from pse.core.schema import FirewallRule, ServerInputs
from tests.providers.openstack.accounts import PLACE, Project

LIST = Path(__file__).parents[3] / "docs" / "permissions" / "openstack.md"
_ID = re.compile(r"(?<=/)(?:[0-9a-f-]{32,36}|[^/]*__[^/]*|suite-[^/]*|pse-at-op)(?=/|$)")
SERVICES = {"compute": "Nova", "network": "Neutron", "volume": "Cinder", "image": "Glance"}


class TestOpenStack(StoreContract):
    adapter = OpenStackProvider
    calls: ClassVar[set[tuple[str, str]]] = set()

    @pytest.fixture
    def rig(self, signed_in: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Rig]:
        provider = signed_in.provider(tmp_path)
        call = provider._account.client.call

        def recorded(service: str, method: str, path: str, **words: Any) -> Any:
            action = f" ({next(iter(words['body']))})" if path.endswith("/action") else ""
            self.calls.add((SERVICES[service], f"{method} {_ID.sub('{id}', path)}{action}"))
            return call(service, method, path, **words)

        monkeypatch.setattr(provider._account.client, "call", recorded)
        with rigged(provider, place=PLACE) as rig:
            yield rig

    def test_stopped_server_is_started_and_carries_exactly_the_firewalls_given(
        self, signed_in: Project, rig: Rig
    ) -> None:
        made = rig.make("Server")
        assert isinstance(made.inputs, ServerInputs)
        own = signed_in.own()
        (port,) = own.call("network", "GET", f"/ports?device_id={made.id}")["ports"]
        assert (port["security_groups"], port["port_security_enabled"]) == ([], True)
        own.call("compute", "POST", f"/servers/{made.id}/action", json={"os-stop": None})
        firewall = rig.make("Firewall")
        wanted = msgspec.structs.replace(made.inputs, firewalls=(firewall.id,))
        updated = rig.store("Server").update(made.id, made.inputs, wanted)
        assert (updated.healthy, updated.inputs) == (True, wanted)
        (port,) = own.call("network", "GET", f"/ports?device_id={made.id}")["ports"]
        assert port["security_groups"] == [firewall.id]
        own.close()

    def test_firewall_says_what_somebody_opened_by_hand_and_closes_it(self, signed_in: Project, rig: Rig) -> None:
        made = rig.make("Firewall")
        own = signed_in.own()
        rule = {"security_group_id": made.id, "direction": "ingress", "ethertype": "IPv4", "protocol": "tcp"}
        own.call("network", "POST", "/security-group-rules", json={"security_group_rule": rule})
        seen = rig.store("Firewall").read(made.id, made.inputs)
        assert seen is not None
        assert [found.peer for found in getattr(seen.inputs, "rules", ())] == ["0.0.0.0/0"]
        web = FirewallRule(direction="in", protocol="tcp", port=443, peer="10.1.2.3/16", why="the web")
        wanted = msgspec.structs.replace(made.inputs, rules=(web,))
        assert rig.store("Firewall").update(made.id, seen.inputs, wanted).inputs == wanted
        live = own.call("network", "GET", f"/security-groups/{made.id}")["security_group"]["security_group_rules"]
        assert [(r["direction"], r["port_range_min"], r["remote_ip_prefix"]) for r in live] == [
            ("ingress", 443, "10.1.0.0/16")
        ]
        own.close()

    def test_router_whose_way_out_was_closed_by_hand_gets_it_again(self, signed_in: Project, rig: Rig) -> None:
        made = rig.make("Router")
        own = signed_in.own()
        own.call("network", "PUT", f"/routers/{made.id}", json={"router": {"external_gateway_info": None}})
        own.close()
        seen = rig.store("Router").read(made.id, made.inputs)
        assert seen is not None
        assert seen.reasons == ("it has no way out",)
        assert rig.store("Router").update(made.id, seen.inputs, made.inputs).healthy

    def test_volume_begins_as_a_snapshot(self, rig: Rig) -> None:
        snapshot = rig.make("Snapshot")
        inputs = msgspec.structs.replace(rig.inputs("Volume"), snapshot=snapshot.id)
        made = rig.make("Volume", inputs)
        assert made.inputs == inputs
        seen = rig.store("Volume").read(made.id, None)
        assert getattr(seen and seen.inputs, "snapshot", "") == snapshot.id


def test_list_of_permissions_is_what_was_called() -> None:
    listed = set(re.findall(r"^\| (\w+) \| `([^`]+)` \|", LIST.read_text(encoding="utf-8"), re.MULTILINE))
    assert TestOpenStack.calls <= listed
    if ("Neutron", "PUT /ports/{id}") in TestOpenStack.calls:
        # The suite ran as a whole.
        assert listed == TestOpenStack.calls
