"""The stack of the suite's journey: a small program, and what it may want more of or otherwise."""

from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

SECRET = "suite-hush-9a1e77"
"""In the first boot of the journey's server: it has to be seen nowhere."""


class Place(Protocol):
    """What the stack has to know of its place; see `providers.conformance.journey.Site`."""

    place: str
    workload: str
    image: str
    shape: str
    storage_class: str
    public_key: str


class Wish(NamedTuple):
    """How the stack is wanted.

    Attributes:
        size: GiB of the volume ``disk``.
        wall: Name of the firewall ``wall``; another one is another firewall.
        disk: Name of the volume ``disk``.
        place: Where; empty for the site's own.
        boot: What the first boot of ``web`` says more; another one is another server.
        more: An attachment, a network and a volume more.
        network_s: Seconds that making the network more may take; 0 for the plugin's own limit.
        halt: One volume more again.
        spare: Id of a volume that becomes ``spare``, which is not made; empty where it is made.
        theirs: Id of a network that becomes ``theirs``; empty for none.
    """

    size: int = 1
    wall: str = "wall-a"
    disk: str = "disk"
    place: str = ""
    boot: str = ""
    more: bool = False
    network_s: float = 0.0
    halt: bool = False
    spare: str = ""
    theirs: str = ""


def stack(site: Place, wish: Wish) -> Callable[[], None]:
    """The inline Pulumi program."""

    def given(name: str, **more: Any) -> dict[str, Any]:
        return {"name": name, "workload": site.workload, "place": wish.place or site.place, **more}

    def volume(name: str, size: int = 1) -> dict[str, Any]:
        return given(name, size_gib=size, storage_class=site.storage_class)

    def run() -> None:
        import pulumi

        from providers import sdk

        net = sdk.Network("net", **given("net", cidr="10.0.0.0/16"))
        sub = sdk.Subnet("sub", **given("sub", network=net.id, cidr="10.0.1.0/24"))
        sdk.Firewall("fire", **given("fire", network=net.id, rules=[_rule(22), _rule(443)]))
        sdk.Firewall("wall", **given(wish.wall, network=net.id, rules=[_rule(80)]))
        key = sdk.KeyPair("key", **given("key", public_key=site.public_key))
        disk = sdk.Volume("disk", **volume(wish.disk, wish.size))
        brought = pulumi.ResourceOptions(import_=wish.spare) if wish.spare else None
        sdk.Volume("spare", **volume("spare"), opts=brought)
        server = {"shape": site.shape, "image": site.image, "subnet": sub.id, "key_pair": key.id}
        boot = f"#!/bin/sh\n# {SECRET}{wish.boot}\nexit 0\n"
        web = sdk.Server("web", **given("web", user_data=boot, **server))
        if wish.more:
            sdk.Attachment("at", **given("at", server=web.id, volume=disk.id, mount="/srv/suite"))
            timeouts = pulumi.CustomTimeouts(create=f"{wish.network_s}s") if wish.network_s else None
            patient = pulumi.ResourceOptions(custom_timeouts=timeouts)
            sdk.Network("late", **given("late", cidr="10.1.0.0/16"), opts=patient)
            sdk.Volume("unseen", **volume("unseen"))
        if wish.halt:
            sdk.Volume("halt", **volume("halt"))
        if wish.theirs:
            named = given("theirs", cidr="10.2.0.0/16")
            sdk.Network("theirs", **named, opts=pulumi.ResourceOptions(import_=wish.theirs))
        pulumi.export("servers", [])
        pulumi.export("outputs", {})

    return run


def _rule(port: int) -> dict[str, Any]:
    return {"direction": "in", "protocol": "tcp", "port": port, "peer": "10.0.0.0/8", "why": "suite"}
