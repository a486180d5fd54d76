"""Load balancers of Octavia: one with a listener, a pool and a monitor for each port, and the servers in every pool.

While anything changes the whole balancer takes no other change, so each call waits for the one before. The balancer is
made in one call with its marks; the rest is brought up to what is wanted, whatever of it stands already.

A public one has a floating IP of its own at its first address, in the network that the subnet's router leads out to.
"""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from providers.kit.waiting import patiently
from providers.openstack import marks
from providers.openstack.account import GONE_S, STEP_S, Account, Seen, Stuck, is_id
from providers.openstack.client import part
from providers.openstack.network import delete
from providers.openstack.routers import way_out
from providers.ports import Identity, PortError
from pse.core.schema import Listener, LoadBalancerInputs

_ROOT = "/lbaas/loadbalancers"
_MEMBER = ("name", "address", "protocol_port")
_PUBLIC = "public"
"""Note of a balancer that is to have an address outside."""
_DELAY_S, _TIMEOUT_S, _RETRIES = 10, 5, 3


class Port(NamedTuple):
    """What stands for one listener; a part that is not there is None."""

    listener: Any
    pool: Any | None
    monitor: Any | None
    members: tuple[Any, ...]

    def said(self) -> Listener:
        """In the resource's words; a port that is not whole is like none that can be asked for."""
        path = (self.monitor or {}).get("url_path") if (self.monitor or {}).get("type") == "HTTP" else ""
        whole = self.pool is not None and self.monitor is not None
        return Listener(
            protocol=str(self.listener["protocol"]).lower(),
            port=self.listener["protocol_port"],
            member_port=_number(self.pool["name"]) if whole and self.pool else 0,
            health_path=path or "",
        )


class LoadBalancerWork:
    """A load balancer; see `providers.openstack.account.Work`. Raw is ``{"balancer", "ports", "loose", "outside"}``."""

    def __init__(self, account: Account) -> None:
        """Remember the account."""
        self._account = account
        self._client = account.client

    def make(self, inputs: LoadBalancerInputs, identity: Identity, /) -> Any:
        """One call for all of it; then whatever did not come of it."""
        for subnet in inputs.subnets:
            if not is_id(subnet) or self._client.get("network", f"/subnets/{part(subnet)}", "subnet") is None:
                raise PortError(f"no subnet {subnet!r} here", reason="not-found", where=inputs.name)
        members = self._addresses(inputs.servers)
        first, *others = inputs.subnets
        if inputs.public:
            way_out(self._account, first)
        body = {
            "name": inputs.name,
            "description": marks.description(
                identity, workload=inputs.workload, **({_PUBLIC: "yes"} if inputs.public else {})
            ),
            "tags": [f"{marks.URN}={identity.urn}"],
            "vip_subnet_id": first,
            **({"additional_vips": [{"subnet_id": subnet} for subnet in others]} if others else {}),
            **({"vip_sg_ids": list(inputs.firewalls)} if inputs.firewalls else {}),
            "listeners": [_whole_port(listener, members) for listener in inputs.listeners],
        }
        made = self._client.call("balancer", "POST", _ROOT, body={"loadbalancer": body})["loadbalancer"]
        try:
            raw = self.get(made["id"])
            return made if raw is None else self.change(raw, inputs)
        except PortError as exc:
            raise Stuck(made["id"], f"its ports could not be made: {exc.message}") from exc

    def get(self, object_id: str, /) -> Any | None:
        """The balancer with what belongs to it."""
        found = self._one(object_id) if is_id(object_id) else None
        return None if found is None else self._whole(found)

    def all(self, urn: str, /) -> list[Any]:
        """The project's balancers."""
        query = {"project_id": self._client.project, **({"tags": f"{marks.URN}={urn}"} if urn else {})}
        found = self._client.pages("balancer", _ROOT, "loadbalancers", query)
        return [self._whole(balancer) for balancer in found if balancer["provisioning_status"] != "DELETED"]

    def see(self, raw: Any, given: LoadBalancerInputs | None, /) -> Seen:
        """Everything is told."""
        balancer, ports = raw["balancer"], raw["ports"]
        servers: set[str] = set.intersection(*({m["name"] for m in port.members} for port in ports)) if ports else set()
        first, others = balancer["vip_subnet_id"], [vip["subnet_id"] for vip in balancer["additional_vips"]]
        live = {
            "name": balancer["name"],
            # Another order of the others would be another balancer.
            "subnets": (first, *_ordered(others, given.subnets[1:] if given else ())),
            "firewalls": _ordered(balancer["vip_sg_ids"] or (), given.firewalls if given else ()),
            "servers": _ordered(servers, given.servers if given else ()),
            "listeners": _ordered((port.said() for port in ports), given.listeners if given else ()),
        }
        found, outside = marks.of_description(balancer["description"]), raw["outside"]
        public = bool(found[_PUBLIC])
        # Whoever opened one by hand made it public.
        live["public"] = public or bool(outside)
        address = outside["floating_ip_address"] if outside else "" if public else balancer["vip_address"]
        status = str(balancer["provisioning_status"])
        reasons: tuple[str, ...] = (f"the load balancer is {status}",) if status == "ERROR" else ()
        reasons += ("it has no address outside",) if public and not outside else ()
        outputs = {"address": address or "", "host_name": ""}
        return Seen(balancer["id"], found, live, (self._account.regional(),), outputs, reasons)

    def change(self, raw: Any, new: LoadBalancerInputs, /) -> Any:
        """Take away what is not wanted or not whole, make what is missing, and put the servers in."""
        balancer = raw["balancer"]["id"]
        members = self._addresses(new.servers)
        if set(raw["balancer"]["vip_sg_ids"] or ()) != set(new.firewalls):
            body = {"loadbalancer": {"vip_sg_ids": list(new.firewalls)}}
            self._act(balancer, "PUT", f"{_ROOT}/{part(balancer)}", body)
        kept: dict[Listener, Port] = {}
        for port in raw["ports"]:
            if port.said() in new.listeners:
                kept[port.said()] = port
                continue
            self._act(balancer, "DELETE", f"/lbaas/listeners/{part(port.listener['id'])}")
            if port.pool is not None:
                self._act(balancer, "DELETE", f"/lbaas/pools/{part(port.pool['id'])}")
        for pool in raw["loose"]:
            self._act(balancer, "DELETE", f"/lbaas/pools/{part(pool['id'])}")
        for listener in new.listeners:
            here = kept.get(listener)
            pool = here.pool["id"] if here and here.pool else self._listen(balancer, listener)
            batch = _members(listener, members)
            there = [{key: member[key] for key in _MEMBER} for member in (here.members if here else ())]
            if sorted(map(str, batch)) != sorted(map(str, there)):
                self._act(balancer, "PUT", f"/lbaas/pools/{part(pool)}/members", {"members": batch})
        self._settled(balancer)
        if new.public and not raw["outside"]:
            self._open(raw["balancer"])
        return self.get(balancer) or raw

    def drop(self, object_id: str, /) -> None:
        """Delete it with all that belongs to it, and wait until it is gone; its port too, should Octavia leave that."""
        if not is_id(object_id):
            return
        balancer = self._settled(object_id)
        if balancer is not None:
            self._delete(balancer)
        ports = self._client.pages("network", "/ports", "ports", {"device_id": f"lb-{object_id}"})
        for port in ports:
            delete(self._account, "network", f"/ports/{part(port['id'])}", "port")

    # -- below: steps of these --

    def _listen(self, balancer: str, listener: Listener) -> str:
        """Listener, pool and monitor of one port; returns the pool's id."""
        body = {**_listener(listener), "loadbalancer_id": balancer}
        made = self._act(balancer, "POST", "/lbaas/listeners", {"listener": body})
        body = {**_pool(listener), "listener_id": made["listener"]["id"]}
        pool = str(self._act(balancer, "POST", "/lbaas/pools", {"pool": body})["pool"]["id"])
        body = {**_monitor(listener), "pool_id": pool}
        self._act(balancer, "POST", "/lbaas/healthmonitors", {"healthmonitor": body})
        return pool

    def _delete(self, balancer: Any) -> None:
        """Its floating IP first: a port that has one is left behind."""
        outside = self._outside(balancer)
        if outside and marks.of_description(outside["description"])[marks.BALANCER]:
            delete(self._account, "network", f"/floatingips/{part(outside['id'])}", "floatingip")
        path = f"{_ROOT}/{part(balancer['id'])}"
        try:
            self._client.call("balancer", "DELETE", path, params={"cascade": "true"})
        except PortError as exc:
            if exc.reason != "not-found":
                raise
        gone = patiently(
            lambda: self._one(balancer["id"]) is None or None, closed=self._account.closed, within_s=GONE_S
        )
        if gone is None:
            raise PortError("it is still there after its deletion", vendor_code="not-gone", where=balancer["id"])

    def _open(self, balancer: Any) -> None:
        """A floating IP at its first address."""
        found = marks.of_description(balancer["description"])
        if found.identity is None:
            raise PortError("it is a stranger's", reason="conflict", where=balancer["id"])
        notes = {"workload": found["workload"], marks.BALANCER: balancer["id"]}
        body = {
            "floating_network_id": way_out(self._account, balancer["vip_subnet_id"]),
            "description": marks.description(found.identity, **notes),
            "port_id": balancer["vip_port_id"],
        }
        self._client.call("network", "POST", "/floatingips", body={"floatingip": body})

    def _outside(self, balancer: Any) -> Any | None:
        """The floating IP at its first address."""
        if not balancer["vip_port_id"]:
            return None
        query = {"port_id": balancer["vip_port_id"]}
        return next(iter(self._client.pages("network", "/floatingips", "floatingips", query)), None)

    def _act(self, balancer: str, method: str, path: str, body: Any = None) -> Any:
        """One change, once the balancer takes it; what is gone already is as good as deleted."""
        self._settled(balancer)
        try:
            return self._client.call("balancer", method, path, body=body)
        except PortError as exc:
            if method == "DELETE" and exc.reason == "not-found":
                return None
            raise

    def _settled(self, object_id: str) -> Any | None:
        def look() -> tuple[Any | None] | None:
            found = self._one(object_id)
            return None if found is not None and str(found["provisioning_status"]).startswith("PENDING") else (found,)

        found = patiently(look, closed=self._account.closed, within_s=STEP_S)
        return found[0] if found else self._one(object_id)

    def _one(self, object_id: str) -> Any | None:
        found = self._client.get("balancer", f"{_ROOT}/{part(object_id)}", "loadbalancer")
        return None if found is None or found["provisioning_status"] == "DELETED" else found

    def _whole(self, balancer: Any) -> Any:
        own = {"project_id": self._client.project}
        pages = self._client.pages
        listeners = list(
            pages("balancer", "/lbaas/listeners", "listeners", {**own, "load_balancer_id": balancer["id"]})
        )
        pools = {
            pool["id"]: pool
            for pool in pages("balancer", "/lbaas/pools", "pools", {**own, "loadbalancer_id": balancer["id"]})
        }
        monitors = {
            monitor["id"]: monitor
            for monitor in (pages("balancer", "/lbaas/healthmonitors", "healthmonitors", own) if pools else ())
        }
        ports = []
        for listener in sorted(listeners, key=lambda found: int(found["protocol_port"])):
            pool = pools.pop(listener["default_pool_id"] or "", None)
            members = self._members_of(pool["id"]) if pool else ()
            # A pool that went since it was listed is as one that its listener never had.
            pool = pool if members is not None else None
            ports.append(Port(listener, pool, monitors.get((pool or {}).get("healthmonitor_id")), members or ()))
        outside = self._outside(balancer)
        return {"balancer": balancer, "ports": ports, "loose": list(pools.values()), "outside": outside}

    def _members_of(self, pool: str) -> tuple[Any, ...] | None:
        """Members of a pool; None when it is gone."""
        try:
            return tuple(self._client.pages("balancer", f"/lbaas/pools/{part(pool)}/members", "members"))
        except PortError as exc:
            if exc.reason != "not-found":
                raise
            return None

    def _addresses(self, servers: Iterable[str]) -> dict[str, str]:
        """Address by server.

        Raises:
            PortError: There is no such server, or it has no address.
        """
        found = {}
        for server in servers:
            query = {"device_id": server, "project_id": self._client.project}
            ports = list(self._client.pages("network", "/ports", "ports", query)) if is_id(server) else []
            if not ports or not ports[0]["fixed_ips"]:
                raise PortError(f"no server {server!r} with an address here", reason="not-found", where=server)
            found[server] = str(ports[0]["fixed_ips"][0]["ip_address"])
        return found


def _whole_port(listener: Listener, members: Mapping[str, str]) -> dict[str, Any]:
    pool = {**_pool(listener), "healthmonitor": _monitor(listener), "members": _members(listener, members)}
    return {**_listener(listener), "default_pool": pool}


def _listener(listener: Listener) -> dict[str, Any]:
    return {"name": str(listener.port), "protocol": listener.protocol.upper(), "protocol_port": listener.port}


def _pool(listener: Listener) -> dict[str, Any]:
    """The pool's name keeps the port of its members, which it has to say also without any."""
    return {"name": str(listener.member_port), "protocol": listener.protocol.upper(), "lb_algorithm": "ROUND_ROBIN"}


def _monitor(listener: Listener) -> dict[str, Any]:
    times = {"delay": _DELAY_S, "timeout": _TIMEOUT_S, "max_retries": _RETRIES}
    if listener.health_path:
        return {"type": "HTTP", "url_path": listener.health_path, "expected_codes": "200-299", **times}
    return {"type": "TCP", **times}


def _members(listener: Listener, addresses: Mapping[str, str]) -> list[dict[str, Any]]:
    return [
        dict(zip(_MEMBER, (server, address, listener.member_port), strict=True))
        for server, address in sorted(addresses.items())
    ]


def _ordered(live: Iterable[Any], given: tuple[Any, ...]) -> tuple[Any, ...]:
    """What is live, in the order that was given where it is the same."""
    found = tuple(sorted(live))
    return given if found == tuple(sorted(given)) else found


def _number(text: str) -> int:
    return int(text) if text.isdigit() else 0
