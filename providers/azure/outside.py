"""Ways out and in: a router is a NAT gateway with a public address of its own, an address is a public IP address.

Both belong to no network at Azure; tags say which network a router is for, and which router leads to an address.
"""

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from providers.azure import interfaces
from providers.azure.account import NEW, Account, reasons
from providers.azure.names import (
    GATEWAY,
    IN_NETWORK,
    INTERFACE,
    MACHINE,
    NETWORK,
    PART,
    PUBLIC,
    SUBNET,
    last,
    own_tags,
    owned,
    same,
    tags_of,
)
from providers.kit.noun import Query, Seen
from providers.kit.tags import made_name
from providers.kit.tags import tags_of as identity_tags
from providers.ports import Identity
from pse.core.schema import AddressInputs, Placement, RouterInputs

BY_ROUTER = "pse-router"
"""Tag of a public address: name of the router that leads to it."""
_KEPT_OF_SUBNET = (
    "addressPrefix",
    "addressPrefixes",
    "defaultOutboundAccess",
    "delegations",
    "ipAllocations",
    "networkSecurityGroup",
    "privateEndpointNetworkPolicies",
    "privateLinkServiceNetworkPolicies",
    "routeTable",
    "serviceEndpointPolicies",
    "serviceEndpoints",
    "sharingScope",
)


class Routers:
    """See `providers.kit.noun.Noun`. A name ends in the intent's token, and a PUT takes nobody's place."""

    settle_s: ClassVar[float] = 0

    def __init__(self, account: Account) -> None:
        """Remember the account."""
        self._account = account

    def make(self, inputs: RouterInputs, identity: Identity) -> str:
        """PUT of a gateway that leads nowhere yet."""
        network = self._account.needed(inputs.network, NETWORK)
        for subnet in inputs.subnets:
            self._account.needed(subnet, SUBNET)
        object_id = self._account.path(GATEWAY, made_name(inputs.name, identity))
        tags = {**identity_tags(identity), IN_NETWORK: str(network["name"])}
        self._account.put(object_id, self._body(tags), NEW)
        return object_id

    def finish(self, object_id: str, inputs: RouterInputs) -> None:
        """See that it has its address, and that the wanted subnets go out by it, and no others."""
        raw = self._account.succeeded(object_id, GATEWAY)
        public = self._address(object_id)
        if self._account.get(public, PUBLIC) is None:
            body = public_body(self._account, {**own_tags(raw), PART: last(object_id)})
            self._account.put(public, body)
            self._account.succeeded(public, PUBLIC)
        if not any(same(one["id"], public) for one in raw["properties"].get("publicIpAddresses") or ()):
            body = self._body(raw.get("tags") or {}, public)
            self._account.put(object_id, body, {"If-Match": raw["etag"]} if raw.get("etag") else {})
            self._account.succeeded(object_id, GATEWAY)
        live = {subnet.lower() for subnet in self._subnets(raw)}
        for subnet in inputs.subnets:
            if subnet.lower() not in live:
                self._lead(subnet, object_id)
        for subnet in live - {subnet.lower() for subnet in inputs.subnets}:
            self._lead(subnet, "")

    def seen(self, query: Query, known: RouterInputs | None) -> Iterator[Seen]:
        """One, or all of the resource group, with their addresses."""
        one = self._account.get(query.id, GATEWAY) if query.id else None
        raws = [one] if one else [] if query.id else list(self._account.all(GATEWAY))
        publics = {str(raw["name"]).lower(): raw for raw in self._account.all(PUBLIC)} if raws else {}
        for raw in raws:
            object_id = self._account.path(GATEWAY, raw["name"])
            public = publics.get(last(self._address(object_id)).lower())
            mine, network, subnets = owned(raw), tags_of(raw).get(IN_NETWORK, ""), self._subnets(raw)
            if known is not None and {one.lower() for one in known.subnets} == {one.lower() for one in subnets}:
                subnets = known.subnets
            placement = self._account.located(raw, zonal=True)
            placement += public_placement(self._account, public, "address") if public else []
            missing = () if public or mine["identity"] is None else ("it has no public address",)
            yield Seen(
                id=object_id,
                **mine,
                inputs={
                    "network": self._account.path(NETWORK, network) if network else "",
                    "subnets": subnets,
                },
                outputs={"address": str((public or {}).get("properties", {}).get("ipAddress", ""))},
                placement=tuple(placement),
                reasons=(*reasons(raw), *missing),
            )

    def remove(self, object_id: str) -> None:
        """Let the subnets go, then DELETE it and its address."""
        raw = self._account.get(object_id, GATEWAY)
        for subnet in self._subnets(raw or {}):
            self._lead(subnet, "")
        self._account.delete(object_id, GATEWAY)
        self._account.delete(self._address(object_id), PUBLIC)

    def _address(self, object_id: str) -> str:
        return self._account.path(PUBLIC, f"{last(object_id)}-out")

    def _subnets(self, raw: Mapping[str, Any]) -> tuple[str, ...]:
        found = []
        for one in (raw.get("properties") or {}).get("subnets") or ():
            parts = str(one["id"]).split("/")
            found.append(self._account.path(SUBNET, parts[-3], parts[-1]))
        return tuple(sorted(found))

    def _lead(self, subnet: str, gateway: str) -> None:
        """Let a subnet go out by a gateway, or by none: a PUT of all that it has."""
        raw = self._account.get(subnet, SUBNET)
        if raw is None and not gateway:
            return
        raw = raw or self._account.needed(subnet, SUBNET)
        kept = {key: raw["properties"][key] for key in _KEPT_OF_SUBNET if raw["properties"].get(key) is not None}
        body = {"properties": {**kept, **({"natGateway": {"id": gateway}} if gateway else {})}}
        self._account.put(subnet, body, {"If-Match": raw["etag"]} if raw.get("etag") else {})
        self._account.succeeded(subnet, SUBNET)

    def _body(self, tags: Mapping[str, str], public: str = "") -> dict[str, Any]:
        return {
            "location": self._account.location,
            **self._account.zones,
            "tags": dict(tags),
            "sku": {"name": "Standard"},
            "properties": {"publicIpAddresses": [{"id": public}] if public else []},
        }


class Addresses:
    """See `providers.kit.noun.Noun`. A name ends in the intent's token, and a PUT takes nobody's place."""

    settle_s: ClassVar[float] = 0

    def __init__(self, account: Account) -> None:
        """Remember the account."""
        self._account = account

    def make(self, inputs: AddressInputs, identity: Identity) -> str:
        """PUT of an address that nobody answers at yet."""
        router = self._account.needed(inputs.router, GATEWAY)
        if inputs.server:
            self._account.needed(inputs.server, MACHINE)
        object_id = self._account.path(PUBLIC, made_name(inputs.name, identity))
        tags = {**identity_tags(identity), BY_ROUTER: str(router["name"])}
        self._account.put(object_id, public_body(self._account, tags), NEW)
        return object_id

    def finish(self, object_id: str, inputs: AddressInputs) -> None:
        """Let the wanted server's interface have it, and no other."""
        raw = self._account.succeeded(object_id, PUBLIC)
        machine = self._account.needed(inputs.server, MACHINE) if inputs.server else {}
        wanted, live = interfaces.of_machine(machine), _interface_with(raw)
        if same(wanted, live):
            return
        self._let_go(live)
        if wanted:
            nic = self._account.needed(wanted, INTERFACE)
            interfaces.change(self._account, nic, public=object_id)

    def seen(self, query: Query, known: AddressInputs | None) -> Iterator[Seen]:
        """One, or all of the resource group; routers' own belong to them."""
        one = self._account.get(query.id, PUBLIC) if query.id else None
        raws = [one] if one else [] if query.id else list(self._account.all(PUBLIC))
        raws = [raw for raw in raws if PART not in tags_of(raw)]
        used = any(_interface_with(raw) for raw in raws)
        nics = {str(nic["name"]).lower(): nic for nic in self._account.all(INTERFACE)} if used else {}
        for raw in raws:
            nic = nics.get(last(_interface_with(raw)).lower(), {})
            machine = last(str(((nic.get("properties") or {}).get("virtualMachine") or {}).get("id") or ""))
            server = self._account.path(MACHINE, machine) if machine else ""
            router = tags_of(raw).get(BY_ROUTER, "")
            yield Seen(
                id=self._account.path(PUBLIC, raw["name"]),
                **owned(raw),
                inputs={
                    "router": self._account.path(GATEWAY, router) if router else "",
                    "server": known.server if known and same(known.server, server) else server,
                },
                outputs={"address": str(raw["properties"].get("ipAddress") or "")},
                placement=tuple(public_placement(self._account, raw, "resource")),
                reasons=reasons(raw),
            )

    def remove(self, object_id: str) -> None:
        """DELETE, when no interface has it any more."""
        raw = self._account.get(object_id, PUBLIC)
        self._let_go(_interface_with(raw or {}))
        self._account.delete(object_id, PUBLIC)

    def _let_go(self, interface: str) -> None:
        nic = self._account.get(interface, INTERFACE)
        if nic is not None:
            interfaces.change(self._account, nic, public="")


def public_body(account: Account, tags: Mapping[str, str]) -> dict[str, Any]:
    """A public address that stays the same, answered at in this location only."""
    return {
        "location": account.location,
        **account.zones,
        "tags": dict(tags),
        "sku": {"name": "Standard", "tier": "Regional"},
        "properties": {"publicIPAllocationMethod": "Static", "publicIPAddressVersion": "IPv4"},
    }


def public_placement(account: Account, raw: Mapping[str, Any], what: str) -> list[Placement]:
    """Where a public address is, and whether it is answered at anywhere else."""
    found = account.located(raw, what=what, zonal=True)
    tier = str((raw.get("sku") or {}).get("tier") or "Regional")
    return found if tier == "Regional" else [*found, Placement("tier", tier, "unknown")]


def _interface_with(raw: Mapping[str, Any]) -> str:
    """Id of the interface that has a public address; empty for none."""
    used = str(((raw.get("properties") or {}).get("ipConfiguration") or {}).get("id") or "")
    parts = used.split("/")
    return "/".join(parts[:-2]) if len(parts) > 2 and same(parts[-2], "ipConfigurations") else ""
