"""Servers of Nova, each with one port of Neutron's.

The port is ours, not Nova's, because only so the subnet is the one asked for, the firewalls are exactly those asked
for, and a server without any lets nothing through. It goes before its server: whatever is cut short in between, the
state still has the server, and nothing is left that nobody knows.
"""

import base64
from typing import Any

from providers.kit.console import host_key
from providers.kit.waiting import patiently
from providers.openstack import marks
from providers.openstack.account import BOOT_S, GONE_S, STEP_S, Account, Seen, Stuck, is_id
from providers.openstack.client import part
from providers.openstack.groups import Groups
from providers.openstack.images import Images
from providers.openstack.network import delete
from providers.openstack.volumes import VolumeWork
from providers.ports import Identity, PortError
from pse.core.schema import Placement, ServerInputs

SSH_PORT = 22
_KEY_S = 120.0
_SURE = frozenset({"quota", "capacity", "auth", "invalid", "conflict", "in-use", "not-found"})
_ZONE = "OS-EXT-AZ:availability_zone"


class ServerWork:
    """A server; see `providers.openstack.account.Work`. Raw is ``{"server", "port", "host_key"}``."""

    def __init__(self, account: Account) -> None:
        """Remember the account."""
        self._account = account
        self._client = account.client
        self._images = Images(account)
        self._groups = Groups(account)
        self._volumes = VolumeWork(account)

    def make(self, inputs: ServerInputs, identity: Identity, /) -> Any:
        """Port, server, wait; a server that found no host goes again."""
        image = self._images.image(inputs.image)
        flavour = self._images.flavour(inputs.shape)
        disk = self._boot_disk(inputs) if inputs.boot_volume else {"imageRef": image["id"]}
        script = base64.b64encode(inputs.user_data.encode()).decode()
        port = self._port(inputs, identity)
        body = {
            "name": inputs.name,
            **disk,
            "flavorRef": flavour,
            "key_name": inputs.key_pair,
            "availability_zone": self._account.zone,
            "networks": [{"port": port}],
            "metadata": marks.metadata(identity, **_notes(inputs, image)),
            "tags": [_tag(identity.urn)],
            **({"user_data": script} if script else {}),
        }
        hide = (script, inputs.user_data) if script else ()
        try:
            with self._groups.joined(identity.stack, inputs.apart) as group:
                whole = {"server": body, **({"os:scheduler_hints": {"group": group}} if group else {})}
                made = self._client.call("compute", "POST", "/servers", body=whole, hide=hide)["server"]
        except PortError as exc:
            if exc.reason in _SURE:
                self._drop_port(port)
            # Else the server may be there: the next try finds it, or takes the port that stands ready.
            raise
        server = self._booted(made["id"])
        if server is None:
            raise Stuck(made["id"], "the server is still not active")
        if server["status"] != "ACTIVE":
            raise self._failed(server)
        return self._whole(made["id"], console_s=self._account.seconds("host_key_s", _KEY_S))

    def get(self, object_id: str, /) -> Any | None:
        """The server with its port and host key."""
        return self._whole(object_id, console_s=0.0) if is_id(object_id) else None

    def all(self, urn: str, /) -> list[Any]:
        """The project's servers; their ports are asked for once, their consoles not at all."""
        query = {"tags": _tag(urn)} if urn else {}
        servers = list(self._client.pages("compute", "/servers/detail", "servers", query))
        if not servers:
            return []
        ports = self._client.pages("network", "/ports", "ports", {"project_id": self._client.project})
        by_server: dict[str, Any] = {}
        for port in ports:
            by_server.setdefault(port["device_id"], port)
        return [{"server": server, "port": by_server.get(server["id"]), "host_key": ""} for server in servers]

    def see(self, raw: Any, given: ServerInputs | None, /) -> Seen:
        """Everything but the first-boot script is told."""
        server, port = raw["server"], raw["port"]
        found = marks.of_metadata(server["metadata"])
        image_id = str((server["image"] or {}).get("id", "")) or found["image"]
        image = self._images.by_id(image_id)
        addresses = port["fixed_ips"] if port else []
        groups = tuple(sorted(port["security_groups"])) if port else ()
        if given is not None and groups == tuple(sorted(given.firewalls)):
            groups = given.firewalls
        name = self._images.name_of(image_id)
        if given is not None and self._account.alias("image", given.image) in {image_id, name}:
            name = given.image
        live = {
            "name": server["name"],
            "shape": self._images.shape_of(server["flavor"]["original_name"]),
            "image": name,
            "subnet": addresses[0]["subnet_id"] if addresses else "",
            "firewalls": groups,
            "key_pair": server["key_name"] or "",
            "apart": found["apart"],
            "boot_volume": found["boot"] if found["boot"] in _volumes_at(server) else "",
        }
        zone = server.get(_ZONE)
        placement = [self._account.zonal(what, self._account.zone, zone) for what in ("resource", "disk", "log")]
        if not found["boot"]:
            known = self._images.stored(image) if image else Placement("image", f"image {image_id}", "unknown")
            placement.append(known)
        outputs = {
            "address": addresses[0]["ip_address"] if addresses else "",
            "ssh_port": SSH_PORT,
            "ssh_user": self._images.user_of(image),
            "host_key": raw["host_key"],
        }
        reasons = () if server["status"] == "ACTIVE" else (f"the server is {server['status']}{_fault(server)}",)
        if not addresses:
            reasons = (*reasons, "it has no address")
        return Seen(server["id"], found, live, tuple(placement), outputs, reasons)

    def change(self, raw: Any, new: ServerInputs, /) -> Any:
        """Start it, give it its firewalls, give it its size."""
        object_id = raw["server"]["id"]
        server = self._settled(object_id, self._account.seconds("boot_s", BOOT_S))
        server = self._running(server)
        port = raw["port"]
        if port is not None and set(port["security_groups"]) != set(new.firewalls):
            body = {"port": {"security_groups": list(new.firewalls)}}
            self._client.call("network", "PUT", f"/ports/{part(port['id'])}", body=body)
        wanted = self._account.alias("shape", new.shape)
        if server["status"] == "ACTIVE" and server["flavor"]["original_name"] != wanted:
            self._act(object_id, {"resize": {"flavorRef": self._images.flavour(new.shape)}})
            self._running(self._settled(object_id, STEP_S))
        return self._whole(object_id, console_s=0.0)

    def drop(self, object_id: str, /) -> None:
        """Delete its port, then it, and wait until it is gone."""
        server = self._client.get("compute", f"/servers/{part(object_id)}", "server") if is_id(object_id) else None
        if server is None:
            return
        if server.get("locked"):
            raise PortError("the server is locked at the cloud", reason="in-use", where=object_id)
        # Nova lets go of the port of a server that failed, so it is known by its marks too.
        found = marks.of_metadata(server["metadata"])
        queries = [{"device_id": object_id}]
        if found.identity is not None:
            queries.append({"description": marks.description(found.identity, workload=found["workload"])})
        ports = {port["id"] for query in queries for port in self._client.pages("network", "/ports", "ports", query)}
        for port in sorted(ports):
            self._drop_port(port)
        delete(self._account, "compute", f"/servers/{part(object_id)}", "server", within_s=GONE_S)
        if found["apart"] and found.identity is not None:
            self._groups.clear(found.identity.stack)

    # -- below: steps of these --

    def _boot_disk(self, inputs: ServerInputs) -> dict[str, Any]:
        """The part of a new server's description that names the volume it starts from; the volume outlives it."""
        volume = self._volumes.settled(inputs.boot_volume) if is_id(inputs.boot_volume) else None
        if volume is None:
            raise PortError(f"no volume {inputs.boot_volume!r} here", reason="not-found", where=inputs.name)
        if volume["status"] != "available":
            raise PortError(f"the volume is {volume['status']}", reason="in-use", where=inputs.boot_volume)
        if volume["bootable"] != "true":
            path = f"/volumes/{part(volume['id'])}/action"
            self._client.call("volume", "POST", path, body={"os-set_bootable": {"bootable": True}})
        disk = {"source_type": "volume", "destination_type": "volume", "uuid": volume["id"], "boot_index": 0}
        return {"block_device_mapping_v2": [{**disk, "delete_on_termination": False}]}

    def _port(self, inputs: ServerInputs, identity: Identity) -> str:
        """The port of this very intent: the one that stands ready from a try before, or a new one."""
        subnet = (
            self._client.get("network", f"/subnets/{part(inputs.subnet)}", "subnet") if is_id(inputs.subnet) else None
        )
        if subnet is None:
            raise PortError(f"no subnet {inputs.subnet!r} here", reason="not-found", where=inputs.name)
        text = marks.description(identity, workload=inputs.workload)
        query = {"network_id": subnet["network_id"], "description": text}
        for port in self._client.pages("network", "/ports", "ports", query):
            if port["description"] == text and not port["device_id"]:
                return str(port["id"])
        body = {
            "name": inputs.name,
            "network_id": subnet["network_id"],
            "fixed_ips": [{"subnet_id": inputs.subnet}],
            "security_groups": list(inputs.firewalls),
            "description": text,
        }
        return str(self._client.call("network", "POST", "/ports", body={"port": body})["port"]["id"])

    def _drop_port(self, port: str) -> None:
        delete(self._account, "network", f"/ports/{part(port)}", "port")

    def _booted(self, object_id: str) -> Any | None:
        """The new server once it is active or failed; None when it is neither in time."""
        server = self._settled(object_id, self._account.seconds("boot_s", BOOT_S))
        return server if server["status"] in {"ACTIVE", "ERROR"} else None

    def _failed(self, server: Any) -> PortError:
        """What a failed server says; it is deleted first, or stays and is told."""
        fault = server.get("fault") or {}
        said = str(fault.get("message") or "the cloud gives no reason")
        no_host = "no valid host" in said.lower() or "exceeded maximum number of retries" in said.lower()
        try:
            self.drop(server["id"])
        except PortError:
            return Stuck(server["id"], f"the server failed: {said}")
        return PortError(
            f"the server failed: {said}",
            reason="capacity" if no_host else "invalid",
            vendor_code="NoValidHost" if no_host else f"fault {fault.get('code', '')}".strip(),
            where=server["name"],
        )

    def _settled(self, object_id: str, within_s: float) -> Any:
        """The server once nothing is under way with it; whatever it is when that takes too long.

        Raises:
            PortError: It is gone.
        """
        path = f"/servers/{part(object_id)}"

        def look() -> Any | None:
            server = self._client.get("compute", path, "server")
            if server is None:
                raise PortError("the server is gone", reason="not-found", where=object_id)
            busy = server.get("OS-EXT-STS:task_state") or server["status"] in {
                "BUILD",
                "RESIZE",
                "REBUILD",
                "MIGRATING",
            }
            return None if busy else server

        return (
            patiently(look, closed=self._account.closed, within_s=within_s)
            or self._client.call("compute", "GET", path)["server"]
        )

    def _running(self, server: Any) -> Any:
        """The server, started, with no resize left open."""
        act = {"SHUTOFF": {"os-start": None}, "VERIFY_RESIZE": {"confirmResize": None}}
        if server["status"] not in act:
            return server
        self._act(server["id"], act[server["status"]])
        before = server["status"]

        def look() -> Any | None:
            found = self._settled(server["id"], STEP_S)
            return None if found["status"] == before else found

        return patiently(look, closed=self._account.closed, within_s=STEP_S) or server

    def _act(self, object_id: str, body: Any) -> Any:
        return self._client.call("compute", "POST", f"/servers/{part(object_id)}/action", body=body)

    def _whole(self, object_id: str, *, console_s: float) -> Any | None:
        server = self._client.get("compute", f"/servers/{part(object_id)}", "server")
        if server is None or server["status"] == "DELETED":
            return None
        ports = list(self._client.pages("network", "/ports", "ports", {"device_id": object_id}))
        return {
            "server": server,
            "port": ports[0] if ports else None,
            "host_key": patiently(lambda: self._key(object_id) or None, closed=self._account.closed, within_s=console_s)
            or "",
        }

    def _key(self, object_id: str) -> str:
        """The host key on the console; a cloud that shows no console has none to tell."""
        try:
            found = self._act(object_id, {"os-getConsoleOutput": {}})
        except PortError as exc:
            if exc.reason in {"auth", "not-found", "conflict", "invalid", "transient"}:
                return ""
            raise
        return host_key(str(found["output"] or ""))


def _notes(inputs: ServerInputs, image: dict[str, Any]) -> dict[str, str]:
    """What Nova would not tell again."""
    notes = {"workload": inputs.workload}
    if inputs.apart:
        notes["apart"] = inputs.apart
    if inputs.boot_volume:
        notes |= {"boot": inputs.boot_volume, "image": image["id"]}
    return notes


def _volumes_at(server: Any) -> set[str]:
    return {volume["id"] for volume in server.get("os-extended-volumes:volumes_attached", ())}


def _tag(urn: str) -> str:
    return f"{marks.URN}={urn}"


def _fault(server: Any) -> str:
    said = (server.get("fault") or {}).get("message")
    return f": {said}" if said else ""
