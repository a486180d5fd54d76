"""Network interfaces of servers: what they say, and the PUT that changes them, as a PATCH changes tags only."""

from collections.abc import Iterator, Mapping
from typing import Any

from providers.azure.account import Account
from providers.azure.names import INTERFACE, SUBNET, same

_KEPT = ("enableAcceleratedNetworking", "enableIPForwarding", "dnsSettings")
_KEPT_OF_ADDRESS = ("primary", "applicationSecurityGroups", "loadBalancerBackendAddressPools")


def of_machine(machine: Mapping[str, Any]) -> str:
    """Id of a machine's first interface; empty for none."""
    listed = ((machine.get("properties") or {}).get("networkProfile") or {}).get("networkInterfaces") or ()
    return str(listed[0]["id"]) if listed else ""


def group_of(nic: Mapping[str, Any]) -> str:
    """Id of its security group; empty for none."""
    return _id((nic.get("properties") or {}).get("networkSecurityGroup"))


def public_of(nic: Mapping[str, Any]) -> str:
    """Id of its public address; empty for none."""
    return next((found for ip in _addresses(nic) if (found := _id(ip.get("publicIPAddress")))), "")


def address_of(nic: Mapping[str, Any]) -> str:
    """Its private address."""
    return next((str(ip.get("privateIPAddress") or "") for ip in _addresses(nic)), "")


def subnet_of(account: Account, nic: Mapping[str, Any]) -> str:
    """Id of its subnet, written as we write ids."""
    for ip in _addresses(nic):
        parts = _id(ip.get("subnet")).split("/")
        if len(parts) > 3:
            return account.path(SUBNET, parts[-3], parts[-1])
    return ""


def change(account: Account, nic: Mapping[str, Any], *, group: str = "", public: str | None = None) -> None:
    """Give an interface another security group, or another public address, and wait until it has it.

    Args:
        account: Where it is.
        nic: As it is now.
        group: Id of the group; empty for the one that it has.
        public: Id of the public address; empty for none, and None for the one that it has.

    Raises:
        PortError: It could not be done, or somebody else changed it since it was looked at.
    """
    kept = public_of(nic) if public is None else public
    wanted = group or group_of(nic)
    if same(kept, public_of(nic)) and same(wanted, group_of(nic)):
        return
    addresses = [
        {"name": ip["name"], "properties": _address_body(ip["properties"], kept if number == 0 else "")}
        for number, ip in enumerate(nic["properties"]["ipConfigurations"])
    ]
    own = {key: nic["properties"][key] for key in _KEPT if nic["properties"].get(key) is not None}
    groups = {"networkSecurityGroup": {"id": wanted}} if wanted else {}
    body = {
        "location": account.location,
        "tags": nic.get("tags") or {},
        "properties": {**own, **groups, "ipConfigurations": addresses},
    }
    path = account.path(INTERFACE, nic["name"])
    account.put(path, body, {"If-Match": nic["etag"]} if nic.get("etag") else {})
    account.succeeded(path, INTERFACE)


def _address_body(given: Mapping[str, Any], public: str) -> dict[str, Any]:
    kept = {key: given[key] for key in _KEPT_OF_ADDRESS if given.get(key) is not None}
    outside = {"publicIPAddress": {"id": public}} if public else {}
    return {"primary": True, **kept, "subnet": {"id": given["subnet"]["id"]}, **outside}


def _addresses(nic: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for ip in (nic.get("properties") or {}).get("ipConfigurations") or ():
        yield ip["properties"]


def _id(reference: Any) -> str:
    return str((reference or {}).get("id") or "")
