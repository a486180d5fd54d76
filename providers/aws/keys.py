"""Key pairs: a public key that new servers take at their first boot."""

import base64
import binascii
import hashlib
from collections.abc import Iterator
from typing import ClassVar

from providers.aws.account import Account
from providers.aws.store import Query, Seen
from providers.aws.tags import filters, plain, specifications
from providers.ports import Identity
from pse.core.schema import KeyPairInputs, Placement


class KeyPairs:
    """See `providers.aws.store.Noun`. The id is the key's name; it ends in the intent's token, and is unique."""

    settle_s: ClassVar[float] = 0

    def __init__(self, account: Account) -> None:
        """Remember the account."""
        self._account = account

    def make(self, inputs: KeyPairInputs, identity: Identity) -> str:
        """ImportKeyPair."""
        made = self._account.call(
            "import_key_pair",
            KeyName=f"{inputs.name}-{identity.op[:12]}",
            PublicKeyMaterial=inputs.public_key.encode(),
            TagSpecifications=specifications(inputs.name, identity, "key-pair"),
        )
        return str(made["KeyName"])

    def finish(self, object_id: str, inputs: KeyPairInputs) -> None:
        """Nothing: it is usable when it is there, and nothing of it is changed."""

    def seen(self, query: Query, known: KeyPairInputs | None) -> Iterator[Seen]:
        """DescribeKeyPairs, with the keys."""
        given = known.public_key if known is not None else ""
        wanted = filters("key-name", query.id, query.tags)
        for raw in self._account.pages("describe_key_pairs", "KeyPairs", Filters=wanted, IncludePublicKey=True):
            live = str(raw.get("PublicKey", "")).strip()
            # The comment behind the key is not part of it, and EC2 writes its own there.
            same = _blob(live) == _blob(given) or not live
            yield Seen(
                id=raw["KeyName"],
                tags=plain(raw.get("Tags", ())),
                inputs={"public_key": given if given and same else live},
                outputs={"fingerprint": fingerprint(live or given)},
                placement=(Placement("resource", self._account.place, "set"),),
            )

    def remove(self, object_id: str) -> None:
        """DeleteKeyPair."""
        self._account.call("delete_key_pair", KeyName=object_id)


def fingerprint(public_key: str) -> str:
    """``SHA256:…`` as OpenSSH shows it: EC2's own is of another kind for each type of key. Empty without a key."""
    blob = _blob(public_key)
    return "SHA256:" + base64.b64encode(hashlib.sha256(blob).digest()).decode().rstrip("=") if blob else ""


def _blob(public_key: str) -> bytes:
    parts = public_key.split()
    try:
        return base64.b64decode(parts[1], validate=True) if len(parts) > 1 else b""
    except binascii.Error:
        return public_key.encode()
