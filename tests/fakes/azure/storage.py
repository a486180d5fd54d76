"""Microsoft.Storage: accounts, their blob service, containers and how long those keep what is in them."""

import re
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

from tests.fakes.azure.errors import ArmError, invalid
from tests.fakes.azure.kinds import Kind, Raw, Rules

if TYPE_CHECKING:
    from tests.fakes.azure.cloud import Azure

VERSION = "2026-09-01"
ACCOUNT = "Microsoft.Storage/storageAccounts"
CONTAINER = f"{ACCOUNT}/blobServices/containers"
POLICY = f"{CONTAINER}/immutabilityPolicies"
_NAME = re.compile(r"[a-z0-9]{3,24}")
_CONTAINER = re.compile(r"[a-z0-9](?:-?[a-z0-9]){2,62}")
_MOST_DAYS = 146000


class Accounts(Rules):
    """Names are unique in the world; an account is open to keys and, where somebody says so, to the public."""

    def put(self, cloud: "Azure", new: Raw, before: Raw | None) -> None:
        """Name and class; what the service fills in."""
        name, given = new["name"], new["properties"]
        if not _NAME.fullmatch(name):
            said = f"{name} is not a valid storage account name: 3 to 24 lower-case letters and digits."
            raise invalid(said, "AccountNameInvalid")
        if name in cloud.taken:
            said = f"The storage account named {name} is already taken."
            raise ArmError(409, "StorageAccountAlreadyTaken", said)
        given.setdefault("allowBlobPublicAccess", False)
        given.setdefault("allowSharedKeyAccess", True)
        given.setdefault("encryption", {"keySource": "Microsoft.Storage"})
        given["primaryEndpoints"] = {"blob": f"https://{name}.blob.core.windows.net/"}
        given["primaryLocation"] = new["location"]
        if not new["sku"]["name"].endswith(("_LRS", "_ZRS")):
            given["secondaryLocation"] = "uaecentral"
        if before is None:
            path = f"{new['id']}/blobServices/default"
            service = {"id": path, "name": "default", "type": f"{ACCOUNT}/blobServices", "properties": {}}
            cloud.resources[path.lower()] = service

    def patch(self, cloud: "Azure", raw: Raw, body: Raw) -> None:
        """What the body has."""
        raw["properties"].update(body.get("properties") or {})

    def free(self, cloud: "Azure", raw: Raw) -> None:
        """Nothing that has to be kept may be in it."""
        for policy in cloud.of(POLICY):
            if _is_in(policy, raw):
                _kept(cloud, policy)

    def gone(self, cloud: "Azure", raw: Raw) -> None:
        """All that is in it goes too."""
        for key in [key for key, one in cloud.resources.items() if _is_in(one, raw)]:
            del cloud.resources[key]
        for where in [where for where in cloud.blobs if where[0] == raw["name"]]:
            del cloud.blobs[where]


class Inside(Rules):
    """Something in an account, without a state."""

    def put(self, cloud: "Azure", new: Raw, before: Raw | None) -> None:
        """Its parent is there."""
        parent = new["id"].rsplit("/", 2)[0]
        parent = parent.removesuffix("/blobServices/default") if new["type"] == CONTAINER else parent
        if cloud.get(parent) is None:
            raise ArmError(404, "ParentResourceNotFound", f"Can not perform requested operation: no {parent}.")

    def view(self, cloud: "Azure", raw: Raw) -> Raw:
        """Without a state: it has none."""
        raw["properties"].pop("provisioningState", None)
        return raw


class Services(Inside):
    """The blob service of an account; there is one, from the beginning."""

    def put(self, cloud: "Azure", new: Raw, before: Raw | None) -> None:
        """It is called so."""
        super().put(cloud, new, before)
        if new["name"] != "default":
            raise invalid("A blob service is called default.", "InvalidResourceName")


class Containers(Inside):
    """Containers."""

    def put(self, cloud: "Azure", new: Raw, before: Raw | None) -> None:
        """Name, and whether the account lets it be public."""
        super().put(cloud, new, before)
        self._check(cloud, new)
        if not _CONTAINER.fullmatch(new["name"]):
            raise invalid("The specified resource name contains invalid characters.", "InvalidResourceName")
        new["properties"].setdefault("publicAccess", "None")

    def patch(self, cloud: "Azure", raw: Raw, body: Raw) -> None:
        """What the body has."""
        raw["properties"].update(body.get("properties") or {})
        self._check(cloud, raw)

    def view(self, cloud: "Azure", raw: Raw) -> Raw:
        """With how long it keeps what is in it."""
        policy = cloud.get(f"{raw['id']}/immutabilityPolicies/default")
        raw["properties"]["hasImmutabilityPolicy"] = policy is not None
        if policy is not None:
            kept = {key: value for key, value in policy["properties"].items() if key != "provisioningState"}
            raw["properties"]["immutabilityPolicy"] = {"etag": policy["etag"], "properties": kept}
        return super().view(cloud, raw)

    def _check(self, cloud: "Azure", raw: Raw) -> None:
        account = cloud.get(raw["id"].partition("/blobServices/")[0]) or {}
        public = raw["properties"].get("publicAccess", "None") != "None"
        if public and not account["properties"]["allowBlobPublicAccess"]:
            said = "Public access is not permitted on this storage account."
            raise ArmError(409, "PublicAccessNotPermitted", said)


class Policies(Inside):
    """How long a container keeps its objects: a locked one can only grow."""

    def put(self, cloud: "Azure", new: Raw, before: Raw | None) -> None:
        """Days, and that it is not locked."""
        super().put(cloud, new, before)
        if before is not None and before["properties"]["state"] == "Locked":
            raise ArmError(409, "ContainerImmutabilityPolicyLocked", "The policy is locked.")
        _check_days(new["properties"].get("immutabilityPeriodSinceCreationInDays", 0))
        new["properties"]["state"] = "Unlocked"

    def act(self, cloud: "Azure", raw: Raw, action: str, body: Raw | None) -> Raw:
        """Lock or extend it."""
        live = raw["properties"]
        if action == "lock":
            live["state"] = "Locked"
        elif action == "extend" and live["state"] == "Locked":
            days = ((body or {}).get("properties") or {}).get("immutabilityPeriodSinceCreationInDays", 0)
            _check_days(days, least=live["immutabilityPeriodSinceCreationInDays"])
            live["immutabilityPeriodSinceCreationInDays"] = days
        else:
            raise ArmError(409, "OperationNotAllowed", f"The policy cannot do this now: {action}.")
        return raw


def listing(cloud: "Azure", account: str, container: str, most: int) -> bytes:
    """What a container has, as the data plane lists it.

    Raises:
        ArmError: There is no such container.
    """
    found = [raw for raw in cloud.of(CONTAINER) if (raw["id"].split("/")[8], raw["name"]) == (account, container)]
    if not found:
        raise ArmError(404, "ContainerNotFound", "The specified container does not exist.")
    names = cloud.blobs.get((account, container), [])[:most]
    of = (
        "<Properties><Last-Modified>Wed, 01 Jul 2026 00:00:00 GMT</Last-Modified><Etag>0x1</Etag>"
        "<Content-Length>1</Content-Length><BlobType>BlockBlob</BlobType></Properties>"
    )
    blobs = "".join(f"<Blob><Name>{escape(name)}</Name>{of}</Blob>" for name in names)
    return (
        f'<?xml version="1.0" encoding="utf-8"?><EnumerationResults ServiceEndpoint="" ContainerName="{container}">'
        f"<Blobs>{blobs}</Blobs><NextMarker /></EnumerationResults>"
    ).encode()


def _check_days(days: int, least: int = 1) -> None:
    if not least <= days <= _MOST_DAYS:
        raise invalid(f"The period has to be between {least} and {_MOST_DAYS} days.", "InvalidParameter")


def _kept(cloud: "Azure", policy: Raw) -> None:
    account, _, container = policy["id"].split("/")[8:13:2]
    if policy["properties"]["state"] == "Locked" and cloud.blobs.get((account, container)):
        said = f"The container {container} is protected from deletion by its policy."
        raise ArmError(409, "ContainerProtectedFromDeletion", said)


def _is_in(raw: Raw, account: Raw) -> bool:
    return bool(raw["id"].lower().startswith(f"{account['id'].lower()}/"))


def _inside(type_: str, model: str, patch: str, rules: Rules, accepted: int = 200) -> Kind:
    return Kind("Microsoft.Storage", type_, VERSION, model, patch, rules, tags=False, sync=True, accepted=accepted)


KINDS = (
    Kind(
        "Microsoft.Storage",
        "storageAccounts",
        VERSION,
        "StorageAccountCreateParameters",
        "StorageAccountUpdateParameters",
        Accounts(),
        conditional=False,
        accepted=202,
        located=True,
    ),
    _inside("storageAccounts/blobServices", "BlobServiceProperties", "", Services()),
    _inside("storageAccounts/blobServices/containers", "BlobContainer", "BlobContainer", Containers(), 201),
    _inside("storageAccounts/blobServices/containers/immutabilityPolicies", "ImmutabilityPolicy", "", Policies()),
    _inside("storageAccounts/objectReplicationPolicies", "ObjectReplicationPolicy", "", Inside()),
)
