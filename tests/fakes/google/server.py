"""The fake's HTTP side: one thread a connection, and what every call has to be."""

import json
import threading
import urllib.parse
from collections.abc import Callable, Mapping
from copy import deepcopy
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

from tests.fakes.google import buckets, copies, dns, document, kms, machines, networks, outside
from tests.fakes.google import call as calls
from tests.fakes.google.call import Call
from tests.fakes.google.errors import Refused, answer
from tests.fakes.google.world import LINK, Resource, World

SERVICES = ("compute", "storage", "cloudkms", "dns")
RING = "sample-ring"
ZONES = ("a", "b", "c")
MACHINES = ("e2-small", "e2-medium", "e2-standard-2", "e2-standard-4", "e2-standard-8", "n2-standard-4")
DISKS = ("pd-standard", "pd-balanced", "pd-ssd", "hyperdisk-balanced")
IMAGES = {"debian-12-bookworm-v20260310": "2026-03-10", "debian-12-bookworm-v20260513": "2026-05-13"}


def _nobody(world: World, path: str) -> str:
    return ""


_PREPARE: Mapping[str, calls.Prepare] = {
    "networks": networks.network,
    "subnetworks": networks.subnetwork,
    "firewalls": networks.firewall,
    "disks": machines.disk,
    "instances": machines.instance,
    "routers": outside.router,
    "addresses": outside.address,
    "snapshots": copies.snapshot,
    "resourcePolicies": copies.policy,
}
_USERS: Mapping[str, calls.Users] = {
    "networks": networks.network_users,
    "subnetworks": networks.subnetwork_users,
    "firewalls": _nobody,
    "disks": machines.disk_users,
    "routers": _nobody,
    "addresses": outside.address_users,
    "snapshots": _nobody,
    "resourcePolicies": copies.policy_users,
}
_SHOWN: Mapping[str, calls.Shown] = {
    "networks": networks.network_shown,
    "disks": machines.disk_shown,
    "addresses": outside.address_shown,
}
_LOOKS = frozenset({*_PREPARE, "images", "zones", "regions", "machineTypes", "diskTypes"})
_OWN: Mapping[str, Callable[[Call], Resource]] = {
    "firewalls.patch": networks.change_firewall,
    "firewalls.update": networks.change_firewall,
    "disks.resize": machines.resize,
    "disks.update": machines.change_disk,
    "disks.setLabels": machines.set_labels,
    "disks.addResourcePolicies": copies.add_policies,
    "disks.removeResourcePolicies": copies.remove_policies,
    "resourcePolicies.patch": copies.change_policy,
    "routers.patch": outside.change_router,
    "routers.update": outside.replace_router,
    "instances.addAccessConfig": outside.add_access,
    "instances.deleteAccessConfig": outside.delete_access,
    **buckets.CALLS,
    **dns.CALLS,
    **kms.CALLS,
    "instances.delete": machines.delete_instance,
    "instances.attachDisk": machines.attach,
    "instances.detachDisk": machines.detach,
    "instances.setTags": machines.set_tags,
    "instances.setMetadata": machines.set_metadata,
    "instances.setLabels": machines.set_labels,
    "instances.setMachineType": machines.set_machine_type,
    "instances.start": machines.power,
    "instances.stop": machines.power,
    "instances.getSerialPortOutput": machines.serial,
    "images.getFromFamily": machines.from_family,
    "projects.setCommonInstanceMetadata": machines.set_project_metadata,
}


class Compute:
    """The fake; a context manager. It listens on a free port of the loopback address."""

    def __init__(self) -> None:
        self.world = World()
        self.calls: list[str] = []
        self.reset()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, tb: TracebackType | None) -> None:
        self._server.shutdown()
        self._server.server_close()

    def reset(self) -> None:
        """An empty project with its regions, zones, types and images."""
        self.calls.clear()
        self.world = world = World()
        project = f"projects/{world.project}"
        world.at[project] = {
            "kind": "compute#project",
            "name": world.project,
            "selfLink": LINK + project,
            "commonInstanceMetadata": {"kind": "compute#metadata", "fingerprint": world.fingerprint()},
        }
        _stock(world, f"{project}/locations/{world.region}/keyRings/{RING}")
        _stock(world, f"{project}/regions/{world.region}", status="UP")
        for letter in ZONES:
            zone = f"{project}/zones/{world.region}-{letter}"
            _stock(world, zone, status="UP", region=f"{LINK}{project}/regions/{world.region}")
            for name in MACHINES:
                _stock(world, f"{zone}/machineTypes/{name}", zone=f"{world.region}-{letter}")
            for name in DISKS:
                _stock(world, f"{zone}/diskTypes/{name}", zone=LINK + zone)
        for name, day in IMAGES.items():
            at = f"projects/debian-cloud/global/images/{name}"
            facts = {"family": "debian-12", "diskSizeGb": "10", "status": "READY", "storageLocations": ["asia"]}
            _stock(world, at, creationTimestamp=f"{day}T00:00:00.000-07:00", **facts)

    def answer(self, verb: str, target: str, body: bytes) -> tuple[int, Resource]:
        """Status and body for a request."""
        parts = urllib.parse.urlsplit(target)
        path = urllib.parse.unquote(parts.path)
        with self.world.lock:
            try:
                return 200, self._answer(verb, path, urllib.parse.parse_qs(parts.query, keep_blank_values=True), body)
            except Refused as exc:
                return exc.status, answer(exc.reason, exc.message, plain=path.startswith("/v1/"))

    def _answer(self, verb: str, path: str, query: Mapping[str, list[str]], body: bytes) -> Resource:
        service, rest = service_of(path)
        if service not in SERVICES:
            raise Refused("notFound", f"The requested URL {path} was not found")
        book = document.of(service)
        method, names = book.route(verb, rest)
        self.calls.append(f"{method.collection}.{method.action}")
        given = method.query(query)
        try:
            sent = json.loads(body) if body else None
        except ValueError as exc:
            raise Refused("badRequest", "Invalid JSON payload received") from exc
        book.check(method, sent)
        self.world.settle()
        return self._act(Call(self.world, method, rest, names, given, sent or {}))

    def _act(self, call: Call) -> Resource:
        collection, action = call.method.collection, call.method.action
        own = _OWN.get(f"{collection}.{action}")
        if own is not None:
            return own(call)
        if collection.endswith("Operations") and action in {"get", "wait"}:
            found = self.world.operations.get(call.names["operation"])
            if found is None:
                raise Refused("notFound", f"The resource '{call.path}' was not found")
            return deepcopy(found.raw)
        if collection == "projects" and action == "get":
            return calls.get(call, calls.as_it_is)
        shown = _SHOWN.get(collection, calls.as_it_is)
        if collection in _LOOKS and action in {"get", "list"}:
            return calls.get(call, shown) if action == "get" else calls.listed(call, shown)
        if collection in _PREPARE and action == "insert":
            return calls.insert(call, _PREPARE[collection])
        if collection in _USERS and action == "delete":
            return calls.delete(call, _USERS[collection])
        raise Refused("notImplemented", f"the fake has no {call.method.id}")

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        fake = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            # Head and body are two writes: without this the second waits 40 ms for the first to be acknowledged.
            disable_nagle_algorithm = True

            def answer_it(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                status, said = fake.answer(self.command, self.path, self.rfile.read(length))
                text = json.dumps(said).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json; charset=UTF-8")
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        for verb in ("GET", "POST", "PUT", "PATCH", "DELETE"):
            setattr(Handler, f"do_{verb}", Handler.answer_it)
        return Handler


def service_of(path: str) -> tuple[str, str]:
    """Which service a path is of, and what its document calls it: two have their version in there."""
    if path.startswith(("/v1/", "/dns/v1/")):
        return "dns" if path.startswith("/dns/") else "cloudkms", path.removeprefix("/")
    service, _, rest = path.removeprefix("/").partition("/v1/")
    return service, rest


def _stock(world: World, path: str, **facts: Any) -> None:
    collection, _, name = path.rpartition("/")
    own = {"id": world.new_id(), "name": name, "selfLink": LINK + path}
    if "/locations/" not in path:
        own["kind"] = f"compute#{collection.rpartition('/')[2].removesuffix('s')}"
    world.at[path] = own | facts
