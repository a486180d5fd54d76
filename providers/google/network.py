"""Networks are VPC networks with subnetworks of one's own; subnets are subnetworks of the place's region.

Compute Engine lets everything out of a network by an implied rule. So a network comes with a rule of its own that lets
nothing out, below every other; what a firewall permits goes before it.
"""

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from providers.google.account import Account, last
from providers.google.marks import described
from providers.kit.descriptions import read, written
from providers.kit.noun import Query, Seen
from providers.kit.tags import made_name
from providers.ports import Identity, PortError
from pse.core.schema import NetworkInputs, Placement, SubnetInputs

DESCRIPTION = 2048
"""Characters of a description."""
LOWEST = 65534
"""Priority of a rule that counts where no other does; the implied rules have 65535."""
CLOSED = "-closed"
"""End of the name of a network's own rule."""
OF_NETWORK = "pse-network="
"""Beginning of its description."""
NETWORKS, FIREWALLS = "global/networks", "global/firewalls"


def shut(network: str, account: Account) -> dict[str, Any]:
    """What makes a rule one that lets nothing out."""
    return {
        "network": account.link(f"{NETWORKS}/{network}"),
        "direction": "EGRESS",
        "priority": LOWEST,
        "denied": [{"IPProtocol": "all"}],
        "destinationRanges": ["0.0.0.0/0"],
        "disabled": False,
    }


def is_shut(raw: Mapping[str, Any] | None) -> bool:
    """Whether a live rule lets nothing out."""
    return raw is not None and (
        raw.get("direction"), raw.get("denied"), raw.get("destinationRanges"), bool(raw.get("disabled"))
    ) == ("EGRESS", [{"IPProtocol": "all"}], ["0.0.0.0/0"], False)  # fmt: skip


class Networks:
    """See `providers.kit.noun.Noun`. The name ends in the intent, and Google refuses a second one."""

    settle_s: ClassVar[float] = 0

    def __init__(self, account: Account) -> None:
        """Remember the account."""
        self._account = account

    def make(self, inputs: NetworkInputs, identity: Identity) -> str:
        """networks.insert; the range is a note, as a VPC network has none."""
        body = {
            "name": made_name(inputs.name, identity),
            "description": written(identity, most=DESCRIPTION, workload=inputs.workload, cidr=inputs.cidr),
            "autoCreateSubnetworks": False,
            "routingConfig": {"routingMode": "REGIONAL"},
        }
        return self._account.insert(NETWORKS, body, identity.op)

    def finish(self, object_id: str, inputs: NetworkInputs) -> None:  # noqa: ARG002  (nothing of a network is changed)
        """Bring its own rule to what it has to be."""
        path = f"{FIREWALLS}/{object_id}{CLOSED}"
        live = self._account.get(path)
        body = {"name": f"{object_id}{CLOSED}", "description": f"{OF_NETWORK}{object_id}"}
        body |= shut(object_id, self._account)
        if live is None:
            try:
                self._account.act("POST", FIREWALLS, body)
            except PortError as exc:
                # An earlier try made it, and its answer was lost or the list is late.
                if exc.reason != "conflict":
                    raise
        elif not is_shut(live) or live.get("targetTags"):
            self._account.act("PUT", path, body)
        self._account.until(
            lambda: True if is_shut(self._account.get(path)) else None, what=f"{object_id} to be closed", seconds=60
        )

    def seen(self, query: Query, known: NetworkInputs | None) -> Iterator[Seen]:  # noqa: ARG002
        """networks.get or networks.list, and the rules of those that are ours."""
        raws = [self._account.get(f"{NETWORKS}/{query.id}")] if query.id else list(self._account.pages(NETWORKS))
        rules: dict[str, dict[str, Any]] = {}
        if not query.id and any(raw for raw in raws):
            rules = {raw["name"]: raw for raw in self._account.pages(FIREWALLS)}
        for raw in raws:
            if raw is None:
                continue
            owner, (_, notes) = described(raw), read(raw.get("description"))
            name = f"{raw['name']}{CLOSED}"
            open_ = owner["identity"] is not None and not is_shut(
                self._account.get(f"{FIREWALLS}/{name}") if query.id else rules.get(name)
            )
            # A network is configuration of the whole project and holds nothing: it is used where its subnets are.
            placement = [Placement("resource", self._account.place, "set")]
            placement += [
                Placement("peering", str(peer.get("network", "?")), "unknown") for peer in raw.get("peerings", ())
            ]
            yield Seen(
                id=raw["name"],
                **owner,
                inputs={"cidr": notes.get("cidr", ""), "workload": notes.get("workload", "")},
                placement=tuple(placement),
                reasons=("nothing closes it: what no rule permits gets out",) if open_ else (),
            )

    def remove(self, object_id: str) -> None:
        """networks.delete, after its own rule; one that is in use keeps it."""
        path, rule = f"{NETWORKS}/{object_id}", f"{FIREWALLS}/{object_id}{CLOSED}"
        raw = self._account.get(path)
        users = [last(sub) for sub in (raw or {}).get("subnetworks", ())]
        if raw is not None and not users:
            users = [
                found["name"]
                for found in self._account.pages(FIREWALLS)
                if last(found.get("network")) == object_id and found["name"] != f"{object_id}{CLOSED}"
            ]
        if users:
            raise PortError(f"{object_id} is used by {users[0]}", reason="in-use", where=self._account.place)
        closed = self._account.get(rule)
        if closed is not None:
            self._account.act("DELETE", rule)
        try:
            self._account.act("DELETE", path)
        except PortError as exc:
            if exc.reason == "in-use" and closed is not None:
                body = {"name": closed["name"], "description": closed.get("description", "")}
                self._account.act("POST", FIREWALLS, body | shut(object_id, self._account))
            raise


class Subnets:
    """See `providers.kit.noun.Noun`. The name ends in the intent, and Google refuses a second one."""

    settle_s: ClassVar[float] = 0

    def __init__(self, account: Account) -> None:
        """Remember the account."""
        self._account = account
        self._path = f"{account.regional}/subnetworks"

    def make(self, inputs: SubnetInputs, identity: Identity) -> str:
        """subnetworks.insert in the place's region."""
        body = {
            "name": made_name(inputs.name, identity),
            "description": written(identity, most=DESCRIPTION, workload=inputs.workload),
            "network": self._account.link(f"{NETWORKS}/{inputs.network}"),
            "ipCidrRange": inputs.cidr,
        }
        return self._account.insert(self._path, body, identity.op)

    def finish(self, object_id: str, inputs: SubnetInputs) -> None:
        """Nothing: it is usable when its operation is over, and nothing of it is changed."""

    def seen(self, query: Query, known: SubnetInputs | None) -> Iterator[Seen]:  # noqa: ARG002
        """subnetworks.get or subnetworks.list."""
        one = self._account.get(f"{self._path}/{query.id}") if query.id else None
        for raw in ([one] if one else []) if query.id else self._account.pages(self._path):
            _, notes = read(raw.get("description"))
            placement = [self._account.placed("resource", raw.get("region"))]
            if raw.get("logConfig", {}).get("enable") or raw.get("enableFlowLogs"):
                # Where Logging keeps them is said by the project's sinks, not here.
                placement.append(Placement("log", "flow logs", "unknown"))
            yield Seen(
                id=raw["name"],
                **described(raw),
                inputs={
                    "network": last(raw["network"]),
                    "cidr": raw["ipCidrRange"],
                    "workload": notes.get("workload", ""),
                },
                placement=tuple(placement),
            )

    def remove(self, object_id: str) -> None:
        """subnetworks.delete."""
        self._account.act("DELETE", f"{self._path}/{object_id}")
