"""Buckets at Azure: an account each, closed, kept, and never deleted with something in it."""

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from providers.azure import AzureProvider
from providers.conformance import Rig
from providers.ports import PortError
from tests.fakes import hostile
from tests.fakes.azure.storage import ACCOUNT, CONTAINER, POLICY
from tests.providers.azure.cloud import Cloud, rig_of


@pytest.fixture
def rig(cloud: Cloud, shared: AzureProvider) -> Iterator[Rig]:
    with rig_of(shared) as rig:
        yield rig


def one(cloud: Cloud, kind: str) -> dict[str, Any]:
    (found,) = cloud.arm.of(kind)
    return found


def test_bucket_is_closed_and_what_somebody_opens_is_shut_again(rig: Rig, cloud: Cloud) -> None:
    made: Any = rig.make("Bucket")
    account, container = one(cloud, ACCOUNT), one(cloud, CONTAINER)
    assert made.outputs.url == f"https://{account['name']}.blob.core.windows.net/{made.inputs.name}"
    assert account["sku"]["name"] == "Standard_LRS"
    assert not account["properties"]["allowBlobPublicAccess"]
    assert not account["properties"]["allowSharedKeyAccess"]
    account["properties"]["allowBlobPublicAccess"] = True
    container["properties"]["publicAccess"] = "Blob"
    seen = rig.store("Bucket").read(made.id, made.inputs)
    assert getattr(seen, "reasons", ()) == ("it lets in whom it may not",)
    assert rig.store("Bucket").update(made.id, made.inputs, made.inputs) == made
    del cloud.arm.resources[container["id"].lower()]
    seen = rig.store("Bucket").read(made.id, made.inputs)
    assert getattr(seen, "reasons", ()) == ("its container is missing",)
    assert rig.store("Bucket").update(made.id, made.inputs, made.inputs) == made


def test_retention_is_locked_and_grows_only(rig: Rig, cloud: Cloud) -> None:
    inputs = msgspec.structs.replace(rig.inputs("Bucket"), retention_days=30)
    made = rig.make("Bucket", inputs)
    assert made.inputs == inputs
    policy = one(cloud, POLICY)["properties"]
    assert (policy["state"], policy["immutabilityPeriodSinceCreationInDays"]) == ("Locked", 30)
    longer = msgspec.structs.replace(inputs, retention_days=60)
    assert rig.store("Bucket").update(made.id, inputs, longer).inputs == longer
    with pytest.raises(PortError, match="only grow") as caught:
        rig.store("Bucket").update(made.id, longer, inputs)
    assert caught.value.reason == "invalid"


def test_retention_that_died_before_it_was_locked_is_locked_by_the_next_run(rig: Rig, cloud: Cloud) -> None:
    inputs = msgspec.structs.replace(rig.inputs("Bucket"), retention_days=7)
    identity = rig.identity()
    cloud.plant(hostile.refuse(500), "POST .*immutabilityPolicies/lock", times=1000)
    with pytest.raises(PortError):
        rig.make("Bucket", inputs, identity)
    cloud.proxy.calm()
    (found,) = rig.store("Bucket").find(identity.stack, identity.urn)
    rig.keep("Bucket", found.id)
    assert getattr(found.inputs, "retention_days", -1) == 0
    assert rig.store("Bucket").update(found.id, found.inputs, inputs).inputs == inputs


def test_bucket_with_objects_is_not_deleted_nor_one_that_nobody_may_look_into(rig: Rig, cloud: Cloud) -> None:
    made = rig.make("Bucket")
    where = (one(cloud, ACCOUNT)["name"], made.inputs.name)
    cloud.arm.blobs[where] = ["a & b"]
    with pytest.raises(PortError) as caught:
        rig.store("Bucket").delete(made.id)
    assert (caught.value.reason, caught.value.vendor_code) == ("in-use", "ContainerNotEmpty")
    cloud.arm.blobs[where] = []
    said = b'<?xml version="1.0" encoding="utf-8"?><Error><Code>AuthorizationPermissionMismatch</Code></Error>'
    forbidden = hostile.refuse(403, body=said)
    cloud.plant(forbidden, "GET blobs", times=1000)
    with pytest.raises(PortError) as caught:
        rig.store("Bucket").delete(made.id)
    assert caught.value.reason == "auth"
    cloud.proxy.calm()
    rig.store("Bucket").delete(made.id)
    assert cloud.arm.standing() == {}


def test_objects_are_asked_for_where_the_bucket_is_whatever_an_answer_says(rig: Rig, cloud: Cloud) -> None:
    made = rig.make("Bucket")
    name = one(cloud, ACCOUNT)["name"]
    cloud.plant(hostile.replace(f'"name": "{name}"', '"name": "user@elsewhere"'), "GET storageAccounts", times=1)
    cloud.proxy.requests.clear()
    rig.store("Bucket").delete(made.id)
    assert [request.path.split("/")[1] for request in cloud.proxy.requests if "comp=list" in request.path] == [name]


def test_name_that_somebody_else_has_is_a_conflict(rig: Rig, cloud: Cloud) -> None:
    inputs, identity = rig.inputs("Bucket"), rig.identity()
    cloud.arm.taken.add(f"pse{identity.op[:21]}")
    with pytest.raises(PortError) as caught:
        rig.make("Bucket", inputs, identity)
    assert (caught.value.reason, caught.value.vendor_code) == ("conflict", "StorageAccountAlreadyTaken")


def test_copies_elsewhere_are_told(rig: Rig, cloud: Cloud) -> None:
    made = rig.make("Bucket")
    account = one(cloud, ACCOUNT)
    account["sku"]["name"], account["properties"]["secondaryLocation"] = "Standard_GRS", "westeurope"
    account["properties"]["encryption"] = {
        "keySource": "Microsoft.Keyvault",
        "keyvaultproperties": {"keyvaulturi": "https://somewhere.example"},
    }
    policy: dict[str, Any] = {
        "id": f"{account['id']}/objectReplicationPolicies/x",
        "name": "x",
        "type": f"{ACCOUNT}/objectReplicationPolicies",
        "properties": {"destinationAccount": "abroad"},
    }
    cloud.arm.resources[policy["id"].lower()] = policy
    seen: Any = rig.store("Bucket").read(made.id, made.inputs)
    told = {(aspect.what, aspect.where) for aspect in seen.outputs.placement if aspect.source == "unknown"}
    assert told == {
        ("replica", "Standard_GRS in westeurope"),
        ("replica", "abroad"),
        ("key", "https://somewhere.example"),
    }


def test_account_of_a_strangers_is_listed_and_nothing_in_it_is_looked_at(rig: Rig, cloud: Cloud) -> None:
    rig.make("Bucket")
    one(cloud, ACCOUNT)["tags"] = {}
    cloud.proxy.requests.clear()
    (listed,) = rig.store("Bucket").list()
    assert listed.identity is None
    assert cloud.actions() == ["GET storageAccounts"]
