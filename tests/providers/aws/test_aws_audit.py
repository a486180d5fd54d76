"""The audit's comparison of a whole account at AWS: what it lists and what it only tells when asked."""

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from blueprints.building.holdings import Held, changes, owners, rests, strangers
from providers.identity import PROJECT, stack_tag
from providers.places import Places
from providers.ports import Identity, Made
from providers.survey import Live, Tags, survey
from pse.core.documents.audit import Whose
from pse.core.schema import KINDS, Inputs
from tests.providers.aws.cloud import ZONE, Cloud
from tests.providers.house import HERE, UNIT, House


class Account:
    """An AWS account as a workspace's register names it, what was made there, and what its state would say of it."""

    def __init__(self, house: House) -> None:
        self.places = Places(house.workspace)
        self.tags = Tags(house.workspace, frozenset({UNIT}))
        self.stack = stack_tag(house.workspace.settings.signer, PROJECT, UNIT)
        self.held: dict[tuple[str, str, str], Held] = {}

    def make(self, kind: str, **words: Any) -> Made:
        given: Inputs = KINDS[kind].inputs(name=f"audit-{kind.lower()}", workload=UNIT, place=HERE, **words)
        urn = f"urn:pulumi:{UNIT}::{PROJECT}::pse:index:{kind}::{given.name}"
        identity = Identity(stack=self.stack, urn="0" * 32, op=f"{len(self.held):032}")
        made = self.places.store(HERE, kind).create(given, identity=identity)
        aspects = frozenset((one.what, one.where) for one in made.outputs.placement)
        wire = msgspec.to_builtins(given)
        self.held[HERE, kind, made.id] = Held(unit=UNIT, urn=urn, inputs=wire, aspects=aspects)
        return made

    def lives(self) -> tuple[Live, ...]:
        return tuple(live for live in survey(self.places) if live.place == HERE)

    def found(self) -> dict[str, str]:
        return {finding.code: finding.message for finding in changes(self.places, self.held, self.lives())}

    def clear(self) -> None:
        for place, kind, object_id in reversed(self.held):
            self.places.store(place, kind).delete(object_id)
        self.places.close()


@pytest.fixture
def account(aws_house: House) -> Iterator[Account]:
    made = Account(aws_house)
    yield made
    made.clear()


def test_what_stands_is_as_it_was_built_and_what_is_not_is_named(account: Account, cloud: Cloud) -> None:
    key = account.make("EncryptionKey")
    volume = account.make("Volume", size_gib=1, storage_class="gp3", encryption_key=key.id)
    bucket = account.make("Bucket", encryption_key=key.id)
    assert account.found() == {}
    ec2, s3 = cloud.client(), cloud.client(service="s3")
    stranger = ec2.create_volume(AvailabilityZone=ZONE, Size=1)["VolumeId"]
    lives = account.lives()
    found = rests(lives, account.held, owners(lives, account.held, account.tags), (UNIT,))
    whose = {(one.kind, one.id): one.whose for one in found}
    assert whose["Volume", volume.id] is Whose.PLAN
    assert whose["Volume", stranger] is Whose.NOBODYS
    weights = {(f.message.split()[0], f.severity.value) for f in strangers(found)}
    assert weights >= {("Volume", "warning"), ("Network", "info")}
    ec2.delete_volume(VolumeId=stranger)

    ec2.delete_tags(Resources=[volume.id], Tags=[{"Key": "pse-stack"}, {"Key": "pse-urn"}, {"Key": "pse-op"}])
    rule = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}
    s3.put_bucket_encryption(Bucket=bucket.id, ServerSideEncryptionConfiguration={"Rules": [rule]})
    said = account.found()
    assert sorted(said) == ["PSE-B037", "PSE-B038", "PSE-B039"]
    assert "Volume audit-volume" in said["PSE-B039"]
    assert f"was encrypted with the key {key.id}" in said["PSE-B038"]
    assert "became nothing" in said["PSE-B037"]
    s3.delete_bucket(Bucket=bucket.id)
    assert "Bucket audit-bucket" in account.found()["PSE-B036"]
