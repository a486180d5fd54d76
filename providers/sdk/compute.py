"""Servers and what they start from."""

from collections.abc import Sequence
from typing import NotRequired, Unpack

import pulumi

from providers.sdk.base import Args, Neutral


class KeyPairArgs(Args):
    """See `pse.core.schema.KeyPairInputs`."""

    public_key: pulumi.Input[str]


class KeyPair(Neutral):
    """A public SSH key for new servers."""

    kind = "KeyPair"
    public_key: pulumi.Output[str]
    fingerprint: pulumi.Output[str]

    def __init__(
        self, resource_name: str, opts: pulumi.ResourceOptions | None = None, **inputs: Unpack[KeyPairArgs]
    ) -> None:
        """Register it."""
        super().__init__(resource_name, inputs, opts)


class ImageArgs(Args):
    """See `pse.core.schema.ImageInputs`."""

    source: pulumi.Input[str]
    sha256: pulumi.Input[str]
    format: pulumi.Input[str]


class Image(Neutral):
    """An OS image of one's own, brought from a file of the workspace."""

    kind = "Image"
    source: pulumi.Output[str]
    sha256: pulumi.Output[str]
    format: pulumi.Output[str]
    size_bytes: pulumi.Output[int]

    def __init__(
        self, resource_name: str, opts: pulumi.ResourceOptions | None = None, **inputs: Unpack[ImageArgs]
    ) -> None:
        """Register it."""
        super().__init__(resource_name, inputs, opts)


class ServerArgs(Args):
    """See `pse.core.schema.ServerInputs`."""

    shape: pulumi.Input[str]
    image: pulumi.Input[str]
    subnet: pulumi.Input[str]
    firewalls: NotRequired[pulumi.Input[Sequence[pulumi.Input[str]]] | None]
    key_pair: pulumi.Input[str]
    boot_volume: NotRequired[pulumi.Input[str] | None]
    apart: NotRequired[pulumi.Input[str] | None]
    user_data: NotRequired[pulumi.Input[str] | None]


class Server(Neutral):
    """A virtual machine."""

    kind = "Server"
    shape: pulumi.Output[str]
    image: pulumi.Output[str]
    subnet: pulumi.Output[str]
    firewalls: pulumi.Output[Sequence[str]]
    key_pair: pulumi.Output[str]
    boot_volume: pulumi.Output[str]
    apart: pulumi.Output[str]
    user_data: pulumi.Output[str]
    address: pulumi.Output[str]
    ssh_port: pulumi.Output[int]
    ssh_user: pulumi.Output[str]
    host_key: pulumi.Output[str]

    def __init__(
        self, resource_name: str, opts: pulumi.ResourceOptions | None = None, **inputs: Unpack[ServerArgs]
    ) -> None:
        """Register it."""
        super().__init__(resource_name, inputs, opts)


class AttachmentArgs(Args):
    """See `pse.core.schema.AttachmentInputs`."""

    server: pulumi.Input[str]
    volume: pulumi.Input[str]
    mount: pulumi.Input[str]


class Attachment(Neutral):
    """A volume attached to a server and mounted there."""

    kind = "Attachment"
    server: pulumi.Output[str]
    volume: pulumi.Output[str]
    mount: pulumi.Output[str]
    device: pulumi.Output[str]

    def __init__(
        self, resource_name: str, opts: pulumi.ResourceOptions | None = None, **inputs: Unpack[AttachmentArgs]
    ) -> None:
        """Register it."""
        super().__init__(resource_name, inputs, opts)
