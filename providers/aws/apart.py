"""Servers that never share a machine: spread placement groups, one for each word of a workload.

A group is no resource of its own: the first server makes it, and it goes with the last one. Its name is made of
workload and word, so whoever comes second, or again after a kill, finds the same one.
"""

import hashlib
from collections.abc import Mapping
from typing import Any

from providers.aws.account import Account
from providers.ports import PortError
from pse.core.schema import ServerInputs

PREFIX = "pse-apart-"
WORD = "pse-apart"
"""Tag of a group: its word."""


def group_of(inputs: ServerInputs) -> str:
    """Name of the group of a server; empty for none."""
    words = f"{inputs.workload}\n{inputs.apart}".encode()
    return PREFIX + hashlib.sha256(words).hexdigest()[:24] if inputs.apart else ""


def ensure(account: Account, inputs: ServerInputs) -> str:
    """Name of a group that is there and keeps its servers apart; empty for none.

    Raises:
        PortError: A stranger's group has the name, and keeps nothing apart.
    """
    name = group_of(inputs)
    if not name:
        return ""
    tags = [{"Key": "Name", "Value": f"{inputs.workload} {inputs.apart}"[:255]}, {"Key": WORD, "Value": inputs.apart}]
    try:
        account.call(
            "create_placement_group",
            GroupName=name,
            Strategy="spread",
            SpreadLevel="rack",
            TagSpecifications=[{"ResourceType": "placement-group", "Tags": tags}],
        )
    except PortError as exc:
        if exc.reason != "conflict":
            raise
    found = account.until(lambda: _described(account, name), what=f"{name} to be available", seconds=60)
    if found["Strategy"] != "spread":
        said = f"placement group {name} is of strategy {found['Strategy']}, and keeps no servers apart"
        raise PortError(said, reason="conflict", where=account.place)
    return name


def word_of(account: Account, raw: Mapping[str, Any], known: ServerInputs | None) -> str:
    """The word of a server as EC2 describes it; empty when nothing keeps it apart."""
    name = str(raw.get("Placement", {}).get("GroupName", ""))
    if known is not None and name == group_of(known):
        return known.apart
    if not name.startswith(PREFIX):
        return ""
    tags = (_described(account, name) or {}).get("Tags", ())
    return next((str(tag["Value"]) for tag in tags if tag["Key"] == WORD), "")


def leave(account: Account, name: str) -> None:
    """Delete a group of ours that nobody is in any more; one that is in use or gone stays as it is."""
    if not name.startswith(PREFIX):
        return
    try:
        account.call("delete_placement_group", GroupName=name)
    except PortError as exc:
        if exc.reason not in {"in-use", "not-found"}:
            raise


def _described(account: Account, name: str) -> dict[str, Any] | None:
    wanted = [{"Name": "group-name", "Values": [name]}]
    found = account.pages("describe_placement_groups", "PlacementGroups", Filters=wanted)
    return next((raw for raw in found if raw["State"] == "available"), None)
