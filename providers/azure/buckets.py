"""Buckets are storage accounts with one container: in one location, opened by Azure's own log-in only, never public.

Versions and replication belong to an account and not to a container, so each bucket has an account of its own. An
account's name is unique in the world and holds no hyphen: it is made of the intent, and the bucket's name is its
container's.
"""

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any, ClassVar

from providers.azure.account import Account, reasons
from providers.azure.names import STORE, last, tags_of
from providers.kit.noun import Query, Seen
from providers.kit.tags import identity_of
from providers.kit.tags import tags_of as identity_tags
from providers.ports import Identity, PortError
from pse.core.schema import BucketInputs, Placement

NAMED = "pse-bucket"
"""Tag: name of the bucket, which is its container's."""
CLOSED: Mapping[str, Any] = MappingProxyType(
    {
        "allowBlobPublicAccess": False,
        "allowCrossTenantReplication": False,
        "allowSharedKeyAccess": False,
        "minimumTlsVersion": "TLS1_2",
        "supportsHttpsTrafficOnly": True,
    }
)
"""Nobody comes in without a log-in that is known by name: an account's key opens all of it to whoever has it."""
_STAYS = ("_LRS", "_ZRS")
"""Endings of the classes whose copies stay in the location; others copy to another one."""
_CONTAINERS, _SERVICES = "storage.blob_containers", "storage.blob_services"
Raw = Mapping[str, Any]


class Buckets:
    """See `providers.kit.noun.Noun`. An account's name is the intent's only, and a repeated PUT is the same."""

    settle_s: ClassVar[float] = 0

    def __init__(self, account: Account) -> None:
        """Remember the account."""
        self._account = account

    def make(self, inputs: BucketInputs, identity: Identity) -> str:
        """PUT of an account without a container."""
        object_id = self._account.path(STORE, f"pse{identity.op[:21]}".lower())
        body = {
            "location": self._account.location,
            "tags": {**identity_tags(identity), NAMED: inputs.name},
            "sku": {"name": "Standard_LRS"},
            "kind": "StorageV2",
            "properties": dict(CLOSED),
        }
        self._account.put(object_id, body)
        return object_id

    def finish(self, object_id: str, inputs: BucketInputs) -> None:
        """Shut it, and bring versions, container and retention to those wanted."""
        raw = self._account.succeeded(object_id, STORE)
        name = str(raw["name"])
        if _opened(raw):
            self._account.patch(object_id, {"properties": dict(CLOSED)})
        service = self._account.part(f"{_SERVICES}.get_service_properties", name) or {}
        if _versions(service) != inputs.versioning:
            cors = {key: service["properties"][key] for key in ("cors",) if (service.get("properties") or {}).get(key)}
            body = {"properties": {**cors, "isVersioningEnabled": inputs.versioning}}
            self._account.change(f"{_SERVICES}.set_service_properties", name, body)
        container = self._account.part(f"{_CONTAINERS}.get", name, inputs.name)
        if container is None or _public(container):
            body = {"properties": {"publicAccess": "None"}}
            verb = "create" if container is None else "update"
            self._account.change(f"{_CONTAINERS}.{verb}", name, inputs.name, body)
        self._retain(name, inputs.name, _policy(container or {}), inputs.retention_days)

    def seen(self, query: Query, known: BucketInputs | None) -> Iterator[Seen]:  # noqa: ARG002
        """One, or all of the resource group; strangers' without what is in them."""
        one = self._account.get(query.id, STORE) if query.id else None
        for raw in self._account.all(STORE) if not query.id else [one] if one else []:
            object_id, identity = self._account.path(STORE, raw["name"]), identity_of(tags_of(raw))
            if identity is None:
                yield Seen(id=object_id, name="", identity=None, inputs={}, placement=self._placement(raw))
                continue
            name = tags_of(raw).get(NAMED, "")
            service = self._account.part(f"{_SERVICES}.get_service_properties", raw["name"]) or {}
            container = self._account.part(f"{_CONTAINERS}.get", raw["name"], name)
            live = _policy(container or {})
            blobs = str((raw["properties"].get("primaryEndpoints") or {}).get("blob") or "")
            why = [
                *reasons(raw),
                *(("it lets in whom it may not",) if _opened(raw) or _public(container or {}) else ()),
            ]
            yield Seen(
                id=object_id,
                name=name,
                identity=identity,
                inputs={
                    "versioning": _versions(service),
                    "retention_days": _days(live) if _is_locked(live) else 0,
                },
                outputs={"url": f"{blobs}{name}"},
                placement=(*self._placement(raw), *self._replicas(raw)),
                reasons=(*why, *(() if container is not None else ("its container is missing",))),
            )

    def remove(self, object_id: str) -> None:
        """DELETE of an account with nothing in it: Azure would take with it whatever there is."""
        raw = self._account.get(object_id, STORE)
        for container in self._account.parts(_CONTAINERS, last(object_id)) if raw is not None else ():
            if self._account.has_blobs(last(object_id), str(container["name"])):
                said = f"{last(object_id)} has objects in {container['name']}"
                raise PortError(said, reason="in-use", vendor_code="ContainerNotEmpty", where=self._account.place)
        self._account.delete(object_id, STORE)

    def _retain(self, account: str, container: str, live: Raw, days: int) -> None:
        """Keep what is in a container from everybody for some days: a locked policy, which can only grow."""
        if not days or (_is_locked(live) and _days(live) >= days):
            return
        body = {"properties": {"immutabilityPeriodSinceCreationInDays": days}}
        at = f"{_CONTAINERS}.{{}}_immutability_policy".format
        if _is_locked(live):
            self._account.change(at("extend"), account, container, body, unless_changed=str(live["etag"]))
            return
        etag = str(live.get("etag") or "")
        made = self._account.change(at("create_or_update"), account, container, body, unless_changed=etag)
        with self._account.errors():
            self._account.change(at("lock"), account, container, unless_changed=str(made["etag"]))

    def _placement(self, raw: Raw) -> tuple[Placement, ...]:
        found = self._account.located(raw)
        sku, live = str((raw.get("sku") or {}).get("name", "?")), raw["properties"]
        if not sku.endswith(_STAYS):
            found.append(Placement("replica", f"{sku} in {live.get('secondaryLocation') or '?'}", "unknown"))
        key = live.get("encryption") or {}
        if key.get("keySource", "Microsoft.Storage") != "Microsoft.Storage":
            where = (key.get("keyvaultproperties") or {}).get("keyvaulturi")
            found.append(Placement("key", str(where or "?"), "unknown"))
        return tuple(found)

    def _replicas(self, raw: Raw) -> Iterator[Placement]:
        """Accounts that objects are copied to as they are written."""
        for policy in self._account.parts("storage.object_replication_policies", str(raw["name"])):
            to = (policy.get("properties") or {}).get("destinationAccount")
            yield Placement("replica", str(to or "?"), "unknown")


def _opened(raw: Raw) -> bool:
    return any(raw["properties"].get(key) != value for key, value in CLOSED.items())


def _public(container: Raw) -> bool:
    return str((container.get("properties") or {}).get("publicAccess") or "None") != "None"


def _versions(service: Raw) -> bool:
    return bool((service.get("properties") or {}).get("isVersioningEnabled"))


def _policy(container: Raw) -> Raw:
    """What a container keeps its objects by: its etag, and under ``properties`` the rest."""
    return (container.get("properties") or {}).get("immutabilityPolicy") or {}


def _days(policy: Raw) -> int:
    return int((policy.get("properties") or {}).get("immutabilityPeriodSinceCreationInDays") or 0)


def _is_locked(policy: Raw) -> bool:
    return (policy.get("properties") or {}).get("state") == "Locked"
