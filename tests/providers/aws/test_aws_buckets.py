"""Buckets at AWS: closed, kept, encrypted, and in their Region only."""

import json
from collections.abc import Iterator

import msgspec
import pytest

from providers.aws import AwsProvider
from providers.conformance import Rig
from providers.ports import PartlyMade, PortError
from pse.core.schema import BucketInputs
from tests.fakes import hostile
from tests.providers.aws.cloud import REGION, Cloud, rig_of


@pytest.fixture
def rig(cloud: Cloud, shared: AwsProvider) -> Iterator[Rig]:
    with rig_of(cloud, shared) as rig:
        yield rig


def bucket(rig: Rig, **words: object) -> BucketInputs:
    inputs = msgspec.structs.replace(rig.inputs("Bucket"), **words)
    assert isinstance(inputs, BucketInputs)
    return inputs


def test_bucket_is_closed_encrypted_and_keeps_what_it_has(rig: Rig, cloud: Cloud) -> None:
    key = rig.make("EncryptionKey")
    inputs = bucket(rig, encryption_key=key.id, retention_days=30)
    made = rig.make("Bucket", inputs)
    assert made.inputs == inputs
    assert {aspect.what for aspect in made.outputs.placement} == {"resource", "key"}
    assert getattr(made.outputs, "url", "").endswith(f"/{made.id}")
    s3 = cloud.client(service="s3")
    closed = s3.get_public_access_block(Bucket=made.id)["PublicAccessBlockConfiguration"]
    assert (len(closed), all(closed.values())) == (4, True)
    lock = s3.get_object_lock_configuration(Bucket=made.id)["ObjectLockConfiguration"]
    kept = lock["Rule"]["DefaultRetention"]
    assert (kept["Mode"], kept["Days"]) == ("COMPLIANCE", 30)
    (rule,) = s3.get_bucket_encryption(Bucket=made.id)["ServerSideEncryptionConfiguration"]["Rules"]
    assert rule["ApplyServerSideEncryptionByDefault"]["KMSMasterKeyID"].startswith(f"arn:aws:kms:{REGION}:")
    # Drift: somebody opens it, and lets whoever may delete what is kept.
    s3.delete_public_access_block(Bucket=made.id)
    weak = {"ObjectLockEnabled": "Enabled", "Rule": {"DefaultRetention": {"Mode": "GOVERNANCE", "Days": 30}}}
    s3.put_object_lock_configuration(Bucket=made.id, ObjectLockConfiguration=weak)
    seen = rig.store("Bucket").read(made.id, inputs)
    assert seen is not None
    assert (seen.reasons, getattr(seen.inputs, "retention_days", "")) == (("it is not closed to the public",), 0)
    assert rig.store("Bucket").update(made.id, inputs, inputs) == made
    plain = msgspec.structs.replace(inputs, encryption_key="")
    assert rig.store("Bucket").update(made.id, inputs, plain).inputs == plain


def test_retention_without_versions_is_refused_before_anything_is_made(rig: Rig, cloud: Cloud) -> None:
    with pytest.raises(PortError) as caught:
        rig.make("Bucket", bucket(rig, versioning=False, retention_days=1))
    assert caught.value.reason == "invalid"
    assert not isinstance(caught.value, PartlyMade)
    made = rig.make("Bucket", bucket(rig, versioning=False))
    assert getattr(made.inputs, "versioning", True) is False
    assert cloud.standing()["bucket"] == [made.id]


def test_bucket_with_objects_or_versions_of_them_is_not_deleted(rig: Rig, cloud: Cloud) -> None:
    made = rig.make("Bucket")
    s3 = cloud.client(service="s3")
    s3.put_object(Bucket=made.id, Key="record", Body=b"1")
    s3.delete_object(Bucket=made.id, Key="record")
    with pytest.raises(PortError) as caught:
        rig.store("Bucket").delete(made.id)
    assert (caught.value.reason, caught.value.vendor_code) == ("in-use", "BucketNotEmpty")
    versions = s3.list_object_versions(Bucket=made.id)
    for raw in [*versions["Versions"], *versions["DeleteMarkers"]]:
        s3.delete_object(Bucket=made.id, Key=raw["Key"], VersionId=raw["VersionId"])


def test_bucket_that_copies_itself_elsewhere_is_seen(rig: Rig, cloud: Cloud) -> None:
    made = rig.make("Bucket")
    rule = "<Rule><Destination><Bucket>arn:aws:s3:::far</Bucket></Destination><Status>Enabled</Status></Rule>"
    copies = f"<ReplicationConfiguration>{rule}</ReplicationConfiguration>".encode()
    cloud.proxy.plant(hostile.refuse(200, body=copies), when="GetReplicationConfiguration")
    log = (
        b"<BucketLoggingStatus><LoggingEnabled><TargetBucket>logs</TargetBucket></LoggingEnabled></BucketLoggingStatus>"
    )
    cloud.proxy.plant(hostile.refuse(200, body=log), when="GetBucketLogging")
    seen = rig.store("Bucket").read(made.id, made.inputs)
    assert seen is not None
    found = {aspect.what: (aspect.where, aspect.source) for aspect in seen.outputs.placement}
    assert found["replica"] == ("arn:aws:s3:::far", "unknown")
    assert found["log"] == ("logs", "unknown")


def test_bucket_in_another_region_is_taken_back(rig: Rig, cloud: Cloud) -> None:
    cloud.proxy.plant(hostile.replace(f">{REGION}<", ">eu-west-1<"), when="GetBucketLocation", times=9)
    with pytest.raises(PortError, match="eu-west-1") as caught:
        rig.make("Bucket")
    assert caught.value.vendor_code == "WrongPlace"
    cloud.proxy.calm()
    assert "bucket" not in cloud.standing()
    # Of others' buckets only those of the region are listed.
    far = cloud.client("eu-west-1", "s3")
    far.create_bucket(Bucket="far-away", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    near = rig.make("Bucket")
    assert [made.id for made in rig.store("Bucket").list()] == [near.id]
    far.delete_bucket(Bucket="far-away")


def test_strangers_bucket_that_tells_nothing_stops_nobody(rig: Rig, cloud: Cloud) -> None:
    mine = rig.identity()
    made = rig.make("Bucket", identity=mine)
    s3 = cloud.client(service="s3")
    s3.create_bucket(Bucket="a-strangers", CreateBucketConfiguration={"LocationConstraint": REGION})
    no = b"<Error><Code>AccessDenied</Code><Message>no</Message></Error>"
    cloud.proxy.plant(
        hostile.refuse(403, body=no), when=lambda request: request.path.startswith("/a-strangers"), times=9
    )
    assert [found.id for found in rig.store("Bucket").find(mine.stack, mine.urn)] == [made.id]
    assert [found.id for found in rig.store("Bucket").list()] == [made.id]
    s3.delete_bucket(Bucket="a-strangers")


@pytest.mark.parametrize("call", ["PutBucketPublicAccessBlock", "PutBucketVersioning"])
def test_bucket_that_failed_half_way_is_kept_and_repaired(rig: Rig, cloud: Cloud, call: str) -> None:
    inputs, identity = bucket(rig), rig.identity()
    no = json.dumps({}).encode()
    cloud.proxy.plant(hostile.refuse(503, body=no), when=call)
    with pytest.raises(PartlyMade) as caught:
        rig.make("Bucket", inputs, identity)
    (found,) = rig.store("Bucket").find(identity.stack, identity.urn)
    assert found.id == caught.value.made.id
    assert rig.store("Bucket").update(found.id, found.inputs, inputs).healthy
    rig.store("Bucket").delete(found.id)
