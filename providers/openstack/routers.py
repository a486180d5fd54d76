"""Routers with a way out, and public addresses: Neutron routers and floating IPs.

A floating IP has no name there, so the name is kept in the description. Its router is the one whose gateway lies in the
address's external network; Neutron tells it only while a server answers at the address.

A floating IP of a load balancer is the balancer's and no address of its own, until the balancer is gone without it.
"""

from typing import Any

from providers.openstack import marks
from providers.openstack.account import Account, Seen, Stuck, is_id
from providers.openstack.client import option, part
from providers.openstack.network import NetworkWork, SubnetWork, delete
from providers.ports import Identity, PortError
from pse.core.schema import AddressInputs, RouterInputs

_INTERFACE = ("network:router_interface", "network:ha_router_replicated_interface")


class RouterWork:
    """A router; see `providers.openstack.account.Work`. Raw is ``{"router", "subnets"}``."""

    def __init__(self, account: Account) -> None:
        """Remember the account."""
        self._account = account
        self._client = account.client

    def make(self, inputs: RouterInputs, identity: Identity, /) -> Any:
        """The router with its gateway, then an interface in each subnet; where those cannot be, it goes again."""
        if NetworkWork(self._account).get(inputs.network) is None:
            raise PortError(f"no network {inputs.network!r} here", reason="not-found", where=inputs.name)
        subnets = SubnetWork(self._account)
        if missing := [subnet for subnet in inputs.subnets if subnets.get(subnet) is None]:
            raise PortError(f"no subnet {missing[0]!r} here", reason="not-found", where=inputs.name)
        body = {
            "name": inputs.name,
            "description": marks.description(identity, workload=inputs.workload, network=inputs.network),
            "external_gateway_info": {"network_id": self._outside()},
        }
        raw = self._client.call("network", "POST", "/routers", body={"router": body})["router"]
        try:
            return self.change({"router": raw, "subnets": ()}, inputs)
        except PortError as exc:
            try:
                self.drop(raw["id"])
            except PortError:
                raise Stuck(raw["id"], f"its subnets could not be joined: {exc.message}") from exc
            raise

    def get(self, object_id: str, /) -> Any | None:
        """The router and the subnets that it joins."""
        found = self._client.get("network", f"/routers/{part(object_id)}", "router") if is_id(object_id) else None
        return None if found is None else {"router": found, "subnets": self._subnets(object_id)}

    def all(self, _urn: str, /) -> list[Any]:
        """The project's routers."""
        query = {"project_id": self._client.project}
        routers = list(self._client.pages("network", "/routers", "routers", query))
        return [{"router": router, "subnets": self._subnets(router["id"])} for router in routers]

    def see(self, raw: Any, given: RouterInputs | None, /) -> Seen:
        """Name, network, subnets and the address of the way out."""
        router, subnets = raw["router"], raw["subnets"]
        found = marks.of_description(router["description"])
        if given is not None and subnets == tuple(sorted(given.subnets)):
            subnets = given.subnets
        live = {"name": router["name"], "subnets": subnets}
        live |= {"network": found["network"]} if found["network"] else {}
        fixed = (router["external_gateway_info"] or {}).get("external_fixed_ips") or [{}]
        reasons = () if router["external_gateway_info"] else ("it has no way out",)
        outputs = {"address": fixed[0].get("ip_address", "")}
        return Seen(router["id"], found, live, (self._account.regional(),), outputs, reasons)

    def change(self, raw: Any, new: RouterInputs, /) -> Any:
        """Join the subnets that are missing, leave those that are not wanted, open the way out again."""
        path = f"/routers/{part(raw['router']['id'])}"
        for subnet in sorted(set(new.subnets) - set(raw["subnets"])):
            self._client.call("network", "PUT", f"{path}/add_router_interface", body={"subnet_id": subnet})
        self._leave(path, set(raw["subnets"]) - set(new.subnets))
        if not raw["router"]["external_gateway_info"]:
            body = {"router": {"external_gateway_info": {"network_id": self._outside()}}}
            self._client.call("network", "PUT", path, body=body)
        return self.get(raw["router"]["id"])

    def drop(self, object_id: str, /) -> None:
        """Leave its subnets, then delete it."""
        raw = self.get(object_id)
        if raw is None:
            return
        path = f"/routers/{part(object_id)}"
        self._leave(path, set(raw["subnets"]))
        delete(self._account, "network", path, "router")

    def _leave(self, path: str, subnets: set[str]) -> None:
        for subnet in sorted(subnets):
            try:
                self._client.call("network", "PUT", f"{path}/remove_router_interface", body={"subnet_id": subnet})
            except PortError as exc:
                if exc.reason != "not-found":
                    raise

    def _subnets(self, router: str) -> tuple[str, ...]:
        ports = self._client.pages("network", "/ports", "ports", {"device_id": router})
        inside = [port for port in ports if port["device_owner"].startswith(_INTERFACE)]
        return tuple(sorted({address["subnet_id"] for port in inside for address in port["fixed_ips"]}))

    def _outside(self) -> str:
        """Id of the external network that the register names.

        Raises:
            PortError: None or several are called so.
        """
        wanted = option(self._account.target, "external_network")
        query = {"router:external": "true"}
        found = [
            network["id"]
            for network in self._client.pages("network", "/networks", "networks", query)
            if network["router:external"] and wanted in {network["id"], network["name"]}
        ]
        if len(found) != 1:
            raise PortError(
                f"{len(found) or 'no'} external networks are called {wanted!r}",
                reason="invalid",
                vendor_code="external-network",
                where=self._account.place,
            )
        return str(found[0])


class AddressWork:
    """A floating IP; see `providers.openstack.account.Work`. Raw is ``{"address", "server"}``."""

    def __init__(self, account: Account) -> None:
        """Remember the account."""
        self._account = account
        self._client = account.client

    def make(self, inputs: AddressInputs, identity: Identity, /) -> Any:
        """One call, with the server's port in it where there is one."""
        router = RouterWork(self._account).get(inputs.router)
        if router is None or not router["router"]["external_gateway_info"]:
            raise PortError(f"no router {inputs.router!r} with a way out here", reason="not-found", where=inputs.name)
        body = {
            "floating_network_id": router["router"]["external_gateway_info"]["network_id"],
            "description": marks.description(identity, workload=inputs.workload, name=inputs.name),
            "port_id": self._port(inputs.server) if inputs.server else None,
        }
        return self._whole(
            self._client.call("network", "POST", "/floatingips", body={"floatingip": body})["floatingip"]
        )

    def get(self, object_id: str, /) -> Any | None:
        """The address and its server."""
        path = f"/floatingips/{part(object_id)}"
        found = self._client.get("network", path, "floatingip") if is_id(object_id) else None
        return None if found is None or self._of_balancer(found) else self._whole(found)

    def all(self, _urn: str, /) -> list[Any]:
        """The project's addresses."""
        query = {"project_id": self._client.project}
        found = self._client.pages("network", "/floatingips", "floatingips", query)
        return [self._whole(address) for address in found if not self._of_balancer(address)]

    def see(self, raw: Any, _given: AddressInputs | None, /) -> Seen:
        """Address and server; the router while a server answers."""
        address = raw["address"]
        found = marks.of_description(address["description"])
        live = {"server": raw["server"]}
        live |= {"name": found["name"]} if found["name"] else {}
        live |= {"router": address["router_id"]} if address["router_id"] else {}
        outputs = {"address": address["floating_ip_address"]}
        return Seen(address["id"], found, live, (self._account.regional(),), outputs)

    def change(self, raw: Any, new: AddressInputs, /) -> Any:
        """Give it to the server."""
        if raw["server"] == new.server:
            return raw
        body = {"floatingip": {"port_id": self._port(new.server) if new.server else None}}
        path = f"/floatingips/{part(raw['address']['id'])}"
        return self._whole(self._client.call("network", "PUT", path, body=body)["floatingip"])

    def drop(self, object_id: str, /) -> None:
        """Give it back to the pool."""
        if is_id(object_id):
            delete(self._account, "network", f"/floatingips/{part(object_id)}", "floatingip")

    def _whole(self, address: Any) -> Any:
        port = address["port_id"]
        found = self._client.get("network", f"/ports/{part(port)}", "port") if port else None
        return {"address": address, "server": found["device_id"] if found else ""}

    def _of_balancer(self, address: Any) -> bool:
        """Whether it is for a load balancer that stands."""
        balancer = marks.of_description(address["description"])[marks.BALANCER]
        path = f"/lbaas/loadbalancers/{part(balancer)}"
        found = self._client.get("balancer", path, "loadbalancer") if is_id(balancer) else None
        return found is not None and found["provisioning_status"] != "DELETED"

    def _port(self, server: str) -> str:
        query = {"device_id": server}
        ports = list(self._client.pages("network", "/ports", "ports", query)) if is_id(server) else []
        if not ports:
            raise PortError(f"no server {server!r} with an address here", reason="not-found", where=server)
        return str(ports[0]["id"])


def way_out(account: Account, subnet: str) -> str:
    """Id of the external network that a router of the subnet leads to.

    Raises:
        PortError: None leads out.
    """
    ports = account.client.pages("network", "/ports", "ports", {"fixed_ips": f"subnet_id={subnet}"})
    for port in ports:
        if port["device_owner"].startswith(_INTERFACE):
            router = account.client.get("network", f"/routers/{part(port['device_id'])}", "router")
            if router and router["external_gateway_info"]:
                return str(router["external_gateway_info"]["network_id"])
    raise PortError(f"no router leads out of subnet {subnet}", reason="not-found", where=account.place)
