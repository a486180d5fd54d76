"""How an object says whose it is, where each service can keep it in the very call that makes it.

Neutron's tags cannot be set at creation (a network's are refused, a port's dropped), so its objects carry the marks in
``description``. Nova and Cinder have metadata. A key pair has a name and nothing else.

Beside the identity stand notes: what the neutral resource knows and the cloud has no word for.
"""

from collections.abc import Mapping

import msgspec

from providers.kit.descriptions import read, written
from providers.ports import Identity, PortError

STACK, URN, OP = "pse-stack", "pse-urn", "pse-op"
BALANCER = "balancer"
"""Note of a floating IP: the load balancer that it is for."""
_LIMIT = 255
_JOINT = "__"


class Marks(msgspec.Struct, frozen=True):
    """What an object carries.

    Attributes:
        identity: Whose it is; None for a stranger's.
        notes: Further words by name, for example ``workload``.
    """

    identity: Identity | None = None
    notes: Mapping[str, str] = {}

    def __getitem__(self, name: str) -> str:
        """A note, or nothing."""
        return self.notes.get(name, "")


def metadata(identity: Identity, prefix: str = "pse-", **notes: str) -> dict[str, str]:
    """Marks as Nova and Cinder keep them; each value has at most 255 characters there."""
    found = {f"{prefix}stack": identity.stack, f"{prefix}urn": identity.urn, f"{prefix}op": identity.op}
    found.update({f"{prefix}{name}": value for name, value in notes.items()})
    _fits(*found.values())
    return found


def of_metadata(found: Mapping[str, str], prefix: str = "pse-") -> Marks:
    """The marks in metadata."""
    own = {key.removeprefix(prefix): str(value) for key, value in found.items() if key.startswith(prefix)}
    return _marks(own)


def description(identity: Identity, **notes: str) -> str:
    """Marks as Neutron keeps them, in 255 characters."""
    return written(identity, most=_LIMIT, **notes)


def of_description(text: str | None) -> Marks:
    """The marks in a description; a stranger's words are none."""
    identity, notes = read(text)
    return Marks(identity, notes)


def key_name(identity: Identity, name: str, workload: str) -> str:
    """The marks as the name of a key pair."""
    text = _JOINT.join((name, workload, identity.stack, identity.urn, identity.op))
    _fits(text)
    return text


def of_key_name(text: str) -> tuple[str, Marks]:
    """The plain name of a key pair, and its marks."""
    parts = text.split(_JOINT)
    if len(parts) != 5:
        return text, Marks()
    name, workload, stack, urn, op = parts
    return name, _marks({"stack": stack, "urn": urn, "op": op, "workload": workload})


def _marks(words: dict[str, str]) -> Marks:
    stack, urn, op = (words.pop(name, "") for name in ("stack", "urn", "op"))
    if not (stack and urn and op):
        return Marks()
    return Marks(Identity(stack=stack, urn=urn, op=op), words)


def _fits(*texts: str) -> None:
    for text in texts:
        if len(text) > _LIMIT:
            raise PortError(f"{len(text)} characters do not fit into {_LIMIT}", reason="invalid", where=text[:40])
