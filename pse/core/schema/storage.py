"""Disks, objects, keys, and copies of them."""

from typing import Annotated

from pse.core.schema.declaring import Inputs, Outputs, Rests, Rule, out, plain, refers

ALLOW_REPLACE = plain("Permit a replacement, which loses the data.")


class VolumeInputs(Inputs, frozen=True, kw_only=True):
    """A block disk."""

    size_gib: Annotated[int, Rule(Rests.NONE, grow_only=True, doc="Size in GiB; can only grow.")]
    storage_class: Annotated[str, plain("Class of the price book, for example ``ssd``.", replaces=True)]
    iops: Annotated[int, plain("Operations a second; 0 for what the class gives.")] = 0
    encryption_key: Annotated[str, refers("EncryptionKey", "Id of the key; empty for the cloud's own.")] = ""
    snapshot: Annotated[str, refers("Snapshot", "Id of the snapshot that it begins as; empty for none.")] = ""
    allow_replace: Annotated[bool, ALLOW_REPLACE] = False


class VolumeOutputs(Outputs, frozen=True, kw_only=True):
    """Nothing besides the common outputs."""


class SnapshotInputs(Inputs, frozen=True, kw_only=True):
    """A volume as it was at one moment."""

    volume: Annotated[str, refers("Volume", "Id of the volume.")]
    allow_replace: Annotated[bool, ALLOW_REPLACE] = False


class SnapshotOutputs(Outputs, frozen=True, kw_only=True):
    """How large the volume was."""

    size_gib: Annotated[int, out("Size of the volume in GiB.")]


class BackupPolicyInputs(Inputs, frozen=True, kw_only=True):
    """Snapshots of volumes that the cloud takes by itself, at the same place."""

    volumes: Annotated[tuple[str, ...], refers("Volume", "Ids of the volumes.", replaces=False)]
    every_hours: Annotated[int, plain("Hours between two snapshots: 1 to 24, or 168.")]
    keep: Annotated[int, plain("Snapshots of a volume that are kept.")]


class BackupPolicyOutputs(Outputs, frozen=True, kw_only=True):
    """Nothing besides the common outputs."""


class BucketInputs(Inputs, frozen=True, kw_only=True):
    """Objects by name; never public."""

    versioning: Annotated[bool, plain("Keep what is overwritten or deleted.")] = True
    retention_days: Annotated[
        int, Rule(Rests.NONE, grow_only=True, doc="Days that nobody can delete an object; 0 for none; can only grow.")
    ] = 0
    encryption_key: Annotated[
        str, refers("EncryptionKey", "Id of the key; empty for the cloud's own.", replaces=False)
    ] = ""
    allow_replace: Annotated[bool, ALLOW_REPLACE] = False


class BucketOutputs(Outputs, frozen=True, kw_only=True):
    """Where it is reached."""

    url: Annotated[str, out("Address of its objects.")]


class EncryptionKeyInputs(Inputs, frozen=True, kw_only=True):
    """A symmetric key that never leaves the cloud's key store."""

    rotation_days: Annotated[int, plain("Days between rotations; 0 for none.")] = 0
    allow_replace: Annotated[bool, ALLOW_REPLACE] = False


class EncryptionKeyOutputs(Outputs, frozen=True, kw_only=True):
    """Nothing besides the common outputs."""
