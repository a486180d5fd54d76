"""What Elastic Load Balancing does and moto does not, as a layer of the hostile proxy.

A name is taken once, and a network balancer stands in one subnet of a zone and holds it and its groups. Written after
the API reference. Not checked: health, interfaces, how long anything takes.
"""

from collections.abc import Callable, Mapping
from typing import Any

from tests.fakes.ec2 import error, region_of
from tests.fakes.hostile import Answer, Forward, Request


def refusal(code: str, message: str) -> Answer:
    """An error as this service writes it."""
    said = f"<Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error>"
    return Answer(400, f"<ErrorResponse>{said}</ErrorResponse>".encode(), {"Content-Type": "text/xml"})


class Balancers:
    """See the module."""

    def __init__(self, client: Callable[[str, str], Any]) -> None:
        """Args: client: Gives a boto3 client for a region and a service, straight to the server."""
        self._client = client

    def __call__(self, request: Request, forward: Forward) -> Answer:
        """Refuse, or forward."""
        check = getattr(self, f"_{request.action}", None)
        said = check(self._client(region_of(request), "elbv2"), request.form) if check else None
        return said or forward(request)

    def _CreateLoadBalancer(self, client: Any, form: Mapping[str, str]) -> Answer | None:  # noqa: N802  (AWS's names)
        if any(raw["LoadBalancerName"] == form["Name"] for raw in client.describe_load_balancers()["LoadBalancers"]):
            said = "A load balancer with the same name exists, but with different settings"
            return refusal("DuplicateLoadBalancerName", said)
        if sum(key.startswith("Subnets.member") for key in form) > 1:
            return refusal("InvalidConfigurationRequest", "A load balancer cannot be in several subnets of a zone")
        return None

    def _DeleteSubnet(self, client: Any, form: Mapping[str, str]) -> Answer | None:  # noqa: N802
        for raw in client.describe_load_balancers()["LoadBalancers"]:
            if any(zone["SubnetId"] == form["SubnetId"] for zone in raw["AvailabilityZones"]):
                return _held(form["SubnetId"])
        return None

    def _DeleteSecurityGroup(self, client: Any, form: Mapping[str, str]) -> Answer | None:  # noqa: N802
        for raw in client.describe_load_balancers()["LoadBalancers"]:
            if form["GroupId"] in raw.get("SecurityGroups", ()):
                return _held(form["GroupId"])
        return None


def _held(what: str) -> Answer:
    return error("DependencyViolation", f"'{what}' has dependencies and cannot be deleted.")
