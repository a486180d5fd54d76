"""Networks and subnets.

A Neutron network has no range of its own, so it is kept in the description. Deleting a network takes its subnets with
it without a word as long as no port is in them; here a network in use stays, as on the other clouds.
"""

from typing import Any

from providers.kit.waiting import patiently
from providers.openstack import marks
from providers.openstack.account import GONE_S, Account, Seen, is_id
from providers.openstack.client import part
from providers.openstack.groups import Groups
from providers.ports import Identity, PortError
from pse.core.schema import NetworkInputs, SubnetInputs


class NetworkWork:
    """A network; see `providers.openstack.account.Work`."""

    def __init__(self, account: Account) -> None:
        """Remember the account."""
        self._account = account
        self._client = account.client

    def make(self, inputs: NetworkInputs, identity: Identity, /) -> Any:
        """One call."""
        text = marks.description(identity, workload=inputs.workload, cidr=inputs.cidr)
        body = {"network": {"name": inputs.name, "description": text, "admin_state_up": True}}
        return self._client.call("network", "POST", "/networks", body=body)["network"]

    def get(self, object_id: str, /) -> Any | None:
        """The network."""
        return self._client.get("network", f"/networks/{part(object_id)}", "network") if is_id(object_id) else None

    def all(self, _urn: str, /) -> list[Any]:
        """The project's networks; Neutron's filter takes whole descriptions only."""
        return list(self._client.pages("network", "/networks", "networks", {"project_id": self._client.project}))

    def see(self, raw: Any, _given: NetworkInputs | None, /) -> Seen:
        """Name and range."""
        found = marks.of_description(raw["description"])
        live = {"name": raw["name"], **({"cidr": found["cidr"]} if found["cidr"] else {})}
        return Seen(raw["id"], found, live, (self._account.regional(),))

    def change(self, raw: Any, _new: NetworkInputs, /) -> Any:
        """Nothing changes in place."""
        return raw

    def drop(self, object_id: str, /) -> None:
        """Delete it, unless a subnet or a firewall is there for it."""
        if not is_id(object_id):
            return
        subnets = self._client.pages("network", "/subnets", "subnets", {"network_id": object_id})
        groups = self._client.pages(
            "network", "/security-groups", "security_groups", {"project_id": self._client.project}
        )
        used = [f"subnet {found['id']}" for found in subnets]
        used += [
            f"firewall {group['id']}"
            for group in groups
            if marks.of_description(group["description"])["network"] == object_id
        ]
        if used:
            raise PortError(f"the network is used by {', '.join(used[:3])}", reason="in-use", where=object_id)
        delete(self._account, "network", f"/networks/{part(object_id)}", "network")


class SubnetWork:
    """A subnet; see `providers.openstack.account.Work`."""

    def __init__(self, account: Account) -> None:
        """Remember the account."""
        self._account = account
        self._client = account.client

    def make(self, inputs: SubnetInputs, identity: Identity, /) -> Any:
        """One call."""
        body = {
            "name": inputs.name,
            "network_id": inputs.network,
            "cidr": inputs.cidr,
            "ip_version": 4,
            "description": marks.description(identity, workload=inputs.workload),
        }
        return self._client.call("network", "POST", "/subnets", body={"subnet": body})["subnet"]

    def get(self, object_id: str, /) -> Any | None:
        """The subnet."""
        return self._client.get("network", f"/subnets/{part(object_id)}", "subnet") if is_id(object_id) else None

    def all(self, _urn: str, /) -> list[Any]:
        """The project's subnets."""
        return list(self._client.pages("network", "/subnets", "subnets", {"project_id": self._client.project}))

    def see(self, raw: Any, _given: SubnetInputs | None, /) -> Seen:
        """Everything is told."""
        live = {"name": raw["name"], "network": raw["network_id"], "cidr": raw["cidr"]}
        return Seen(raw["id"], marks.of_description(raw["description"]), live, (self._account.regional(),))

    def change(self, raw: Any, _new: SubnetInputs, /) -> Any:
        """Nothing changes in place."""
        return raw

    def drop(self, object_id: str, /) -> None:
        """Delete it, and before it what a server's creation that was cut short left: ports in it, empty groups."""
        raw = self.get(object_id)
        if raw is None:
            return
        owner = marks.of_description(raw["description"]).identity
        if owner is not None:
            Groups(self._account).clear(owner.stack)
        ports = self._client.pages("network", "/ports", "ports", {"fixed_ips": f"subnet_id={object_id}"})
        for port in ports:
            if not port["device_id"] and marks.of_description(port["description"]).identity:
                delete(self._account, "network", f"/ports/{part(port['id'])}", "port")
        delete(self._account, "network", f"/subnets/{part(object_id)}", "subnet")


def delete(account: Account, service: str, path: str, key: str, *, within_s: float = GONE_S) -> None:
    """Delete one object and wait until it is gone; quiet when it is.

    Raises:
        PortError: It is in use, or it did not go in time.
    """
    try:
        account.client.call(service, "DELETE", path)
    except PortError as exc:
        if exc.reason != "not-found":
            raise
        return
    if (
        patiently(
            lambda: account.client.get(service, path, key) is None or None, closed=account.closed, within_s=within_s
        )
        is None
    ):
        raise PortError("it is still there after its deletion", vendor_code="not-gone", where=path)
