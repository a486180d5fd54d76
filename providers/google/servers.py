"""Servers are instances: private, without a service account, with a boot disk that goes with them."""

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from providers.google.account import Account, last
from providers.google.boot import startup_script
from providers.google.disks import disk_placement, encrypted
from providers.google.images import resolve
from providers.google.keys import items_of, public_key
from providers.google.kms import encryption
from providers.google.marks import BOOT, filtered, labelled
from providers.google.network import FIREWALLS
from providers.kit.console import host_key
from providers.kit.noun import Query, Seen
from providers.kit.tags import made_name, tags_of
from providers.ports import Identity, PortError
from pse.core.schema import Placement, ServerInputs

SSH_PORT = 22
SSH_USER = "pse"
PAIR = "pse-key-pair"
"""Metadata of an instance: the id of its key pair."""
IMAGE = "pse-image"
"""Metadata of an instance: its image as it was named. A family means a newer one some day, and that is no drift."""
HOST_KEY = "pse-host-key"
"""Metadata of an instance: its host key, as the console told it at the first boot; the console forgets."""
_STOPPED = frozenset({"STOPPED", "TERMINATED"})
Raw = Mapping[str, Any]


class Servers:
    """See `providers.kit.noun.Noun`. The name ends in the intent, and Google refuses a second one."""

    settle_s: ClassVar[float] = 0

    def __init__(self, account: Account) -> None:
        """Remember the account."""
        self._account = account
        self._path = f"{account.zonal}/instances"
        self._user = account.options.get("ssh_user", SSH_USER)

    def make(self, inputs: ServerInputs, identity: Identity) -> str:
        """instances.insert in the place's zone."""
        here = self._account.link(self._account.zonal)
        key = public_key(self._account, inputs.key_pair)
        subnet = f"{self._account.regional}/subnetworks/{inputs.subnet}"
        self._check_firewalls(subnet, inputs)
        name = made_name(inputs.name, identity)
        own = {
            "ssh-keys": f"{self._user}:{key}",
            "block-project-ssh-keys": "TRUE",
            "enable-oslogin": "FALSE",
            "serial-port-enable": "FALSE",
            "startup-script": startup_script(inputs.user_data),
            PAIR: inputs.key_pair,
            IMAGE: inputs.image,
        }
        boot: dict[str, Any] = {"boot": True, "autoDelete": not inputs.boot_volume}
        if inputs.boot_volume:
            boot["source"] = self._account.link(f"{self._account.zonal}/disks/{inputs.boot_volume}")
        else:
            image = _path_of(resolve(self._account, inputs.image))
            boot["initializeParams"] = {"sourceImage": image, "labels": {BOOT: name}}
            boot |= encrypted(encryption(self._account))
        body = {
            "name": name,
            "machineType": f"{here}/machineTypes/{inputs.shape}",
            "disks": [boot],
            # Without accessConfigs it has no public address.
            "networkInterfaces": [{"subnetwork": self._account.link(subnet)}],
            "tags": {"items": sorted(inputs.firewalls)},
            "metadata": {"items": [{"key": word, "value": value} for word, value in own.items()]},
            "labels": tags_of(identity),
        }
        return self._account.insert(self._path, body, identity.op)

    def finish(self, object_id: str, inputs: ServerInputs) -> None:
        """Wait until it runs, with the wanted tags and type: a type is changed while it is stopped."""
        raw = self._in_state(object_id, {"RUNNING", *_STOPPED})
        self._account.needed(f"{self._account.zonal}/disks/{_boot_disk(raw)}", "boot disk", of=object_id)
        if set(raw.get("tags", {}).get("items", ())) != set(inputs.firewalls):
            self._tag(object_id, inputs)
        path = f"{self._path}/{object_id}"
        if last(raw["machineType"]) != inputs.shape:
            if raw["status"] == "RUNNING":
                self._account.act("POST", f"{path}/stop")
                raw = self._in_state(object_id, set(_STOPPED))
            kind = f"{self._account.link(self._account.zonal)}/machineTypes/{inputs.shape}"
            self._account.act("POST", f"{path}/setMachineType", {"machineType": kind})
        if raw["status"] in _STOPPED:
            self._account.act("POST", f"{path}/start")
            self._in_state(object_id, {"RUNNING"})
        self._await_host_key(object_id)

    def seen(self, query: Query, known: ServerInputs | None) -> Iterator[Seen]:
        """instances.get or instances.list, and the disks that they start from."""
        one = self._account.get(f"{self._path}/{query.id}") if query.id else None
        raws = ([one] if one else []) if query.id else list(self._account.pages(self._path, **filtered(query.tags)))
        disks = self._boot_disks(raws, all_=not query.id)
        for raw in raws:
            disk = disks.get(_boot_disk(raw))
            aspects = disk_placement(self._account, disk, "disk") if disk else (Placement("disk", "?", "unknown"),)
            yield Seen(
                id=raw["name"],
                **labelled(raw),
                inputs=_inputs(raw, disk, known),
                outputs={
                    "address": str(raw.get("networkInterfaces", [{}])[0].get("networkIP", "")),
                    "ssh_port": SSH_PORT,
                    "ssh_user": self._user,
                    # One call each, so only where one server is looked at.
                    "host_key": self._host_key(raw) if query.id and raw["status"] == "RUNNING" else "",
                },
                placement=(self._account.placed("resource", raw.get("zone")), *aspects),
                reasons=() if raw["status"] == "RUNNING" else (_why(raw),),
            )

    def remove(self, object_id: str) -> None:
        """instances.delete; its boot disk goes with it, also when somebody told Google to keep it."""
        gone: PortError | None = None
        try:
            self._account.act("DELETE", f"{self._path}/{object_id}")
        except PortError as exc:
            if exc.reason != "not-found":
                raise
            gone = exc
        self._account.gone(object_id)
        disk = f"{self._account.zonal}/disks/{object_id}"
        if (self._account.get(disk) or {}).get("labels", {}).get(BOOT) == object_id:
            self._account.act("DELETE", disk)
        if gone is not None:
            raise gone

    def _in_state(self, object_id: str, states: set[str]) -> dict[str, Any]:
        def look() -> dict[str, Any] | None:
            raw = self._account.get(f"{self._path}/{object_id}")
            return raw if raw is not None and raw["status"] in states else None

        return self._account.until(look, what=f"{object_id} to be {' or '.join(sorted(states))}")

    def _check_firewalls(self, subnet: str, inputs: ServerInputs) -> None:
        """Google takes any word for a tag, and a rule counts in its own network only: both would be silent here."""
        network = last(self._account.needed(subnet, "subnet")["network"])
        for firewall in inputs.firewalls:
            found = self._account.needed(f"{FIREWALLS}/{firewall}", "firewall")
            if last(found["network"]) != network:
                raise PortError(f"{firewall} is of another network", reason="invalid", where=self._account.place)

    def _tag(self, object_id: str, inputs: ServerInputs) -> None:
        path = f"{self._path}/{object_id}"

        def change() -> None:
            tags = (self._account.get(path) or {}).get("tags", {})
            if set(tags.get("items", ())) != set(inputs.firewalls):
                self._check_firewalls(f"{self._account.regional}/subnetworks/{inputs.subnet}", inputs)
                body = {"items": sorted(inputs.firewalls), "fingerprint": tags.get("fingerprint", "")}
                self._account.act("POST", f"{path}/setTags", body)

        self._account.agreed(change, what=f"the tags of {object_id}", seconds=60)

    def _boot_disks(self, raws: list[dict[str, Any]], *, all_: bool) -> dict[str, dict[str, Any]]:
        if all_:
            return {raw["name"]: raw for raw in self._account.pages(f"{self._account.zonal}/disks")} if raws else {}
        found = (self._account.get(f"{self._account.zonal}/disks/{_boot_disk(raw)}") for raw in raws)
        return {raw["name"]: raw for raw in found if raw is not None}

    def _await_host_key(self, object_id: str) -> None:
        seconds = self._account.seconds("host_key_wait_s", 180)
        if seconds <= 0:
            return
        path = f"{self._path}/{object_id}"

        def kept() -> bool | None:
            raw = self._account.get(path) or {}
            metadata = raw.get("metadata", {})
            if HOST_KEY in items_of(metadata)[1]:
                return True
            key = self._host_key(raw) if raw else ""
            if not key:
                return None
            items = [*metadata.get("items", ()), {"key": HOST_KEY, "value": key}]
            body = {"fingerprint": metadata.get("fingerprint", ""), "items": items}
            self._account.act("POST", f"{path}/setMetadata", body)
            return True

        try:
            self._account.until(kept, what="a host key", seconds=seconds)
        except PortError:
            # It stays unknown, and nobody connects to a server whose key is not known.
            return

    def _host_key(self, raw: Raw) -> str:
        """The key that the server wrote on its console at the first boot; empty while it is not there."""
        kept = items_of(raw.get("metadata", {}))[1].get(HOST_KEY)
        if kept:
            return kept
        try:
            said = self._account.call("GET", f"{self._path}/{raw['name']}/serialPort", query={"port": "1"})
        except PortError:
            return ""
        return host_key(str(said.get("contents", "")))


def _inputs(raw: Raw, disk: Raw | None, known: ServerInputs | None) -> dict[str, Any]:
    faces = raw.get("networkInterfaces") or [{}]
    tags = tuple(sorted(raw.get("tags", {}).get("items", ())))
    _, notes = items_of(raw.get("metadata", {}))
    same = known is not None and set(known.firewalls) == set(tags)
    return {
        "shape": last(raw["machineType"]),
        "image": notes.get(IMAGE) or last((disk or {}).get("sourceImage")),
        "subnet": last(faces[0].get("subnetwork")),
        "key_pair": notes.get(PAIR, ""),
        # A disk of its own making is a part of the server.
        "boot_volume": "" if not disk or BOOT in disk.get("labels", {}) else disk["name"],
        "firewalls": known.firewalls if known is not None and same else tags,
    }


def _boot_disk(raw: Raw) -> str:
    entries: list[dict[str, Any]] = raw.get("disks", [])
    return next((last(entry.get("source")) for entry in entries if entry.get("boot")), "")


def _path_of(image: Raw) -> str:
    return f"projects/{str(image['selfLink']).partition('/projects/')[2]}"


def _why(raw: Raw) -> str:
    said = raw.get("statusMessage", "")
    return f"it is {raw['status']}" + (f": {said}" if said else "")
