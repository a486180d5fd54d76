"""Networks are virtual networks, subnets are subnets, firewalls are network security groups.

A network is private: no default way out, no public addresses. Azure lets everything in a network talk where no security
group says otherwise, so a network has a group of its own that permits nothing; servers without a firewall are in it.
A subnet has no tags at Azure: whose it is stands in a tag of its network, written before the subnet is made.
"""

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from providers.azure import joined, rules
from providers.azure.account import NEW, Account, plain, reasons
from providers.azure.names import (
    GATEWAY,
    GROUP,
    IN_NETWORK,
    NETWORK,
    PART,
    SUBNET,
    last,
    own_tags,
    owned,
    owner,
    parent,
    same,
    tags_of,
)
from providers.kit.noun import Query, Seen
from providers.kit.tags import KEYS, made_name
from providers.kit.tags import tags_of as identity_tags
from providers.ports import Identity, PortError
from pse.core.schema import FirewallInputs, NetworkInputs, Placement, SubnetInputs

OF_SUBNET = "pse-subnet-"
"""Beginning of the network's tag that says whose a subnet is."""


class Networks:
    """See `providers.kit.noun.Noun`. A name ends in the intent's token, and a PUT takes nobody's place."""

    settle_s: ClassVar[float] = 0

    def __init__(self, account: Account) -> None:
        """Remember the account."""
        self._account = account

    def make(self, inputs: NetworkInputs, identity: Identity) -> str:
        """PUT of a network without subnets."""
        object_id = self._account.path(NETWORK, made_name(inputs.name, identity))
        body = {
            "location": self._account.location,
            "tags": identity_tags(identity),
            "properties": {"addressSpace": {"addressPrefixes": [inputs.cidr]}},
        }
        self._account.put(object_id, body, NEW)
        return object_id

    def finish(self, object_id: str, inputs: NetworkInputs) -> None:  # noqa: ARG002  (nothing of a network is changed)
        """Wait until it is there, and see that its closed group is."""
        raw = self._account.succeeded(object_id, NETWORK)
        group_id = closed_group(self._account, object_id)
        group = self._account.get(group_id, GROUP)
        if group is None or not _is_shut(group):
            body = {
                "location": self._account.location,
                "tags": {**own_tags(raw), PART: last(object_id)},
                "properties": {"securityRules": rules.body({})},
            }
            self._account.put(group_id, body)
            self._account.succeeded(group_id, GROUP)

    def seen(self, query: Query, known: NetworkInputs | None) -> Iterator[Seen]:  # noqa: ARG002
        """One, or all of the resource group, with their closed groups."""
        raws = [one] if query.id and (one := self._account.get(query.id, NETWORK)) else []
        if not query.id:
            raws = list(self._account.all(NETWORK))
        groups = {raw["name"]: raw for raw in self._account.all(GROUP)} if raws else {}
        for raw in raws:
            group = groups.get(last(closed_group(self._account, str(raw["name"]))))
            mine = owned(raw)
            shut = mine["identity"] is None or (group is not None and _is_shut(group))
            yield Seen(
                id=self._account.path(NETWORK, raw["name"]),
                **mine,
                inputs={"cidr": ",".join(raw["properties"]["addressSpace"]["addressPrefixes"])},
                placement=(*self._account.located(raw), *_leads(raw)),
                reasons=(*reasons(raw), *(() if shut else ("its closed group is missing or lets traffic through",))),
            )

    def remove(self, object_id: str) -> None:
        """DELETE; Azure would take subnets with it, and knows nothing of firewalls and routers."""
        raw = self._account.get(object_id, NETWORK)
        if raw is not None:
            for subnet in raw["properties"].get("subnets") or ():
                raise self._in_use(object_id, f"subnet {subnet['name']}")
            for user in (*self._account.all(GROUP), *self._account.all(GATEWAY)):
                if same(tags_of(user).get(IN_NETWORK, ""), last(object_id)):
                    raise self._in_use(object_id, str(user["name"]))
        self._account.delete(object_id, NETWORK)
        self._account.delete(closed_group(self._account, object_id), GROUP)

    def _in_use(self, object_id: str, by: str) -> PortError:
        return PortError(f"{last(object_id)} has {by}", reason="in-use", where=self._account.place)


class Subnets:
    """See `providers.kit.noun.Noun`. A name ends in the intent's token, and Azure refuses a second one of a range."""

    settle_s: ClassVar[float] = 0

    def __init__(self, account: Account) -> None:
        """Remember the account."""
        self._account = account

    def make(self, inputs: SubnetInputs, identity: Identity) -> str:
        """The network's tag, then PUT: whatever dies in between, what is made has an owner."""
        network = self._account.needed(inputs.network, NETWORK)
        name = made_name(inputs.name, identity)
        object_id = self._account.path(SUBNET, str(network["name"]), name)
        word = " ".join(getattr(identity, key) for key in KEYS)
        self._account.tag(self._account.path(NETWORK, str(network["name"])), {f"{OF_SUBNET}{name}": word})
        body = {"properties": {"addressPrefix": inputs.cidr, "defaultOutboundAccess": False}}
        self._account.put(object_id, body, NEW)
        return object_id

    def finish(self, object_id: str, inputs: SubnetInputs) -> None:  # noqa: ARG002  (nothing of a subnet is changed)
        """Wait until it is there."""
        self._account.succeeded(object_id, SUBNET)

    def seen(self, query: Query, known: SubnetInputs | None) -> Iterator[Seen]:
        """Subnets as their networks tell them."""
        for network in self._networks(query):
            network_id = self._account.path(NETWORK, network["name"])
            for raw in network["properties"].get("subnets") or ():
                object_id = self._account.path(SUBNET, network["name"], raw["name"])
                if query.id and not same(object_id, query.id):
                    continue
                given = raw["properties"]
                yield Seen(
                    id=object_id,
                    **owner(raw["name"], _identity(network, raw["name"])),
                    inputs={
                        "network": known.network if known and same(known.network, network_id) else network_id,
                        "cidr": ",".join(
                            [given.get("addressPrefix") or "", *(given.get("addressPrefixes") or ())]
                        ).strip(","),
                    },
                    placement=(*self._account.located(network), *self._endpoints(given)),
                    reasons=reasons(raw),
                )

    def remove(self, object_id: str) -> None:
        """DELETE, and the network's tag with it; Azure would take its router from it."""
        router = ((self._account.get(object_id, SUBNET) or {}).get("properties") or {}).get("natGateway")
        if router:
            said = f"{last(object_id)} goes out by {last(str(router['id']))}"
            raise PortError(said, reason="in-use", where=self._account.place)
        try:
            self._account.delete(object_id, SUBNET)
        finally:
            self._untag(object_id)

    def _untag(self, object_id: str) -> None:
        """Take the tag away when the subnet is gone: a network has room for fifty."""
        network, name = self._account.get(parent(object_id), NETWORK), last(object_id)
        if network is None or any(same(raw["name"], name) for raw in network["properties"].get("subnets") or ()):
            return
        tags = {key: value for key, value in (network.get("tags") or {}).items() if same(key, f"{OF_SUBNET}{name}")}
        if tags:
            self._account.tag(self._account.path(NETWORK, network["name"]), tags, operation="Delete")

    def _networks(self, query: Query) -> Iterator[dict[str, Any]]:
        if not query.id:
            yield from self._account.all(NETWORK)
        elif self._account.is_mine(query.id, SUBNET):
            network = self._account.get(parent(query.id), NETWORK)
            if network is not None:
                yield network

    def _endpoints(self, given: Mapping[str, Any]) -> Iterator[Placement]:
        """Services that a subnet reaches directly may be in other locations."""
        for endpoint in given.get("serviceEndpoints") or ():
            for where in endpoint.get("locations") or ("?",):
                if plain(str(where)) != self._account.location:
                    yield Placement("endpoint", f"{endpoint.get('service', '?')} in {where}", "unknown")


class Firewalls:
    """See `providers.kit.noun.Noun`. A name ends in the intent's token, and a PUT takes nobody's place."""

    settle_s: ClassVar[float] = 0

    def __init__(self, account: Account) -> None:
        """Remember the account."""
        self._account = account

    def make(self, inputs: FirewallInputs, identity: Identity) -> str:
        """PUT with all rules; the network is only a tag, as Azure's groups are for any."""
        network = self._account.needed(inputs.network, NETWORK)
        object_id = self._account.path(GROUP, made_name(inputs.name, identity))
        tags = {**identity_tags(identity), IN_NETWORK: str(network["name"])}
        self._account.put(object_id, self._body(inputs, tags), NEW)
        return object_id

    def finish(self, object_id: str, inputs: FirewallInputs) -> None:
        """Bring its rules to those wanted, in one step."""
        raw = self._account.ready(object_id, GROUP)
        if reasons(raw) or rules.live_rules(raw) != rules.flows_of(inputs.rules) or not rules.is_closed(raw):
            body = self._body(inputs, raw.get("tags") or {})
            self._account.put(object_id, body, {"If-Match": raw["etag"]} if raw.get("etag") else {})
            self._account.succeeded(object_id, GROUP)
        joined.rejoin(self._account, object_id)

    def seen(self, query: Query, known: FirewallInputs | None) -> Iterator[Seen]:
        """One, or all of the resource group; closed groups belong to their networks."""
        one = self._account.get(query.id, GROUP) if query.id else None
        raws: Iterator[dict[str, Any]] = self._account.all(GROUP) if not query.id else iter([one] if one else [])
        for raw in raws:
            tags = tags_of(raw)
            if PART in tags:
                continue
            network = self._account.path(NETWORK, tags[IN_NETWORK]) if tags.get(IN_NETWORK) else ""
            shut = rules.is_closed(raw) or owned(raw)["identity"] is None
            yield Seen(
                id=self._account.path(GROUP, raw["name"]),
                **owned(raw),
                inputs={
                    "network": known.network if known and same(known.network, network) else network,
                    "rules": rules.neutral(rules.live_rules(raw), known.rules if known else ()),
                },
                placement=(*self._account.located(raw), *_leads(raw)),
                reasons=(*reasons(raw), *(() if shut else ("it lets through what no rule permits",))),
            )

    def remove(self, object_id: str) -> None:
        """DELETE; Azure knows nothing of groups that it is joined in."""
        joined.refuse_joined(self._account, object_id)
        self._account.delete(object_id, GROUP)

    def _body(self, inputs: FirewallInputs, tags: Mapping[str, str]) -> dict[str, Any]:
        return {
            "location": self._account.location,
            "tags": dict(tags),
            "properties": {"securityRules": rules.body(rules.flows_of(inputs.rules))},
        }


def closed_group(account: Account, network: str) -> str:
    """Id of the security group that permits nothing, by the id or the name of its network."""
    return account.path(GROUP, f"{last(network)}-closed")


def _is_shut(group: Mapping[str, Any]) -> bool:
    return rules.is_closed(group) and not rules.live_rules(group) and not reasons(group)


def _identity(network: Mapping[str, Any], subnet: str) -> Identity | None:
    """Whose a subnet is, by the tag of its network."""
    parts = tags_of(network).get(f"{OF_SUBNET}{subnet}".lower(), "").rsplit(" ", 2)
    return Identity(stack=parts[0], urn=parts[1], op=parts[2]) if len(parts) == 3 else None


def _leads(raw: Mapping[str, Any]) -> Iterator[Placement]:
    """Where a network or a group lets data and logs go besides."""
    for peering in raw["properties"].get("virtualNetworkPeerings") or ():
        remote = (peering.get("properties") or {}).get("remoteVirtualNetwork") or {}
        yield Placement("peering", str(remote.get("id") or "?"), "unknown")
    for log in raw["properties"].get("flowLogs") or ():
        yield Placement("log", str(log.get("id") or "?"), "unknown")
