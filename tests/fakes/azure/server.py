"""The HTTP side: paths, methods, api-versions, paging, headers of long-running operations."""

import json
import re
import threading
import urllib.parse
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

from tests.fakes.azure import dns
from tests.fakes.azure.cloud import KINDS, LOCATIONS, SUBSCRIPTION, Azure
from tests.fakes.azure.compute import IMAGE, VERSIONS, VM, VirtualMachines
from tests.fakes.azure.errors import ArmError, invalid
from tests.fakes.azure.kinds import Kind, Raw
from tests.fakes.azure.storage import Policies, listing

RESOURCES_VERSION = "2025-04-01"
"""Of resource groups and tags."""
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}(-preview)?")
Reply = tuple[int, Any, dict[str, str]]


class Server:
    """The fake on a free port of the loopback address; a context manager."""

    def __init__(self, cloud: Azure) -> None:
        self.cloud = cloud
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(cloud))
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, tb: TracebackType | None) -> None:
        self._server.shutdown()
        self._server.server_close()


class Call:
    """One request.

    Args:
        cloud: What answers.
        method: Of HTTP.
        target: Path and query.
        headers: Names in small letters.
        body: As sent.
    """

    def __init__(self, cloud: Azure, method: str, target: str, headers: Mapping[str, str], body: bytes) -> None:
        parts = urllib.parse.urlsplit(target)
        self.cloud = cloud
        self.method = method
        self.path = urllib.parse.unquote(parts.path)
        self.query = {key.lower(): value for key, value in urllib.parse.parse_qsl(parts.query)}
        self.headers = headers
        self.raw = body
        self.origin = f"http://{headers.get('host', '')}"

    def answer(self) -> Reply:
        """Status, body and headers."""
        with self.cloud.lock:
            self.cloud.settle()
            self.cloud.authorized += "authorization" in self.headers
            try:
                return self._routed()
            except ArmError as exc:
                return exc.status, json.loads(exc.body), {"x-ms-failure-cause": "gateway"}

    @property
    def body(self) -> Any:
        try:
            return json.loads(self.raw)
        except ValueError as exc:
            raise invalid(
                "The request content was invalid and could not be deserialized.", "InvalidRequestContent"
            ) from exc

    def _routed(self) -> Reply:
        if self.query.get("comp") == "list":
            return self._blobs()
        self._check_version()
        parts = self.path.strip("/").split("/")
        if parts[0].lower() != "subscriptions" or len(parts) < 2 or not all(parts):
            raise ArmError(404, "InvalidResourceType", f"There is nothing at '{self.path}'.")
        if parts[1].lower() != SUBSCRIPTION:
            raise ArmError(404, "SubscriptionNotFound", f"The subscription '{parts[1]}' could not be found.")
        if len(parts) > 5 and parts[4].lower() == "locations" and parts[6].lower() in {"operations", "results"}:
            return self._operation(parts[7], result=parts[6].lower() == "results")
        if len(parts) == 15 and parts[6].lower() == "publishers" and parts[14] == "versions":
            return self._images(parts)
        if len(parts) < 4 or parts[2].lower() != "resourcegroups":
            raise ArmError(404, "InvalidResourceType", f"Here nothing is asked of a whole subscription: '{self.path}'.")
        group = parts[3].lower()
        if group not in self.cloud.groups:
            raise ArmError(404, "ResourceGroupNotFound", f"Resource group '{parts[3]}' could not be found.")
        if len(parts) == 4:
            return self._group(group)
        scope, found, _ = self.path.partition("/providers/Microsoft.Resources/tags/default")
        if found:
            return self._tags(scope)
        of_zone = self.path.lower().endswith("/recordsets") and len(parts) == 9
        return self._records(group, parts[7]) if of_zone else self._resource(group, parts[4:])

    def _blobs(self) -> Reply:
        """Objects of a container, asked for at the account itself, which here is the first part of the path."""
        self._only("GET")
        account, container = self.path.strip("/").split("/")
        most = int(self.query.get("maxresults", "5000"))
        return 200, listing(self.cloud, account, container, most), {"Content-Type": "application/xml"}

    def _check_version(self) -> None:
        version = self.query.get("api-version")
        if version is None:
            said = "The api-version query parameter (?api-version=) is required for all requests."
            raise invalid(said, "MissingApiVersionParameter")
        if not _DATE.fullmatch(version):
            raise invalid(f"The api-version '{version}' is invalid.", "InvalidApiVersionParameter")

    def _group(self, group: str) -> Reply:
        self._only("GET")
        self._version(RESOURCES_VERSION)
        path = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/{group}"
        answer = {"id": path, "name": group, "type": "Microsoft.Resources/resourceGroups"}
        return (
            200,
            {**answer, "location": self.cloud.groups[group], "properties": {"provisioningState": "Succeeded"}},
            {},
        )

    def _tags(self, scope: str) -> Reply:
        self._only("PATCH")
        self._version(RESOURCES_VERSION)
        body = self.body
        tags = (body.get("properties") or {}).get("tags") or {}
        if set(body) != {"operation", "properties"} or any(not isinstance(value, str) for value in tags.values()):
            raise invalid("The request content was invalid.", "InvalidRequestContent")
        kept = self.cloud.merge_tags(scope, body["operation"], tags)
        return 200, {"name": "default", "type": "Microsoft.Resources/tags", "properties": {"tags": kept}}, {}

    def _resource(self, group: str, parts: list[str]) -> Reply:
        if parts[0].lower() != "providers" or len(parts) < 3:
            raise ArmError(404, "InvalidResourceType", f"There is nothing at '{self.path}'.")
        namespace, rest = parts[1], parts[2:]
        types, names = rest[::2], rest[1::2]
        action = ""
        kind = KINDS.get(f"{namespace}/{'/'.join(types)}".lower())
        if kind is None and len(types) == len(names) + 1 and self.method == "POST":
            action, types = types[-1], types[:-1]
            kind = KINDS.get(f"{namespace}/{'/'.join(types)}".lower())
        if kind is None:
            said = f"The resource type '{'/'.join(types)}' could not be found in the namespace '{namespace}'."
            raise ArmError(404, "InvalidResourceType", said)
        self._version(kind.version)
        if len(names) == len(types) - 1:
            return self._list(kind, group, tuple(names))
        path = self.cloud.path(kind, tuple(names), group)
        if action:
            return self._act(kind, path, action)
        if self.method == "GET":
            return self._get(kind, path)
        self._only("PUT", "PATCH", "DELETE")
        if self.method == "DELETE":
            gone = self.cloud.delete(kind, path, self.headers)
            if gone is None:
                return 204, None, {}
            return (200, None, {}) if kind.sync or kind.located else (202, None, self._headers(kind, gone))
        act = self.cloud.put if self.method == "PUT" else self.cloud.patch
        status, raw, operation = act(kind, path, self.body, self.headers)
        return self._begun(kind, status, raw, operation)

    def _begun(self, kind: Kind, status: int, raw: Raw, operation: Any) -> Reply:
        """The answer to what may take a while."""
        if not kind.located:
            return status, raw, {} if kind.sync or kind.instant else self._headers(kind, operation)
        told = self._headers(kind, operation, result=True)
        return (202, None, {"Location": told["Location"]}) if status == 202 else (status, raw, {})

    def _get(self, kind: Kind, path: str) -> Reply:
        raw = self.cloud.view(self.cloud.must(kind, path))
        if self.query.get("$expand") != "instanceView":
            raw["properties"].pop("instanceView", None)
        return 200, raw, {}

    def _list(self, kind: Kind, group: str, names: tuple[str, ...]) -> Reply:
        self._only("GET")
        start = self.cloud.path(kind, (*names, ""), group).lower()
        return self._page([raw for raw in self.cloud.of(kind.full) if raw["id"].lower().startswith(start)])

    def _records(self, group: str, zone: str) -> Reply:
        """The record sets of a zone, of all types."""
        self._only("GET")
        self._version(dns.VERSION)
        kind = KINDS[dns.ZONE.lower()]
        return self._page(dns.sets_of(self.cloud, self.cloud.must(kind, self.cloud.path(kind, (zone,), group))["id"]))

    def _page(self, found: list[Raw]) -> Reply:
        """The page of a listing that was asked for."""
        shown: list[Raw] = [self.cloud.view(raw) for raw in found if self.cloud.get(raw["id"])]
        for raw in shown:
            if self.query.get("$expand") != "instanceView":
                raw["properties"].pop("instanceView", None)
        first = int(self.query.get("$skiptoken", "0"))
        answer: Raw = {"value": shown[first : first + self.cloud.page]}
        if first + self.cloud.page < len(shown):
            query = {**self.query, "$skiptoken": str(first + self.cloud.page)}
            answer["nextLink"] = f"{self.origin}{self.path}?{urllib.parse.urlencode(query)}"
        return 200, answer, {}

    def _act(self, kind: Kind, path: str, action: str) -> Reply:
        rules = kind.rules
        body = self.body if self.raw else None
        if isinstance(rules, Policies):
            raw = self.cloud.must(kind, path)
            self.cloud.check_conditions(raw, self.headers)
            return 200, self.cloud.view(rules.act(self.cloud, raw, action, body)), {}
        if not isinstance(rules, VirtualMachines):
            raise ArmError(404, "InvalidResourceType", f"There is no action '{action}'.")
        operation = rules.act(self.cloud, self.cloud.must(kind, path), action, body)
        return 202, None, self._headers(kind, operation, result=operation.output is not None)

    def _images(self, parts: list[str]) -> Reply:
        """Versions of a platform image: a list without an object around it."""
        self._only("GET")
        self._version(KINDS[VM.lower()].version)
        if parts[5] not in LOCATIONS or f"{parts[7]}:{parts[11]}:{parts[13]}" != IMAGE:
            raise ArmError(404, "NotFound", "Artifact: VMImage was not found.")
        return (
            200,
            [{"name": version, "location": parts[5], "id": f"{self.path}/{version}"} for version in VERSIONS],
            {},
        )

    def _operation(self, name: str, *, result: bool) -> Reply:
        self._only("GET")
        operation = self.cloud.operations.get(name)
        if operation is None:
            raise ArmError(404, "NotFound", f"There is no operation '{name}'.")
        if result:
            if operation.over and operation.error:
                raise operation.error
            found = operation.output if operation.made is None else self.cloud.view(operation.made)
            return (200, found, {}) if operation.over else (202, None, {})
        status = "InProgress" if not operation.over else "Failed" if operation.error else "Succeeded"
        answer: Raw = {"name": name, "status": status}
        if operation.over and operation.error:
            answer["error"] = {"code": operation.error.code, "message": operation.error.message}
        elif operation.over and operation.output is not None:
            answer["properties"] = {"output": operation.output}
        return 200, answer, {}

    def _headers(self, kind: Kind, operation: Any, *, result: bool = False) -> dict[str, str]:
        base = f"{self.origin}/subscriptions/{SUBSCRIPTION}/providers/{kind.namespace}/locations/here"
        version = f"?api-version={kind.version}"
        told = {"Azure-AsyncOperation": f"{base}/operations/{operation.id}{version}"}
        return told | ({"Location": f"{base}/results/{operation.id}{version}"} if result else {})

    def _only(self, *methods: str) -> None:
        if self.method not in methods:
            said = f"The requested resource does not support http method '{self.method}'."
            raise ArmError(405, "MethodNotAllowed", said)

    def _version(self, wanted: str) -> None:
        if self.query["api-version"] != wanted:
            said = f"No registered resource provider found for API version '{self.query['api-version']}': {wanted}."
            raise invalid(said, "NoRegisteredProviderFound")


def _handler(cloud: Azure) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        # Head and body are two writes: without this the second waits 40 ms for the client's acknowledgement.
        disable_nagle_algorithm = True

        def _do(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            headers = {key.lower(): value for key, value in self.headers.items()}
            call = Call(cloud, self.command, self.path, headers, self.rfile.read(length))
            status, body, more = call.answer()
            data = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
            self.send_response(status)
            for key, value in {"Content-Type": "application/json", **more}.items():
                self.send_header(key, value)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_PUT = do_PATCH = do_DELETE = do_POST = _do  # noqa: N815  (names of http.server)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    return Handler
