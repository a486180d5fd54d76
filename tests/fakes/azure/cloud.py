"""What the cloud holds, and what happens to it: PUT, PATCH, DELETE, listings, operations that take a while."""

import copy
import re
import threading
import uuid
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from time import monotonic
from typing import Any

from tests.fakes.azure import compute, dns, network, storage
from tests.fakes.azure.errors import ArmError, invalid, not_found
from tests.fakes.azure.kinds import Kind, Raw

SUBSCRIPTION = "11111111-2222-4333-8444-555555555555"
GROUP = "pse-sample"
LOCATION = "uaenorth"
LOCATIONS = frozenset({LOCATION, "uaecentral", "westeurope"})
KINDS: Mapping[str, Kind] = {
    kind.full.lower(): kind for kind in (*network.KINDS, *compute.KINDS, *storage.KINDS, *dns.KINDS)
}
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.\-]{0,78}[A-Za-z0-9_]|[A-Za-z0-9_]")


@dataclass
class Operation:
    """Something that takes a while.

    Attributes:
        at: Moment when it is over.
        finish: What it does then.
        error: How it fails; None when it does not.
        output: What it gives.
        made: The resource that it is about, where ``Location`` gives that in the end.
    """

    at: float
    finish: Callable[[], None]
    error: ArmError | None = None
    output: Raw | None = None
    made: Raw | None = None
    over: bool = False
    id: str = field(default_factory=lambda: str(uuid.uuid4()))


class Azure:
    """One subscription with one resource group.

    Attributes:
        slow_s: Seconds that an operation takes.
        late_s: Seconds for which what is new is not known yet.
        page: Items on a page of a listing.
        authorized: Requests that carried a credential.
        taken: Names of storage accounts that somebody else has.
        blobs: Names of objects by account and container.
    """

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.slow_s = 0.0
        self.late_s = 0.0
        self.page = 100
        self.authorized = 0
        self.groups = {GROUP: LOCATION}
        self.resources: dict[str, Raw] = {}
        self.operations: dict[str, Operation] = {}
        self.taken: set[str] = set()
        self.blobs: dict[tuple[str, str], list[str]] = {}
        self._hidden: dict[str, float] = {}
        self._refusals: list[tuple[str, ArmError, bool]] = []

    # -- for tests --

    def refuse(self, kind: str, error: ArmError, *, later: bool = False) -> None:
        """The next PUT of a type fails: at once, or in the operation, which leaves a failed resource."""
        self._refusals.append((kind.lower(), error, later))

    def standing(self) -> dict[str, list[str]]:
        """Names of all that there is, by type."""
        with self.lock:
            self.settle()
            found: dict[str, list[str]] = {}
            for raw in self.resources.values():
                found.setdefault(raw["type"].rpartition("/")[2], []).append(raw["name"])
            return {kind: sorted(names) for kind, names in sorted(found.items())}

    def reset(self) -> None:
        """Empty and calm."""
        with self.lock:
            self.slow_s, self.late_s, self.page, self.authorized = 0.0, 0.0, 100, 0
            for kept in (self.resources, self.operations, self.taken, self.blobs, self._hidden, self._refusals):
                kept.clear()

    # -- what is there --

    def path(self, kind: Kind, names: tuple[str, ...], group: str = GROUP) -> str:
        """The id of a resource."""
        parts = "/".join(f"{part}/{name}" for part, name in zip(kind.type.split("/"), names, strict=True))
        return f"/subscriptions/{SUBSCRIPTION}/resourceGroups/{group}/providers/{kind.namespace}/{parts}"

    def get(self, object_id: str) -> Raw | None:
        """One resource that callers can know of already."""
        key = object_id.lower()
        hidden = self._hidden.get(key, 0.0) > monotonic()
        return None if hidden else self.resources.get(key)

    def known(self, object_id: Any, user: Raw, *, kind: str) -> Raw:
        """What a resource refers to.

        Raises:
            ArmError: It is not there, of another type, or in another location.
        """
        text = str(object_id)
        raw = self.get(text)
        namespace, *rest = text.partition("/providers/")[2].lower().split("/")
        if not text.startswith("/subscriptions/") or "/".join((namespace, *rest[::2])) != kind.lower():
            raise invalid(f"Cannot parse '{text}' as the id of a {kind}", "LinkedInvalidPropertyId")
        parent = self.get(text.rpartition("/subnets/")[0]) if "/subnets/" in text else raw
        where = (parent or {}).get("location")
        if raw is None or where != user.get("location", where):
            raise invalid(
                f"Resource {text} referenced by resource {user.get('id')} was not found. Please make sure that the "
                "referenced resource exists, and that both resources are in the same region.",
                "InvalidResourceReference",
            )
        return raw

    def of(self, kind: str) -> Iterator[Raw]:
        """All resources of a type."""
        return (raw for raw in list(self.resources.values()) if raw["type"].lower() == kind.lower())

    def view(self, raw: Raw) -> Raw:
        """A resource as it is shown."""
        kind = KINDS[raw["type"].lower()]
        return kind.rules.view(self, copy.deepcopy(raw))

    # -- what is done --

    def put(self, kind: Kind, object_id: str, body: Any, conditions: Mapping[str, str]) -> tuple[int, Raw, Operation]:
        """Make or replace."""
        before = self.get(object_id)
        hidden = before is None and object_id.lower() in self.resources
        if kind.conditional:
            self.check_conditions(self.resources.get(object_id.lower()), conditions)
        kind.check(body)
        name = object_id.rpartition("/")[2]
        if not _NAME.fullmatch(name) and not kind.type.startswith("dnszones"):
            raise invalid(f"Resource name {name} is invalid.", "InvalidResourceName")
        new: Raw = {**copy.deepcopy(body), "id": object_id, "name": name, "type": kind.full}
        new.setdefault("properties", {})
        if kind.tags:
            self._placed(new, before, {kind.place} if kind.place else LOCATIONS)
            _check_tags(new.setdefault("tags", {}))
        refusal = self._refusal(kind)
        if refusal and not refusal[1]:
            raise refusal[0]
        kind.rules.put(self, new, self.resources.get(object_id.lower()))
        new["etag"] = f'W/"{uuid.uuid4()}"'
        self.resources[object_id.lower()] = new
        if before is None and not hidden and self.late_s:
            self._hidden[object_id.lower()] = monotonic() + self.late_s
        state = "Succeeded" if kind.sync else ("Updating" if before else "Creating")
        operation = self.begin(new, state, error=refusal[0] if refusal else None, sync=kind.sync or kind.instant)
        operation.made = new if kind.located else None
        return (200 if before else kind.accepted), self.view(new), operation

    def patch(self, kind: Kind, object_id: str, body: Any, conditions: Mapping[str, str]) -> tuple[int, Raw, Operation]:
        """Change what the body has."""
        raw = self.must(kind, object_id)
        if kind.conditional:
            self.check_conditions(raw, conditions)
        kind.check(body, patch=True)
        if "tags" in body:
            raw["tags"] = dict(body["tags"])
            _check_tags(raw["tags"])
        kind.rules.patch(self, raw, body)
        raw["etag"] = f'W/"{uuid.uuid4()}"'
        return 200, self.view(raw), self.begin(raw, "Updating", sync=kind.sync or kind.located)

    def delete(self, kind: Kind, object_id: str, conditions: Mapping[str, str]) -> Operation | None:
        """Delete; None when it is not there."""
        raw = self.resources.get(object_id.lower())
        if raw is None:
            return None
        if kind.conditional:
            self.check_conditions(raw, conditions)
        kind.rules.free(self, raw)
        return self.begin(raw, "Deleting", finish=lambda: self.remove(raw), sync=kind.sync or kind.located)

    def remove(self, raw: Raw) -> None:
        """Take it out of the books, with what goes with it."""
        if self.resources.pop(raw["id"].lower(), None) is not None:
            KINDS[raw["type"].lower()].rules.gone(self, raw)

    def begin(
        self,
        raw: Raw,
        state: str,
        *,
        finish: Callable[[], None] = lambda: None,
        error: ArmError | None = None,
        output: Raw | None = None,
        sync: bool = False,
    ) -> Operation:
        """Start something that takes a while on a resource."""
        properties = raw["properties"]
        properties["provisioningState"] = state

        def over() -> None:
            properties["provisioningState"] = "Failed" if error else "Succeeded"
            if not error:
                finish()

        operation = Operation(monotonic() + (0 if sync else self.slow_s), over, error, output)
        self.operations[operation.id] = operation
        if sync:
            self.settle()
        return operation

    def busy(self, raw: Raw) -> bool:
        """Whether something goes on with it."""
        return raw["properties"].get("provisioningState") in {"Creating", "Updating", "Deleting"}

    def settle(self) -> None:
        """Finish what is over by now."""
        for operation in list(self.operations.values()):
            if not operation.over and operation.at <= monotonic():
                operation.over = True
                operation.finish()

    def must(self, kind: Kind, object_id: str) -> Raw:
        """The resource, or 404."""
        raw = self.get(object_id)
        if raw is None:
            names = object_id.partition("/providers/")[2].split("/")[2::2]
            raise not_found(kind.full, "/".join(names), object_id.split("/")[4])
        return raw

    def merge_tags(self, object_id: str, operation: str, tags: Mapping[str, str]) -> dict[str, str]:
        """``Microsoft.Resources/tags`` on a resource."""
        raw = self.get(object_id)
        kind = KINDS.get(raw["type"].lower()) if raw else None
        if raw is None or kind is None or not kind.tags:
            raise ArmError(404, "ResourceNotFound", f"The resource {object_id} was not found.")
        live = raw.setdefault("tags", {})
        changed = {
            "Merge": {**live, **tags},
            "Replace": dict(tags),
            "Delete": {key: value for key, value in live.items() if tags.get(key) != value},
        }
        if operation not in changed:
            raise invalid(f"'{operation}' is no operation on tags", "InvalidRequestContent")
        _check_tags(changed[operation])
        raw["tags"] = changed[operation]
        return changed[operation]

    def _placed(self, new: Raw, before: Raw | None, places: Collection[str]) -> None:
        where = str(new.get("location") or "").replace(" ", "").lower()
        if not where:
            raise invalid("The location property is required for this definition.", "LocationRequired")
        if where not in places:
            said = f"The provided location '{where}' is not available for resource type '{new['type']}'."
            raise invalid(said, "LocationNotAvailableForResourceType")
        if before is not None and before["location"] != where:
            said = f"The resource '{new['name']}' already exists in location '{before['location']}'."
            raise ArmError(409, "InvalidResourceLocation", said)
        new["location"] = where

    def check_conditions(self, live: Raw | None, headers: Mapping[str, str]) -> None:
        """``If-Match`` and ``If-None-Match``."""
        wanted, unwanted = headers.get("if-match", ""), headers.get("if-none-match", "")
        if (unwanted == "*" and live is not None) or (wanted not in {"", "*", (live or {}).get("etag", "")}):
            raise ArmError(412, "PreconditionFailed", "Precondition failed.")
        if wanted == "*" and live is None:
            raise ArmError(412, "PreconditionFailed", "Precondition failed.")

    def _refusal(self, kind: Kind) -> tuple[ArmError, bool] | None:
        for number, (wanted, error, later) in enumerate(self._refusals):
            if wanted == kind.type.lower():
                del self._refusals[number]
                return error, later
        return None


def _check_tags(tags: Mapping[str, str]) -> None:
    if len(tags) > 50:
        raise invalid("The number of tags exceeds the maximum of 50.", "TooManyTags")
    for key, value in tags.items():
        if len(key) > 512 or len(value) > 256:
            raise invalid(f"Tag '{key}' is too long.", "InvalidTagLength")
        if set(key) & set("<>%&\\?/"):
            raise invalid(f"The tag name '{key}' has reserved characters.", "InvalidTagNameCharacters")
    if len({key.lower() for key in tags}) < len(tags):
        raise invalid("Tag names have to differ in more than case.", "InvalidTags")
