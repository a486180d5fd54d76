"""What Azure says no with, in the port's words; and lost, late, wrong and endless answers."""

import json
import os
import pickle
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from providers.azure import AzureProvider
from providers.azure.errors import reason_of
from providers.conformance import Rig
from providers.ports import PartlyMade, PortError
from pse.core.errors import MissingTool
from tests.fakes import hostile
from tests.fakes.azure.cloud import GROUP, LOCATION
from tests.fakes.azure.errors import ArmError
from tests.providers.azure.cloud import PLACE, Cloud, action_of, rig_of
from tests.providers.waiting import wait_for

CODES = {
    "quota": ("QuotaExceeded", "PublicIPCountLimitReached", "NetworkCountLimitReached"),
    "capacity": ("AllocationFailed", "ZonalAllocationFailed", "SkuNotAvailable"),
    "throttle": ("TooManyRequests", "SubscriptionRequestsThrottled"),
    "not-found": ("InvalidResourceReference", "ResourceGroupNotFound", "PlatformImageNotFound"),
    "conflict": ("PreconditionFailed", "NetcfgSubnetRangesOverlap", "VaultAlreadyExists"),
    "in-use": ("InUseSubnetCannotBeDeleted", "NicInUse", "InUseRouteTableCannotBeDeleted"),
    "auth": ("AuthorizationFailed", "ScopeLocked", "RequestDisallowedByPolicy", "ExpiredAuthenticationToken"),
    "invalid": ("InvalidParameter", "InvalidRequestFormat", "SomethingNew"),
}
CREATES = {
    "Network": "PUT virtualNetworks",
    "Subnet": "PUT virtualNetworks/subnets",
    "Firewall": "PUT networkSecurityGroups",
    "KeyPair": "PUT sshPublicKeys",
    "Volume": "PUT disks",
    "Server": "PUT virtualMachines",
    "Attachment": "POST virtualMachines/attachDetachDataDisks",
    "Router": "PUT natGateways",
    "Address": "PUT publicIPAddresses",
    "Snapshot": "PUT snapshots",
    "LoadBalancer": "PUT loadBalancers",
    "Bucket": "PUT storageAccounts",
}


def said(code: str, message: str = "no") -> bytes:
    return json.dumps({"error": {"code": code, "message": message}}).encode()


@pytest.fixture
def rig(cloud: Cloud, shared: AzureProvider) -> Iterator[Rig]:
    with rig_of(shared) as rig:
        yield rig


@pytest.mark.parametrize(("reason", "code"), [(reason, code) for reason, codes in CODES.items() for code in codes])
def test_code_becomes_a_common_word_and_is_kept(rig: Rig, cloud: Cloud, reason: str, code: str) -> None:
    # 409 is quota, conflict and in use: the status decides nothing.
    cloud.plant(hostile.refuse(409, body=said(code)), CREATES["Network"])
    with pytest.raises(PortError) as caught:
        rig.make("Network")
    assert (caught.value.reason, caught.value.vendor_code, caught.value.where) == (reason, code, PLACE)
    assert pickle.loads(pickle.dumps(caught.value)).vendor_code == code


def test_one_code_for_many_things_is_told_apart_by_its_text() -> None:
    quota = "Operation could not be completed as it results in exceeding approved standardDSv5Family Cores quota."
    found = [
        reason_of("OperationNotAllowed", 409, quota),
        reason_of("OperationNotAllowed", 409, "Disk d is attached to VM v."),
        reason_of("OperationNotAllowed", 409, "not now"),
        reason_of("Conflict", 409, "conflict with a concurrent request"),
        reason_of("Conflict", 409, "it is another"),
    ]
    assert found == ["quota", "in-use", "invalid", "transient", "conflict"]


def test_answer_without_a_code_is_judged_by_its_status() -> None:
    found = [reason_of("", status) for status in (429, 500, 502, 503, 401, 403, 404)]
    assert found == ["throttle", "transient", "transient", "transient", "auth", "auth", "not-found"]


def test_missing_sdk_is_told_with_the_extra_that_has_it(cloud: Cloud, tmp_path: Path) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "azure.identity", None)
        with pytest.raises(MissingTool) as caught:
            AzureProvider(cloud.target(tmp_path))
    assert "pse-cloud[azure]" in caught.value.hint


def test_importing_the_provider_imports_no_sdk() -> None:
    code = (
        "import sys, providers.azure.provider; print(sorted(name for name in sys.modules if name.startswith('azure')))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    "endpoint",
    [
        "http://management.azure.com",
        "https://example.com",
        "http://10.0.0.1:8080",
        "https://management.azure.com.example.com",
    ],
)
def test_credential_goes_to_azure_only(cloud: Cloud, tmp_path: Path, endpoint: str) -> None:
    provider = AzureProvider(msgspec.structs.replace(cloud.target(tmp_path), endpoint=endpoint))
    with pytest.raises(PortError) as caught:
        provider.store("Network").list()
    assert (caught.value.reason, caught.value.vendor_code) == ("invalid", "Endpoint")
    provider.close()


def test_without_credentials_the_way_to_give_them_is_told(
    cloud: Cloud, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from azure.core.exceptions import ClientAuthenticationError

    class Nobody:
        def get_token(self, *_: object, **__: object) -> object:
            raise ClientAuthenticationError("DefaultAzureCredential failed\nwith a long story")

        def close(self) -> None:
            """Nothing to close."""

    monkeypatch.setattr("azure.identity.DefaultAzureCredential", Nobody)
    provider = AzureProvider(msgspec.structs.replace(cloud.target(tmp_path), endpoint=""))
    with pytest.raises(PortError) as caught:
        provider.store("Network").list()
    assert caught.value.reason == "auth"
    assert "az login" in caught.value.hint
    provider.close()


@pytest.mark.parametrize("kind", AzureProvider.kinds)
def test_lost_answer_makes_nothing_twice(rig: Rig, cloud: Cloud, kind: str) -> None:
    inputs, identity = rig.inputs(kind), rig.identity()
    before = rig.count(kind)
    cut = cloud.plant(hostile.cut_after, CREATES[kind])
    with pytest.raises(PortError) as caught:
        rig.make(kind, inputs, identity)
    assert caught.value.reason == "transient"
    # As the plugin does it: unknown whether it was made, so the same intent again.
    rig.make(kind, inputs, identity)
    assert cut.hits == 1
    assert rig.count(kind) == before + 1
    (found,) = rig.store(kind).find(identity.stack, identity.urn)
    assert found.identity == identity


@pytest.mark.parametrize(("status", "body"), [(500, b""), (200, b"<html>"), (503, said("ServiceUnavailable"))])
def test_error_after_the_effect_makes_no_second_server(rig: Rig, cloud: Cloud, status: int, body: bytes) -> None:
    inputs, identity = rig.inputs("Server"), rig.identity()
    cloud.plant(hostile.error_after(status, body), CREATES["Server"])
    with pytest.raises(PortError) as caught:
        rig.make("Server", inputs, identity)
    assert caught.value.reason == "transient"
    assert rig.make("Server", inputs, identity).healthy
    assert len(cloud.arm.standing()["virtualMachines"]) == 1


def test_stranger_of_the_same_name_is_not_overwritten(rig: Rig, cloud: Cloud) -> None:
    inputs, identity = rig.inputs("Network"), rig.identity()
    made = rig.make("Network", inputs, identity)
    stranger = cloud.arm.resources[made.id.lower()]
    stranger["tags"] = {"owner": "somebody"}
    with pytest.raises(PortError) as caught:
        rig.make("Network", msgspec.structs.replace(inputs, cidr="10.99.0.0/16"), identity)
    assert (caught.value.reason, caught.value.vendor_code) == ("conflict", "PreconditionFailed")
    assert stranger["properties"]["addressSpace"] == {"addressPrefixes": [getattr(inputs, "cidr", "")]}


def test_what_is_not_known_yet_is_waited_for(rig: Rig, cloud: Cloud) -> None:
    cloud.arm.late_s = 0.5
    inputs = rig.inputs("Attachment")
    assert rig.make("Attachment", inputs).healthy
    # What nobody made just now is not waited for.
    with pytest.raises(PortError, match="suite-no-such"):
        rig.make("Attachment", msgspec.structs.replace(inputs, volume="suite-no-such"))


def test_operations_that_take_a_while_are_waited_for(rig: Rig, cloud: Cloud) -> None:
    cloud.arm.slow_s = 0.3
    made = rig.make("Attachment")
    assert made.healthy
    rig.store("Attachment").delete(made.id)
    rig.clear()
    assert cloud.actions().count("GET operations") > 8


def test_operation_that_tells_nothing_is_asked_again_until_it_does(rig: Rig, cloud: Cloud) -> None:
    silent = cloud.plant(hostile.refuse(200, body=b"{}"), "GET operations", times=2)
    assert rig.make("Volume").healthy
    assert silent.hits == 2
    assert cloud.actions().count("GET operations") >= 3


def test_storm_is_told_as_what_it_is_and_a_throttled_wait_goes_on(rig: Rig, cloud: Cloud) -> None:
    cloud.plant(hostile.refuse(503, retry_after="1"), CREATES["Volume"])
    cloud.plant(hostile.refuse(429, retry_after="2", body=said("TooManyRequests")), CREATES["Volume"])
    reasons = []
    for _ in range(2):
        with pytest.raises(PortError) as caught:
            rig.make("Volume")
        reasons.append((caught.value.reason, caught.value.retry_after_s))
    assert reasons == [("transient", 1.0), ("throttle", 2.0)]
    # The SDK does not try again by itself: that is the plugin's.
    assert cloud.actions().count(CREATES["Volume"]) == 2
    cloud.plant(hostile.refuse(429, body=said("TooManyRequests")), "GET operations", times=3)
    assert rig.make("Volume").healthy


def test_refusal_in_a_storm_gives_its_connection_back(rig: Rig, cloud: Cloud) -> None:
    def open_sockets() -> int:
        return sum(
            os.path.realpath(fd).rpartition("/")[2].startswith("socket:") for fd in Path("/proc/self/fd").iterdir()
        )

    rig.store("Volume").list()
    before = open_sockets()
    cloud.plant(hostile.refuse(429, body=b"slow down"), "GET disks", times=8)
    kept = []
    for _ in range(8):
        with pytest.raises(PortError) as caught:
            rig.store("Volume").list()
        # Whoever keeps the error keeps all that its frames hold.
        kept.append(caught)
    wait_for(lambda: open_sockets() <= before + 2, timeout_s=5)
    assert len(kept) == 8


def test_busy_network_is_tried_again(rig: Rig, cloud: Cloud) -> None:
    inputs = rig.inputs("Subnet")
    busy = hostile.refuse(429, body=said("AnotherOperationInProgress"))
    cloud.plant(busy, CREATES["Subnet"], times=2)
    assert rig.make("Subnet", inputs).healthy
    assert cloud.actions().count(CREATES["Subnet"]) == 3


def test_what_is_busy_for_too_long_is_no_storm_in_which_all_others_wait(rig: Rig, cloud: Cloud, tmp_path: Path) -> None:
    inputs = rig.inputs("Subnet")
    cloud.plant(hostile.refuse(429, body=said("AnotherOperationInProgress")), CREATES["Subnet"], times=1000)
    hasty = AzureProvider(cloud.target(tmp_path, wait_s="0.2"))
    with pytest.raises(PortError) as caught:
        hasty.store("Subnet").create(inputs, identity=rig.identity())
    hasty.close()
    assert (caught.value.reason, caught.value.vendor_code) == ("transient", "AnotherOperationInProgress")


def test_group_in_another_location_stops_everything(cloud: Cloud, provider: AzureProvider) -> None:
    cloud.plant(hostile.replace(LOCATION, "westeurope"), ".*", times=99)
    with pytest.raises(PortError) as caught:
        provider.store("Network").list()
    assert (caught.value.reason, caught.value.vendor_code) == ("invalid", "WrongLocation")
    assert set(cloud.actions()) == {"GET resourceGroups"}


@pytest.mark.parametrize(
    ("kind", "old", "new"),
    [
        ("Network", f'"location": "{LOCATION}"', '"location": "westeurope"'),
        ("KeyPair", f'"location": "{LOCATION}"', '"location": "westeurope"'),
        ("Volume", '"zones": ["1"]', '"zones": ["2"]'),
        ("Volume", f'"location": "{LOCATION}"', f'"extendedLocation": {{"name": "abroad1"}}, "location": "{LOCATION}"'),
    ],
)
def test_object_elsewhere_is_taken_back_and_never_adopted(
    rig: Rig, cloud: Cloud, kind: str, old: str, new: str
) -> None:
    inputs, identity = rig.inputs(kind), rig.identity()
    before = cloud.arm.standing()
    fault = cloud.plant(hostile.replace(old, new), "GET .*", times=99)
    with pytest.raises(PortError) as caught:
        rig.make(kind, inputs, identity)
    assert (caught.value.reason, caught.value.vendor_code) == ("invalid", "WrongPlace")
    assert cloud.arm.standing() == before
    fault.left = 0
    rig.make(kind, inputs, identity)
    cloud.plant(hostile.replace(old, new), "GET .*", times=99)
    with pytest.raises(PortError, match="was asked for"):
        rig.store(kind).find(identity.stack, identity.urn)


def test_pages_in_a_circle_and_to_a_stranger_end(rig: Rig, cloud: Cloud) -> None:
    def leads(link: str) -> hostile.Layer:
        def layer(request: hostile.Request, forward: hostile.Forward) -> hostile.Answer:
            body = json.loads(forward(request).body)
            return hostile.Answer(
                200, json.dumps({**body, "nextLink": link or f"{cloud.proxy.url}{request.path}"}).encode()
            )

        return layer

    for link, code in (("", "Paging"), ("http://127.0.0.1:1/subscriptions", "ForeignLink")):
        cloud.proxy.planted.clear()
        cloud.plant(leads(link), "GET virtualNetworks", times=99)
        with pytest.raises(PortError) as caught:
            rig.store("Network").list()
        assert caught.value.vendor_code == code


def test_endless_and_broken_answers_are_no_crash(rig: Rig, cloud: Cloud) -> None:
    cloud.plant(hostile.huge(), "GET virtualNetworks")
    with pytest.raises(PortError) as caught:
        rig.store("Network").list()
    assert (caught.value.reason, caught.value.vendor_code) == ("transient", "TooLarge")
    for body in (b"<html>", b"[]", b"{}", b'{"value": [{}]}', b""):
        cloud.plant(hostile.refuse(200, body=body), "GET virtualNetworks")
        with pytest.raises(PortError) as caught:
            rig.store("Network").list()
        assert caught.value.reason == "transient"
        assert "<" not in caught.value.message


def test_options_are_checked_before_any_call(cloud: Cloud, tmp_path: Path) -> None:
    target = cloud.target(tmp_path)
    wrong = {
        "location": {key: value for key, value in target.options.items() if key != "location"},
        "no option": {**target.options, "locaton": LOCATION},
        "names": {**target.options, "resource_group": f"{GROUP}/providers/x"},
    }
    for text, options in wrong.items():
        provider = AzureProvider(msgspec.structs.replace(target, options=options))
        with pytest.raises(PortError, match=text) as caught:
            provider.store("Network").list()
        assert caught.value.reason == "invalid"
        provider.close()
    assert cloud.actions() == []


def test_id_of_another_group_is_nobodys(rig: Rig, cloud: Cloud) -> None:
    made = rig.make("Volume")
    for foreign in (made.id.replace(GROUP, "other"), f"{made.id}/../x", f"{made.id}?x=y", f"{made.id}/start"):
        cloud.proxy.requests.clear()
        assert rig.store("Volume").read(foreign, None) is None
        rig.store("Volume").delete(foreign)
        assert cloud.actions() == []


def test_ids_in_any_case_mean_the_same(rig: Rig, cloud: Cloud) -> None:
    assert isinstance(rig.provider, AzureProvider)
    assert rig.make("KeyPair").id.lower().startswith(f"{rig.provider.account()}/providers/")
    made = [rig.make(kind) for kind in AzureProvider.kinds]
    shout = hostile.replace(f"resourceGroups/{GROUP}/providers/M", f"RESOURCEGROUPS/{GROUP.upper()}/PROVIDERS/M")
    cloud.plant(shout, "GET .*", times=999)
    for kind, one in zip(AzureProvider.kinds, made, strict=True):
        assert rig.store(kind).read(one.id, one.inputs) == one
        assert rig.store(kind).update(one.id, one.inputs, one.inputs) == one
    assert not {action for action in cloud.actions() if action.startswith("PUT networkInterfaces")}


def test_machine_that_finds_no_room_is_kept_with_its_id_and_repaired(rig: Rig, cloud: Cloud) -> None:
    inputs, identity = rig.inputs("Server"), rig.identity()
    cloud.arm.refuse("virtualMachines", ArmError(409, "AllocationFailed", "none left"), later=True)
    with pytest.raises(PartlyMade, match="none left") as caught:
        rig.make("Server", inputs, identity)
    (found,) = rig.store("Server").find(identity.stack, identity.urn)
    assert (found.id, found.healthy) == (caught.value.made.id, False)
    assert rig.store("Server").update(found.id, found.inputs, inputs).healthy
    rig.store("Server").delete(found.id)
    left = cloud.arm.standing()
    assert not {"virtualMachines", "networkInterfaces", "disks"} & set(left)


def test_action_names_are_those_of_the_calls(cloud: Cloud, provider: AzureProvider) -> None:
    provider.store("Subnet").list()
    assert [action_of(request) for request in cloud.proxy.requests] == ["GET resourceGroups", "GET virtualNetworks"]


def test_account_is_safe_from_many_threads(rig: Rig, cloud: Cloud) -> None:
    from concurrent.futures import ThreadPoolExecutor

    network: Any = rig.make("Network")
    cloud.arm.slow_s = 0.05
    inputs = [msgspec.structs.replace(rig.inputs("Volume"), name=f"many-{number}") for number in range(16)]
    with ThreadPoolExecutor(16) as pool:
        made = list(pool.map(lambda given: rig.make("Volume", given), inputs))
    assert {found.inputs for found in made} == set(inputs)
    assert network.healthy
