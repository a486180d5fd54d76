"""Firewalls: Neutron security groups.

A new group lets everything out; those two rules go first, for what no rule permits is denied. A group belongs to no
network there, so the network is kept in the description. A rule has no update: what is permitted newly is added before
what is not permitted any more is removed.
"""

from ipaddress import ip_network
from typing import Any, NamedTuple

from providers.kit.rules import check_rules
from providers.openstack import marks
from providers.openstack.account import Account, Seen, Stuck, is_id
from providers.openstack.client import part
from providers.openstack.network import NetworkWork, delete
from providers.ports import Identity, PortError
from pse.core.schema import FirewallInputs, FirewallRule

_DIRECTIONS = {"in": "ingress", "out": "egress"}
_WHY = 255
_OURS = {theirs: ours for ours, theirs in _DIRECTIONS.items()}


class FirewallWork:
    """A security group; see `providers.openstack.account.Work`."""

    def __init__(self, account: Account) -> None:
        """Remember the account."""
        self._account = account
        self._client = account.client

    def make(self, inputs: FirewallInputs, identity: Identity, /) -> Any:
        """The group, then its rules; where those cannot be, the group goes again."""
        check_rules(inputs.rules, inputs.name)
        if NetworkWork(self._account).get(inputs.network) is None:
            raise PortError(f"no network {inputs.network!r} here", reason="not-found", where=inputs.name)
        text = marks.description(identity, workload=inputs.workload, network=inputs.network)
        body = {"security_group": {"name": inputs.name, "description": text}}
        raw = self._client.call("network", "POST", "/security-groups", body=body)["security_group"]
        try:
            return self.change(raw, inputs)
        except PortError as exc:
            try:
                self.drop(raw["id"])
            except PortError:
                raise Stuck(raw["id"], f"its rules could not be set: {exc.message}") from exc
            raise

    def get(self, object_id: str, /) -> Any | None:
        """The group with its rules."""
        if not is_id(object_id):
            return None
        return self._client.get("network", f"/security-groups/{part(object_id)}", "security_group")

    def all(self, _urn: str, /) -> list[Any]:
        """The project's groups."""
        query = {"project_id": self._client.project}
        return list(self._client.pages("network", "/security-groups", "security_groups", query))

    def see(self, raw: Any, given: FirewallInputs | None, /) -> Seen:
        """Name, network and rules; why a rule is there is as given."""
        found = marks.of_description(raw["description"])
        reasons = {_flow(rule): rule for rule in (given.rules if given else ())}
        rules = tuple(sorted(reasons.get(rule.flow) or FirewallRule(*rule.flow, rule.why) for rule in _live(raw)))
        if given is not None and rules == tuple(sorted(set(given.rules))):
            rules = given.rules
        live = {"name": raw["name"], "rules": rules, **({"network": found["network"]} if found["network"] else {})}
        return Seen(raw["id"], found, live, (self._account.regional(),))

    def change(self, raw: Any, new: FirewallInputs, /) -> Any:
        """Add what is missing, then remove what is not wanted."""
        check_rules(new.rules, new.name)
        wanted = {_flow(rule): rule for rule in new.rules}
        live = _live(raw)
        there = {rule.flow for rule in live}
        missing = [_body(raw["id"], rule) for flow, rule in sorted(wanted.items()) if flow not in there]
        if missing:
            self._client.call("network", "POST", "/security-group-rules", body={"security_group_rules": missing})
        extra = [rule for rule in live if rule.flow not in wanted]
        for rule in extra:
            delete(self._account, "network", f"/security-group-rules/{part(rule.id)}", "security_group_rule")
        if not (missing or extra):
            return raw
        found = self.get(raw["id"])
        if found is None or {rule.flow for rule in _live(found)} != set(wanted):
            raise PortError("the rules are not what was asked for", vendor_code="rules", where=new.name)
        return found

    def drop(self, object_id: str, /) -> None:
        """Delete it."""
        if is_id(object_id):
            delete(self._account, "network", f"/security-groups/{part(object_id)}", "security_group")


class Flow(NamedTuple):
    """What makes two rules the same one for Neutron; the reason for a rule does not."""

    direction: str
    protocol: str
    port: int
    peer: str


class Live(NamedTuple):
    """A rule as it stands."""

    id: str
    flow: Flow
    why: str


def _flow(rule: FirewallRule) -> Flow:
    return Flow(rule.direction, rule.protocol, rule.port, str(ip_network(rule.peer, strict=False)))


def _live(raw: Any) -> list[Live]:
    return [Live(rule["id"], _flow_of(rule), rule["description"] or "") for rule in raw["security_group_rules"]]


def _flow_of(rule: Any) -> Flow:
    """The flow of a live rule; one that we have no word for gets a protocol or peer that no rule of ours has."""
    low, high = rule["port_range_min"], rule["port_range_max"]
    protocol = rule["protocol"] or "any"
    if rule["ethertype"] != "IPv4" or (protocol != "icmp" and low != high) or (protocol == "icmp" and low is not None):
        protocol = f"{protocol} {rule['ethertype']} {low} to {high}"
    peer = rule["remote_ip_prefix"] or (f"group {rule['remote_group_id']}" if rule["remote_group_id"] else "0.0.0.0/0")
    port = low if isinstance(low, int) and low == high and protocol != "icmp" else 0
    return Flow(_OURS.get(rule["direction"], rule["direction"]), protocol, port, peer)


def _body(group: str, rule: FirewallRule) -> dict[str, Any]:
    port = None if rule.protocol == "icmp" else rule.port
    return {
        "security_group_id": group,
        "direction": _DIRECTIONS[rule.direction],
        "ethertype": "IPv4",
        "protocol": rule.protocol,
        "port_range_min": port,
        "port_range_max": port,
        "remote_ip_prefix": str(ip_network(rule.peer, strict=False)),
        "description": rule.why[:_WHY],
    }
