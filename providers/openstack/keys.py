"""Key pairs. Nova keeps nothing with one but its name, so the name carries the marks; it belongs to the user."""

from typing import Any

from providers.kit.sshkeys import blob, fingerprint, must_be_key
from providers.openstack import marks
from providers.openstack.account import Account, Seen
from providers.openstack.client import part
from providers.openstack.network import delete
from providers.ports import Identity
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
        must_be_key(inputs.public_key, where=inputs.name)
        body = {"name": name, "public_key": inputs.public_key, "type": "ssh"}
        return self._client.call("compute", "POST", "/os-keypairs", body={"keypair": body})["keypair"]

    def get(self, object_id: str, /) -> Any | None:
        """The key pair."""
        return self._client.get("compute", f"/os-keypairs/{part(object_id)}", "keypair") if object_id else None

    def all(self, _urn: str, /) -> list[Any]:
        """The user's key pairs."""
        return [found["keypair"] for found in self._client.pages("compute", "/os-keypairs", "keypairs")]

    def see(self, raw: Any, given: KeyPairInputs | None, /) -> Seen:
        """Name and key; the comment behind the key, and the end of its line, are not part of it."""
        name, found = marks.of_key_name(raw["name"])
        key = str(raw["public_key"])
        if given is not None and blob(key) and blob(key) == blob(given.public_key):
            key = given.public_key
        live = {"name": name, "public_key": key}
        return Seen(raw["name"], found, live, (self._account.regional(),), {"fingerprint": fingerprint(key)})

    def change(self, raw: Any, _new: KeyPairInputs, /) -> Any:
        """Nothing changes in place."""
        return raw

    def drop(self, object_id: str, /) -> None:
        """Delete it."""
        if object_id:
            delete(self._account, "compute", f"/os-keypairs/{part(object_id)}", "keypair")
