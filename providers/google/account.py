"""The account at one place: calls of Compute Engine's JSON, operations, the check of the place, and waiting."""

import re
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from typing import Any, ClassVar

from providers.google.errors import NOT_READY, STALE, of_operation, port_errors
from providers.google.wire import COMPUTE, KMS, Wire
from providers.kit.account import CloudAccount
from providers.kit.paging import Pages
from providers.ports import PortError, Target
from pse.core.schema import Placement

OPTIONS = frozenset(
    {
        "project", "region", "zone", "proxy", "image_projects", "kms_key", "key_ring", "ssh_user",
        "host_key_wait_s", "wait_s",
    }
)  # fmt: skip
PAGE = 500
_NAME = re.compile(r"[a-z](?:[-a-z0-9]{0,61}[a-z0-9])?")
_TOKENS = uuid.UUID("6ba7b812-9dad-11d1-80b4-00c04fd430c8")
"""Namespace of the request ids (RFC 9562, appendix C: of object identifiers)."""


def last(link: Any) -> str:
    """The name at the end of a resource's URL."""
    return str(link or "").rpartition("/")[2]


class Account(CloudAccount):
    """One place at Google Cloud; safe to use from many threads.

    Operations are waited for here: Google's library would poll the public endpoint, whatever endpoint it was given.

    Args:
        target: The place.
    """

    known_options: ClassVar[frozenset[str]] = OPTIONS
    needed_options: ClassVar[tuple[str, ...]] = ("project", "region", "zone")

    def __init__(self, target: Target) -> None:
        """Remember the target; no library is imported yet."""
        super().__init__(target)
        self.project = target.options.get("project", "")
        self.region = target.options.get("region", "")
        self.zone = target.options.get("zone", "")
        self.zonal = f"zones/{self.zone}"
        self.regional = f"regions/{self.region}"
        self._wire = Wire(
            target.endpoint, region=self.region, proxy=target.options.get("proxy", ""), where=target.place
        )
        self._checked = False

    @property
    def here(self) -> str:
        """The zone."""
        return self.zone

    def account(self) -> str:
        """Project and zone; ids are names in one or the other."""
        return "/".join(filter(None, (self.project, self.zone)))

    def errors(self) -> AbstractContextManager[None]:
        """See `providers.google.errors.port_errors`."""
        return port_errors(self.place)

    def close(self) -> None:
        """Give back connections; whatever still waits gives up."""
        self.closed.set()
        self._wire.close()

    def link(self, path: str) -> str:
        """How a body names a resource of the project."""
        return f"projects/{self.project}/{path}"

    def get(self, path: str, **query: str) -> dict[str, Any] | None:
        """One resource; None when it is not there, or when its name can be nobody's.

        Args:
            path: Below the project, or from ``projects`` on.
            query: Parameters.

        Raises:
            PortError: See `providers.google.errors`.
        """
        if not _NAME.fullmatch(last(path)):
            return None
        try:
            return self.call("GET", path, query=query)
        except PortError as exc:
            if exc.reason != "not-found":
                raise
            return None

    def needed(self, path: str, what: str, *, of: str = "") -> dict[str, Any]:
        """One resource that has to be there; what was made just now is waited for.

        Args:
            path: Below the project.
            what: What it is, for the message.
            of: Id of what it is a part of.

        Raises:
            PortError: It is not there.
        """

        def once() -> dict[str, Any]:
            found = self.get(path)
            if found is None:
                whose = f" of {of}" if of else ""
                raise PortError(f"no {what} {last(path)!r}{whose} here", reason="not-found", where=self.place)
            return found

        return self.patiently(once)

    def pages(
        self, path: str, *, items: str = "items", service: str = COMPUTE, **query: str
    ) -> Iterator[dict[str, Any]]:
        """All items of a collection, page by page.

        Args:
            path: Of the collection.
            items: Where an answer has its items.
            service: Whose it is.
            query: Parameters.

        Raises:
            PortError: See `providers.google.errors`; also for pages that do not end.
        """
        asked = {"pageSize" if service == KMS else "maxResults": str(PAGE), **query}
        turned = Pages(self.place)
        while True:
            page = self.call("GET", path, query=asked, service=service)
            with self.errors():
                found: list[dict[str, Any]] = page.get(items, [])
                token = str(page.get("nextPageToken", ""))
            yield from found
            if not token:
                return
            turned.turn(token)
            asked["pageToken"] = token

    def insert(self, path: str, body: Mapping[str, Any], token: str) -> str:
        """Make a resource; returns its name.

        An operation that does not end in time is no end: the name is known, and what became of it is seen by that.

        Args:
            path: Of the collection.
            body: Of the resource.
            token: The intent; what comes again with it is the same request.

        Raises:
            PortError: Nothing was made, as far as the cloud said.
        """
        try:
            self.act("POST", path, body, request_id=str(uuid.uuid5(_TOKENS, f"{path}/{token}")))
        except PortError as exc:
            if exc.vendor_code != "Timeout":
                raise
        return str(body["name"])

    def act(
        self, verb: str, path: str, body: Mapping[str, Any] | None = None, *, request_id: str = "", **query: str
    ) -> None:
        """One call that changes something, until its operation is over.

        It is repeated while the cloud does not know, or cannot use yet, an object that we have just made.

        Raises:
            PortError: See `providers.google.errors`; ``vendor_code`` is ``Timeout`` when it is not over in time.
        """

        def once(request_id: str = request_id) -> dict[str, Any]:
            given = query | ({"requestId": request_id} if request_id else {})
            try:
                return self.call(verb, path, body, query=given)
            except PortError as exc:
                if exc.vendor_code in NOT_READY and self.is_fresh(exc):
                    raise PortError(
                        exc.message, reason="not-found", vendor_code=exc.vendor_code, where=exc.where
                    ) from exc
                raise

        operation = self.patiently(once)
        with self.errors():
            failed_before = bool(request_id) and operation["status"] == "DONE" and "error" in operation
        if failed_before:
            # The same request, but of an earlier try, which failed: only another id begins anew. Nothing is made twice
            # by that, as its name is there once.
            operation = self.patiently(lambda: once(str(uuid.uuid4())))
        self._await(operation)

    def agreed(self, change: Callable[[], None], *, what: str, seconds: float) -> None:
        """Make a change that takes a fingerprint, anew where somebody else was faster.

        Args:
            change: Reads, and writes where what it read is not as wanted.
            what: What is changed.
            seconds: At most.

        Raises:
            PortError: It could not be done, or not in time.
        """

        def once() -> bool | None:
            try:
                change()
            except PortError as exc:
                if exc.vendor_code not in STALE:
                    raise
                return None
            return True

        with self.errors():
            self.until(once, what=what, seconds=seconds)

    def call(
        self,
        verb: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        *,
        query: Mapping[str, str],
        service: str = COMPUTE,
    ) -> dict[str, Any]:
        """One call.

        Args:
            verb: HTTP method.
            path: At Compute Engine below the project, or from ``projects`` on.
            body: JSON.
            query: Parameters.
            service: Who is called.

        Raises:
            PortError: See `providers.google.errors`.
        """
        self.check_options()
        whole = service != COMPUTE or path.startswith("projects/")
        return self._wire.send(service, verb, path if whole else self.link(path).rstrip("/"), body, query)

    def check(self) -> None:
        """See, once, that the endpoint has the zone, in the region that was named.

        Raises:
            PortError: It has not: whatever it said would be about somewhere else.
        """
        if self._checked:
            return
        self.check_options()
        self._wire.open()
        found = self.get(self.zonal) or {}
        said = last(found.get("region"))
        if (said, found.get("name")) != (self.region, self.zone):
            raise PortError(
                f"asked for {self.zone} in {self.region}, and the answer is about {said or 'another zone'}",
                reason="invalid",
                vendor_code="WrongRegion",
                where=self.place,
                hint="Correct endpoint, project, region and zone of the place in the register.",
            )
        self._checked = True

    def placed(self, what: str, link: Any) -> Placement:
        """An aspect by the zone or region that the cloud says it is in."""
        said = last(link)
        here = said and said in {self.zone, self.region}
        return Placement(what, self.place, "set") if here else Placement(what, said or "?", "unknown")

    def keyed(self, key: Any, *, what: str = "key") -> Placement:
        """Where a key is: one's own by its location; Google tells nothing of its own."""
        name = str((key or {}).get("kmsKeyName", ""))
        if not name:
            return Placement(what, "google", "default")
        parts = name.split("/")
        here = parts[2:4] == ["locations", self.region]
        return Placement(what, self.place, "set") if here else Placement(what, "/".join(parts[2:4]) or "?", "unknown")

    def _await(self, operation: dict[str, Any]) -> None:
        with self.errors():
            zone, region, name = (last(operation.get(key)) for key in ("zone", "region", "name"))
            if zone not in {"", self.zone} or region not in {"", self.region} or not _NAME.fullmatch(name):
                raise PortError(
                    f"the operation is in {zone or region}, and {self.zone} was asked for",
                    reason="invalid",
                    vendor_code="WrongPlace",
                    where=self.place,
                )
        scope = self.zonal if zone else self.regional if region else "global"

        def over() -> dict[str, Any] | None:
            # One that is not known yet is not over.
            found = self.get(f"{scope}/operations/{name}")
            return found if found is not None and found["status"] == "DONE" else None

        with self.errors():
            done = operation if operation["status"] == "DONE" else self.until(over, what=f"operation {name} to end")
            if done.get("error"):
                raise of_operation(done, self.place)
