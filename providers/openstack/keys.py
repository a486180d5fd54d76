"""Key pairs. Nova keeps nothing with one but its name, so the name carries the marks; it belongs to the user."""

import base64
import hashlib
from typing import Any

from providers.openstack import marks
from providers.openstack.account import Account, Seen
from providers.openstack.client import part
from providers.openstack.network import delete
from providers.ports import Identity, PortError
from pse.core.schema import KeyPairInputs


class KeyPairWork:
    """A key pair; see `providers.openstack.account.Work`. Its id is its name at Nova."""

    def __init__(self, account: Account) -> None:
        """Remember the account."""
        self._account = account
        self._client = account.client

    def make(self, inputs: KeyPairInputs, identity: Identity, /) -> Any:
        """One call; the name is this intent's only, so a second one cannot come to be."""
        name = marks.key_name(identity, inputs.name, inputs.workload)
        fingerprint(inputs.public_key, where=inputs.name)
        body = {"name": name, "public_key": inputs.public_key, "type": "ssh"}
        return self._client.call("compute", "POST", "/os-keypairs", body={"keypair": body})["keypair"]

    def get(self, object_id: str, /) -> Any | None:
        """The key pair."""
        return self._client.get("compute", f"/os-keypairs/{part(object_id)}", "keypair") if object_id else None

    def all(self, _urn: str, /) -> list[Any]:
        """The user's key pairs."""
        return [found["keypair"] for found in self._client.pages("compute", "/os-keypairs", "keypairs")]

    def see(self, raw: Any, _given: KeyPairInputs | None, /) -> Seen:
        """Name and key."""
        name, found = marks.of_key_name(raw["name"])
        key = str(raw["public_key"])
        outputs = {"fingerprint": fingerprint(key, where=name) if found.identity else _or_nothing(key)}
        return Seen(raw["name"], found, {"name": name, "public_key": key}, (self._account.regional(),), outputs)

    def change(self, raw: Any, _new: KeyPairInputs, /) -> Any:
        """Nothing changes in place."""
        return raw

    def drop(self, object_id: str, /) -> None:
        """Delete it."""
        if object_id:
            delete(self._account, "compute", f"/os-keypairs/{part(object_id)}", "keypair")


def fingerprint(public_key: str, *, where: str) -> str:
    """SHA-256 of a public key as OpenSSH writes it; Nova's own is MD5.

    Raises:
        PortError: Not a key.
    """
    try:
        blob = base64.b64decode(public_key.split()[1], validate=True)
    except (IndexError, ValueError):
        raise PortError("not a public key in OpenSSH format", reason="invalid", where=where) from None
    return "SHA256:" + base64.b64encode(hashlib.sha256(blob).digest()).decode().rstrip("=")


def _or_nothing(public_key: str) -> str:
    """A stranger's key may be of another sort."""
    try:
        return fingerprint(public_key, where="")
    except PortError:
        return ""
