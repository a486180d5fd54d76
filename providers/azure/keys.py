"""Key pairs are SSH public key resources; new servers take the key at their first boot."""

from collections.abc import Iterator
from typing import ClassVar

from providers.azure.account import NEW, Account
from providers.azure.names import KEY, owned
from providers.kit.noun import Query, Seen
from providers.kit.sshkeys import blob, fingerprint
from providers.kit.tags import made_name, tags_of
from providers.ports import Identity
from pse.core.schema import KeyPairInputs


class KeyPairs:
    """See `providers.kit.noun.Noun`. A name ends in the intent's token, so that a repeated PUT is the same."""

    settle_s: ClassVar[float] = 0

    def __init__(self, account: Account) -> None:
        """Remember the account."""
        self._account = account

    def make(self, inputs: KeyPairInputs, identity: Identity) -> str:
        """PUT, which is over when it is answered."""
        object_id = self._account.path(KEY, made_name(inputs.name, identity))
        body = {
            "location": self._account.location,
            "tags": tags_of(identity),
            "properties": {"publicKey": inputs.public_key},
        }
        self._account.put(object_id, body, NEW)
        return object_id

    def finish(self, object_id: str, inputs: KeyPairInputs) -> None:
        """Nothing: it is usable when it is there, and nothing of it is changed."""

    def seen(self, query: Query, known: KeyPairInputs | None) -> Iterator[Seen]:
        """One, or all of the resource group."""
        given = known.public_key if known is not None else ""
        one = self._account.get(query.id, KEY) if query.id else None
        for raw in self._account.all(KEY) if not query.id else [one] if one else []:
            live = str(raw["properties"].get("publicKey") or "").strip()
            # The comment behind the key is not part of it.
            is_given = bool(blob(live)) and blob(live) == blob(given)
            yield Seen(
                id=self._account.path(KEY, raw["name"]),
                **owned(raw),
                inputs={"public_key": given if is_given else live},
                outputs={"fingerprint": fingerprint(live)},
                placement=tuple(self._account.located(raw)),
            )

    def remove(self, object_id: str) -> None:
        """DELETE."""
        self._account.delete(object_id, KEY)
