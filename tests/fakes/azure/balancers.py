"""Microsoft.Network: load balancers, whole in one PUT."""

from typing import TYPE_CHECKING

from tests.fakes.azure.errors import invalid
from tests.fakes.azure.kinds import Kind, Raw, Rules
from tests.fakes.azure.outside import users_of
from tests.fakes.azure.references import PUBLIC, SUBNET, VERSION, VNET

if TYPE_CHECKING:
    from tests.fakes.azure.cloud import Azure

_PARTS = ("frontendIPConfigurations", "backendAddressPools", "probes", "loadBalancingRules")


class LoadBalancers(Rules):
    """Standard ones."""

    def put(self, cloud: "Azure", new: Raw, before: Raw | None) -> None:
        """Parts have names, and refer to each other and to what is there."""
        sku = new.get("sku") or {}
        if sku.get("name") != "Standard":
            raise invalid("Here a load balancer is Standard.", "LoadBalancerSkuNotSupported")
        new["sku"] = {"tier": "Regional", **sku}
        given = new["properties"]
        for part in _PARTS:
            names = set()
            for one in given.setdefault(part, []):
                one["id"] = f"{new['id']}/{part}/{one['name']}"
                names.add(one["name"])
            if len(names) < len(given[part]):
                raise invalid(f"Names of {part} have to differ.", "InvalidRequestFormat")
        old = {front["name"]: front["properties"] for front in _fronts(before)}
        for front in given["frontendIPConfigurations"]:
            self._front(cloud, new, front["properties"], old.get(front["name"], {}))
        self._members(cloud, new)
        self._rules(given)

    def _members(self, cloud: "Azure", new: Raw) -> None:
        for pool in new["properties"]["backendAddressPools"]:
            for member in pool.get("properties", {}).get("loadBalancerBackendAddresses") or ():
                cloud.known((member["properties"].get("virtualNetwork") or {}).get("id"), new, kind=VNET)
                if not member["properties"].get("ipAddress"):
                    raise invalid("A member has an address.", "InvalidRequestFormat")
        for probe in new["properties"]["probes"]:
            if bool(probe["properties"].get("requestPath")) != (probe["properties"]["protocol"] != "Tcp"):
                raise invalid("A path goes with HTTP, and only with it.", "ProbeRequestPathInvalid")

    def _front(self, cloud: "Azure", new: Raw, front: Raw, old: Raw) -> None:
        # Networks know what balancers have in them.
        from tests.fakes.azure.network import free_address

        if front.get("publicIPAddress"):
            public = cloud.known(front["publicIPAddress"].get("id"), new, kind=PUBLIC)
            mine = f"{new['id']}/".lower()
            if [user for user in users_of(cloud, public) if not user.lower().startswith(mine)]:
                raise invalid(f"{public['id']} is in use.", "PublicIPAddressInUse")
        else:
            subnet = cloud.known((front.get("subnet") or {}).get("id"), new, kind=SUBNET)
            front["privateIPAddress"] = old.get("privateIPAddress") or free_address(cloud, subnet)

    def _rules(self, given: Raw) -> None:
        known = {one["id"].lower() for part in _PARTS for one in given[part]}
        ports = set()
        for rule in given["loadBalancingRules"]:
            told = rule["properties"]
            for key in ("frontendIPConfiguration", "backendAddressPool", "probe"):
                if told.get(key) and str(told[key].get("id")).lower() not in known:
                    raise invalid(f"{told[key].get('id')} was not found.", "InvalidResourceReference")
            port = (told["frontendIPConfiguration"]["id"].lower(), told["protocol"], told["frontendPort"])
            if port in ports:
                raise invalid("Two rules have the same frontend port.", "RulesUseSameFrontendPortProtocolAndIPConfig")
            ports.add(port)


def _fronts(raw: Raw | None) -> list[Raw]:
    found: list[Raw] = (raw or {"properties": {}})["properties"].get("frontendIPConfigurations", [])
    return found


KINDS = (Kind("Microsoft.Network", "loadBalancers", VERSION, "LoadBalancer", "TagsObject", LoadBalancers()),)
