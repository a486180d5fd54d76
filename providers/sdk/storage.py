"""Disks, objects, keys, and copies of them."""

from collections.abc import Sequence
from typing import NotRequired, Unpack

import pulumi

from providers.sdk.base import Args, Neutral


class EncryptionKeyArgs(Args):
    """See `pse.core.schema.EncryptionKeyInputs`."""

    rotation_days: NotRequired[pulumi.Input[int] | None]
    allow_replace: NotRequired[pulumi.Input[bool] | None]


class EncryptionKey(Neutral):
    """A symmetric key that never leaves the cloud's key store."""

    kind = "EncryptionKey"
    rotation_days: pulumi.Output[int]
    allow_replace: pulumi.Output[bool]

    def __init__(
        self, resource_name: str, opts: pulumi.ResourceOptions | None = None, **inputs: Unpack[EncryptionKeyArgs]
    ) -> None:
        """Register it."""
        super().__init__(resource_name, inputs, opts)


class VolumeArgs(Args):
    """See `pse.core.schema.VolumeInputs`."""

    size_gib: pulumi.Input[int]
    storage_class: pulumi.Input[str]
    iops: NotRequired[pulumi.Input[int] | None]
    encryption_key: NotRequired[pulumi.Input[str] | None]
    snapshot: NotRequired[pulumi.Input[str] | None]
    allow_replace: NotRequired[pulumi.Input[bool] | None]


class Volume(Neutral):
    """A block disk."""

    kind = "Volume"
    size_gib: pulumi.Output[int]
    storage_class: pulumi.Output[str]
    iops: pulumi.Output[int]
    encryption_key: pulumi.Output[str]
    snapshot: pulumi.Output[str]
    allow_replace: pulumi.Output[bool]

    def __init__(
        self, resource_name: str, opts: pulumi.ResourceOptions | None = None, **inputs: Unpack[VolumeArgs]
    ) -> None:
        """Register it."""
        super().__init__(resource_name, inputs, opts)


class SnapshotArgs(Args):
    """See `pse.core.schema.SnapshotInputs`."""

    volume: pulumi.Input[str]
    allow_replace: NotRequired[pulumi.Input[bool] | None]


class Snapshot(Neutral):
    """A volume as it was at one moment."""

    kind = "Snapshot"
    volume: pulumi.Output[str]
    allow_replace: pulumi.Output[bool]
    size_gib: pulumi.Output[int]

    def __init__(
        self, resource_name: str, opts: pulumi.ResourceOptions | None = None, **inputs: Unpack[SnapshotArgs]
    ) -> None:
        """Register it."""
        super().__init__(resource_name, inputs, opts)


class BackupPolicyArgs(Args):
    """See `pse.core.schema.BackupPolicyInputs`."""

    volumes: pulumi.Input[Sequence[pulumi.Input[str]]]
    every_hours: pulumi.Input[int]
    keep: pulumi.Input[int]


class BackupPolicy(Neutral):
    """Snapshots of volumes that the cloud takes by itself, at the same place."""

    kind = "BackupPolicy"
    volumes: pulumi.Output[Sequence[str]]
    every_hours: pulumi.Output[int]
    keep: pulumi.Output[int]

    def __init__(
        self, resource_name: str, opts: pulumi.ResourceOptions | None = None, **inputs: Unpack[BackupPolicyArgs]
    ) -> None:
        """Register it."""
        super().__init__(resource_name, inputs, opts)


class BucketArgs(Args):
    """See `pse.core.schema.BucketInputs`."""

    versioning: NotRequired[pulumi.Input[bool] | None]
    retention_days: NotRequired[pulumi.Input[int] | None]
    encryption_key: NotRequired[pulumi.Input[str] | None]
    allow_replace: NotRequired[pulumi.Input[bool] | None]


class Bucket(Neutral):
    """Objects by name; never public."""

    kind = "Bucket"
    versioning: pulumi.Output[bool]
    retention_days: pulumi.Output[int]
    encryption_key: pulumi.Output[str]
    allow_replace: pulumi.Output[bool]
    url: pulumi.Output[str]

    def __init__(
        self, resource_name: str, opts: pulumi.ResourceOptions | None = None, **inputs: Unpack[BucketArgs]
    ) -> None:
        """Register it."""
        super().__init__(resource_name, inputs, opts)
