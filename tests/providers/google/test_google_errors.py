"""What Google Cloud says no with, in the port's words; and lost, late, wrong and endless answers."""

import pickle
from pathlib import Path
from typing import Any

import msgspec
import pytest

from providers.conformance import Rig
from providers.google import GoogleProvider
from providers.google.errors import reason_of
from providers.google.wire import Wire
from providers.ports import PartlyMade, PortError
from pse.core.errors import MissingTool
from tests.fakes import hostile
from tests.fakes.google.world import Failure
from tests.providers.google.cloud import OPTIONS, PLACE, REGION, ZONE, Cloud, refusal, rig_of, when

AT_ONCE = {
    "quota": ("quotaExceeded", "limitExceeded"),
    "throttle": ("rateLimitExceeded", "userRateLimitExceeded"),
    "not-found": ("notFound",),
    "conflict": ("alreadyExists",),
    "in-use": ("resourceInUseByAnotherResource",),
    "auth": ("forbidden", "authError", "accessNotConfigured"),
    "transient": ("backendError", "resourceNotReady"),
    "invalid": ("invalid", "required", "somethingNew"),
}
INSIDE = {
    "quota": ("QUOTA_EXCEEDED",),
    "capacity": ("ZONE_RESOURCE_POOL_EXHAUSTED", "ZONE_RESOURCE_POOL_EXHAUSTED_WITH_DETAILS"),
    "throttle": ("RESOURCE_OPERATION_RATE_EXCEEDED",),
    "not-found": ("RESOURCE_NOT_FOUND",),
    "conflict": ("RESOURCE_ALREADY_EXISTS",),
    "in-use": ("RESOURCE_IN_USE_BY_ANOTHER_RESOURCE",),
    "auth": ("PERMISSIONS_ERROR",),
    "transient": ("INTERNAL_ERROR",),
    "invalid": ("INVALID_USAGE",),
}
POSTS = {
    "Network": "POST .*/networks",
    "Subnet": "POST .*/subnetworks",
    "Firewall": "POST .*/firewalls",
    "KeyPair": "POST .*/setCommonInstanceMetadata",
    "Volume": "POST .*/disks",
    "Server": "POST .*/instances",
    "Attachment": "POST .*/attachDisk",
    "Router": "POST .*/routers",
    "Address": "POST .*/addresses",
    "Bucket": "POST .*/v1/b",
    "EncryptionKey": "POST .*/cryptoKeys",
    "Snapshot": "POST .*/snapshots",
    "BackupPolicy": "POST .*/resourcePolicies",
}


def pairs(table: dict[str, tuple[str, ...]]) -> list[tuple[str, str]]:
    return [(reason, code) for reason, codes in table.items() for code in codes]


@pytest.mark.parametrize(("reason", "code"), pairs(AT_ONCE))
def test_refusal_becomes_a_common_word_and_is_kept(rig: Rig, cloud: Cloud, reason: str, code: str) -> None:
    cloud.proxy.plant(refusal(code), when=when(POSTS["Network"]))
    with pytest.raises(PortError) as caught:
        rig.make("Network")
    assert (caught.value.reason, caught.value.vendor_code, caught.value.where) == (reason, code, PLACE)
    assert pickle.loads(pickle.dumps(caught.value)).vendor_code == code


@pytest.mark.parametrize(("reason", "code"), pairs(INSIDE))
def test_code_inside_an_operation_becomes_one_too(rig: Rig, cloud: Cloud, reason: str, code: str) -> None:
    cloud.fake.world.failures["disks.insert"] = [Failure(code, "no")]
    with pytest.raises(PortError) as caught:
        rig.make("Volume")
    assert (caught.value.reason, caught.value.vendor_code) == (reason, code)
    assert "disks" not in cloud.standing()


def test_answer_without_a_code_is_judged_by_its_status() -> None:
    found = [reason_of("", status) for status in (429, 500, 503, 401, 403, 404, 409, 412, 400)]
    assert found == [
        "throttle",
        "transient",
        "transient",
        "auth",
        "auth",
        "not-found",
        "conflict",
        "conflict",
        "invalid",
    ]


def test_without_credentials_the_way_to_give_them_is_told(
    cloud: Cloud, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("GOOGLE_APPLICATION_CREDENTIALS", "GOOGLE_CLOUD_PROJECT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("CLOUDSDK_CONFIG", str(tmp_path))
    monkeypatch.setenv("NO_GCE_CHECK", "true")
    target = msgspec.structs.replace(cloud.target(tmp_path), endpoint="")
    with pytest.raises(PortError) as caught:
        GoogleProvider(target).store("Network").list()
    assert caught.value.reason == "auth"
    assert "application-default login" in caught.value.hint


def test_missing_library_is_told_with_the_extra_that_has_it(cloud: Cloud, tmp_path: Path) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("providers.google.provider._installed", lambda: False)
        with pytest.raises(MissingTool) as caught:
            GoogleProvider(cloud.target(tmp_path))
    assert "pse-cloud[google]" in caught.value.hint


def test_options_and_endpoint_are_checked_before_any_call(cloud: Cloud, tmp_path: Path) -> None:
    target = cloud.target(tmp_path)
    wrong = {
        "zone": msgspec.structs.replace(target, options={"project": "sample-project", "region": REGION}),
        "no option": msgspec.structs.replace(target, options={**target.options, "reigon": REGION}),
        "not a https": msgspec.structs.replace(target, endpoint="http://compute.example"),
        "not an endpoint of": msgspec.structs.replace(target, endpoint="https://compute.me-west1.rep.googleapis.com"),
    }
    for said, given in wrong.items():
        with pytest.raises(PortError, match=said) as caught:
            GoogleProvider(given).store("Network").delete("net")
        assert caught.value.reason == "invalid"
    assert cloud.proxy.requests == []


@pytest.mark.parametrize("kind", GoogleProvider.kinds)
@pytest.mark.parametrize("layer", [hostile.cut_after, hostile.error_after(500), hostile.error_after(200, b"<html>")])
def test_lost_answer_makes_nothing_twice(rig: Rig, cloud: Cloud, kind: str, layer: hostile.Layer) -> None:
    inputs, identity = rig.inputs(kind), rig.identity()
    before = rig.count(kind)
    cut = cloud.proxy.plant(layer, when=when(f"{POSTS[kind]}($|\\?)"))
    try:
        rig.make(kind, inputs, identity)
    except PortError:
        # As the plugin does it: unknown whether it was made, so the same intent again.
        rig.make(kind, inputs, identity)
    assert cut.hits == 1
    assert rig.count(kind) == before + 1
    (found,) = rig.store(kind).find(identity.stack, identity.urn)
    assert (found.identity, found.healthy, found.inputs.name) == (identity, True, inputs.name)


def test_intent_that_failed_may_be_tried_again(rig: Rig, cloud: Cloud) -> None:
    # The same request id gives the same operation, which failed: a new one has to be begun.
    inputs, identity = rig.inputs("Volume"), rig.identity()
    cloud.fake.world.failures["disks.insert"] = [Failure("ZONE_RESOURCE_POOL_EXHAUSTED", "none left", 503)]
    with pytest.raises(PortError, match="none left"):
        rig.make("Volume", inputs, identity)
    assert rig.make("Volume", inputs, identity).healthy
    assert rig.count("Volume") == 1


def test_what_is_not_known_yet_is_waited_for(rig: Rig, cloud: Cloud) -> None:
    cloud.fake.world.late_s = 0.2
    assert rig.make("Attachment").healthy
    firewall = rig.inputs("Firewall")
    assert rig.make("Firewall", rig.changed("Firewall", firewall)).healthy
    assert all(rig.make(kind).healthy for kind in ("Address", "Snapshot", "BackupPolicy", "Bucket", "EncryptionKey"))
    cloud.fake.world.late_s = 0.0
    made = rig.make("Subnet")
    # What nobody made just now is not waited for.
    before = cloud.asked("POST .*/subnetworks")
    wrong = msgspec.structs.replace(made.inputs, network="suite-no-such-object")
    with pytest.raises(PortError, match="suite-no-such"):
        rig.make("Subnet", wrong)
    assert cloud.asked("POST .*/subnetworks") == before + 1


def test_slow_operations_are_waited_for_and_given_up_with_the_id(cloud: Cloud, tmp_path: Path) -> None:
    cloud.fake.world.delay_s = 0.3
    patient, hasty = (GoogleProvider(cloud.target(tmp_path, wait_s=seconds)) for seconds in ("20", "0.2"))
    with rig_of(patient) as rig:
        assert rig.make("Volume").healthy
        cloud.fake.world.delay_s = 3600
        inputs, identity = rig.inputs("Volume"), rig.identity()
        with pytest.raises(PartlyMade) as caught:
            hasty.store("Volume").create(inputs, identity=identity)
        cloud.fake.world.operations[max(cloud.fake.world.operations)].ends = 0
        cloud.fake.world.delay_s = 0
        assert patient.store("Volume").update(caught.value.made.id, inputs, inputs).healthy
        patient.store("Volume").delete(caught.value.made.id)
    patient.close()
    hasty.close()


def test_storm_is_told_as_what_it_is(rig: Rig, cloud: Cloud) -> None:
    reasons = []
    for status in (503, 429):
        cloud.proxy.plant(hostile.refuse(status, retry_after="7", body=b"slow down"), when=when(POSTS["Volume"]))
        with pytest.raises(PortError) as caught:
            rig.make("Volume")
        reasons.append((caught.value.reason, caught.value.retry_after_s))
    assert reasons == [("transient", 7.0), ("throttle", 7.0)]
    # Nothing is tried again here: that is the plugin's.
    assert cloud.asked(POSTS["Volume"]) == 2


def test_answer_about_another_region_stops_everything(cloud: Cloud, provider: GoogleProvider) -> None:
    assert provider.account() == f"{OPTIONS['project']}/{ZONE}"
    cloud.proxy.plant(hostile.replace(f"regions/{REGION}", "regions/europe-west1"), when=when("GET"), times=99)
    with pytest.raises(PortError) as caught:
        provider.store("Network").list()
    assert (caught.value.reason, caught.value.vendor_code) == ("invalid", "WrongRegion")
    assert len(cloud.proxy.requests) == 1


def test_object_in_another_zone_is_taken_back_and_never_adopted(rig: Rig, cloud: Cloud) -> None:
    elsewhere = hostile.replace(f'/zones/{ZONE}"', f'/zones/{REGION}-b"')
    cloud.proxy.plant(elsewhere, when=when("GET .*/disks/"), times=99)
    with pytest.raises(PortError) as caught:
        rig.make("Volume")
    assert (caught.value.reason, caught.value.vendor_code) == ("invalid", "WrongPlace")
    assert "disks" not in cloud.standing()
    cloud.proxy.calm()
    identity = rig.identity()
    rig.make("Volume", identity=identity)
    cloud.proxy.plant(elsewhere, when=when("GET .*/disks"), times=99)
    with pytest.raises(PortError, match=f"{REGION}-b"):
        rig.store("Volume").find(identity.stack, identity.urn)
    cloud.proxy.calm()


@pytest.mark.parametrize("body", [b"<html>", b"[]", b'{"items": 5}', b'{"items": [{}]}', b""])
def test_broken_answer_is_no_crash(rig: Rig, cloud: Cloud, body: bytes) -> None:
    cloud.proxy.plant(hostile.refuse(200, body=body), when=when("GET .*/networks"))
    with pytest.raises(PortError) as caught:
        rig.store("Network").list()
    assert caught.value.reason == "transient"
    assert "<" not in caught.value.message


def test_the_projects_metadata_takes_many_changes_at_once(rig: Rig, cloud: Cloud) -> None:
    # Somebody else changes it between our look and our change.
    def hasty(request: hostile.Request, forward: hostile.Forward) -> hostile.Answer:
        metadata: dict[str, Any] = cloud.fake.world.at[f"projects/{OPTIONS['project']}"]["commonInstanceMetadata"]
        metadata["fingerprint"] = cloud.fake.world.fingerprint()
        return forward(request)

    cloud.proxy.plant(hasty, when=when(POSTS["KeyPair"]), times=3)
    first, second = rig.make("KeyPair"), rig.make("KeyPair")
    assert {found.id for found in rig.store("KeyPair").list()} == {first.id, second.id}
    assert cloud.asked(POSTS["KeyPair"]) == 5


@pytest.mark.parametrize(
    ("endpoint", "storage"),
    [
        ("", "https://storage.googleapis.com"),
        ("https://compute.googleapis.com/", "https://storage.googleapis.com"),
        (f"https://compute.{REGION}.rep.googleapis.com", f"https://storage.{REGION}.rep.googleapis.com"),
        ("https://compute-own.p.googleapis.com", "https://storage-own.p.googleapis.com"),
        ("https://private.example", "https://private.example"),
    ],
)
def test_every_service_is_asked_where_the_register_says(endpoint: str, storage: str) -> None:
    assert Wire(endpoint, region=REGION, proxy="", where=PLACE)._root("storage") == storage
