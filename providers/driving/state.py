"""What an exported state says: ids, resources, outputs, and what a crash left pending."""

from collections.abc import Mapping
from typing import Any

import msgspec

from providers.identity import ACCOUNT
from pse.core.documents.deployment import BuiltResource, BuiltServer, Deployment
from pse.core.errors import RemoteError

_STACK = "pulumi:pulumi:Stack"


class State:
    """An exported state.

    Args:
        exported: The ``deployment`` of ``pulumi stack export``.
    """

    def __init__(self, exported: Mapping[str, Any]) -> None:
        """Keep it."""
        self._exported = exported

    def resources(self) -> list[dict[str, Any]]:
        """All entries, also those that wait to be deleted."""
        return list(self._exported.get("resources") or [])

    def ours(self) -> list[dict[str, Any]]:
        """Entries of our own resources."""
        return [entry for entry in self.resources() if str(entry.get("type", "")).startswith("pse:index:")]

    def live_entries(self) -> list[dict[str, Any]]:
        """Entries of our own resources that do not wait to be deleted."""
        return [entry for entry in self.ours() if not entry.get("delete")]

    def roles(self) -> dict[str, str]:
        """Role of each server by its name, as the last program that ended exported them."""
        found = self._outputs().get("roles")
        return {str(name): str(role) for name, role in found.items()} if isinstance(found, Mapping) else {}

    def urns(self) -> dict[str, tuple[str, ...]]:
        """Ids by URN."""
        found: dict[str, tuple[str, ...]] = {}
        for entry in self.ours():
            if entry.get("id"):
                found[str(entry["urn"])] = (*found.get(str(entry["urn"]), ()), str(entry["id"]))
        return found

    @classmethod
    def of_document(cls, deployment: Deployment | None) -> "State":
        """What a deployment tells of a state that cannot be read: every resource and its place, no other input."""
        if deployment is None:
            return cls({})
        place = {"place": deployment.place}
        resources = [{"urn": r.urn, "type": r.type, "id": r.id, "inputs": place} for r in deployment.resources]
        return cls({"resources": resources})

    def ids(self) -> frozenset[str]:
        """Ids of all our objects that the state knows."""
        return frozenset(str(entry["id"]) for entry in self.ours() if entry.get("id"))

    def pending(self) -> bool:
        """Whether a crash left operations that the engine would warn of for ever."""
        return bool(self._exported.get("pending_operations"))

    def without_pending(self) -> dict[str, Any]:
        """The same state without them: what they made is found by its tags, not by them."""
        return {key: value for key, value in self._exported.items() if key != "pending_operations"}

    def partly(self) -> tuple[str, ...]:
        """Names of resources that exist and are not usable."""
        return tuple(str(entry["urn"]).rpartition("::")[2] for entry in self.ours() if entry.get("initErrors"))

    def fingerprint(self) -> frozenset[tuple[str, str, str]]:
        """URN, id and trouble of each object: differs when an operation has changed anything."""
        return frozenset(
            (str(entry["urn"]), str(entry.get("id")), str(entry.get("initErrors") or "")) for entry in self.ours()
        )

    def live(self) -> dict[str, tuple[str, Any, Any]]:
        """Type, inputs and outputs by URN, to see what a refresh changed."""
        return {
            str(entry["urn"]): (str(entry["type"]), entry.get("inputs"), entry.get("outputs"))
            for entry in self.live_entries()
        }

    def changed_to(self, after: "State", *, also_deleted: int = 0) -> dict[str, int]:
        """How many objects were ``created``, ``changed`` and ``deleted`` on the way from this state to ``after``.

        Args:
            after: The later state.
            also_deleted: Objects that were deleted and are in neither.
        """
        old, new = (
            {(str(e["type"]), str(e["id"])): e.get("inputs") for e in state.ours() if e.get("id")}
            for state in (self, after)
        )
        return {
            "created": len(new.keys() - old.keys()),
            "changed": sum(old[key] != new[key] for key in old.keys() & new.keys()),
            "deleted": len(old.keys() - new.keys()) + also_deleted,
        }

    def places(self) -> frozenset[str]:
        """Places of all objects."""
        found = (entry.get("inputs", {}).get("place") for entry in self.ours())
        return frozenset(place for place in found if isinstance(place, str))

    def accounts(self) -> frozenset[tuple[str, str]]:
        """Places of objects, each with the account that they were made in, where that was told."""
        found = ((e.get("inputs", {}).get("place"), (e.get("outputs") or {}).get(ACCOUNT)) for e in self.ours())
        return frozenset((place, account) for place, account in found if place and account)

    def deployment(self, *, stack: str, plan: str, unit_hash: str, place: str) -> Deployment:
        """The document of a stack that stands.

        Raises:
            RemoteError: The program's outputs are not what blueprints export.
        """
        outputs = self._outputs()
        try:
            servers = msgspec.convert(outputs.get("servers") or [], tuple[BuiltServer, ...], strict=False)
            plain = msgspec.convert(outputs.get("outputs") or {}, dict[str, str])
        except msgspec.ValidationError as exc:
            raise RemoteError(f"the program's outputs cannot be read: {exc}", where=stack) from exc
        resources = sorted(
            (
                BuiltResource(urn=str(entry["urn"]), type=str(entry["type"]), id=str(entry["id"]))
                for entry in self.live_entries()
                if entry.get("id")
            ),
            key=lambda resource: resource.urn,
        )
        return Deployment(
            stack=stack,
            plan=plan,
            unit_hash=unit_hash,
            place=place,
            servers=servers,
            resources=tuple(resources),
            outputs=plain,
        )

    def _outputs(self) -> Mapping[str, Any]:
        return next((entry.get("outputs") or {} for entry in self.resources() if entry.get("type") == _STACK), {})
