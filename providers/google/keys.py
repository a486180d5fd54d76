"""Key pairs: public keys that new servers take. Compute Engine has no such object.

What the neutral kind needs is a place where a public key stands under a name until a server takes it. That is the
project's metadata, under a key that no guest reads: unlike ``ssh-keys`` there, it opens no server by itself. A server
gets the key pair that it names into its own metadata, and shuts the project's ``ssh-keys`` out.

The metadata is one object for the whole project, changed as a whole with a fingerprint: whoever comes second reads it
again.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, ClassVar

from providers.google.account import Account
from providers.google.marks import plain_name
from providers.google.network import DESCRIPTION
from providers.kit.descriptions import read, written
from providers.kit.noun import Query, Seen
from providers.kit.sshkeys import blob, fingerprint, must_be_key
from providers.kit.tags import made_name
from providers.ports import Identity, PortError
from pse.core.schema import KeyPairInputs, Placement

PREFIX = "pse-key-"
"""Of the keys in the project's metadata."""
FOREIGN = "ssh-keys"
"""Where the project keeps the keys that open every server which does not shut them out: ``user:key`` lines."""
Items = dict[str, str]


class KeyPairs:
    """See `providers.kit.noun.Noun`. The id ends in the intent; setting it again changes nothing."""

    settle_s: ClassVar[float] = 0

    def __init__(self, account: Account) -> None:
        """Remember the account."""
        self._account = account

    def make(self, inputs: KeyPairInputs, identity: Identity) -> str:
        """projects.setCommonInstanceMetadata, with one key more."""
        given = inputs.public_key.strip()
        must_be_key(given, where=inputs.name)
        name = made_name(inputs.name, identity)
        value = f"{written(identity, most=DESCRIPTION, workload=inputs.workload)}\n{given}"
        self._change(lambda items: items | {f"{PREFIX}{name}": value})
        return name

    def finish(self, object_id: str, inputs: KeyPairInputs) -> None:
        """Nothing: it is usable when it is there, and nothing of it is changed."""

    def seen(self, query: Query, known: KeyPairInputs | None) -> Iterator[Seen]:
        """projects.get."""
        given = known.public_key if known is not None else ""
        _, items = self._items()
        for key, value in items.items():
            name = key.removeprefix(PREFIX)
            if name != key and query.id in {"", name}:
                text, _, live = value.partition("\n")
                identity, notes = read(text)
                yield self._pair(name, live, given, identity, notes.get("workload", ""))
        for line in items.get(FOREIGN, "").splitlines():
            live = line.partition(":")[2].strip()
            if blob(live) and query.id in {"", fingerprint(live)}:
                yield self._pair(fingerprint(live), live, given, None, "")

    def remove(self, object_id: str) -> None:
        """projects.setCommonInstanceMetadata, with one key less; a stranger's is left to him.

        Raises:
            PortError: It is one of the project's own ``ssh-keys``.
        """
        if object_id.startswith("SHA256:"):
            raise PortError(f"{object_id} is in the project's {FOREIGN}", reason="invalid", where=self._account.place)
        self._change(lambda items: {key: value for key, value in items.items() if key != f"{PREFIX}{object_id}"})

    def _pair(self, name: str, live: str, given: str, identity: Identity | None, workload: str) -> Seen:
        # The comment behind the key is not part of it.
        same = bool(blob(live)) and blob(live) == blob(given)
        return Seen(
            id=name,
            name=plain_name(name, identity),
            identity=identity,
            inputs={"public_key": given if same else live, "workload": workload},
            outputs={"fingerprint": fingerprint(live)},
            # The project's metadata is global, and holds a public key and whose it is.
            placement=(Placement("resource", self._account.place, "set"),),
        )

    def _items(self) -> tuple[str, Items]:
        return items_of(self._account.call("GET", "", query={})["commonInstanceMetadata"])

    def _change(self, changed: Callable[[Items], Items]) -> None:
        def change() -> None:
            stamp, items = self._items()
            wanted = changed(items)
            if wanted != items:
                listed = [{"key": key, "value": value} for key, value in wanted.items()]
                self._account.act("POST", "setCommonInstanceMetadata", {"fingerprint": stamp, "items": listed})

        self._account.agreed(change, what="the project's metadata", seconds=120)


def items_of(metadata: Mapping[str, Any]) -> tuple[str, Items]:
    """Fingerprint and items of metadata."""
    items = {str(item["key"]): str(item.get("value", "")) for item in metadata.get("items", ())}
    return str(metadata.get("fingerprint", "")), items


def public_key(account: Account, object_id: str) -> str:
    """The public key of a key pair.

    Raises:
        PortError: There is no such key pair.
    """
    _, items = items_of(account.call("GET", "", query={})["commonInstanceMetadata"])
    value = items.get(f"{PREFIX}{object_id}")
    if value is None:
        raise PortError(f"no key pair {object_id!r} here", reason="not-found", where=account.place)
    return value.partition("\n")[2]
