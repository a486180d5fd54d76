"""The neutral resources, declared once.

The gate, the SDK classes, the plugin's Check, Diff and GetSchema, and the adapters' types all come from the structs
here, a module for each family. Every input says in its `Rule` what it does to residency (`rests`), whether a change of
it replaces the resource, whether it is secret, and what kind of resource it refers to.

On the wire (Pulumi properties, JSON) names are camelCase; in Python they are snake_case. An empty optional reference
refers to nothing.
"""

from collections.abc import Mapping
from types import MappingProxyType

from pse.core.schema.compute import (
    AttachmentInputs,
    AttachmentOutputs,
    ImageInputs,
    ImageOutputs,
    KeyPairInputs,
    KeyPairOutputs,
    ServerInputs,
    ServerOutputs,
)
from pse.core.schema.declaring import Asked, Field, Function, Inputs, Kind, Outputs, Placement, Rests, Rule, Told
from pse.core.schema.functions import (
    GetImageArgs,
    GetImageResult,
    GetPriceArgs,
    GetPriceResult,
    GetShapeArgs,
    GetShapeResult,
)
from pse.core.schema.names import (
    DnsRecordInputs,
    DnsRecordOutputs,
    DnsZoneInputs,
    DnsZoneOutputs,
)
from pse.core.schema.network import (
    AddressInputs,
    AddressOutputs,
    FirewallInputs,
    FirewallOutputs,
    FirewallRule,
    Listener,
    LoadBalancerInputs,
    LoadBalancerOutputs,
    NetworkInputs,
    NetworkOutputs,
    RouterInputs,
    RouterOutputs,
    SubnetInputs,
    SubnetOutputs,
)
from pse.core.schema.storage import (
    BackupPolicyInputs,
    BackupPolicyOutputs,
    BucketInputs,
    BucketOutputs,
    EncryptionKeyInputs,
    EncryptionKeyOutputs,
    SnapshotInputs,
    SnapshotOutputs,
    VolumeInputs,
    VolumeOutputs,
)

__all__ = [
    "DELETE_ORDER",
    "FUNCTIONS",
    "KINDS",
    "AddressInputs",
    "AddressOutputs",
    "Asked",
    "AttachmentInputs",
    "AttachmentOutputs",
    "BackupPolicyInputs",
    "BackupPolicyOutputs",
    "BucketInputs",
    "BucketOutputs",
    "DnsRecordInputs",
    "DnsRecordOutputs",
    "DnsZoneInputs",
    "DnsZoneOutputs",
    "EncryptionKeyInputs",
    "EncryptionKeyOutputs",
    "Field",
    "FirewallInputs",
    "FirewallOutputs",
    "FirewallRule",
    "Function",
    "GetImageArgs",
    "GetImageResult",
    "GetPriceArgs",
    "GetPriceResult",
    "GetShapeArgs",
    "GetShapeResult",
    "ImageInputs",
    "ImageOutputs",
    "Inputs",
    "KeyPairInputs",
    "KeyPairOutputs",
    "Kind",
    "Listener",
    "LoadBalancerInputs",
    "LoadBalancerOutputs",
    "NetworkInputs",
    "NetworkOutputs",
    "Outputs",
    "Placement",
    "Rests",
    "RouterInputs",
    "RouterOutputs",
    "Rule",
    "ServerInputs",
    "ServerOutputs",
    "SnapshotInputs",
    "SnapshotOutputs",
    "SubnetInputs",
    "SubnetOutputs",
    "Told",
    "VolumeInputs",
    "VolumeOutputs",
]

KINDS: Mapping[str, Kind] = MappingProxyType(
    {
        kind.name: kind
        for kind in (
            Kind("Network", NetworkInputs, NetworkOutputs),
            Kind("Subnet", SubnetInputs, SubnetOutputs),
            Kind("Router", RouterInputs, RouterOutputs),
            Kind("Firewall", FirewallInputs, FirewallOutputs),
            Kind("KeyPair", KeyPairInputs, KeyPairOutputs),
            Kind("EncryptionKey", EncryptionKeyInputs, EncryptionKeyOutputs, holds_data=True),
            Kind("Image", ImageInputs, ImageOutputs),
            Kind("Volume", VolumeInputs, VolumeOutputs, holds_data=True),
            Kind("Snapshot", SnapshotInputs, SnapshotOutputs, holds_data=True),
            Kind("BackupPolicy", BackupPolicyInputs, BackupPolicyOutputs),
            Kind("Bucket", BucketInputs, BucketOutputs, holds_data=True),
            Kind("Server", ServerInputs, ServerOutputs),
            Kind("Attachment", AttachmentInputs, AttachmentOutputs, exclusive=True),
            Kind("Address", AddressInputs, AddressOutputs),
            Kind("LoadBalancer", LoadBalancerInputs, LoadBalancerOutputs),
            Kind("DnsZone", DnsZoneInputs, DnsZoneOutputs),
            Kind("DnsRecord", DnsRecordInputs, DnsRecordOutputs, exclusive=True),
        )
    }
)
"""Every neutral resource by name; what is referred to comes before what refers to it."""

DELETE_ORDER: tuple[str, ...] = tuple(reversed(list(KINDS)))
"""Who holds whom: first what is in the way of the others."""

FUNCTIONS: Mapping[str, Function] = MappingProxyType(
    {
        function.name: function
        for function in (
            Function("getImage", GetImageArgs, GetImageResult),
            Function("getShape", GetShapeArgs, GetShapeResult),
            Function("getPrice", GetPriceArgs, GetPriceResult),
        )
    }
)
"""Every function by name."""

for _kind in KINDS.values():
    _kind.input_fields(), _kind.output_fields()
for _function in FUNCTIONS.values():
    _function.input_fields(), _function.output_fields()
