"""What stands at the fake cloud, and the operations that bring it there."""

import base64
import hashlib
import itertools
import re
import threading
import uuid
from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from time import monotonic
from typing import Any

from tests.fakes.google.errors import Refused, missing

LINK = "https://www.googleapis.com/compute/v1/"
Resource = dict[str, Any]


@dataclass
class Failure:
    """How an operation ends instead of taking effect."""

    code: str
    message: str
    status: int = 403


@dataclass
class Operation:
    """One operation; it takes effect at its start or at its end, and nothing of it when it fails."""

    raw: Resource
    ends: float
    then: Callable[[], None]
    failure: Failure | None


@dataclass
class World:
    """Everything at the fake, by path ``projects/…``. Guarded by `lock`.

    Attributes:
        delay_s: Seconds that an operation takes; it ends at the first request after that.
        late_s: Seconds within which a new object is not found.
        quotas: How many of a collection there may be.
        failures: Operations on a collection that are to fail, for example on ``disks.insert``; each is used once.
        full: Buckets with objects in them.
        serial: What the console of a server shows, by name.
    """

    project: str = "sample-project"
    region: str = "me-central2"
    delay_s: float = 0.0
    late_s: float = 0.0
    quotas: dict[str, int] = field(default_factory=dict)
    failures: dict[str, list[Failure]] = field(default_factory=dict)
    serial: dict[str, str] = field(default_factory=dict)
    full: set[str] = field(default_factory=set)
    at: dict[str, Resource] = field(default_factory=dict)
    lock: threading.RLock = field(default_factory=threading.RLock)
    operations: dict[str, Operation] = field(default_factory=dict)
    requests: dict[str, tuple[str, str]] = field(default_factory=dict)
    born: dict[str, float] = field(default_factory=dict)
    _ids: Iterator[int] = field(default_factory=lambda: itertools.count(4_000_000_000_000_000_001))

    def new_id(self) -> str:
        """An id that nothing else has."""
        return str(next(self._ids))

    def settle(self) -> None:
        """End the operations whose time is over."""
        for operation in list(self.operations.values()):
            if operation.raw["status"] != "DONE" and monotonic() >= operation.ends:
                self._end(operation)

    def get(self, path: str) -> Resource:
        """What is at a path.

        Raises:
            Refused: Nothing, or not yet.
        """
        if path not in self.at or self.hidden(path):
            raise missing(path)
        return self.at[path]

    def hidden(self, path: str) -> bool:
        """Whether an object is so new that nobody finds it."""
        return monotonic() < self.born.get(path, 0.0) + self.late_s

    def below(self, prefix: str) -> Iterator[tuple[str, Resource]]:
        """What is in a collection, by path."""
        for path in sorted(self.at):
            if path.startswith(f"{prefix}/") and "/" not in path.removeprefix(f"{prefix}/"):
                yield path, self.at[path]

    def refer(self, given: str, *, scope: str, collection: str, what: str) -> str:
        """The path that a reference means.

        Args:
            given: As the caller wrote it: a whole URL, or from ``projects``, ``global``, ``regions`` or ``zones`` on.
            scope: Path of the caller's scope, for its project.
            collection: What it has to be one of.
            what: Field, for the message.

        Raises:
            Refused: It means nothing that is there.
        """
        path = re.sub(r"^https?://[^/]+/compute/v1/", "", given)
        project = "/".join(scope.split("/")[:2])
        if not path.startswith("projects/"):
            path = f"{project}/{path}"
        if collection not in path.split("/")[:-1] or "//" in path:
            raise Refused("invalid", f"Invalid value for field '{what}': '{given}'. The URL is malformed.")
        if path in self.at and self.hidden(path):
            raise Refused("resourceNotReady", f"The resource '{path}' is not ready")
        self.get(path)
        return path

    def put(self, path: str, resource: Resource) -> None:
        """A new object."""
        self.born[path] = monotonic()
        self.at[path] = resource

    def drop(self, path: str) -> None:
        """An object is gone."""
        self.at.pop(path, None)
        self.born.pop(path, None)

    def replayed(self, request_id: str, call: str) -> Resource | None:
        """The operation that this request began before, if it did.

        Raises:
            Refused: The id is none, or it was used for something else.
        """
        if not request_id:
            return None
        try:
            good = uuid.UUID(request_id).int != 0
        except ValueError:
            good = False
        if not good:
            raise Refused("invalid", f"Invalid value for field 'requestId': '{request_id}'. It is no UUID.")
        before, name = self.requests.get(request_id, (call, ""))
        if before != call:
            raise Refused("invalid", f"requestId '{request_id}' was used for {before}")
        return deepcopy(self.operations[name].raw) if name else None

    def begin(
        self, scope: str, call: str, target: str, *, first: Callable[[], None], then: Callable[[], None]
    ) -> Resource:
        """Begin an operation.

        Args:
            scope: Path of its project with ``global``, a region or a zone.
            call: For example ``disks.insert``.
            target: Path of what it changes.
            first: Its effect at once.
            then: Its effect at its end.
        """
        number = self.new_id()
        planned = self.failures.get(call)
        failure = planned.pop(0) if planned else self._over_quota(call, target)
        name = f"operation-{number}"
        raw: Resource = {
            "kind": "compute#operation",
            "id": number,
            "name": name,
            "operationType": call.split(".")[1],
            "targetLink": LINK + target,
            "targetId": self.at.get(target, {}).get("id", number),
            "status": "RUNNING",
            "progress": 0,
            "selfLink": f"{LINK}{scope}/operations/{name}",
            "user": "sample@example",
        }
        kind, _, where = scope.partition("/")[2].partition("/")[2].partition("/")
        if where:
            raw[kind.removesuffix("s")] = f"{LINK}{scope}"
        if failure is None:
            first()
        self.operations[name] = Operation(raw, monotonic() + self.delay_s, then, failure)
        return deepcopy(raw)

    def fingerprint(self) -> str:
        """A fingerprint that nothing else has."""
        return base64.b64encode(hashlib.sha256(self.new_id().encode()).digest()[:8]).decode()

    def _over_quota(self, call: str, target: str) -> Failure | None:
        collection, _, action = call.partition(".")
        limit = self.quotas.get(collection)
        there = sum(1 for _ in self.below(target.rpartition("/")[0]))
        if action != "insert" or limit is None or there < limit:
            return None
        return Failure("QUOTA_EXCEEDED", f"Quota '{collection.upper()}' exceeded. Limit: {limit}.0 globally.")

    def _end(self, operation: Operation) -> None:
        operation.raw |= {"status": "DONE", "progress": 100}
        if operation.failure is None:
            operation.then()
            return
        said = {"code": operation.failure.code, "message": operation.failure.message}
        operation.raw |= {
            "error": {"errors": [said]},
            "httpErrorStatusCode": operation.failure.status,
            "httpErrorMessage": "FORBIDDEN" if operation.failure.status == 403 else "SERVICE UNAVAILABLE",
        }


def matches(resource: Mapping[str, Any], expression: str) -> bool:
    """Whether a resource fits a filter.

    Raises:
        Refused: The fake does not know this kind of filter.
    """
    rest = expression.strip()
    while rest:
        found = re.match(r'\(\s*([\w.\-]+)\s*=\s*"([^"]*)"\s*\)\s*', rest)
        if not found:
            raise Refused(
                "invalid", f"Invalid value for field 'filter': '{expression}'. Invalid list filter expression."
            )
        value: Any = resource
        for part in found[1].split(".", 1):
            value = value.get(part) if isinstance(value, dict) else None
        if value != found[2]:
            return False
        rest = rest[found.end() :]
    return True
