"""DNS zones and records that a cloud serves."""

from collections.abc import Sequence
from typing import NotRequired, Unpack

import pulumi

from providers.sdk.base import Args, Neutral


class DnsZoneArgs(Args):
    """See `pse.core.schema.DnsZoneInputs`."""

    domain: pulumi.Input[str]


class DnsZone(Neutral):
    """A zone."""

    kind = "DnsZone"
    domain: pulumi.Output[str]
    name_servers: pulumi.Output[Sequence[str]]

    def __init__(
        self, resource_name: str, opts: pulumi.ResourceOptions | None = None, **inputs: Unpack[DnsZoneArgs]
    ) -> None:
        """Register it."""
        super().__init__(resource_name, inputs, opts)


class DnsRecordArgs(Args):
    """See `pse.core.schema.DnsRecordInputs`."""

    zone: pulumi.Input[str]
    label: pulumi.Input[str]
    type: pulumi.Input[str]
    values: pulumi.Input[Sequence[pulumi.Input[str]]]
    ttl_s: NotRequired[pulumi.Input[int] | None]


class DnsRecord(Neutral):
    """All records of one name and type."""

    kind = "DnsRecord"
    zone: pulumi.Output[str]
    label: pulumi.Output[str]
    type: pulumi.Output[str]
    values: pulumi.Output[Sequence[str]]
    ttl_s: pulumi.Output[int]

    def __init__(
        self, resource_name: str, opts: pulumi.ResourceOptions | None = None, **inputs: Unpack[DnsRecordArgs]
    ) -> None:
        """Register it."""
        super().__init__(resource_name, inputs, opts)
