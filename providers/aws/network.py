"""Networks are VPCs, subnets are subnets, firewalls are security groups.

A network is private until a router is made for it. EC2 gives every VPC a default group that lets its
members talk and everything out; servers without a firewall are in it, so it is emptied.
"""

from collections.abc import Iterator
from typing import Any, ClassVar

from providers.aws.account import Account
from providers.aws.routers import routed
from providers.aws.rules import described, key_of, live_rules, neutral, permissions
from providers.aws.tags import filters, owner, specifications
from providers.kit.noun import Query, Seen
from providers.ports import Identity, PortError
from pse.core.schema import FirewallInputs, NetworkInputs, Placement, SubnetInputs

DEFAULT = "default"
"""Name of the group that every VPC has."""
_SIDES = {"in": "ingress", "out": "egress"}


class Networks:
    """See `providers.kit.noun.Noun`. CreateVpc has neither token nor a name that is kept unique."""

    settle_s: ClassVar[float] = 15

    def __init__(self, account: Account) -> None:
        """Remember the account."""
        self._account = account

    def make(self, inputs: NetworkInputs, identity: Identity) -> str:
        """CreateVpc."""
        tags = specifications(inputs.name, identity, "vpc")
        return str(self._account.call("create_vpc", CidrBlock=inputs.cidr, TagSpecifications=tags)["Vpc"]["VpcId"])

    def finish(self, object_id: str, inputs: NetworkInputs) -> None:  # noqa: ARG002  (nothing of a network is changed)
        """Wait until it is available, and empty its default group."""
        self._account.until(
            lambda: next((raw for raw in self._raw(object_id) if raw["State"] == "available"), None),
            what=f"{object_id} to be available",
        )
        for group in self._account.until(lambda: self._defaults(object_id) or None, what=f"groups of {object_id}"):
            change_rules(self._account, group, {})

    def seen(self, query: Query, known: NetworkInputs | None) -> Iterator[Seen]:  # noqa: ARG002
        """DescribeVpcs, and the default groups of all of them."""
        raws = list(self._raw(query.id, query.tags))
        groups = {group["VpcId"]: group for group in self._defaults(query.id)} if raws else {}
        for raw in raws:
            open_group = bool(live_rules(groups.get(raw["VpcId"], {})))
            yield Seen(
                id=raw["VpcId"],
                **owner(raw),
                inputs={"cidr": raw["CidrBlock"]},
                # EC2 tells no region of a VPC: it is the one that the endpoint was found to answer for.
                placement=(Placement("resource", self._account.place, "set"),),
                reasons=("its default group lets traffic through",) if open_group else (),
            )

    def remove(self, object_id: str) -> None:
        """DeleteVpc; its default group goes with it."""
        self._account.call("delete_vpc", VpcId=object_id)

    def _raw(self, object_id: str = "", tags: Any = ()) -> Iterator[dict[str, Any]]:
        wanted = filters("vpc-id", object_id, dict(tags))
        return self._account.pages("describe_vpcs", "Vpcs", Filters=wanted)

    def _defaults(self, network: str) -> list[dict[str, Any]]:
        wanted = [{"Name": "group-name", "Values": [DEFAULT]}, *filters("vpc-id", network, {})]
        return list(self._account.pages("describe_security_groups", "SecurityGroups", Filters=wanted))


class Subnets:
    """See `providers.kit.noun.Noun`. EC2 refuses a second subnet with the same range."""

    settle_s: ClassVar[float] = 0

    def __init__(self, account: Account) -> None:
        """Remember the account."""
        self._account = account

    def make(self, inputs: SubnetInputs, identity: Identity) -> str:
        """CreateSubnet in the place's zone."""
        made = self._account.call(
            "create_subnet",
            VpcId=inputs.network,
            CidrBlock=inputs.cidr,
            AvailabilityZone=self._account.zone,
            TagSpecifications=specifications(inputs.name, identity, "subnet"),
        )
        return str(made["Subnet"]["SubnetId"])

    def finish(self, object_id: str, inputs: SubnetInputs) -> None:  # noqa: ARG002  (nothing of a subnet is changed)
        """Wait until it is available."""
        self._account.until(
            lambda: next((True for raw in self._raw(Query(id=object_id)) if raw["State"] == "available"), None),
            what=f"{object_id} to be available",
        )

    def seen(self, query: Query, known: SubnetInputs | None) -> Iterator[Seen]:  # noqa: ARG002
        """DescribeSubnets."""
        for raw in self._raw(query):
            placement = [self._account.placed("resource", raw.get("AvailabilityZone", ""))]
            if raw.get("OutpostArn"):
                placement.append(Placement("outpost", raw["OutpostArn"], "unknown"))
            yield Seen(
                id=raw["SubnetId"],
                **owner(raw),
                inputs={"network": raw["VpcId"], "cidr": raw["CidrBlock"]},
                placement=tuple(placement),
            )

    def remove(self, object_id: str) -> None:
        """DeleteSubnet, when no router serves it: EC2 would let it go, and the router would not know."""
        if routed(self._account, object_id):
            raise PortError(f"a router serves {object_id}", reason="in-use", where=self._account.place)
        self._account.call("delete_subnet", SubnetId=object_id)

    def _raw(self, query: Query) -> Iterator[dict[str, Any]]:
        wanted = filters("subnet-id", query.id, query.tags)
        return self._account.pages("describe_subnets", "Subnets", Filters=wanted)


class Firewalls:
    """See `providers.kit.noun.Noun`. A group's own name ends in the intent's token, so EC2 refuses a second one."""

    settle_s: ClassVar[float] = 0

    def __init__(self, account: Account) -> None:
        """Remember the account."""
        self._account = account

    def make(self, inputs: FirewallInputs, identity: Identity) -> str:
        """CreateSecurityGroup; it comes with a rule that lets everything out."""
        made = self._account.call(
            "create_security_group",
            GroupName=f"pse-{inputs.name}-{identity.op[:12]}",
            Description=f"Permitted flows of {inputs.name}",
            VpcId=inputs.network,
            TagSpecifications=specifications(inputs.name, identity, "security-group"),
        )
        return str(made["GroupId"])

    def finish(self, object_id: str, inputs: FirewallInputs) -> None:
        """Bring its rules to those wanted: permit first, then revoke, so that no wanted flow is cut."""
        group = self._account.until(
            lambda: next(iter(self._raw(Query(id=object_id))), None), what=f"{object_id} to be listed", seconds=60
        )
        change_rules(self._account, group, {key_of(rule): described(rule.why) for rule in inputs.rules})

    def seen(self, query: Query, known: FirewallInputs | None) -> Iterator[Seen]:
        """DescribeSecurityGroups; default groups belong to their network."""
        given = known.rules if known is not None else ()
        for raw in self._raw(query):
            if raw["GroupName"] == DEFAULT:
                continue
            arn = raw.get("SecurityGroupArn")
            place = Placement("resource", self._account.place, "set")
            yield Seen(
                id=raw["GroupId"],
                **owner(raw),
                inputs={"network": raw.get("VpcId", ""), "rules": neutral(live_rules(raw), given)},
                placement=(self._account.regional("resource", arn) if arn else place,),
            )

    def remove(self, object_id: str) -> None:
        """DeleteSecurityGroup."""
        self._account.call("delete_security_group", GroupId=object_id)

    def _raw(self, query: Query) -> Iterator[dict[str, Any]]:
        wanted = filters("group-id", query.id, query.tags)
        return self._account.pages("describe_security_groups", "SecurityGroups", Filters=wanted)


def default_groups(account: Account, network: str) -> list[str]:
    """Id of a network's default group, which lets nothing through."""
    wanted = [{"Name": "group-name", "Values": [DEFAULT]}, *filters("vpc-id", network, {})]
    groups = account.pages("describe_security_groups", "SecurityGroups", Filters=wanted)
    return [str(group["GroupId"]) for group in groups]


def change_rules(account: Account, group: dict[str, Any], wanted: dict[Any, str]) -> None:
    """Make the rules of a group those wanted, descriptions too.

    Args:
        account: Where it is.
        group: As DescribeSecurityGroups gives it.
        wanted: Descriptions by key.

    Raises:
        PortError: It could not be done, or not all of it.
    """
    live = live_rules(group)
    told = {key: why for key, why in wanted.items() if key in live and live[key] != why}
    for verb, rules in (
        ("authorize", {key: why for key, why in wanted.items() if key not in live}),
        ("update", told),
        ("revoke", {key: "" for key in live if key not in wanted}),
    ):
        for direction, listed in permissions(rules):
            what = f"security_group_rule_descriptions_{_SIDES[direction]}"
            operation = f"update_{what}" if verb == "update" else f"{verb}_security_group_{_SIDES[direction]}"
            try:
                account.call(operation, GroupId=group["GroupId"], IpPermissions=listed)
            except PortError as exc:
                # An earlier try whose answer was lost did it.
                if exc.vendor_code not in {"InvalidPermission.Duplicate", "InvalidPermission.NotFound"}:
                    raise
