"""What Certificate Manager does and moto does not, as a layer of the hostile proxy.

A certificate that is imported anew keeps its tags, and one that a listener uses stays. Written after the API reference.
Not checked: who signed what, how long it is good for.
"""

import json
from collections.abc import Callable
from typing import Any

from tests.fakes.hostile import Answer, Forward, Request
from tests.fakes.kms import error


class Certificates:
    """See the module."""

    def __init__(self, client: Callable[..., Any]) -> None:
        """Args: client: Gives a boto3 client of a service, straight to the server."""
        self._client = client

    def __call__(self, request: Request, forward: Forward) -> Answer:
        """Refuse or forward, and keep the tags."""
        if request.service != "acm" or request.action not in {"ImportCertificate", "DeleteCertificate"}:
            return forward(request)
        arn = json.loads(request.body).get("CertificateArn", "")
        if request.action == "DeleteCertificate":
            used = arn in self._used()
            return error("ResourceInUseException", f"Certificate {arn} is in use.") if used else forward(request)
        acm = self._client(service="acm")
        tags = acm.list_tags_for_certificate(CertificateArn=arn)["Tags"] if arn else []
        answer = forward(request)
        if answer.status == 200 and tags:
            acm.add_tags_to_certificate(CertificateArn=arn, Tags=tags)
        return answer

    def _used(self) -> set[str]:
        elb = self._client(service="elbv2")
        arns = [raw["LoadBalancerArn"] for raw in elb.describe_load_balancers()["LoadBalancers"]]
        listeners = [one for arn in arns for one in elb.describe_listeners(LoadBalancerArn=arn)["Listeners"]]
        return {one["CertificateArn"] for listener in listeners for one in listener.get("Certificates", ())}
