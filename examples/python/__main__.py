"""A person's own Pulumi program in Python: no pse command runs it, and the plugin judges every resource all the same.

examples/README.md says what to do before `pulumi preview`.
"""

import pulumi

from providers import sdk

place = pulumi.Config().get("place") or "sample-markhor/islamabad/ict-1"
workload = "analytics"

image = sdk.get_image(place=place, name="debian-12")
shape = sdk.get_shape(place=place, vcpus=2, memory_mib=4096)
price = sdk.get_price(place=place, kind="compute", name=shape.shape)

network = sdk.Network("network", name="own-net", workload=workload, place=place, cidr="10.20.0.0/16")
subnet = sdk.Subnet("subnet", name="own-sub", workload=workload, place=place, network=network.id, cidr="10.20.1.0/24")
key = sdk.KeyPair(
    "key",
    name="own-key",
    workload=workload,
    place=place,
    public_key="ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ6pQ0t7Vt0qv2Jd0cO3xq0Vh8kQx5b8iU8hH2uO0d1m own",
)
server = sdk.Server(
    "server",
    name="own-web",
    workload=workload,
    place=place,
    shape=shape.shape,
    image=image.image,
    subnet=subnet.id,
    key_pair=key.id,
    user_data="#!/bin/sh\nexit 0\n",
)

pulumi.export("address", server.address)
pulumi.export("monthly", f"{price.currency} {price.monthly} a month before tax, by {price.book}")
