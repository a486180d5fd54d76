"""The adapter of OpenStack under the conformance suite, on the real control plane: all but what every kind is asked.

That is in two files more: a control plane is slow, and files run beside each other.
"""

from collections.abc import Mapping
from typing import ClassVar

import msgspec
import pytest

from providers.conformance import IdentityContract, InsideContract, RefusalContract, Rig
from providers.conformance.base import refused
from providers.openstack.marks import metadata
from providers.ports import PortError
from providers.registry import fitted
from pse.core.schema import FirewallRule, Listener, LoadBalancerInputs, ServerInputs, ServerOutputs
from tests.chaos.program import IMAGE, Names
from tests.providers.openstack.accounts import PLACE, Cloud, Project
from tests.providers.waiting import wait_for


class TestOpenStack(IdentityContract, RefusalContract, InsideContract):
    adapter = fitted("openstack", {"dns_server": "there is one"})
    unable: ClassVar[Mapping[str, str]] = {
        "range_that_is_none_is_refused": "a network has no range of its own at Neutron",
        "subnet_outside_its_network_is_refused": "a network has no range of its own at Neutron",
    }

    def test_image_is_what_the_file_is(self, signed_in: Project, rig: Rig) -> None:
        made = rig.make("Image")
        own = signed_in.own()
        assert own.call("image", "GET", f"/images/{made.id}/file") == IMAGE
        assert own.call("image", "GET", f"/images/{made.id}")["visibility"] == "private"
        own.close()
        assert getattr(made.outputs, "size_bytes", 0) == len(IMAGE)
        for change in ({"sha256": "0" * 64}, {"source": "no-such.img"}, {"source": "../pse.toml"}):
            with pytest.raises(PortError) as caught:
                rig.store("Image").create(
                    msgspec.structs.replace(rig.inputs("Image"), **change), identity=rig.identity()
                )
            assert caught.value.reason == "invalid"

    def test_image_whose_bytes_never_came_gets_them(self, signed_in: Project, rig: Rig) -> None:
        inputs, identity, own = rig.inputs("Image"), rig.identity(), signed_in.own()
        marks = metadata(identity, workload="suite", source=Names().image_file, sha256=Names().image_sha256)
        body = {"name": inputs.name, "disk_format": "raw", "container_format": "bare", **marks}
        empty = own.call("image", "POST", "/images", json=body)["id"]
        own.close()
        (seen,) = rig.store("Image").find(identity.stack, identity.urn)
        assert (seen.id, seen.reasons) == (empty, ("the image is queued",))
        made = rig.make("Image", inputs, identity)
        assert (made.id, made.healthy) == (empty, True)

    def test_bucket_is_private_and_keeps_what_is_in_it(self, signed_in: Project, rig: Rig) -> None:
        made, own = rig.make("Bucket"), signed_in.own()
        own.call("object-store", "POST", f"/{made.id}", headers={"X-Container-Read": ".r:*"})
        own.call("object-store", "PUT", f"/{made.id}/kept", data=b"kept")
        seen = rig.store("Bucket").read(made.id, made.inputs)
        assert seen is not None
        assert seen.reasons == ("others than the project may read it",)
        assert rig.store("Bucket").update(made.id, made.inputs, made.inputs) == made
        with pytest.raises(PortError) as caught:
            rig.store("Bucket").delete(made.id)
        assert caught.value.reason == "in-use"
        for version in own.call("object-store", "GET", f"/{made.id}?versions&format=json"):
            own.call("object-store", "DELETE", f"/{made.id}/kept?version-id={version['version_id']}")
        own.close()

    def test_load_balancer_gets_its_servers_and_is_mended(self, signed_in: Project, rig: Rig) -> None:
        server, made = rig.make("Server"), rig.make("LoadBalancer")
        firewall = rig.make("Firewall")
        assert isinstance(made.inputs, LoadBalancerInputs)
        assert isinstance(server.outputs, ServerOutputs)
        web = Listener(protocol="http", port=8080, member_port=80, health_path="/health")
        wanted = msgspec.structs.replace(
            made.inputs, servers=(server.id,), firewalls=(firewall.id,), listeners=(*made.inputs.listeners, web)
        )
        store, own = rig.store("LoadBalancer"), signed_in.own()
        assert store.update(made.id, made.inputs, wanted).inputs == wanted
        for listener in own.call("load-balancer", "GET", "/lbaas/listeners")["listeners"]:
            pool = listener["default_pool_id"]
            (member,) = own.call("load-balancer", "GET", f"/lbaas/pools/{pool}/members")["members"]
            assert member["address"] == server.outputs.address
        own.call("load-balancer", "DELETE", f"/lbaas/pools/{pool}/members/{member['id']}")
        _settled(own, made.id)
        drifted = store.read(made.id, wanted)
        assert getattr(drifted and drifted.inputs, "servers", None) == ()
        own.call("load-balancer", "DELETE", f"/lbaas/pools/{pool}")
        _settled(own, made.id)
        own.close()
        assert store.update(made.id, wanted, wanted).inputs == wanted
        assert store.update(made.id, wanted, made.inputs).inputs == made.inputs

    def test_public_load_balancer_has_an_address_outside_that_goes_with_it(self, signed_in: Project, rig: Rig) -> None:
        inputs = rig.inputs("LoadBalancer")
        assert isinstance(inputs, LoadBalancerInputs)
        inputs = msgspec.structs.replace(inputs, public=True)
        assert refused(rig, "LoadBalancer", inputs).reason == "not-found"
        router = rig.make("Router")
        wanted = msgspec.structs.replace(inputs, subnets=getattr(router.inputs, "subnets", ()))
        made, own = rig.make("LoadBalancer", wanted), signed_in.own()
        assert made.inputs == wanted
        (address,) = own.call("network", "GET", "/floatingips")["floatingips"]
        assert getattr(made.outputs, "address", "") == address["floating_ip_address"]
        assert rig.store("Address").list() == ()
        own.call("network", "DELETE", f"/floatingips/{address['id']}")
        store = rig.store("LoadBalancer")
        seen = store.read(made.id, wanted)
        assert seen is not None
        assert (seen.inputs, seen.reasons) == (wanted, ("it has no address outside",))
        mended = store.update(made.id, wanted, wanted)
        assert mended.healthy
        assert getattr(mended.outputs, "address", "").startswith("203.0.113.")
        assert store.update(made.id, wanted, wanted) == mended
        # What a balancer that went without it leaves behind is an address like any other.
        own.call("load-balancer", "DELETE", f"/lbaas/loadbalancers/{made.id}?cascade=true")
        wait_for(lambda: own.call("load-balancer", "GET", "/lbaas/loadbalancers")["loadbalancers"] == [])
        (left,) = rig.store("Address").list()
        assert left.identity == made.identity
        rig.store("Address").delete(left.id)
        again = rig.make("LoadBalancer", wanted)
        rig.store("LoadBalancer").delete(again.id)
        assert own.call("network", "GET", "/floatingips")["floatingips"] == []
        own.close()

    def test_servers_that_stand_apart_share_no_host(self, signed_in: Project, rig: Rig) -> None:
        own = signed_in.own()
        inputs = msgspec.structs.replace(rig.inputs("Server"), apart="pair")
        made = rig.make("Server", inputs)
        assert made.inputs == inputs
        (group,) = own.call("compute", "GET", "/os-server-groups")["server_groups"]
        assert (group["policies"], group["members"]) == (["anti-affinity"], [made.id])
        # The control plane has one host: there is no other to stand on.
        with pytest.raises(PortError) as caught:
            rig.store("Server").create(msgspec.structs.replace(inputs, name="suite-other"), identity=rig.identity())
        assert caught.value.reason == "capacity"
        rig.store("Server").delete(made.id)
        assert own.call("compute", "GET", "/os-server-groups")["server_groups"] == []
        own.close()

    def test_group_of_a_server_that_never_came_goes_with_the_subnet(self, signed_in: Project, rig: Rig) -> None:
        own, subnet = signed_in.own(), rig.make("Subnet")
        assert subnet.identity is not None
        name = f"pse-apart__{subnet.identity.stack}__pair"
        body = {"server_group": {"name": name, "policies": ["anti-affinity"]}}
        own.call("compute", "POST", "/os-server-groups", json=body)
        rig.store("Subnet").delete(subnet.id)
        assert own.call("compute", "GET", "/os-server-groups")["server_groups"] == []
        own.close()

    def test_server_starts_from_a_volume_that_outlives_it(self, rig: Rig) -> None:
        disk = rig.make("Volume")
        inputs = msgspec.structs.replace(rig.inputs("Server"), boot_volume=disk.id)
        made = rig.make("Server", inputs)
        assert made.inputs == inputs
        assert {aspect.where for aspect in made.outputs.placement} == {PLACE}
        seen = rig.store("Server").read(made.id, None)
        assert getattr(seen and seen.inputs, "boot_volume", "") == disk.id
        with pytest.raises(PortError) as caught:
            rig.store("Volume").delete(disk.id)
        assert caught.value.reason == "in-use"
        rig.store("Server").delete(made.id)
        assert rig.store("Volume").read(disk.id, disk.inputs) == disk

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


def _settled(own: Cloud, balancer: str) -> None:
    def settled() -> bool:
        found = own.call("load-balancer", "GET", f"/lbaas/loadbalancers/{balancer}")["loadbalancer"]
        return str(found["provisioning_status"]) == "ACTIVE"

    wait_for(settled)
