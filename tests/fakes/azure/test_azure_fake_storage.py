"""Storage of the fake against the SDK's own client."""

from typing import Any

import pytest

from tests.fakes.azure.cloud import GROUP, LOCATION
from tests.fakes.azure.errors import ArmError
from tests.fakes.azure.sdk import BASE, Clients, HttpResponseError, MatchConditions, code_of

ACCOUNT: dict[str, Any] = {"location": LOCATION, "sku": {"name": "Standard_LRS"}, "kind": "StorageV2"}
PATH = f"{BASE}/Microsoft.Storage/storageAccounts"
VERSION = "api-version=2026-09-01"


def test_account_has_containers_that_may_keep_what_is_in_them(arm: Clients) -> None:
    arm.cloud.slow_s = 0.1
    made = arm.storage.storage_accounts.begin_create(GROUP, "store1", ACCOUNT).result()
    assert made.as_dict()["properties"]["provisioningState"] == "Succeeded"
    services, containers = arm.storage.blob_services, arm.storage.blob_containers
    services.set_service_properties(GROUP, "store1", {"properties": {"isVersioningEnabled": True}})
    assert services.get_service_properties(GROUP, "store1").as_dict()["properties"] == {"isVersioningEnabled": True}
    containers.create(GROUP, "store1", "box", {"properties": {"publicAccess": "None"}})
    days = {"properties": {"immutabilityPeriodSinceCreationInDays": 2}}
    policy = containers.create_or_update_immutability_policy(GROUP, "store1", "box", days)
    with pytest.raises(HttpResponseError) as caught:
        containers.lock_immutability_policy(
            GROUP, "store1", "box", etag="other", match_condition=MatchConditions.IfNotModified
        )
    assert code_of(caught) == "PreconditionFailed"
    same = {"etag": policy.etag, "match_condition": MatchConditions.IfNotModified}
    containers.lock_immutability_policy(GROUP, "store1", "box", **same)
    shorter = {"properties": {"immutabilityPeriodSinceCreationInDays": 1}}
    with pytest.raises(HttpResponseError):
        containers.extend_immutability_policy(GROUP, "store1", "box", shorter, **same)
    kept = containers.get(GROUP, "store1", "box").as_dict()["properties"]["immutabilityPolicy"]["properties"]
    assert kept == {"immutabilityPeriodSinceCreationInDays": 2, "state": "Locked"}
    arm.cloud.blobs["store1", "box"] = ["file"]
    with pytest.raises(HttpResponseError) as caught:
        arm.storage.storage_accounts.delete(GROUP, "store1")
    assert code_of(caught) == "ContainerProtectedFromDeletion"
    arm.cloud.blobs.clear()
    arm.storage.storage_accounts.delete(GROUP, "store1")
    assert arm.cloud.standing() == {}


@pytest.mark.parametrize(
    ("code", "path", "body"),
    [
        ("AccountNameInvalid", f"{PATH}/My-Store", ACCOUNT),
        ("InvalidParameter", f"{PATH}/store1", {**ACCOUNT, "sku": {"name": "Cheap_LRS"}}),
        ("InvalidParameter", f"{PATH}/store1", {**ACCOUNT, "properties": {"allowPublicAccess": True}}),
        ("InvalidParameter", f"{PATH}/store1", {"location": LOCATION, "kind": "StorageV2"}),
        ("StorageAccountAlreadyTaken", f"{PATH}/taken", ACCOUNT),
        ("ParentResourceNotFound", f"{PATH}/none/blobServices/default/containers/box", {"properties": {}}),
        ("ResourceNotFound", f"{PATH}/none", None),
    ],
)
def test_wrong_storage_is_refused(arm: Clients, code: str, path: str, body: Any) -> None:
    arm.cloud.taken.add("taken")
    status, said = arm.ask("GET" if body is None else "PUT", f"{path}?{VERSION}", body)
    assert (status // 100, said["error"]["code"]) == (4, code)
    assert arm.cloud.standing() == {}


def test_account_that_fails_says_so_at_its_location(arm: Clients) -> None:
    arm.cloud.refuse("storageAccounts", ArmError(409, "OperationNotAllowed", "exceeding quota"), later=True)
    with pytest.raises(HttpResponseError) as caught:
        arm.storage.storage_accounts.begin_create(GROUP, "store1", ACCOUNT).result()
    assert "exceeding quota" in str(caught.value)


def test_container_is_not_public_where_the_account_is_closed(arm: Clients) -> None:
    arm.storage.storage_accounts.begin_create(GROUP, "store1", ACCOUNT).result()
    with pytest.raises(HttpResponseError) as caught:
        arm.storage.blob_containers.create(GROUP, "store1", "box", {"properties": {"publicAccess": "Blob"}})
    assert code_of(caught) == "PublicAccessNotPermitted"
