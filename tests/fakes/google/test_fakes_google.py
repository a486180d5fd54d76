"""The fake against Google's own Python client, which takes its calls from the same document."""

import http.client
import importlib.util
import json
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest

from tests.fakes import hostile
from tests.fakes.google import Compute
from tests.fakes.google.world import LINK, Failure
from tests.fakes.hostile import Hostile
from tests.providers.waiting import wait_for
from tests.require import missing

P = "sample-project"
ZONE = "me-central2-a"
REGION = "me-central2"
TYPES = f"zones/{ZONE}/diskTypes/pd-balanced"


class Client:
    """googleapiclient at the fake; a refusal is an exception with Google's reason."""

    def __init__(self, url: str) -> None:
        from google.auth import credentials
        from googleapiclient.discovery import build

        untyped: Any = credentials
        self.api: Any = build(
            "compute",
            "v1",
            credentials=untyped.AnonymousCredentials(),
            static_discovery=True,
            client_options={"api_endpoint": f"{url}/compute/v1/"},
        )

    def ask(self, collection: str, action: str, **words: Any) -> Any:
        return getattr(getattr(self.api, collection)(), action)(project=P, **words).execute()

    def refused(self, collection: str, action: str, **words: Any) -> str:
        from googleapiclient.errors import HttpError

        with pytest.raises(HttpError) as caught:
            self.ask(collection, action, **words)
        said = json.loads(caught.value.content)["error"]
        assert said["code"] == caught.value.resp.status
        return str(said["errors"][0]["reason"])

    def network(self, name: str = "net", **words: Any) -> Any:
        return self.ask("networks", "insert", body={"name": name, "autoCreateSubnetworks": False}, **words)

    def disk(self, name: str = "disk", **words: Any) -> Any:
        return self.ask("disks", "insert", zone=ZONE, body={"name": name, "sizeGb": "1", "type": TYPES} | words)

    def subnetwork(self, name: str = "sub", cidr: str = "10.0.1.0/24") -> Any:
        body = {"name": name, "network": "global/networks/net", "ipCidrRange": cidr}
        return self.ask("subnetworks", "insert", region=REGION, body=body)

    def instance(self, name: str = "web", **words: Any) -> Any:
        image = "projects/debian-cloud/global/images/debian-12-bookworm-v20260513"
        body = {
            "name": name,
            "machineType": f"zones/{ZONE}/machineTypes/e2-small",
            "networkInterfaces": [{"subnetwork": f"regions/{REGION}/subnetworks/sub"}],
            "disks": [{"boot": True, "autoDelete": True, "initializeParams": {"sourceImage": image}}],
        }
        return self.ask("instances", "insert", zone=ZONE, body=body | words)


@pytest.fixture
def fake() -> Iterator[Compute]:
    if importlib.util.find_spec("googleapiclient") is None:
        missing("googleapiclient")
    with Compute() as fake:
        yield fake


@pytest.fixture
def client(fake: Compute) -> Iterator[Client]:
    made = Client(fake.url)
    yield made
    made.api.close()


def test_insert_is_an_operation_that_ends(client: Client) -> None:
    operation = client.disk()
    assert (operation["status"], operation["zone"].rpartition("/")[2]) == ("RUNNING", ZONE)
    assert operation["targetLink"].endswith(f"/zones/{ZONE}/disks/disk")
    assert int(operation["id"]) > 0
    done = client.ask("zoneOperations", "get", zone=ZONE, operation=operation["name"])
    assert (done["status"], "error" in done) == ("DONE", False)
    assert client.ask("disks", "get", zone=ZONE, disk="disk")["status"] == "READY"


def test_operation_takes_as_long_as_it_is_told_to(fake: Compute, client: Client) -> None:
    fake.world.delay_s = 0.3
    client.disk()
    assert client.ask("disks", "get", zone=ZONE, disk="disk")["status"] == "CREATING"
    wait_for(lambda: client.ask("disks", "get", zone=ZONE, disk="disk")["status"] == "READY", timeout_s=10)


WRONG: dict[str, dict[str, Any]] = {
    "unknown name": {"sizeGb": "1", "colour": "red"},
    "of another type": {"sizeGb": 1},
    "no number": {"sizeGb": "one"},
    "no such word": {"sizeGb": "1", "accessMode": "READ_SOMETIMES"},
    "only the service sets it": {"sizeGb": "1", "status": "READY"},
    "name that does not fit": {"sizeGb": "1", "name": "Disk"},
    "label that does not fit": {"sizeGb": "1", "labels": {"who": "Me"}},
    "no such disk type": {"sizeGb": "1", "type": f"zones/{ZONE}/diskTypes/tape"},
    "no size": {},
    "speed that the type has not": {"sizeGb": "1", "provisionedIops": "3000"},
    "key of another region": {
        "sizeGb": "1",
        "diskEncryptionKey": {"kmsKeyName": "projects/p/locations/europe-west1/keyRings/r/cryptoKeys/k"},
    },
}


@pytest.mark.parametrize("what", WRONG)
def test_body_that_does_not_fit_is_refused(fake: Compute, client: Client, what: str) -> None:
    body = {"name": "disk"} | WRONG[what]
    assert client.refused("disks", "insert", zone=ZONE, body=body) in {"invalid", "badRequest", "notFound"}
    assert not [path for path in fake.world.at if "/disks/" in path]


def test_request_outside_the_document_is_refused(fake: Compute, client: Client) -> None:
    at = f"/compute/v1/projects/{P}"
    asked = (
        ("GET", f"{at}/zones/{ZONE}/disks?colour=red", 400),
        ("GET", f"{at}/zones/{ZONE}/disks?maxResults=many", 400),
        ("GET", f"{at}/zones/{ZONE}/discs", 404),
        ("PUT", f"{at}/zones/{ZONE}/disks/disk", 404),
        ("GET", f"{at}/zones/Z!/disks", 404),
        ("POST", f"{at}/zones/{ZONE}/instances/web/detachDisk", 400),
        ("GET", f"{at}/global/licenses", 501),
        ("GET", "/storage/v1/b", 400),
        ("GET", "/dns/v1/projects", 404),
    )
    assert [fake.answer(verb, target, b"")[0] for verb, target, _ in asked] == [want for _, _, want in asked]
    assert client.refused("firewalls", "insert", body={"network": "global/networks/net"}) == "required"


def test_the_same_request_is_the_same_operation(client: Client) -> None:
    token = "6f3c1c5e-5ac8-4c6a-9c79-5f0a2d4a7e11"
    first = client.network(requestId=token)
    assert client.network(requestId=token)["name"] == first["name"]
    assert client.refused("networks", "insert", body={"name": "net", "autoCreateSubnetworks": False}) == "alreadyExists"
    body = {"name": "other", "autoCreateSubnetworks": False}
    assert client.refused("networks", "insert", body=body, requestId=token) == "invalid"
    assert client.refused("networks", "insert", body=body, requestId="zero") == "invalid"


def test_quota_and_planned_failures_are_inside_the_operation_and_nothing_is_made(fake: Compute, client: Client) -> None:
    fake.world.quotas["networks"] = 1
    client.network()
    full = client.network("two")
    fake.world.failures["disks.insert"] = [Failure("ZONE_RESOURCE_POOL_EXHAUSTED", "none left", 503)]
    none = client.disk()
    done = [
        client.ask("globalOperations", "get", operation=full["name"]),
        client.ask("zoneOperations", "get", zone=ZONE, operation=none["name"]),
    ]
    said = [(each["error"]["errors"][0]["code"], each["httpErrorStatusCode"]) for each in done]
    assert said == [("QUOTA_EXCEEDED", 403), ("ZONE_RESOURCE_POOL_EXHAUSTED", 503)]
    assert client.refused("networks", "get", network="two") == "notFound"
    assert client.refused("disks", "get", zone=ZONE, disk="disk") == "notFound"


def test_what_is_used_is_not_deleted(client: Client) -> None:
    client.network()
    client.subnetwork()
    client.instance()
    client.disk()
    client.ask("instances", "attachDisk", zone=ZONE, instance="web", body={"source": f"zones/{ZONE}/disks/disk"})
    assert client.ask("disks", "get", zone=ZONE, disk="disk")["users"][0].endswith("/instances/web")
    used = "resourceInUseByAnotherResource"
    again = {"source": f"zones/{ZONE}/disks/disk"}
    assert client.refused("instances", "attachDisk", zone=ZONE, instance="web", body=again) == used
    assert client.refused("disks", "delete", zone=ZONE, disk="disk") == used
    assert client.refused("subnetworks", "delete", region=REGION, subnetwork="sub") == used
    assert client.refused("networks", "delete", network="net") == used
    # The disk that it boots from goes with it, the other one stays.
    client.ask("instances", "delete", zone=ZONE, instance="web")
    left = client.ask("disks", "list", zone=ZONE)["items"]
    assert [(raw["name"], raw.get("users")) for raw in left] == [("disk", None)]
    client.ask("subnetworks", "delete", region=REGION, subnetwork="sub")
    client.ask("networks", "delete", network="net")
    assert "items" not in client.ask("networks", "list")


def test_references_have_to_be_there_and_here(client: Client) -> None:
    assert client.refused("subnetworks", "insert", region=REGION, body={"name": "s"}) == "required"
    body = {"name": "s", "network": "global/networks/no", "ipCidrRange": "10.0.0.0/24"}
    assert client.refused("subnetworks", "insert", region=REGION, body=body) == "notFound"
    client.network()
    client.subnetwork()
    overlapping = {"name": "t", "network": "global/networks/net", "ipCidrRange": "10.0.0.0/16"}
    assert client.refused("subnetworks", "insert", region=REGION, body=overlapping) == "invalid"


RULES: dict[str, dict[str, Any]] = {
    "both verdicts": {"allowed": [{"IPProtocol": "tcp"}], "denied": [{"IPProtocol": "udp"}]},
    "ports of icmp": {"allowed": [{"IPProtocol": "icmp", "ports": ["1"]}]},
    "backward ports": {"allowed": [{"IPProtocol": "tcp", "ports": ["9-1"]}]},
    "bits of a host": {"allowed": [{"IPProtocol": "tcp"}], "sourceRanges": ["10.0.0.1/8"]},
    "the other side": {"allowed": [{"IPProtocol": "tcp"}], "destinationRanges": ["10.0.0.0/8"]},
    "a tag that does not fit": {"allowed": [{"IPProtocol": "tcp"}], "targetTags": ["Web"]},
}


@pytest.mark.parametrize("what", RULES)
def test_rule_that_makes_no_sense_is_refused(client: Client, what: str) -> None:
    client.network()
    body = {"name": "rule", "network": "global/networks/net"} | RULES[what]
    assert client.refused("firewalls", "insert", body=body) == "invalid"


def test_only_the_newest_fingerprint_counts(client: Client) -> None:
    old = client.disk() and client.ask("disks", "get", zone=ZONE, disk="disk")["labelFingerprint"]
    body = {"labels": {"a": "1"}, "labelFingerprint": old}
    client.ask("disks", "setLabels", zone=ZONE, resource="disk", body=body)
    assert client.refused("disks", "setLabels", zone=ZONE, resource="disk", body=body) == "conditionNotMet"
    metadata = client.ask("projects", "get")["commonInstanceMetadata"]
    body = {"fingerprint": metadata["fingerprint"], "items": [{"key": "a", "value": "1"}]}
    client.ask("projects", "setCommonInstanceMetadata", body=body)
    assert client.refused("projects", "setCommonInstanceMetadata", body=body) == "conditionNotMet"


def test_lists_are_filtered_and_come_in_pages(client: Client) -> None:
    for number in range(5):
        client.disk(f"disk-{number}", labels={"half": str(number % 2)})
    first = client.ask("disks", "list", zone=ZONE, maxResults=2, filter='(labels.half="0")')
    rest = client.ask("disks", "list", zone=ZONE, filter='(labels.half="0")', pageToken=first["nextPageToken"])
    names = [raw["name"] for raw in first["items"] + rest["items"]]
    assert names == ["disk-0", "disk-2", "disk-4"]
    assert client.refused("disks", "list", zone=ZONE, filter="half ~ 0") == "invalid"


def test_new_objects_may_be_unknown_for_a_while(fake: Compute, client: Client) -> None:
    fake.world.late_s = 60
    client.network()
    assert client.refused("networks", "get", network="net") == "notFound"
    assert "items" not in client.ask("networks", "list")
    body = {"name": "s", "network": "global/networks/net", "ipCidrRange": "10.0.0.0/24"}
    assert client.refused("subnetworks", "insert", region=REGION, body=body) == "resourceNotReady"
    fake.world.late_s = 0
    client.subnetwork()


def test_server_is_changed_as_google_lets_it_be(fake: Compute, client: Client) -> None:
    client.network()
    client.subnetwork()
    client.instance()
    one = {"zone": ZONE, "instance": "web"}
    kind = {"machineType": f"zones/{ZONE}/machineTypes/e2-medium"}
    assert client.refused("instances", "setMachineType", **one, body=kind) == "invalid"
    client.ask("instances", "stop", **one)
    client.ask("instances", "setMachineType", **one, body=kind)
    client.ask("instances", "start", **one)
    raw = client.ask("instances", "get", **one)
    assert (raw["status"], raw["machineType"].rpartition("/")[2]) == ("RUNNING", "e2-medium")
    client.ask("instances", "setTags", **one, body={"items": ["web"], "fingerprint": raw["tags"]["fingerprint"]})
    assert client.ask("instances", "get", **one)["tags"]["items"] == ["web"]
    fake.world.serial["web"] = "login:"
    assert client.ask("instances", "getSerialPortOutput", **one)["contents"] == "login:"
    assert client.refused("disks", "resize", zone=ZONE, disk="web", body={"sizeGb": "9"}) == "invalid"
    client.ask("disks", "resize", zone=ZONE, disk="web", body={"sizeGb": "11"})
    assert client.ask("disks", "get", zone=ZONE, disk="web")["sizeGb"] == "11"


def test_snapshot_goes_where_it_is_told_or_to_a_continent(client: Client) -> None:
    client.disk()
    source = {"sourceDisk": f"zones/{ZONE}/disks/disk"}
    client.ask("snapshots", "insert", body={"name": "far"} | source)
    client.ask("snapshots", "insert", body={"name": "near", "storageLocations": [REGION]} | source)
    told = {raw["name"]: raw["storageLocations"] for raw in client.ask("snapshots", "list")["items"]}
    assert told == {"far": ["asia"], "near": [REGION]}
    both = {"name": "both", "storageLocations": [REGION, "asia"]} | source
    assert client.refused("snapshots", "insert", body=both) == "invalid"
    copy = {"name": "copy", "sourceSnapshot": "global/snapshots/near", "sizeGb": "1"}
    client.ask("disks", "insert", zone=ZONE, body=copy)
    assert client.ask("disks", "get", zone=ZONE, disk="copy")["sourceSnapshot"].endswith("/snapshots/near")


def test_schedule_is_held_by_the_disks_that_follow_it(client: Client) -> None:
    client.disk()
    cycle = {"schedule": {"dailySchedule": {"daysInCycle": 1, "startTime": "00:00"}}}
    body = {"name": "nightly", "snapshotSchedulePolicy": cycle}
    assert client.refused("resourcePolicies", "insert", region=REGION, body=body) == "invalid"
    body["snapshotSchedulePolicy"] = cycle | {"retentionPolicy": {"maxRetentionDays": 7}}
    client.ask("resourcePolicies", "insert", region=REGION, body=body)
    link = {"resourcePolicies": [f"regions/{REGION}/resourcePolicies/nightly"]}
    client.ask("disks", "addResourcePolicies", zone=ZONE, disk="disk", body=link)
    assert client.refused("disks", "addResourcePolicies", zone=ZONE, disk="disk", body=link) == "invalid"
    used = client.refused("resourcePolicies", "delete", region=REGION, resourcePolicy="nightly")
    assert used == "resourceInUseByAnotherResource"
    client.ask("disks", "removeResourcePolicies", zone=ZONE, disk="disk", body=link)
    client.ask("resourcePolicies", "delete", region=REGION, resourcePolicy="nightly")


def test_ways_out_and_in_are_as_google_has_them(client: Client) -> None:
    client.network()
    client.subnetwork()
    client.instance()
    served = [{"name": f"regions/{REGION}/subnetworks/sub", "sourceIpRangesToNat": ["ALL_IP_RANGES"]}]
    nat = {"name": "nat", "natIpAllocateOption": "AUTO_ONLY", "subnetworks": served}
    body = {"name": "way", "network": "global/networks/net", "nats": [nat]}
    assert client.refused("routers", "insert", region=REGION, body=body) == "invalid"
    nat["sourceSubnetworkIpRangesToNat"] = "LIST_OF_SUBNETWORKS"
    client.ask("routers", "insert", region=REGION, body=body)
    client.ask("addresses", "insert", region=REGION, body={"name": "front"})
    address = client.ask("addresses", "get", region=REGION, address="front")
    assert (address["networkTier"], address["status"]) == ("PREMIUM", "RESERVED")
    at = {"zone": ZONE, "instance": "web", "networkInterface": "nic0"}
    config = {"natIP": address["address"], "name": "front"}
    wrong = config | {"networkTier": "STANDARD"}
    assert client.refused("instances", "addAccessConfig", **at, body=wrong) == "invalid"
    client.ask("instances", "addAccessConfig", **at, body=config)
    used = "resourceInUseByAnotherResource"
    assert client.refused("addresses", "delete", region=REGION, address="front") == used
    client.ask("instances", "deleteAccessConfig", **at, accessConfig="front")
    client.ask("addresses", "delete", region=REGION, address="front")
    client.ask("instances", "delete", zone=ZONE, instance="web")
    assert client.refused("subnetworks", "delete", region=REGION, subnetwork="sub") == used
    whole = {"name": "way", "network": f"{LINK}projects/{P}/global/networks/net"}
    assert client.refused("routers", "update", region=REGION, router="way", body=whole | {"name": "off"}) == "invalid"
    client.ask("routers", "update", region=REGION, router="way", body=whole)
    client.ask("subnetworks", "delete", region=REGION, subnetwork="sub")
    assert client.refused("networks", "delete", network="net") == used


def test_bucket_is_where_it_is_told_to_be_and_its_name_is_taken_once(fake: Compute) -> None:
    def ask(verb: str, path: str, **body: Any) -> tuple[int, Any]:
        return fake.answer(verb, f"/storage/v1/{path}", json.dumps(body).encode() if body else b"")

    assert ask("POST", f"b?project={P}", name="near", location=REGION)[1]["locationType"] == "region"
    assert ask("POST", f"b?project={P}", name="far")[1]["location"] == "US"
    assert ask("POST", f"b?project={P}", name="far")[0] == 409
    wrong: tuple[dict[str, str], ...] = (
        {"name": "Bucket"},
        {"name": "mars", "location": "MARS"},
        {"name": "odd", "colour": "red"},
        {},
    )
    assert [ask("POST", f"b?project={P}", **body)[0] for body in wrong] == [400] * 4
    assert ask("PATCH", "b/near", versioning={"enabled": True})[1]["versioning"] == {"enabled": True}
    assert ask("PATCH", "b/near", location="US")[0] == 400
    assert [raw["name"] for raw in ask("GET", f"b?project={P}")[1]["items"]] == ["far", "near"]
    fake.world.full.add("near")
    assert (ask("DELETE", "b/near")[0], ask("DELETE", "b/far")[0], ask("GET", "b/far")[0]) == (409, 200, 404)


def test_answer_may_be_lost_behind_the_hostile_proxy(fake: Compute) -> None:
    body = json.dumps({"name": "lost", "autoCreateSubnetworks": False})
    with Hostile(fake.url) as proxy:
        proxy.plant(hostile.cut_after, when=lambda request: request.method == "POST")
        with closing(http.client.HTTPConnection(proxy.url.removeprefix("http://"), timeout=10)) as connection:
            connection.request("POST", f"/compute/v1/projects/{P}/global/networks", body)
            with pytest.raises(http.client.RemoteDisconnected):
                connection.getresponse()
    assert f"projects/{P}/global/networks/lost" in fake.world.at
