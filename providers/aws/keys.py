"""Key pairs: a public key that new servers take at their first boot."""

from collections.abc import Iterator
from typing import ClassVar

from providers.aws.account import Account
from providers.aws.tags import filters, owner, specifications
from providers.kit.noun import Query, Seen
from providers.kit.sshkeys import blob, fingerprint, must_be_key
from providers.kit.tags import made_name
from providers.ports import Identity
from pse.core.schema import KeyPairInputs, Placement


class KeyPairs:
    """See `providers.kit.noun.Noun`. The id is the key's name; it ends in the intent's token, and is unique."""

    settle_s: ClassVar[float] = 0

    def __init__(self, account: Account) -> None:
        """Remember the account."""
        self._account = account

    def make(self, inputs: KeyPairInputs, identity: Identity) -> str:
        """ImportKeyPair."""
        must_be_key(inputs.public_key, where=inputs.name)
        made = self._account.call(
            "import_key_pair",
            KeyName=made_name(inputs.name, identity),
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
            same = (bool(blob(live)) and blob(live) == blob(given)) or not live
            yield Seen(
                id=raw["KeyName"],
                **owner(raw),
                inputs={"public_key": given if given and same else live},
                outputs={"fingerprint": fingerprint(live or given)},
                placement=(Placement("resource", self._account.place, "set"),),
            )

    def remove(self, object_id: str) -> None:
        """DeleteKeyPair."""
        self._account.call("delete_key_pair", KeyName=object_id)
