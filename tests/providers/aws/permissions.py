"""Which actions the adapter takes: recorded while every kind is made, read, changed and deleted.

``python -m tests.providers.aws.permissions`` writes docs/permissions/aws.json anew.
"""

import json
import os
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec

from providers.aws import AwsProvider
from providers.conformance import Rig
from pse.core.schema import FirewallInputs, FirewallRule
from tests.providers.aws.cloud import CREDENTIALS, Cloud, rig_of, running

POLICY = Path(__file__).parents[3] / "docs" / "permissions" / "aws.json"
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
        if isinstance(wanted, FirewallInputs):
            for why in ("first", "second"):
                rules = tuple(msgspec.structs.replace(rule, why=why) for rule in _RULES)
                wanted = msgspec.structs.replace(wanted, rules=rules)
                store.update(made.id, made.inputs, wanted)
    rig.clear()


def recorded(cloud: Cloud, provider: AwsProvider) -> set[str]:
    """The actions of the journey."""
    with rig_of(cloud, provider) as rig:
        journey(rig)
    return set(cloud.proxy.actions())


def policy(actions: Iterable[str]) -> dict[str, Any]:
    """An IAM policy that permits the actions: looking everywhere, changing in any resource of EC2."""
    names = sorted(f"ec2:{action}" for action in actions)
    looks = [name for name in names if name.startswith(("ec2:Describe", "ec2:Get"))]
    return {
        "Version": "2012-10-17",
        "Statement": [
            {"Sid": "Look", "Effect": "Allow", "Action": looks, "Resource": "*"},
            {
                "Sid": "Change",
                "Effect": "Allow",
                "Action": [name for name in names if name not in looks],
                "Resource": "arn:aws:ec2:*:*:*",
            },
        ],
    }


def main() -> None:
    """Write the policy."""
    os.environ.update(CREDENTIALS)
    with tempfile.TemporaryDirectory() as folder, running(Path(folder)) as cloud:
        provider = AwsProvider(cloud.target(Path(folder)))
        POLICY.write_text(json.dumps(policy(recorded(cloud, provider)), indent=1) + "\n", encoding="utf-8")
        provider.close()


if __name__ == "__main__":
    main()
