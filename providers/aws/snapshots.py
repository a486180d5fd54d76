"""Snapshots of EBS volumes; each is encrypted as its volume is."""

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from providers.aws.account import Account
from providers.aws.disks import placed_beside
from providers.aws.tags import filters, owner, specifications
from providers.kit.noun import Query, Seen
from providers.ports import Identity, PortError
from pse.core.schema import Placement, SnapshotInputs


class Snapshots:
    """See `providers.kit.noun.Noun`. CreateSnapshot has neither token nor a name that is kept unique."""

    settle_s: ClassVar[float] = 15

    def __init__(self, account: Account) -> None:
        """Remember the account."""
        self._account = account

    def make(self, inputs: SnapshotInputs, identity: Identity) -> str:
        """CreateSnapshot; also of a volume in use."""
        made = self._account.call(
            "create_snapshot",
            VolumeId=inputs.volume,
            Description=f"Snapshot {inputs.name}",
            TagSpecifications=specifications(inputs.name, identity, "snapshot"),
        )
        return str(made["SnapshotId"])

    def finish(self, object_id: str, inputs: SnapshotInputs) -> None:  # noqa: ARG002  (nothing of it is changed)
        """Wait until all blocks are copied."""

        def look() -> bool | None:
            states = [raw["State"] for raw in self._raw(Query(id=object_id))]
            if "error" in states:
                raise PortError(f"{object_id} is in state error", reason="invalid", where=self._account.place)
            return True if states == ["completed"] else None

        self._account.until(look, what=f"{object_id} to be completed")

    def seen(self, query: Query, known: SnapshotInputs | None) -> Iterator[Seen]:  # noqa: ARG002
        """DescribeSnapshots of this account's own; others' are readable, and are none of ours."""
        for raw in self._raw(query):
            yield Seen(
                id=raw["SnapshotId"],
                **owner(raw),
                inputs={"volume": raw.get("VolumeId", "")},
                outputs={"size_gib": raw["VolumeSize"]},
                placement=_placement(self._account, raw),
                reasons=() if raw["State"] in {"completed", "pending"} else (f"it is in state {raw['State']}",),
            )

    def remove(self, object_id: str) -> None:
        """DeleteSnapshot."""
        self._account.call("delete_snapshot", SnapshotId=object_id)

    def _raw(self, query: Query) -> Iterator[dict[str, Any]]:
        wanted = filters("snapshot-id", query.id, query.tags)
        return self._account.pages("describe_snapshots", "Snapshots", OwnerIds=["self"], Filters=wanted)


def _placement(account: Account, raw: Mapping[str, Any]) -> tuple[Placement, ...]:
    """EC2 tells no region of a snapshot: it is the endpoint's, unless it rests in a Local Zone or an Outpost."""
    zone = raw.get("AvailabilityZone", "")
    resource = account.placed("resource", zone) if zone else Placement("resource", account.place, "set")
    return (resource, *placed_beside(account, raw))
