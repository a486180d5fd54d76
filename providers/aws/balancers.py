"""Load balancers are Network Load Balancers: one zone is enough for them, and an Application Load Balancer takes two.

Each listener has a target group of its own, whose name begins with the balancer's id, so that what a run that was
killed left behind is found again. An http listener passes connections on as they are; an https one ends TLS, with the
balancer's certificate in ACM. The id is the ARN.
"""

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from providers.aws.account import Account
from providers.aws.certificates import Certificates
from providers.aws.network import default_groups
from providers.aws.tags import filters, named, owner, plain
from providers.kit.noun import Query, Seen
from providers.kit.pem import chain_of
from providers.kit.tags import carries, identity_of
from providers.ports import Identity, PortError
from pse.core.schema import Listener, LoadBalancerInputs, Placement

_ARN = ":loadbalancer/"
_TLS = "ELBSecurityPolicy-TLS13-1-2-2021-06"
"""What TLS it speaks: 1.2 and 1.3. AWS's own default takes 1.0."""
_TAGGED = 20
"""Balancers that DescribeTags takes at once."""


class LoadBalancers:
    """See `providers.kit.noun.Noun`. Its own name ends in the intent's token, and is unique."""

    settle_s: ClassVar[float] = 0

    def __init__(self, account: Account) -> None:
        """Remember the account."""
        self._account = account
        self._certificates = Certificates(account)

    def make(self, inputs: LoadBalancerInputs, identity: Identity) -> str:
        """CreateLoadBalancer; without firewalls it is in its network's default group, which lets nothing through."""
        self._check(inputs)
        (subnet,) = inputs.subnets
        made = self._call(
            "create_load_balancer",
            Name=f"lb-{inputs.name[:16].rstrip('-')}-{identity.op[:12]}",
            Type="network",
            Scheme="internet-facing" if inputs.public else "internal",
            IpAddressType="ipv4",
            Subnets=[subnet],
            # One that is made without a group never takes one.
            SecurityGroups=list(inputs.firewalls) or default_groups(self._account, self._network(subnet)),
            Tags=named(inputs.name, identity),
        )
        return str(made["LoadBalancers"][0]["LoadBalancerArn"])

    def finish(self, object_id: str, inputs: LoadBalancerInputs) -> None:
        """Wait until it is active, then bring groups, listeners and servers to those wanted."""
        self._check(inputs)
        raw = self._account.until(lambda: self._active(object_id), what=f"{object_id} to be active")
        if self._firewalls(raw) != set(inputs.firewalls):
            groups = list(inputs.firewalls) or default_groups(self._account, raw["VpcId"])
            self._call("set_security_groups", LoadBalancerArn=object_id, SecurityGroups=groups)
        live = {listener["Port"]: listener for listener in self._listeners(object_id)}
        groups_live = self._groups(object_id)
        certificate = self._certificate(object_id, inputs)
        kept = set()
        for wanted in inputs.listeners:
            group = groups_live.get(_group_name(object_id, wanted)) or self._new_group(raw, wanted)
            kept.add(group["TargetGroupName"])
            self._match(group, wanted, set(inputs.servers))
            self._listen(object_id, live.get(wanted.port), _speaks(wanted, group["TargetGroupArn"], certificate))
        for port in live.keys() - {wanted.port for wanted in inputs.listeners}:
            self._call("delete_listener", ListenerArn=live[port]["ListenerArn"])
        for name in groups_live.keys() - kept:
            self._call("delete_target_group", TargetGroupArn=groups_live[name]["TargetGroupArn"])
        if certificate or any(map(_certificate, live.values())):
            self._certificates.drop(object_id, keep=certificate)

    def seen(self, query: Query, known: LoadBalancerInputs | None) -> Iterator[Seen]:
        """DescribeLoadBalancers and their tags; the rest for those that are meant."""
        if query.id and _ARN not in query.id:
            return
        raws = list(self._raw(query.id))
        tags = self._tags([raw["LoadBalancerArn"] for raw in raws])
        for raw in raws:
            whose = owner({"Tags": tags.get(raw["LoadBalancerArn"], ())})
            if carries(whose["identity"], query.tags):
                state = raw["State"]["Code"]
                yield Seen(
                    id=raw["LoadBalancerArn"],
                    **whose,
                    inputs=self._inputs(raw, known),
                    outputs={"address": "", "host_name": raw["DNSName"]},
                    placement=self._placement(raw),
                    reasons=() if state in {"active", "provisioning"} else (f"it is in state {state}",),
                )

    def remove(self, object_id: str) -> None:
        """DeleteLoadBalancer with its listeners; then target groups and certificate; its interfaces have to leave."""
        if _ARN not in object_id:
            return
        groups = self._groups(object_id)
        self._call("delete_load_balancer", LoadBalancerArn=object_id)
        for group in groups.values():
            self._account.until(lambda arn=group["TargetGroupArn"]: self._drop_group(arn), what="a target group to go")  # type: ignore[misc]
        self._certificates.drop(object_id)
        wanted = filters("description", f"ELB {object_id.partition(':loadbalancer/')[2]}", {})
        # Until then its subnet and groups are in use.
        self._account.until(
            lambda: (
                not list(self._account.pages("describe_network_interfaces", "NetworkInterfaces", Filters=wanted))
                or None
            ),
            what=f"interfaces of {object_id} to be gone",
        )

    def _check(self, inputs: LoadBalancerInputs) -> None:
        said = ""
        if len(inputs.subnets) != 1:
            said = "a balancer at AWS stands in one subnet of a zone, and a place is one zone"
        elif any(listener.protocol not in {"tcp", "http", "https"} for listener in inputs.listeners):
            said = "a listener is tcp, http or https"
        if said:
            raise PortError(said, reason="invalid", where=self._account.place)
        if _ends_tls(inputs):
            chain_of(inputs.certificate, where=inputs.name)

    def _certificate(self, balancer: str, inputs: LoadBalancerInputs) -> str:
        """ARN of the certificate that its https listeners need; empty when there are none."""
        if not _ends_tls(inputs):
            return ""
        whose = owner({"Tags": self._tags([balancer]).get(balancer, ())})
        if whose["identity"] is None:
            raise PortError(f"{balancer} is a stranger's", reason="conflict", where=self._account.place)
        return self._certificates.ensure(balancer, whose["name"], whose["identity"], inputs.certificate)

    def _inputs(self, raw: Mapping[str, Any], known: LoadBalancerInputs | None) -> dict[str, Any]:
        arn = raw["LoadBalancerArn"]
        groups = {group["TargetGroupArn"]: group for group in self._groups(arn).values()}
        ports = {listener.port: listener for listener in known.listeners} if known else {}
        listeners = self._listeners(arn)
        found = tuple(_neutral(listener, groups, ports) for listener in listeners)
        live: dict[str, Any] = {
            "subnets": tuple(sorted(zone["SubnetId"] for zone in raw["AvailabilityZones"])),
            "firewalls": tuple(sorted(self._firewalls(raw))),
            "listeners": tuple(sorted(found)),
            "public": raw["Scheme"] == "internet-facing",
        }
        used = {_certificate(listener) for listener in listeners} - {""}
        if used:
            pem = known.certificate if known else ""
            live["certificate"] = pem if pem and all(self._certificates.is_of(one, pem) for one in used) else ""
        if groups:
            # A server that one of them lacks is to come to it.
            behind = [self._targets(arn) for arn in groups]
            live["servers"] = tuple(sorted(set.intersection(*behind)))
        for name in ("subnets", "firewalls", "servers", "listeners"):
            given = getattr(known, name, ())
            if name in live and sorted(given) == sorted(live[name]):
                live[name] = given
        return live

    def _placement(self, raw: Mapping[str, Any]) -> tuple[Placement, ...]:
        zones = [self._account.placed("resource", zone.get("ZoneName", "")) for zone in raw["AvailabilityZones"]]
        arns = {_certificate(listener) for listener in self._listeners(raw["LoadBalancerArn"])} - {""}
        certificates = [self._account.regional("certificate", arn) for arn in sorted(arns)]
        return (self._account.regional("resource", raw["LoadBalancerArn"]), *zones, *certificates)

    def _match(self, group: Mapping[str, Any], wanted: Listener, servers: set[str]) -> None:
        """Health check and members of a target group."""
        arn = group["TargetGroupArn"]
        if _health_path(group) != wanted.health_path:
            self._call("modify_target_group", TargetGroupArn=arn, **_health(wanted))
        live = self._targets(arn)
        if servers - live:
            self._call("register_targets", TargetGroupArn=arn, Targets=[{"Id": one} for one in sorted(servers - live)])
        if live - servers:
            self._call(
                "deregister_targets", TargetGroupArn=arn, Targets=[{"Id": one} for one in sorted(live - servers)]
            )

    def _listen(self, balancer: str, live: Mapping[str, Any] | None, wanted: Mapping[str, Any]) -> None:
        if live is None:
            self._call("create_listener", LoadBalancerArn=balancer, **wanted)
        elif (live["Protocol"], _forwards(live), _certificate(live)) != (
            wanted["Protocol"],
            _forwards(wanted),
            _certificate(wanted),
        ):
            self._call("modify_listener", ListenerArn=live["ListenerArn"], **wanted)

    def _new_group(self, raw: Mapping[str, Any], wanted: Listener) -> dict[str, Any]:
        """CreateTargetGroup: the same one again where it is there."""
        arn = str(raw["LoadBalancerArn"])
        tags = self._tags([arn]).get(arn, [])
        identity = identity_of(plain(tags))
        own = {"Tags": named(owner({"Tags": tags})["name"], identity)} if identity else {}
        made: dict[str, Any] = self._call(
            "create_target_group",
            Name=_group_name(arn, wanted),
            Protocol="TCP",
            Port=wanted.member_port,
            VpcId=raw["VpcId"],
            TargetType="instance",
            **_health(wanted),
            **own,
        )["TargetGroups"][0]
        return made

    def _drop_group(self, arn: str) -> bool | None:
        return self._account.deleted("delete_target_group", service="elbv2", TargetGroupArn=arn)

    def _active(self, object_id: str) -> dict[str, Any] | None:
        raw = next(self._raw(object_id), None)
        if raw is not None and raw["State"]["Code"] == "failed":
            raise PortError(f"{object_id} failed: {raw['State'].get('Reason', '')}", where=self._account.place)
        return raw if raw is not None and raw["State"]["Code"] == "active" else None

    def _raw(self, object_id: str = "") -> Iterator[dict[str, Any]]:
        chosen = {"LoadBalancerArns": [object_id]} if object_id else {}
        try:
            for raw in self._pages("describe_load_balancers", "LoadBalancers", **chosen):
                if raw["Type"] == "network":
                    yield raw
        except PortError as exc:
            if exc.vendor_code != "LoadBalancerNotFound":
                raise

    def _listeners(self, balancer: str) -> list[dict[str, Any]]:
        return list(self._pages("describe_listeners", "Listeners", LoadBalancerArn=balancer))

    def _groups(self, balancer: str) -> dict[str, dict[str, Any]]:
        """Its target groups by name, those that no listener uses too."""
        start = _group_prefix(balancer)
        found = self._pages("describe_target_groups", "TargetGroups")
        return {raw["TargetGroupName"]: raw for raw in found if raw["TargetGroupName"].startswith(start)}

    def _targets(self, group: str) -> set[str]:
        told = self._call("describe_target_health", TargetGroupArn=group)["TargetHealthDescriptions"]
        return {raw["Target"]["Id"] for raw in told if raw.get("TargetHealth", {}).get("State") != "draining"}

    def _tags(self, arns: list[str]) -> dict[str, list[dict[str, str]]]:
        found: dict[str, list[dict[str, str]]] = {}
        for start in range(0, len(arns), _TAGGED):
            told = self._call("describe_tags", ResourceArns=arns[start : start + _TAGGED])["TagDescriptions"]
            found |= {raw["ResourceArn"]: raw["Tags"] for raw in told}
        return found

    def _firewalls(self, raw: Mapping[str, Any]) -> set[str]:
        return set(raw.get("SecurityGroups", ())) - set(default_groups(self._account, raw["VpcId"]))

    def _network(self, subnet: str) -> str:
        found = self._account.pages("describe_subnets", "Subnets", Filters=filters("subnet-id", subnet, {}))
        network = next((str(raw["VpcId"]) for raw in found), "")
        if not network:
            raise PortError(f"no subnet {subnet!r} here", reason="not-found", where=self._account.place)
        return network

    def _call(self, operation: str, **params: Any) -> dict[str, Any]:
        return self._account.call(operation, service="elbv2", **params)

    def _pages(self, operation: str, key: str, **params: Any) -> Iterator[dict[str, Any]]:
        return self._account.pages(operation, key, service="elbv2", **params)


def _group_prefix(balancer: str) -> str:
    return f"pse-{balancer.rpartition('/')[2][:16]}-"


def _group_name(balancer: str, listener: Listener) -> str:
    """At most 32 letters; the ports are in it because neither can be changed."""
    return f"{_group_prefix(balancer)}{listener.port}-{listener.member_port}"


def _health(listener: Listener) -> dict[str, Any]:
    if not listener.health_path:
        return {"HealthCheckProtocol": "TCP"}
    return {
        "HealthCheckProtocol": "HTTP",
        "HealthCheckPath": listener.health_path,
        "Matcher": {"HttpCode": "200-299"},
    }


def _health_path(group: Mapping[str, Any]) -> str:
    return str(group.get("HealthCheckPath", "")) if group.get("HealthCheckProtocol") == "HTTP" else ""


def _ends_tls(inputs: LoadBalancerInputs) -> bool:
    return any(listener.protocol == "https" for listener in inputs.listeners)


def _speaks(listener: Listener, group: str, certificate: str) -> dict[str, Any]:
    """A listener as AWS takes it."""
    tls = {"Protocol": "TLS", "Certificates": [{"CertificateArn": certificate}], "SslPolicy": _TLS}
    return {
        "Port": listener.port,
        "DefaultActions": [{"Type": "forward", "TargetGroupArn": group}],
        **(tls if listener.protocol == "https" else {"Protocol": "TCP"}),
    }


def _certificate(listener: Mapping[str, Any]) -> str:
    """ARN of a listener's certificate; empty for one that ends no TLS."""
    return next((str(one["CertificateArn"]) for one in listener.get("Certificates", ())), "")


def _forwards(listener: Mapping[str, Any]) -> str:
    return next((str(action.get("TargetGroupArn", "")) for action in listener.get("DefaultActions", ())), "")


def _neutral(
    listener: Mapping[str, Any], groups: Mapping[str, Mapping[str, Any]], known: Mapping[int, Listener]
) -> Listener:
    """A live listener; whether a TCP one was asked for as http is not told."""
    port, group = int(listener["Port"]), groups.get(_forwards(listener), {})
    asked = known[port].protocol if port in known else "tcp"
    plain_tcp = asked if asked in {"tcp", "http"} else "tcp"
    return Listener(
        protocol={"TCP": plain_tcp, "TLS": "https"}.get(listener["Protocol"], str(listener["Protocol"]).lower()),
        port=port,
        member_port=int(group.get("Port", 0)),
        health_path=_health_path(group),
    )
