"""Microsoft.Network: virtual networks, subnets, network security groups, network interfaces."""

import ipaddress
from typing import TYPE_CHECKING, Any

from tests.fakes.azure.balancers import KINDS as BALANCERS
from tests.fakes.azure.errors import ArmError, invalid, not_found
from tests.fakes.azure.kinds import Kind, Raw, Rules
from tests.fakes.azure.outside import KINDS as OUTSIDE
from tests.fakes.azure.outside import users_of
from tests.fakes.azure.references import BALANCER, NAT, NIC, NSG, PUBLIC, SUBNET, VERSION, VNET, reference

if TYPE_CHECKING:
    from tests.fakes.azure.cloud import Azure

_DEFAULT_RULES = (
    ("AllowVnetInBound", "Inbound", "Allow", "VirtualNetwork", "VirtualNetwork", 65000),
    ("AllowAzureLoadBalancerInBound", "Inbound", "Allow", "AzureLoadBalancer", "*", 65001),
    ("DenyAllInBound", "Inbound", "Deny", "*", "*", 65500),
    ("AllowVnetOutBound", "Outbound", "Allow", "VirtualNetwork", "VirtualNetwork", 65000),
    ("AllowInternetOutBound", "Outbound", "Allow", "*", "Internet", 65001),
    ("DenyAllOutBound", "Outbound", "Deny", "*", "*", 65500),
)
_WORDS = frozenset({"*", "VirtualNetwork", "AzureLoadBalancer", "Internet"})


def prefix(text: Any) -> ipaddress.IPv4Network:
    """A range as Azure takes it."""
    try:
        return ipaddress.IPv4Network(str(text))
    except ValueError as exc:
        raise invalid(f"Value '{text}' is not a valid CIDR.", "InvalidCIDRNotation") from exc


def interfaces_in(cloud: "Azure", subnet: Raw) -> list[Raw]:
    """Interfaces with an address in a subnet."""
    return [
        nic
        for nic in cloud.of(NIC)
        if any(
            reference(ip["properties"], "subnet") == subnet["id"].lower()
            for ip in nic["properties"]["ipConfigurations"]
        )
    ]


def fronts_in(cloud: "Azure", subnet: Raw) -> list[Raw]:
    """Frontends of load balancers with an address in a subnet."""
    return [
        front
        for balancer in cloud.of(BALANCER)
        for front in balancer["properties"]["frontendIPConfigurations"]
        if reference(front["properties"], "subnet") == subnet["id"].lower()
    ]


class VirtualNetworks(Rules):
    """A PUT has the whole list of subnets: those that it leaves out go."""

    def put(self, cloud: "Azure", new: Raw, before: Raw | None) -> None:
        """Ranges, and its subnets."""
        _one_at_a_time(cloud, new["id"])
        ranges = [prefix(text) for text in (new["properties"].get("addressSpace") or {}).get("addressPrefixes") or ()]
        if not ranges:
            raise invalid("The address space of a virtual network cannot be empty.", "InvalidRequestFormat")
        wanted = {
            str(subnet.get("name", "")).lower(): subnet for subnet in new["properties"].pop("subnets", None) or ()
        }
        live = {subnet["name"].lower(): subnet for subnet in _subnets(cloud, new["id"])} if before else {}
        for name in set(live) - set(wanted):
            _not_in_use(cloud, live[name])
        made: list[Raw] = []
        for name, subnet in wanted.items():
            made.append(_subnet(cloud, new, subnet, [*made], ranges) if name not in live else live[name])
        for name in set(live) - set(wanted):
            cloud.remove(live[name])
        for subnet in made:
            cloud.resources[subnet["id"].lower()] = subnet
        new["properties"]["enableDdosProtection"] = new["properties"].get("enableDdosProtection", False)

    def free(self, cloud: "Azure", raw: Raw) -> None:
        """It goes with its subnets, unless one is in use."""
        _one_at_a_time(cloud, raw["id"])
        for subnet in _subnets(cloud, raw["id"]):
            _not_in_use(cloud, subnet)

    def gone(self, cloud: "Azure", raw: Raw) -> None:
        """Its subnets go."""
        for subnet in _subnets(cloud, raw["id"]):
            cloud.remove(subnet)

    def view(self, cloud: "Azure", raw: Raw) -> Raw:
        """With its subnets."""
        raw["properties"]["subnets"] = [cloud.view(subnet) for subnet in _subnets(cloud, raw["id"])]
        return raw


class Subnets(Rules):
    """Children of a network: no location, no tags, and one operation at a time."""

    def put(self, cloud: "Azure", new: Raw, before: Raw | None) -> None:
        """Ranges and references."""
        network = cloud.get(new["id"].rpartition("/subnets/")[0])
        if network is None:
            parts = new["id"].split("/")
            raise not_found(VNET, parts[8], parts[4])
        _one_at_a_time(cloud, network["id"])
        wanted = new["properties"].get("addressPrefix")
        if before is not None and before["properties"].get("addressPrefix") != wanted and interfaces_in(cloud, before):
            raise invalid(f"IP prefix of {new['id']} is in use.", "InUsePrefixCannotBeDeleted")
        ranges = [prefix(text) for text in network["properties"]["addressSpace"]["addressPrefixes"]]
        others = [subnet for subnet in _subnets(cloud, network["id"]) if subnet["id"].lower() != new["id"].lower()]
        new.update(_subnet(cloud, network, new, others, ranges))

    def free(self, cloud: "Azure", raw: Raw) -> None:
        """Nothing may have an address in it."""
        _one_at_a_time(cloud, raw["id"].rpartition("/subnets/")[0])
        _not_in_use(cloud, raw)

    def view(self, cloud: "Azure", raw: Raw) -> Raw:
        """With who has an address in it."""
        used = [{"id": ip["id"]} for nic in interfaces_in(cloud, raw) for ip in nic["properties"]["ipConfigurations"]]
        if used:
            raw["properties"]["ipConfigurations"] = used
        return raw


class SecurityGroups(Rules):
    """Rules are inline; names and priorities are unique, priorities for each direction."""

    def put(self, cloud: "Azure", new: Raw, before: Raw | None) -> None:
        """Check every rule."""
        rules = new["properties"].setdefault("securityRules", [])
        names, priorities = set(), set()
        for rule in rules:
            given = rule.get("properties") or {}
            key = (given.get("direction"), given.get("priority"))
            if not 100 <= given.get("priority", 0) <= 4096:
                raise invalid(f"Priority of {rule.get('name')} is not in 100-4096.", "SecurityRuleInvalidPriority")
            if key in priorities:
                raise invalid(f"Rules have the same priority and direction: {key}.", "SecurityRuleConflict")
            if not rule.get("name") or rule["name"].lower() in names:
                raise invalid("Every rule needs a name of its own.", "InvalidResourceName")
            names.add(rule["name"].lower())
            priorities.add(key)
            _peer(given)
            if len(given.get("description") or "") > 140:
                raise invalid("A description has at most 140 characters.", "InvalidRequestFormat")
            rule["id"] = f"{new['id']}/securityRules/{rule['name']}"
            given["provisioningState"] = "Succeeded"
        new["properties"]["defaultSecurityRules"] = [_default(*rule) for rule in _DEFAULT_RULES]

    def free(self, cloud: "Azure", raw: Raw) -> None:
        """No interface and no subnet may have it."""
        if _users(cloud, raw):
            said = f"Network security group {raw['id']} cannot be deleted because it is in use."
            raise invalid(said, "InUseNetworkSecurityGroupCannotBeDeleted")

    def view(self, cloud: "Azure", raw: Raw) -> Raw:
        """With who has it."""
        for kind, users in _users(cloud, raw).items():
            raw["properties"][kind] = users
        return raw


class Interfaces(Rules):
    """Addresses in subnets."""

    def put(self, cloud: "Azure", new: Raw, before: Raw | None) -> None:
        """References and addresses."""
        addresses = new["properties"].get("ipConfigurations") or []
        if not addresses:
            raise invalid("A network interface needs an IP configuration.", "InvalidRequestFormat")
        if new["properties"].get("networkSecurityGroup"):
            cloud.known(new["properties"]["networkSecurityGroup"].get("id"), new, kind=NSG)
        old = {
            ip["name"]: ip["properties"]
            for ip in (before or {"properties": {}})["properties"].get("ipConfigurations", ())
        }
        for ip in addresses:
            given = ip.setdefault("properties", {})
            subnet = cloud.known((given.get("subnet") or {}).get("id"), new, kind=SUBNET)
            given["subnet"] = {"id": subnet["id"]}
            if given.get("publicIPAddress"):
                public = cloud.known(given["publicIPAddress"].get("id"), new, kind=PUBLIC)
                mine = f"{new['id']}/ipconfigurations/".lower()
                if [user for user in users_of(cloud, public) if not user.lower().startswith(mine)]:
                    raise invalid(f"{public['id']} is in use.", "PublicIPAddressInUse")
            ip["id"] = f"{new['id']}/ipConfigurations/{ip['name']}"
            given.setdefault("privateIPAllocationMethod", "Dynamic")
            given["privateIPAddress"] = old.get(ip["name"], {}).get("privateIPAddress") or free_address(cloud, subnet)
        if before is not None:
            new["properties"]["virtualMachine"] = before["properties"].get("virtualMachine")

    def free(self, cloud: "Azure", raw: Raw) -> None:
        """No machine may have it."""
        if raw["properties"].get("virtualMachine"):
            machine = raw["properties"]["virtualMachine"]["id"]
            raise invalid(f"Network Interface {raw['id']} is used by existing resource {machine}.", "NicInUse")


KINDS = (
    *OUTSIDE,
    *BALANCERS,
    Kind("Microsoft.Network", "virtualNetworks", VERSION, "VirtualNetwork", "TagsObject", VirtualNetworks()),
    Kind("Microsoft.Network", "virtualNetworks/subnets", VERSION, "Subnet", "", Subnets(), tags=False),
    Kind("Microsoft.Network", "networkSecurityGroups", VERSION, "NetworkSecurityGroup", "TagsObject", SecurityGroups()),
    Kind("Microsoft.Network", "networkInterfaces", VERSION, "NetworkInterface", "TagsObject", Interfaces()),
)


def _subnets(cloud: "Azure", network: str) -> list[Raw]:
    return [raw for raw in cloud.of(SUBNET) if raw["id"].lower().startswith(f"{network.lower()}/subnets/")]


def _subnet(cloud: "Azure", network: Raw, given: Raw, others: list[Raw], ranges: list[ipaddress.IPv4Network]) -> Raw:
    """A subnet that is checked."""
    properties = given.setdefault("properties", {})
    listed = properties.get("addressPrefixes") or [properties.get("addressPrefix")]
    if len(listed) != 1:
        raise invalid("Here a subnet has one prefix.", "InvalidRequestFormat")
    wanted = prefix(listed[0])
    if not any(wanted.subnet_of(one) for one in ranges) or wanted.prefixlen > 29:
        raise invalid(
            f"Subnet '{given['name']}' is not valid in virtual network '{network['name']}'.", "NetcfgInvalidSubnet"
        )
    for other in others:
        if wanted.overlaps(prefix(other["properties"]["addressPrefix"])):
            raise invalid(f"Subnet '{given['name']}' overlaps with '{other['name']}'.", "NetcfgSubnetRangesOverlap")
    located = {"id": f"{network['id']}/subnets/{given['name']}", "location": network["location"]}
    if properties.get("networkSecurityGroup"):
        cloud.known(properties["networkSecurityGroup"].get("id"), located, kind=NSG)
    if properties.get("natGateway"):
        cloud.known(properties["natGateway"].get("id"), located, kind=NAT)
    properties["addressPrefix"] = str(wanted)
    properties.pop("addressPrefixes", None)
    properties.setdefault("privateEndpointNetworkPolicies", "Disabled")
    properties.setdefault("provisioningState", "Succeeded")
    return {"id": located["id"], "name": given["name"], "type": SUBNET, "properties": properties, "etag": 'W/"0"'}


def _one_at_a_time(cloud: "Azure", network: str) -> None:
    raw = cloud.get(network)
    if raw is not None and any(cloud.busy(part) for part in (raw, *_subnets(cloud, network))):
        said = "Another operation on this or dependent resource is in progress."
        raise ArmError(429, "AnotherOperationInProgress", said)


def _not_in_use(cloud: "Azure", subnet: Raw) -> None:
    users = [*interfaces_in(cloud, subnet), *fronts_in(cloud, subnet)]
    if users:
        said = f"Subnet {subnet['name']} is in use by {users[0]['id']} and cannot be deleted."
        raise invalid(said, "InUseSubnetCannotBeDeleted")


def _users(cloud: "Azure", group: Raw) -> dict[str, list[Raw]]:
    found = {}
    for name, kind in (("networkInterfaces", NIC), ("subnets", SUBNET)):
        key = "networkSecurityGroup"
        users = [
            {"id": raw["id"]} for raw in cloud.of(kind) if reference(raw["properties"], key) == group["id"].lower()
        ]
        if users:
            found[name] = users
    return found


def _peer(rule: Raw) -> None:
    for side in ("source", "destination"):
        peers = rule.get(f"{side}AddressPrefixes") or [rule.get(f"{side}AddressPrefix")]
        ports = rule.get(f"{side}PortRanges") or [rule.get(f"{side}PortRange")]
        for peer in peers:
            if peer not in _WORDS:
                prefix(peer)
        for port in ports:
            first, _, last = str(port).partition("-")
            good = first.isdigit() and (last or first).isdigit() and int(first) <= int(last or first) <= 65535
            if port != "*" and not good:
                raise invalid(f"'{port}' is no range of ports.", "SecurityRuleInvalidPortRange")


def _default(name: str, direction: str, access: str, source: str, destination: str, priority: int) -> Raw:
    every = {"protocol": "*", "sourcePortRange": "*", "destinationPortRange": "*"}
    own = {"sourceAddressPrefix": source, "destinationAddressPrefix": destination, "priority": priority}
    return {"name": name, "properties": {**every, **own, "direction": direction, "access": access}}


def free_address(cloud: "Azure", subnet: Raw) -> str:
    taken = {
        ip["properties"].get("privateIPAddress")
        for nic in interfaces_in(cloud, subnet)
        for ip in nic["properties"]["ipConfigurations"]
    }
    taken |= {front["properties"].get("privateIPAddress") for front in fronts_in(cloud, subnet)}
    hosts = [str(host) for host in prefix(subnet["properties"]["addressPrefix"]).hosts()]
    # The first four of a subnet are Azure's own.
    free = next((host for host in hosts[3:] if host not in taken), None)
    if free is None:
        raise invalid(f"Subnet {subnet['name']} has no free address.", "SubnetIsFull")
    return free
