"""What keeps data at AWS: keys, the disks that they open, and snapshots."""

from collections.abc import Iterator

import msgspec
import pytest

from providers.aws import AwsProvider
from providers.conformance import Rig
from providers.ports import PortError
from tests.fakes import hostile
from tests.providers.aws.cloud import REGION, Cloud, rig_of


@pytest.fixture
def rig(cloud: Cloud, shared: AwsProvider) -> Iterator[Rig]:
    with rig_of(cloud, shared) as rig:
        yield rig


def test_key_stays_in_its_region_and_turns_as_asked(rig: Rig, cloud: Cloud) -> None:
    inputs = msgspec.structs.replace(rig.inputs("EncryptionKey"), rotation_days=90)
    made = rig.make("EncryptionKey", inputs)
    kms = cloud.client(service="kms")
    raw = kms.describe_key(KeyId=made.id)["KeyMetadata"]
    assert (raw["MultiRegion"], raw["Origin"], raw["KeySpec"]) == (False, "AWS_KMS", "SYMMETRIC_DEFAULT")
    assert made.inputs == inputs
    never = msgspec.structs.replace(inputs, rotation_days=0)
    assert rig.store("EncryptionKey").update(made.id, inputs, never).inputs == never
    for days in (1, 89, 2561):
        with pytest.raises(PortError, match="90 to 2560") as caught:
            rig.make("EncryptionKey", msgspec.structs.replace(inputs, rotation_days=days))
        assert caught.value.reason == "invalid"
    assert rig.count("EncryptionKey") == 1 + len(cloud.foreign_keys())


def test_deleted_key_waits_for_its_end_and_counts_as_gone(rig: Rig, cloud: Cloud) -> None:
    made = rig.make("EncryptionKey")
    kms = cloud.client(service="kms")
    kms.disable_key(KeyId=made.id)
    seen = rig.store("EncryptionKey").read(made.id, made.inputs)
    assert seen is not None
    assert seen.reasons == ("it is Disabled",)
    cut = cloud.proxy.plant(hostile.cut_after, when="ScheduleKeyDeletion")
    with pytest.raises(PortError):
        rig.store("EncryptionKey").delete(made.id)
    rig.store("EncryptionKey").delete(made.id)
    assert cut.hits == 1
    raw = kms.describe_key(KeyId=made.id)["KeyMetadata"]
    assert raw["KeyState"] == "PendingDeletion"
    days = (raw["DeletionDate"] - raw["CreationDate"]).days
    assert days in {6, 7}


def test_kms_of_another_region_is_not_asked_for_a_key(cloud: Cloud, provider: AwsProvider) -> None:
    cloud.proxy.plant(hostile.replace(f":{REGION}:", ":eu-west-1:"), when="ListAliases", times=99)
    store = provider.store("EncryptionKey")
    for act in (store.list, lambda: store.delete("1234abcd-12ab-34cd-56ef-1234567890ab")):
        with pytest.raises(PortError) as caught:
            act()
        assert (caught.value.reason, caught.value.vendor_code) == ("invalid", "WrongRegion")
    assert set(cloud.proxy.actions()) == {"DescribeAvailabilityZones", "ListAliases"}


def test_multi_region_key_is_taken_back(rig: Rig, cloud: Cloud) -> None:
    def elsewhere(request: hostile.Request, forward: hostile.Forward) -> hostile.Answer:
        answer = forward(request)
        body = answer.body.replace(b":key/", b":key/mrk-")
        return hostile.Answer(answer.status, body, answer.headers)

    cloud.proxy.plant(elsewhere, when="DescribeKey", times=99)
    with pytest.raises(PortError) as caught:
        rig.make("EncryptionKey")
    assert caught.value.vendor_code == "WrongPlace"
    assert "cipher" not in cloud.standing()


def test_volume_is_opened_by_its_own_key_and_begins_as_a_snapshot(rig: Rig, cloud: Cloud) -> None:
    key = rig.make("EncryptionKey")
    inputs = msgspec.structs.replace(rig.inputs("Volume"), encryption_key=key.id)
    made = rig.make("Volume", inputs)
    assert made.inputs == inputs
    (raw,) = cloud.client().describe_volumes(VolumeIds=[made.id])["Volumes"]
    assert raw["KmsKeyId"].endswith(f":{REGION}:123456789012:key/{key.id}")
    snapshot = rig.make("Snapshot", msgspec.structs.replace(rig.inputs("Snapshot"), volume=made.id))
    assert getattr(snapshot.outputs, "size_gib", 0) == 1
    assert {aspect.what for aspect in snapshot.outputs.placement} == {"resource", "key"}
    again = msgspec.structs.replace(inputs, name="again", snapshot=snapshot.id)
    copy = rig.make("Volume", again)
    assert copy.inputs == again
    assert rig.store("Volume").read(copy.id, None) is not None
    # A key that is on its way out opens nothing.
    rig.store("EncryptionKey").delete(key.id)
    before = rig.count("Volume")
    for lost in (key.id, "1234abcd-12ab-34cd-56ef-1234567890ab"):
        with pytest.raises(PortError) as caught:
            rig.make("Volume", msgspec.structs.replace(inputs, encryption_key=lost))
        assert caught.value.reason in {"invalid", "not-found"}
    assert rig.count("Volume") == before


def test_snapshots_of_others_are_not_listed(cloud: Cloud, provider: AwsProvider) -> None:
    assert len(cloud.client().describe_snapshots()["Snapshots"]) > 10
    assert provider.store("Snapshot").list() == ()
