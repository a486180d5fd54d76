"""Snapshots, schedules, boot volumes, buckets, keys, and the ways in and out."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from providers.conformance import Rig
from providers.google import GoogleProvider
from providers.ports import PortError
from tests.fakes import hostile
from tests.fakes.google.server import RING
from tests.providers.google.cloud import KEY, PROJECT, REGION, Cloud, rig_of, when


def test_snapshot_stays_in_the_region_and_a_volume_begins_as_one(rig: Rig, cloud: Cloud) -> None:
    volume = rig.make("Volume")
    made = rig.make("Snapshot", msgspec.structs.replace(rig.inputs("Snapshot"), volume=volume.id))
    raw = cloud.raw("snapshots", made.id)
    assert raw["storageLocations"] == [REGION]
    assert raw["snapshotEncryptionKey"]["kmsKeyName"].startswith(KEY)
    assert getattr(made.outputs, "size_gib", 0) == 1
    inputs = msgspec.structs.replace(rig.inputs("Volume"), snapshot=made.id, size_gib=2)
    copy = rig.make("Volume", inputs)
    assert copy.inputs == inputs
    assert cloud.raw("disks", copy.id)["sourceSnapshot"].endswith(f"/{made.id}")
    with pytest.raises(PortError) as caught:
        rig.make("Volume", msgspec.structs.replace(inputs, snapshot="no-such-snapshot"))
    assert caught.value.reason == "not-found"


def test_snapshot_that_lands_on_a_continent_is_taken_back(rig: Rig, cloud: Cloud) -> None:
    wrong = hostile.replace(f'["{REGION}"]', '["asia"]')
    cloud.proxy.plant(wrong, when=when("GET .*/snapshots/"), times=9)
    with pytest.raises(PortError) as caught:
        rig.make("Snapshot")
    assert (caught.value.reason, caught.value.vendor_code) == ("invalid", "WrongPlace")
    assert "snapshots" not in cloud.standing()


def test_server_starts_from_a_volume_which_outlives_it(rig: Rig, cloud: Cloud) -> None:
    volume = rig.make("Volume")
    inputs = msgspec.structs.replace(rig.inputs("Server"), boot_volume=volume.id)
    made = rig.make("Server", inputs)
    assert made.inputs == inputs
    assert [found.id for found in rig.store("Volume").list()] == [volume.id]
    assert rig.store("Attachment").list() == ()
    with pytest.raises(PortError) as caught:
        rig.store("Volume").delete(volume.id)
    assert caught.value.reason == "in-use"
    rig.store("Server").delete(made.id)
    assert rig.store("Volume").read(volume.id, volume.inputs) == volume


def test_volume_of_a_schedule_says_where_its_copies_go(rig: Rig, cloud: Cloud) -> None:
    made = rig.make("BackupPolicy")
    (volume,) = getattr(made.inputs, "volumes", ("",))
    seen = rig.store("Volume").read(volume, None)
    assert seen is not None
    assert {(aspect.what, aspect.source) for aspect in seen.outputs.placement} >= {("backup", "set")}
    properties: dict[str, Any] = cloud.raw("resourcePolicies", made.id)["snapshotSchedulePolicy"]["snapshotProperties"]
    properties["storageLocations"] = ["asia"]
    for kind, object_id, what in (("Volume", volume, "backup"), ("BackupPolicy", made.id, "copies")):
        seen = rig.store(kind).read(object_id, None)
        assert seen is not None
        told = {aspect.what: (aspect.where, aspect.source) for aspect in seen.outputs.placement}
        assert told[what] == ("asia", "unknown")


@pytest.mark.parametrize(("every", "keep"), [(24, 7), (168, 4), (6, 8), (1, 48)])
def test_schedule_comes_back_as_it_was_given(rig: Rig, every: int, keep: int) -> None:
    inputs = msgspec.structs.replace(rig.inputs("BackupPolicy"), every_hours=every, keep=keep)
    made = rig.make("BackupPolicy", inputs)
    assert made.inputs == inputs


def test_schedule_that_google_cannot_keep_is_refused(rig: Rig, cloud: Cloud) -> None:
    with pytest.raises(PortError, match="by the day") as caught:
        rig.make("BackupPolicy", msgspec.structs.replace(rig.inputs("BackupPolicy"), every_hours=6, keep=3))
    assert caught.value.reason == "invalid"
    assert "resourcePolicies" not in cloud.standing()


def test_volumes_join_and_leave_a_schedule(rig: Rig, cloud: Cloud) -> None:
    made = rig.make("BackupPolicy")
    other = rig.make("Volume")
    wanted = msgspec.structs.replace(made.inputs, volumes=(other.id,))
    assert rig.store("BackupPolicy").update(made.id, made.inputs, wanted).inputs == wanted
    (left,) = getattr(made.inputs, "volumes", ("",))
    assert not cloud.raw("disks", left).get("resourcePolicies")
    rig.store("BackupPolicy").delete(made.id)
    assert not cloud.raw("disks", other.id).get("resourcePolicies")


def test_way_out_is_for_the_subnets_named_and_in_the_region(rig: Rig, cloud: Cloud) -> None:
    made = rig.make("Router")
    (nat,) = cloud.raw("routers", made.id)["nats"]
    assert (nat["autoNetworkTier"], nat["natIpAllocateOption"]) == ("STANDARD", "AUTO_ONLY")
    # Drift: somebody lets everything out, at the edge nearest to wherever it goes, and keeps logs of it.
    nat.pop("subnetworks")
    nat |= {"sourceSubnetworkIpRangesToNat": "ALL_SUBNETWORKS_ALL_IP_RANGES", "autoNetworkTier": "PREMIUM"}
    nat["logConfig"] = {"enable": True, "filter": "ALL"}
    seen = rig.store("Router").read(made.id, made.inputs)
    assert seen is not None
    assert getattr(seen.inputs, "subnets", ()) == ("*",)
    assert {aspect.what for aspect in seen.outputs.placement} == {"resource", "log", "way out"}
    assert rig.store("Router").update(made.id, seen.inputs, made.inputs) == made


def test_address_moves_from_server_to_server(rig: Rig, cloud: Cloud) -> None:
    made = rig.make("Address")
    router = rig.store("Router").read(str(getattr(made.inputs, "router", "")), None)
    (subnet,) = getattr(router and router.inputs, "subnets", ("",))
    servers = [rig.make("Server", msgspec.structs.replace(rig.inputs("Server"), subnet=subnet)) for _ in range(2)]
    now = made.inputs
    for server in servers:
        wanted = msgspec.structs.replace(made.inputs, server=server.id)
        assert rig.store("Address").update(made.id, now, wanted).inputs == wanted
        now = wanted
    public = [cloud.raw("instances", server.id)["networkInterfaces"][0].get("accessConfigs") for server in servers]
    assert not public[0]
    assert public[1][0]["natIP"] == getattr(made.outputs, "address", "")
    rig.store("Address").delete(made.id)
    assert not cloud.raw("instances", servers[1].id)["networkInterfaces"][0]["accessConfigs"]


def test_address_that_is_reached_through_any_country_says_so(rig: Rig, cloud: Cloud) -> None:
    made = rig.make("Address")
    assert cloud.raw("addresses", made.id)["networkTier"] == "STANDARD"
    cloud.raw("addresses", made.id)["networkTier"] = "PREMIUM"
    seen = rig.store("Address").read(made.id, made.inputs)
    assert seen is not None
    assert ("way in", "unknown") in {(aspect.what, aspect.source) for aspect in seen.outputs.placement}


def test_bucket_is_of_the_region_and_closed(rig: Rig, cloud: Cloud) -> None:
    made = rig.make("Bucket")
    raw = cloud.raw("buckets", made.id)
    assert (raw["location"], raw["locationType"]) == (REGION.upper(), "region")
    assert raw["iamConfiguration"]["uniformBucketLevelAccess"] == {"enabled": True}
    assert raw["softDeletePolicy"]["retentionDurationSeconds"] == "0"
    raw["iamConfiguration"]["publicAccessPrevention"] = "inherited"
    seen = rig.store("Bucket").read(made.id, made.inputs)
    assert seen is not None
    assert not seen.healthy
    assert rig.store("Bucket").update(made.id, made.inputs, made.inputs).healthy
    assert cloud.raw("buckets", made.id)["iamConfiguration"]["publicAccessPrevention"] == "enforced"


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"location": "ASIA", "locationType": "multi-region"}, "resource"),
        ({"customPlacementConfig": {"dataLocations": ["ASIA-EAST1", "ASIA-SOUTHEAST1"]}}, "replica"),
        ({"logging": {"logBucket": "elsewhere"}}, "log"),
        ({"encryption": {"defaultKmsKeyName": "projects/p/locations/eu/keyRings/r/cryptoKeys/k"}}, "key"),
    ],
)
def test_bucket_whose_data_goes_elsewhere_says_so(rig: Rig, cloud: Cloud, change: dict[str, Any], what: str) -> None:
    made = rig.make("Bucket")
    cloud.raw("buckets", made.id).update(change)
    seen = rig.store("Bucket").read(made.id, made.inputs)
    assert seen is not None
    assert (what, "unknown") in {(aspect.what, aspect.source) for aspect in seen.outputs.placement}


def test_bucket_with_objects_is_not_deleted_and_a_foreign_name_is_not_adopted(rig: Rig, cloud: Cloud) -> None:
    made = rig.make("Bucket")
    cloud.fake.world.full.add(made.id)
    with pytest.raises(PortError) as caught:
        rig.store("Bucket").delete(made.id)
    assert caught.value.reason == "in-use"
    cloud.fake.world.full.clear()
    identity = rig.identity()
    inputs = rig.inputs("Bucket")
    foreign = f"{inputs.name}-{identity.op[:12]}"
    cloud.fake.world.at[f"buckets/{foreign}"] = {"name": foreign, "location": "US", "locationType": "multi-region"}
    with pytest.raises(PortError) as caught:
        rig.make("Bucket", inputs, identity)
    assert caught.value.reason == "conflict"
    del cloud.fake.world.at[f"buckets/{foreign}"]


def test_disks_snapshots_and_buckets_take_the_key_that_they_name(rig: Rig, cloud: Cloud) -> None:
    key = rig.make("EncryptionKey")
    full = f"projects/{PROJECT}/locations/{REGION}/keyRings/{RING}/cryptoKeys/{key.id}"
    inputs = msgspec.structs.replace(rig.inputs("Volume"), encryption_key=key.id)
    volume = rig.make("Volume", inputs)
    assert volume.inputs == inputs
    assert cloud.raw("disks", volume.id)["diskEncryptionKey"]["kmsKeyName"] == f"{full}/cryptoKeyVersions/1"
    snapshot = rig.make("Snapshot", msgspec.structs.replace(rig.inputs("Snapshot"), volume=volume.id))
    assert cloud.raw("snapshots", snapshot.id)["snapshotEncryptionKey"]["kmsKeyName"].startswith(full)
    bucket = rig.make("Bucket")
    assert cloud.raw("buckets", bucket.id)["encryption"]["defaultKmsKeyName"] == KEY
    keyed = msgspec.structs.replace(bucket.inputs, encryption_key=key.id)
    assert rig.store("Bucket").update(bucket.id, bucket.inputs, keyed).inputs == keyed
    assert cloud.raw("buckets", bucket.id)["encryption"]["defaultKmsKeyName"] == full
    assert rig.store("Bucket").update(bucket.id, keyed, bucket.inputs).inputs == bucket.inputs
    with pytest.raises(PortError) as caught:
        rig.make("Volume", msgspec.structs.replace(inputs, encryption_key="no-such-key"))
    assert caught.value.reason == "not-found"


def test_key_that_is_deleted_is_destroyed_and_rotates_no_more(rig: Rig, cloud: Cloud) -> None:
    identity = rig.identity()
    inputs = msgspec.structs.replace(rig.inputs("EncryptionKey"), rotation_days=90)
    made = rig.make("EncryptionKey", inputs, identity)
    assert made.inputs == inputs
    rig.store("EncryptionKey").delete(made.id)
    raw = cloud.raw("cryptoKeys", made.id)
    assert "rotationPeriod" not in raw
    assert cloud.raw("cryptoKeyVersions", "1")["state"] == "DESTROY_SCHEDULED"
    # Its name is taken for ever: the intent is over.
    with pytest.raises(PortError) as caught:
        rig.make("EncryptionKey", inputs, identity)
    assert caught.value.reason == "conflict"


def test_without_a_ring_no_key_is_made_and_none_is_listed(cloud: Cloud, tmp_path: Path) -> None:
    ringless = GoogleProvider(cloud.target(tmp_path, key_ring=""))
    with rig_of(ringless) as rig:
        assert rig.store("EncryptionKey").list() == ()
        with pytest.raises(PortError, match="key ring"):
            rig.make("EncryptionKey")
    ringless.close()


def test_the_key_of_a_disk_may_be_nobodys_but_googles(cloud: Cloud, tmp_path: Path) -> None:
    keyless = GoogleProvider(cloud.target(tmp_path, kms_key=""))
    with rig_of(keyless) as rig:
        bucket = rig.make("Bucket")
        assert "encryption" not in cloud.raw("buckets", bucket.id)
        key = rig.make("EncryptionKey")
        keyed = msgspec.structs.replace(bucket.inputs, encryption_key=key.id)
        assert rig.store("Bucket").update(bucket.id, bucket.inputs, keyed).inputs == keyed
        assert rig.store("Bucket").update(bucket.id, keyed, bucket.inputs).inputs == bucket.inputs
        assert not cloud.raw("buckets", bucket.id)["encryption"]
        assert rig.make("Snapshot").healthy
    keyless.close()
