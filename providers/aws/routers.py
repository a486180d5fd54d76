"""Routers are Internet gateways with a route table of their own; public addresses are Elastic IPs.

EC2 sends a server out through an Internet gateway by the server's own public address only. So one without an address
reaches nothing outside, and a router has no address that others would be seen from. A NAT gateway would give one, but
in a subnet that it serves no public address would answer.
"""

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from providers.aws.account import Account
from providers.aws.tags import filters, named, owner, plain, specifications
from providers.kit.noun import Query, Seen
from providers.kit.tags import identity_of
from providers.ports import Identity, PortError
from pse.core.schema import AddressInputs, Placement, RouterInputs

ANYWHERE = "0.0.0.0/0"
OF_ROUTER = "pse-router"
"""Tag of a route table: the gateway that it belongs to."""


class Routers:
    """See `providers.kit.noun.Noun`. CreateInternetGateway has neither token nor a name that is kept unique."""

    settle_s: ClassVar[float] = 15

    def __init__(self, account: Account) -> None:
        """Remember the account."""
        self._account = account

    def make(self, inputs: RouterInputs, identity: Identity) -> str:
        """CreateInternetGateway, when the network has none."""
        self._know("describe_vpcs", "Vpcs", "vpc-id", inputs.network)
        for subnet in inputs.subnets:
            self._know("describe_subnets", "Subnets", "subnet-id", subnet)
        for other in self._gateways(filters("attachment.vpc-id", inputs.network, {})):
            if owner(other)["identity"] != identity:
                said = f"{inputs.network} has {other['InternetGatewayId']} already, and EC2 permits one"
                raise PortError(said, reason="conflict", where=self._account.place)
            return str(other["InternetGatewayId"])
        tags = specifications(inputs.name, identity, "internet-gateway")
        made = self._account.call("create_internet_gateway", TagSpecifications=tags)
        return str(made["InternetGateway"]["InternetGatewayId"])

    def finish(self, object_id: str, inputs: RouterInputs) -> None:
        """Attach it to the network, and lead the wanted subnets, and no others, through it."""
        raw = self._account.until(lambda: self._gateway(object_id), what=f"{object_id} to be listed", seconds=60)
        if inputs.network not in _networks(raw):
            self._account.call("attach_internet_gateway", InternetGatewayId=object_id, VpcId=inputs.network)
        tables = self._tables(object_id)
        table = tables[0] if tables else self._new_table(raw, inputs)
        # Another one is what an answer that was lost left behind.
        for other in tables[1:]:
            self._drop_table(other)
        if not _leads_out(table, object_id):
            self._account.call(
                "create_route", RouteTableId=table["RouteTableId"], DestinationCidrBlock=ANYWHERE, GatewayId=object_id
            )
        served = _served(table)
        for subnet in sorted(set(inputs.subnets) - served.keys()):
            self._account.call("associate_route_table", RouteTableId=table["RouteTableId"], SubnetId=subnet)
        for subnet in sorted(served.keys() - set(inputs.subnets)):
            self._account.call("disassociate_route_table", AssociationId=served[subnet])

    def seen(self, query: Query, known: RouterInputs | None) -> Iterator[Seen]:
        """DescribeInternetGateways, and the route tables of ours."""
        raws = list(self._gateways(filters("internet-gateway-id", query.id, query.tags)))
        tables: dict[str, dict[str, Any]] = {}
        for table in self._tables(query.id) if raws else ():
            tables.setdefault(plain(table.get("Tags", ()))[OF_ROUTER], table)
        for raw in raws:
            gateway, networks = raw["InternetGatewayId"], _networks(raw)
            table = tables.get(gateway, {})
            subnets = tuple(sorted(_served(table)))
            if known is not None and subnets == tuple(sorted(known.subnets)):
                subnets = known.subnets
            reasons = () if networks else ("it is attached to no network",)
            yield Seen(
                id=gateway,
                **owner(raw),
                inputs={"network": networks[0], "subnets": subnets} if networks else {"subnets": subnets},
                # EC2 tells no region of a gateway: it is the one that the endpoint was found to answer for.
                placement=(Placement("resource", self._account.place, "set"),),
                reasons=reasons if _leads_out(table, gateway) else (*reasons, "no route leads to it"),
            )

    def remove(self, object_id: str) -> None:
        """Detach it, which EC2 refuses while addresses lead through it, and delete it and its route tables."""
        raw = self._gateway(object_id)
        if raw is None:
            return
        for network in _networks(raw):
            self._account.call("detach_internet_gateway", InternetGatewayId=object_id, VpcId=network)
        for table in self._tables(object_id):
            self._drop_table(table)
        self._account.call("delete_internet_gateway", InternetGatewayId=object_id)

    def _know(self, operation: str, key: str, name: str, object_id: str) -> None:
        if not list(self._account.pages(operation, key, Filters=filters(name, object_id, {}))):
            raise PortError(f"nothing is called {object_id!r} here", reason="not-found", where=self._account.place)

    def _gateways(self, wanted: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
        return self._account.pages("describe_internet_gateways", "InternetGateways", Filters=wanted)

    def _gateway(self, object_id: str) -> dict[str, Any] | None:
        return next(self._gateways(filters("internet-gateway-id", object_id, {})), None)

    def _tables(self, gateway: str) -> list[dict[str, Any]]:
        """Route tables of one gateway of ours, or of all."""
        wanted = [{"Name": f"tag:{OF_ROUTER}", "Values": [gateway or "*"]}]
        found = self._account.pages("describe_route_tables", "RouteTables", Filters=wanted)
        return sorted(found, key=lambda table: str(table["RouteTableId"]))

    def _new_table(self, gateway: Mapping[str, Any], inputs: RouterInputs) -> dict[str, Any]:
        gateway_id = str(gateway["InternetGatewayId"])
        identity = identity_of(plain(gateway.get("Tags", ())))
        tags = [{"Key": OF_ROUTER, "Value": gateway_id}]
        tags += named(inputs.name, identity) if identity else []
        made: dict[str, Any] = self._account.call(
            "create_route_table",
            VpcId=inputs.network,
            TagSpecifications=[{"ResourceType": "route-table", "Tags": tags}],
        )["RouteTable"]
        self._account.made(str(made["RouteTableId"]))
        return made

    def _drop_table(self, table: Mapping[str, Any]) -> None:
        for association in _served(table).values():
            _quietly(self._account, "disassociate_route_table", AssociationId=association)
        _quietly(self._account, "delete_route_table", RouteTableId=table["RouteTableId"])
        self._account.gone(table["RouteTableId"])


class Addresses:
    """See `providers.kit.noun.Noun`. AllocateAddress has neither token nor a name that is kept unique."""

    settle_s: ClassVar[float] = 15

    def __init__(self, account: Account) -> None:
        """Remember the account."""
        self._account = account

    def make(self, inputs: AddressInputs, identity: Identity) -> str:
        """AllocateAddress in the place's own border group; the router is to be there."""
        wanted = filters("internet-gateway-id", inputs.router, {})
        if not list(self._account.pages("describe_internet_gateways", "InternetGateways", Filters=wanted)):
            raise PortError(f"no router {inputs.router!r} here", reason="not-found", where=self._account.place)
        made = self._account.call(
            "allocate_address",
            Domain="vpc",
            NetworkBorderGroup=self._account.region,
            TagSpecifications=specifications(inputs.name, identity, "elastic-ip"),
        )
        return str(made["AllocationId"])

    def finish(self, object_id: str, inputs: AddressInputs) -> None:
        """Lead it to the wanted server, in one step from another one, or to none."""
        raw = self._account.until(lambda: self._address(object_id), what=f"{object_id} to be listed", seconds=60)
        if raw.get("InstanceId", "") == inputs.server:
            return
        if inputs.server:
            # Otherwise a second call, after a lost answer or from another server, would be refused.
            self._account.call(
                "associate_address", AllocationId=object_id, InstanceId=inputs.server, AllowReassociation=True
            )
        else:
            self._free(raw)
        self._account.until(
            lambda: True if (self._address(object_id) or {}).get("InstanceId", "") == inputs.server else None,
            what=f"{object_id} to lead to {inputs.server or 'no server'}",
        )

    def seen(self, query: Query, known: AddressInputs | None) -> Iterator[Seen]:  # noqa: ARG002
        """DescribeAddresses; which router leads there is not told."""
        wanted = filters("allocation-id", query.id, query.tags)
        for raw in self._account.pages("describe_addresses", "Addresses", Filters=wanted):
            border = raw.get("NetworkBorderGroup", "")
            here = border == self._account.region
            yield Seen(
                id=raw["AllocationId"],
                **owner(raw),
                inputs={"server": raw.get("InstanceId", "")},
                outputs={"address": raw["PublicIp"]},
                placement=(
                    Placement("resource", self._account.place if here else border or "?", "set" if here else "unknown"),
                ),
            )

    def remove(self, object_id: str) -> None:
        """DisassociateAddress where something answers there, then ReleaseAddress."""
        raw = self._address(object_id)
        if raw is not None:
            self._free(raw)
            self._account.call("release_address", AllocationId=object_id)

    def _address(self, object_id: str) -> dict[str, Any] | None:
        wanted = filters("allocation-id", object_id, {})
        return next(self._account.pages("describe_addresses", "Addresses", Filters=wanted), None)

    def _free(self, raw: Mapping[str, Any]) -> None:
        if raw.get("AssociationId"):
            _quietly(self._account, "disassociate_address", AssociationId=raw["AssociationId"])


def routed(account: Account, subnet: str) -> bool:
    """Whether a router of ours serves the subnet. EC2 would let the subnet go."""
    wanted = [*filters("association.subnet-id", subnet, {}), {"Name": "tag-key", "Values": [OF_ROUTER]}]
    return bool(list(account.pages("describe_route_tables", "RouteTables", Filters=wanted)))


def _quietly(account: Account, operation: str, **params: Any) -> None:
    """One call that takes something away; that it is away already is as good."""
    try:
        account.call(operation, **params)
    except PortError as exc:
        if exc.reason != "not-found":
            raise


def _networks(gateway: Mapping[str, Any]) -> list[str]:
    return [str(found["VpcId"]) for found in gateway.get("Attachments", ()) if found.get("State") != "detached"]


def _leads_out(table: Mapping[str, Any], gateway: str) -> bool:
    return any(
        route.get("DestinationCidrBlock") == ANYWHERE and route.get("GatewayId") == gateway
        for route in table.get("Routes", ())
    )


def _served(table: Mapping[str, Any]) -> dict[str, str]:
    """Association by subnet."""
    return {
        found["SubnetId"]: found["RouteTableAssociationId"]
        for found in table.get("Associations", ())
        if found.get("SubnetId")
    }
