"""The fake of Azure Resource Manager behind the hostile proxy, and the place that is there."""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from providers.azure import AzureProvider
from providers.azure.worldwide import AzureDnsProvider
from providers.conformance import Rig
from providers.ports import Target
from tests.fakes.azure import Azure, Server
from tests.fakes.azure.cloud import GROUP, LOCATION, SUBSCRIPTION
from tests.fakes.azure.compute import IMAGE
from tests.fakes.hostile import Answer, Forward, Hostile, Layer, Planted, Request, refuse, replace
from tests.fakes.trouble import Troubles, Way

PLACE = "sample-abroad/uaenorth/zone-1"
WORLD = "sample-abroad/global/azuredns"
"""The place that Azure DNS is."""
OPTIONS: Mapping[str, str] = {
    "subscription": SUBSCRIPTION,
    "resource_group": GROUP,
    "location": LOCATION,
    "zone": "1",
    "host_key_wait_s": "0",
    "wait_s": "20",
}
SHAPES = ("Standard_D2s_v5", "Standard_D4s_v5")
STORAGE = "StandardSSD_LRS"
PLATFORM_IMAGE = f"{IMAGE}:latest".replace(":", "+")


def action_of(request: Request) -> str:
    """What a request does, for example ``PUT virtualNetworks/subnets`` or ``POST virtualMachines/start``."""
    path = request.path.partition("?")[0]
    if "comp=list" in request.path:
        return f"{request.method} blobs"
    _, _, last = path.rpartition("/providers/")
    parts = last.strip("/").split("/")[1:]
    if "/providers/" not in path:
        return f"{request.method} resourceGroups"
    if "/operations/" in path or "/results/" in path:
        return f"{request.method} operations"
    return f"{request.method} {'/'.join(parts[::2])}"


class Cloud:
    """The cloud of a test session."""

    def __init__(self, arm: Azure, upstream: str) -> None:
        self.arm = arm
        self.proxy = Hostile(upstream)

    def plant(self, layer: Layer, action: str | Callable[[Request], bool], *, times: int = 1) -> Planted:
        """Misbehave for the next requests of an action, a regular expression."""
        if callable(action):
            return self.proxy.plant(layer, when=action, times=times)
        return self.proxy.plant(layer, when=lambda req: bool(re.fullmatch(action, action_of(req))), times=times)

    def actions(self) -> list[str]:
        """What was asked, in order."""
        return [action_of(request) for request in list(self.proxy.requests)]

    def target(self, workspace: Path, **options: str) -> Target:
        """The place as the register would name it."""
        return Target(
            place=PLACE, country="XA", endpoint=self.proxy.url, workspace=workspace, options={**OPTIONS, **options}
        )

    def world(self) -> Target:
        """Azure DNS as the register would name it."""
        options = {"subscription": SUBSCRIPTION, "resource_group": GROUP, "wait_s": "20"}
        return Target(place=WORLD, country="XA", endpoint=self.proxy.url, workspace=Path(), options=options)

    def reset(self) -> None:
        """Empty the account and calm the proxy."""
        self.proxy.calm()
        self.arm.reset()


@contextmanager
def rig_of(provider: AzureProvider, **words: Any) -> Iterator[Rig]:
    """A rig whose objects are deleted at the end of the block; the adapter stays open."""
    rig = Rig(provider, place=PLACE, image=PLATFORM_IMAGE, shapes=SHAPES, storage_class=STORAGE, **words)
    try:
        yield rig
    finally:
        rig.clear()


@contextmanager
def world_rig(cloud: Cloud, provider: AzureDnsProvider) -> Iterator[Rig]:
    """A rig of Azure DNS whose objects are deleted at the end of the block; the adapter stays open."""
    rig = Rig(provider, place=WORLD, again=lambda: AzureDnsProvider(cloud.world()))
    try:
        yield rig
    finally:
        cloud.proxy.calm()
        rig.clear()


SORTS: Mapping[str, str] = {
    "Network": "virtualNetworks",
    "Firewall": "networkSecurityGroups",
    "KeyPair": "sshPublicKeys",
    "Volume": "disks",
    "Server": "virtualMachines",
}


def troubles(cloud: Cloud) -> Troubles:
    """Azure's words for the suite's misbehaviours."""

    def way(kind: str, making: bool) -> Way:
        wanted = f"{'PUT' if making else 'GET'} {SORTS[kind]}"
        return Way(cloud.proxy, lambda request: action_of(request) == wanted)

    def small(request: Request, forward: Forward) -> Answer:
        cloud.arm.page = 1
        return forward(request)

    def circle(request: Request, forward: Forward) -> Answer:
        body = json.loads(forward(request).body)
        return Answer(200, json.dumps({**body, "nextLink": f"{cloud.proxy.url}{request.path}"}).encode())

    def no(code: str) -> Layer:
        return refuse(409, body=json.dumps({"error": {"code": code, "message": "no more"}}).encode())

    usual = cloud.arm.page
    own: Mapping[str, Layer] = {
        "small-pages": small,
        "circle": circle,
        "elsewhere": replace(LOCATION, "westeurope"),
        "quota": no("QuotaExceeded"),
        "capacity": no("ZonalAllocationFailed"),
    }
    return Troubles((cloud.proxy,), way, own, lambda: setattr(cloud.arm, "page", usual))


@contextmanager
def running() -> Iterator[Cloud]:
    """The fake and the proxy; both end with the block."""
    arm = Azure()
    with Server(arm) as server:
        cloud = Cloud(arm, server.url)
        with cloud.proxy:
            yield cloud
