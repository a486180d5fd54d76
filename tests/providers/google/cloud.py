"""The fake of Compute Engine behind the hostile proxy, on loopback ports."""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from providers.conformance import Rig
from providers.conformance.rig import rigged
from providers.google import GoogleProvider
from providers.google.worldwide import CloudDnsProvider
from providers.ports import Target
from tests.fakes.google import Compute, Refused, document
from tests.fakes.google.errors import answer
from tests.fakes.google.server import RING, service_of
from tests.fakes.hostile import Answer, Forward, Hostile, Layer, Request, replace
from tests.fakes.trouble import Troubles, Way

PROJECT = "sample-project"
REGION = "me-central2"
ZONE = "me-central2-a"
PLACE = "sample-abroad/me-central2/me-central2-a"
WORLD = "sample-abroad/global/clouddns"
"""The place that Cloud DNS is."""
KEY = f"projects/{PROJECT}/locations/{REGION}/keyRings/sample/cryptoKeys/disks"
IMAGE = "debian-12"
OPTIONS: Mapping[str, str] = {
    "project": PROJECT,
    "region": REGION,
    "zone": ZONE,
    "image_projects": "debian-cloud",
    "kms_key": KEY,
    "key_ring": RING,
    "host_key_wait_s": "0",
    "wait_s": "20",
}
_KINDS = ("networks", "subnetworks", "firewalls", "disks", "instances", "snapshots", "addresses", "routers",
          "resourcePolicies", "buckets", "cryptoKeys", "managedZones")  # fmt: skip


class Cloud:
    """The cloud of a test session."""

    def __init__(self, fake: Compute) -> None:
        self.fake = fake
        self.proxy = Hostile(fake.url)

    def target(self, workspace: Path, **options: str) -> Target:
        """The place as the register would name it."""
        return Target(
            place=PLACE, country="XA", endpoint=self.proxy.url, workspace=workspace, options={**OPTIONS, **options}
        )

    def world(self) -> Target:
        """Cloud DNS as the register would name it."""
        options = {"project": PROJECT, "wait_s": "20"}
        return Target(place=WORLD, country="XA", endpoint=self.proxy.url, workspace=Path(), options=options)

    def raw(self, collection: str, name: str) -> dict[str, Any]:
        """An object straight from the fake."""
        return next(raw for path, raw in self.fake.world.at.items() if f"/{path}".endswith(f"/{collection}/{name}"))

    def standing(self) -> dict[str, list[str]]:
        """What the project holds, straight from the fake."""
        with self.fake.world.lock:
            self.fake.world.settle()
            found: dict[str, list[str]] = {}
            for path in sorted(self.fake.world.at):
                collection, _, name = path.rpartition("/")
                kind = collection.rpartition("/")[2]
                destroyed = self.fake.world.at.get(f"{path}/cryptoKeyVersions/1", {}).get("state") != "ENABLED"
                if kind in _KINDS and not (kind == "cryptoKeys" and destroyed):
                    found.setdefault(kind, []).append(name)
            metadata = self.fake.world.at[f"projects/{PROJECT}"]["commonInstanceMetadata"]
            keys = [item["key"].removeprefix("pse-key-") for item in metadata.get("items", ())]
            return found | ({"keys": keys} if keys else {})

    def asked(self, pattern: str) -> int:
        """How many requests have come whose method and path fit."""
        return sum(bool(re.search(pattern, f"{request.method} {request.path}")) for request in self.proxy.requests)


def call_of(request: Request) -> str:
    """Google's name of a call, for example ``disks.insert``; empty for none."""
    service, path = service_of(request.path.partition("?")[0])
    try:
        method, _ = document.of(service).route(request.method, path)
    except Refused:
        return ""
    return f"{method.collection}.{method.action}"


def when(pattern: str) -> Callable[[Request], bool]:
    """Requests whose method and path fit, for `Hostile.plant`."""
    return lambda request: bool(re.search(pattern, f"{request.method} {request.path}"))


def refusal(reason: str, message: str = "no", status: int = 400) -> Callable[[Request, Forward], Answer]:
    """A layer that says no as Compute Engine does."""
    body = json.dumps(answer(reason, message, status)).encode()

    def layer(request: Request, forward: Forward) -> Answer:
        return Answer(status, body)

    return layer


@contextmanager
def rig_of(provider: GoogleProvider, **words: Any) -> Iterator[Rig]:
    """A rig whose objects are deleted at the end of the block; the adapter stays open."""
    shapes = ("e2-small", "e2-medium")
    rig = Rig(provider, place=PLACE, image=IMAGE, shapes=shapes, storage_class="pd-balanced", **words)
    try:
        yield rig
    finally:
        rig.clear()


@contextmanager
def world_rig(cloud: Cloud) -> Iterator[Rig]:
    """A rig of Cloud DNS, which cleans up after itself."""
    with rigged(CloudDnsProvider(cloud.world()), place=WORLD, again=lambda: CloudDnsProvider(cloud.world())) as rig:
        yield rig
        cloud.proxy.calm()


PATHS: Mapping[str, tuple[str, str]] = {
    "Network": ("POST .*/networks$", "GET .*/networks"),
    "Firewall": ("POST .*/firewalls$", "GET .*/firewalls"),
    "KeyPair": ("POST .*/setCommonInstanceMetadata", "GET .*/projects/[^/]*$"),
    "Volume": ("POST .*/disks$", "GET .*/disks"),
    "Server": ("POST .*/instances$", "GET .*/instances"),
}


def troubles(cloud: Cloud) -> Troubles:
    """Google's words for the suite's misbehaviours."""

    def way(kind: str, making: bool) -> Way:
        pattern = PATHS[kind][0 if making else 1]
        region = f"GET .*/regions/{REGION}$"
        return Way(
            cloud.proxy,
            lambda request: any(
                re.search(wanted, f"{request.method} {request.path.partition('?')[0]}")
                for wanted in (pattern, *(() if making else (region,)))
            ),
        )

    def small(request: Request, forward: Forward) -> Answer:
        path = request.path.replace("maxResults=500", "maxResults=1")
        return forward(Request(request.method, path, request.headers, request.body))

    def circle(request: Request, forward: Forward) -> Answer:
        return Answer(200, json.dumps({"nextPageToken": "same"}).encode())

    own: Mapping[str, Layer] = {
        "small-pages": small,
        "circle": circle,
        "elsewhere": replace(f"regions/{REGION}", "regions/europe-west1"),
        "quota": refusal("quotaExceeded", "no more", 403),
        "capacity": refusal("ZONE_RESOURCE_POOL_EXHAUSTED", "none left", 503),
    }
    return Troubles((cloud.proxy,), way, own)


@contextmanager
def running() -> Iterator[Cloud]:
    """The fake and the proxy; both end with the block."""
    with Compute() as fake:
        cloud = Cloud(fake)
        with cloud.proxy:
            yield cloud
