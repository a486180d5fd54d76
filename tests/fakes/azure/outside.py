"""Microsoft.Network: public addresses and NAT gateways."""

from typing import TYPE_CHECKING

from tests.fakes.azure.errors import invalid
from tests.fakes.azure.kinds import Kind, Raw, Rules
from tests.fakes.azure.references import BALANCER, NAT, NIC, PUBLIC, SUBNET, VERSION, reference

if TYPE_CHECKING:
    from tests.fakes.azure.cloud import Azure


class PublicAddresses(Rules):
    """Standard ones, which are static."""

    def put(self, cloud: "Azure", new: Raw, before: Raw | None) -> None:
        """An address of its own, which it keeps."""
        sku = new.get("sku") or {}
        if sku.get("name") != "Standard" or new["properties"].get("publicIPAllocationMethod") != "Static":
            raise invalid("Here a public address is Standard and Static.", "PublicIPAndSkuNotSupported")
        new["sku"] = {"tier": "Regional", **sku}
        taken = {raw["properties"]["ipAddress"] for raw in cloud.of(PUBLIC)}
        free = next(text for number in range(1, 255) if (text := f"203.0.113.{number}") not in taken)
        new["properties"]["ipAddress"] = before["properties"]["ipAddress"] if before else free

    def free(self, cloud: "Azure", raw: Raw) -> None:
        """Nothing may answer there."""
        users = users_of(cloud, raw)
        if users:
            said = f"Public IP address {raw['id']} can not be deleted since it is still allocated to {users[0]}."
            raise invalid(said, "PublicIPAddressCannotBeDeleted")

    def view(self, cloud: "Azure", raw: Raw) -> Raw:
        """With who has it."""
        for user in users_of(cloud, raw):
            key = "natGateway" if "/natGateways/" in user else "ipConfiguration"
            raw["properties"][key] = {"id": user}
        return raw


class NatGateways(Rules):
    """A way out for subnets; subnets name it, and it does not name them."""

    def put(self, cloud: "Azure", new: Raw, before: Raw | None) -> None:
        """Its addresses are there, free, and in its zone."""
        if (new.get("sku") or {}).get("name") != "Standard":
            raise invalid("Here a NAT gateway is Standard.", "NatGatewaySkuNotSupported")
        for one in new["properties"].get("publicIpAddresses") or ():
            public = cloud.known(one.get("id"), new, kind=PUBLIC)
            if [user for user in users_of(cloud, public) if user.lower() != new["id"].lower()]:
                raise invalid(f"{public['id']} is in use.", "PublicIPAddressInUse")
            if (public.get("zones") or []) != (new.get("zones") or []):
                raise invalid(f"{public['id']} is in another zone.", "NatGatewayAndPublicIpZonesMismatch")

    def free(self, cloud: "Azure", raw: Raw) -> None:
        """No subnet may name it."""
        for subnet in cloud.of(SUBNET):
            if reference(subnet["properties"], "natGateway") == raw["id"].lower():
                said = f"NAT gateway {raw['id']} cannot be deleted because {subnet['id']} uses it."
                raise invalid(said, "InUseNatGatewayCannotBeDeleted")

    def view(self, cloud: "Azure", raw: Raw) -> Raw:
        """With the subnets that name it."""
        mine = [one for one in cloud.of(SUBNET) if reference(one["properties"], "natGateway") == raw["id"].lower()]
        if mine:
            raw["properties"]["subnets"] = [{"id": one["id"]} for one in mine]
        return raw


def users_of(cloud: "Azure", public: Raw) -> list[str]:
    """Ids of the gateways and address configurations that have a public address."""
    wanted = public["id"].lower()
    gateways = [
        raw["id"]
        for raw in cloud.of(NAT)
        if any(one["id"].lower() == wanted for one in raw["properties"].get("publicIpAddresses") or ())
    ]
    fronts = [
        front["id"]
        for balancer in cloud.of(BALANCER)
        for front in balancer["properties"]["frontendIPConfigurations"]
        if reference(front["properties"], "publicIPAddress") == wanted
    ]
    return [*gateways, *fronts] + [
        ip["id"]
        for nic in cloud.of(NIC)
        for ip in nic["properties"]["ipConfigurations"]
        if reference(ip["properties"], "publicIPAddress") == wanted
    ]


KINDS = (
    Kind("Microsoft.Network", "publicIPAddresses", VERSION, "PublicIPAddress", "TagsObject", PublicAddresses()),
    Kind("Microsoft.Network", "natGateways", VERSION, "NatGateway", "TagsObject", NatGateways()),
)
