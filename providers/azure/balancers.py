"""Load balancers: Azure's own of the standard kind, which pass connections on and look into none.

A frontend for each subnet, or one with a public address of its own; one pool with the servers' addresses; for each
listener a probe, and a rule for each frontend. All of it is one PUT.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar

from providers.azure import interfaces
from providers.azure.account import NEW, Account, reasons
from providers.azure.names import (
    BALANCER,
    INTERFACE,
    MACHINE,
    NETWORK,
    PART,
    PUBLIC,
    SUBNET,
    last,
    own_tags,
    owned,
    parent,
    tags_of,
)
from providers.azure.outside import public_body, public_placement
from providers.kit.noun import Query, Seen
from providers.kit.tags import made_name
from providers.kit.tags import tags_of as identity_tags
from providers.ports import Identity, PortError
from pse.core.schema import Listener, LoadBalancerInputs

STANDS = "pse-stands-"
"""Beginning of the tags that name the subnets of a public one, in their order: Azure does not know them."""
_POOL = "servers"


class LoadBalancers:
    """See `providers.kit.noun.Noun`. A name ends in the intent's token, and a PUT takes nobody's place."""

    settle_s: ClassVar[float] = 0

    def __init__(self, account: Account) -> None:
        """Remember the account."""
        self._account = account

    def make(self, inputs: LoadBalancerInputs, identity: Identity) -> str:
        """PUT of one that passes nothing on yet."""
        self._refuse_tls(inputs)
        for subnet in inputs.subnets:
            self._account.needed(subnet, SUBNET)
        for server in inputs.servers:
            self._account.needed(server, MACHINE)
        object_id = self._account.path(BALANCER, made_name(inputs.name, identity))
        stands = {f"{STANDS}{n}": f"{last(parent(one))}/{last(one)}" for n, one in enumerate(inputs.subnets)}
        tags = {**identity_tags(identity), **(stands if inputs.public else {})}
        self._account.put(object_id, {**self._frame(tags), "properties": {}}, NEW)
        return object_id

    def finish(self, object_id: str, inputs: LoadBalancerInputs) -> None:
        """See that it has its public address where it is public, and bring all of it to what is wanted."""
        self._refuse_tls(inputs)
        raw = self._account.ready(object_id, BALANCER)
        public = self._public(object_id) if inputs.public else ""
        if public and self._account.get(public, PUBLIC) is None:
            self._account.put(public, public_body(self._account, {**own_tags(raw), PART: last(object_id)}))
            self._account.succeeded(public, PUBLIC)
        is_so = (
            not reasons(raw)
            and _listeners(raw) == tuple(sorted(inputs.listeners))
            and self._servers(raw) == tuple(sorted(inputs.servers))
            and bool(raw["properties"].get("frontendIPConfigurations"))
        )
        if not is_so:
            body = {**self._frame(raw.get("tags") or {}), "properties": self._wanted(object_id, inputs, public)}
            self._account.put(object_id, body, {"If-Match": raw["etag"]} if raw.get("etag") else {})
            self._account.succeeded(object_id, BALANCER)

    def seen(self, query: Query, known: LoadBalancerInputs | None) -> Iterator[Seen]:
        """One, or all of the resource group, with their public addresses."""
        one = self._account.get(query.id, BALANCER) if query.id else None
        raws = [one] if one else [] if query.id else list(self._account.all(BALANCER))
        publics = {str(raw["name"]).lower(): raw for raw in self._account.all(PUBLIC)} if raws else {}
        for raw in raws:
            object_id = self._account.path(BALANCER, raw["name"])
            public = publics.get(last(self._public(object_id)).lower())
            fronts = [front["properties"] for front in raw["properties"].get("frontendIPConfigurations") or ()]
            found: dict[str, Any] = {
                "subnets": self._subnets(raw, fronts),
                "servers": self._servers(raw),
                "listeners": _listeners(raw),
                "public": any(front.get("publicIPAddress") for front in fronts),
            }
            if known is not None:
                found |= {
                    key: getattr(known, key)
                    for key in ("servers", "listeners")
                    if tuple(sorted(getattr(known, key))) == found[key]
                }
            own = str((public or {}).get("properties", {}).get("ipAddress", ""))
            address = own or next((str(front.get("privateIPAddress") or "") for front in fronts), "")
            placement = self._account.located(raw)
            placement += public_placement(self._account, public, "address") if public else []
            yield Seen(
                id=object_id,
                **owned(raw),
                inputs=found,
                outputs={"address": address, "host_name": ""},
                placement=tuple(placement),
                reasons=(*reasons(raw), *(() if fronts else ("it stands nowhere",))),
            )

    def remove(self, object_id: str) -> None:
        """DELETE, and its public address with it."""
        self._account.delete(object_id, BALANCER)
        self._account.delete(self._public(object_id), PUBLIC)

    def _refuse_tls(self, inputs: LoadBalancerInputs) -> None:
        if any(listener.protocol == "https" for listener in inputs.listeners):
            raise PortError("a load balancer at Azure ends no TLS", reason="invalid", where=self._account.place)

    def _wanted(self, object_id: str, inputs: LoadBalancerInputs, public: str) -> dict[str, Any]:
        zones = self._account.zones
        places: list[dict[str, Any]] = [{"publicIPAddress": {"id": public}}] if public else []
        places = places or [{"subnet": {"id": one}, "privateIPAllocationMethod": "Dynamic"} for one in inputs.subnets]
        fronts: list[dict[str, Any]] = [
            {"name": f"front-{number}", "properties": place, **({} if public else zones)}
            for number, place in enumerate(places)
        ]
        network = self._account.path(NETWORK, last(parent(inputs.subnets[0])))
        return {
            "frontendIPConfigurations": fronts,
            "backendAddressPools": [
                {"name": _POOL, "properties": {"loadBalancerBackendAddresses": self._members(inputs.servers, network)}}
            ],
            "probes": [_probe(listener) for listener in inputs.listeners],
            "loadBalancingRules": [
                _rule(object_id, front["name"], listener) for front in fronts for listener in inputs.listeners
            ],
        }

    def _members(self, servers: Sequence[str], network: str) -> list[dict[str, Any]]:
        found = []
        for server in servers:
            machine = self._account.needed(server, MACHINE)
            nic = self._account.needed(interfaces.of_machine(machine), INTERFACE)
            address = {"ipAddress": interfaces.address_of(nic), "virtualNetwork": {"id": network}}
            found.append({"name": str(machine["name"]), "properties": address})
        return found

    def _servers(self, raw: Mapping[str, Any]) -> tuple[str, ...]:
        return tuple(
            sorted(
                self._account.path(MACHINE, member["name"])
                for pool in raw["properties"].get("backendAddressPools") or ()
                for member in (pool["properties"].get("loadBalancerBackendAddresses") or ())
            )
        )

    def _subnets(self, raw: Mapping[str, Any], fronts: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
        ids = [str(front["subnet"]["id"]) for front in fronts if front.get("subnet")]
        named = sorted((key, value) for key, value in tags_of(raw).items() if key.startswith(STANDS))
        pairs = [(last(parent(one)), last(one)) for one in ids] or [
            (value.partition("/")[0], value.partition("/")[2]) for _, value in named
        ]
        return tuple(self._account.path(SUBNET, *pair) for pair in pairs)

    def _public(self, object_id: str) -> str:
        return self._account.path(PUBLIC, f"{last(object_id)}-in")

    def _frame(self, tags: Mapping[str, str]) -> dict[str, Any]:
        sku = {"name": "Standard", "tier": "Regional"}
        return {"location": self._account.location, "tags": dict(tags), "sku": sku}


def _name(listener: Listener) -> str:
    return f"{listener.protocol}-{listener.port}"


def _probe(listener: Listener) -> dict[str, Any]:
    asked = {"protocol": "Http", "requestPath": listener.health_path} if listener.health_path else {"protocol": "Tcp"}
    return {"name": _name(listener), "properties": {**asked, "port": listener.member_port, "intervalInSeconds": 5}}


def _rule(object_id: str, front: str, listener: Listener) -> dict[str, Any]:
    return {
        "name": f"{front}-{_name(listener)}",
        "properties": {
            "frontendIPConfiguration": {"id": f"{object_id}/frontendIPConfigurations/{front}"},
            "backendAddressPool": {"id": f"{object_id}/backendAddressPools/{_POOL}"},
            "probe": {"id": f"{object_id}/probes/{_name(listener)}"},
            "protocol": "Tcp",
            "frontendPort": listener.port,
            "backendPort": listener.member_port,
            "enableTcpReset": True,
            "disableOutboundSnat": True,
        },
    }


def _listeners(raw: Mapping[str, Any]) -> tuple[Listener, ...]:
    """What it answers on, by its rules; what they were called for stands in their names."""
    probes = {probe["name"]: probe["properties"] for probe in raw["properties"].get("probes") or ()}
    found = set()
    for rule in raw["properties"].get("loadBalancingRules") or ():
        given = rule["properties"]
        protocol = "http" if f"-http-{given['frontendPort']}" in rule["name"] else "tcp"
        probe = probes.get(last(str((given.get("probe") or {}).get("id") or "")), {})
        found.add(
            Listener(
                protocol=protocol,
                port=given["frontendPort"],
                member_port=given.get("backendPort") or given["frontendPort"],
                health_path=str(probe.get("requestPath") or ""),
            )
        )
    return tuple(sorted(found))
