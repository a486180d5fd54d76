"""Which actions the adapters take: recorded while every kind is made, read, changed and deleted.

``python -m tests.providers.aws.permissions`` writes docs/permissions/aws.json and route53.json anew.
"""

import json
import os
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec

from providers.aws import AwsProvider
from providers.aws.worldwide import Route53Provider
from providers.conformance import Rig
from pse.core.schema import FirewallInputs, FirewallRule, Inputs, LoadBalancerInputs, ServerInputs
from tests.providers.aws.cloud import CREDENTIALS, Cloud, rig_of, running, world_rig
from tests.providers.pem import certificate

POLICY = Path(__file__).parents[3] / "docs" / "permissions" / "aws.json"
NAMES = POLICY.with_name("route53.json")
WITH_TAGS = {"kms:CreateKey": "kms:TagResource", "s3:CreateBucket": "s3:TagResource",
             "acm:ImportCertificate": "acm:AddTagsToCertificate",
             "elasticloadbalancing:CreateLoadBalancer": "elasticloadbalancing:AddTags"}  # fmt: skip
"""What a call that makes something takes besides itself when it sets tags; EC2's is called by itself as well."""
_NOWHERE = frozenset({"s3", "route53"})
"""Services whose ARNs have neither Region nor account."""
_RULES = tuple(FirewallRule(direction=way, protocol="tcp", port=443, peer="10.0.0.0/8") for way in ("in", "out"))


def journey(rig: Rig) -> None:
    """The whole life of one object of each kind."""
    for kind in rig.provider.kinds:
        store = rig.store(kind)
        made = rig.make(kind)
        store.read(made.id, None)
        store.list()
        wanted = rig.changed(kind, made.inputs) or made.inputs
        store.update(made.id, made.inputs, wanted)
        for more in _more(rig, kind, wanted):
            store.delete(rig.make(kind, more).id)
        if isinstance(wanted, FirewallInputs):
            for why in ("first", "second"):
                rules = tuple(msgspec.structs.replace(rule, why=why) for rule in _RULES)
                wanted = msgspec.structs.replace(wanted, rules=rules)
                store.update(made.id, made.inputs, wanted)
    rig.clear()


def _more(rig: Rig, kind: str, inputs: Inputs) -> list[Inputs]:
    """Inputs that take further calls."""
    if isinstance(inputs, ServerInputs):
        return [msgspec.structs.replace(inputs, apart="journey")]
    if isinstance(inputs, LoadBalancerInputs):
        server = msgspec.structs.replace(rig.inputs("Server"), subnet=inputs.subnets[0])
        path = tuple(msgspec.structs.replace(listener, health_path="/up") for listener in inputs.listeners)
        behind = msgspec.structs.replace(inputs, servers=(rig.make("Server", server).id,), listeners=path)
        tls = tuple(msgspec.structs.replace(listener, protocol="https") for listener in inputs.listeners)
        return [behind, msgspec.structs.replace(inputs, listeners=tls, certificate=certificate())]
    if kind in {"Volume", "Bucket"}:
        return [msgspec.structs.replace(rig.inputs(kind), encryption_key=rig.make("EncryptionKey").id)]
    return []


def recorded(cloud: Cloud, provider: AwsProvider) -> set[str]:
    """The actions of the journey, each with its service."""
    with rig_of(cloud, provider) as rig:
        journey(rig)
    return _asked(cloud)


def recorded_names(cloud: Cloud, provider: Route53Provider) -> set[str]:
    """The same at Route 53."""
    with world_rig(cloud, provider) as rig:
        journey(rig)
        return _asked(cloud)


def _asked(cloud: Cloud) -> set[str]:
    return {f"{request.service}:{request.action}" for request in cloud.proxy.requests}


def policy(actions: Iterable[str]) -> dict[str, Any]:
    """An IAM policy that permits the actions: looking everywhere, changing in any resource of the services."""
    called = set(actions)
    names = sorted(called | {also for name, also in WITH_TAGS.items() if name in called})
    looks = [name for name in names if name.partition(":")[2].startswith(("Describe", "Get", "List"))]
    services = sorted({name.partition(":")[0] for name in names})
    return {
        "Version": "2012-10-17",
        "Statement": [
            {"Sid": "Look", "Effect": "Allow", "Action": looks, "Resource": "*"},
            {
                "Sid": "Change",
                "Effect": "Allow",
                "Action": [name for name in names if name not in looks],
                "Resource": [f"arn:aws:{service}:{'::' if service in _NOWHERE else '*:*:'}*" for service in services],
            },
        ],
    }


def main() -> None:
    """Write the policies."""
    os.environ.update(CREDENTIALS)
    with tempfile.TemporaryDirectory() as folder, running(Path(folder)) as cloud:
        world = Route53Provider(cloud.world())
        _write(NAMES, recorded_names(cloud, world))
        world.close()
        cloud.proxy.calm()
        provider = AwsProvider(cloud.target(Path(folder)))
        _write(POLICY, recorded(cloud, provider))
        provider.close()


def _write(path: Path, actions: Iterable[str]) -> None:
    path.write_text(json.dumps(policy(actions), indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
