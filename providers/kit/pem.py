"""A certificate chain with its key, as `pse.core.schema.LoadBalancerInputs.certificate` has them in one text."""

import re

import msgspec

from providers.ports import PortError

_BLOCK = re.compile(r"-----BEGIN ([A-Z0-9 ]+)-----\s.*?-----END \1-----", re.DOTALL)


class Chain(msgspec.Struct, frozen=True, kw_only=True):
    """The parts of it, each in PEM.

    Attributes:
        leaf: The certificate itself.
        rest: Those of its issuers, in order; empty for none.
        key: The private key.
    """

    leaf: str
    rest: str
    key: str = msgspec.field(default="")

    def __repr__(self) -> str:
        """Without the key."""
        return "Chain(…)"


def chain_of(text: str, *, where: str) -> Chain:
    """The parts of a text.

    Args:
        text: Certificates, the server's own first, and one private key, in any order.
        where: Whose it is, for the message.

    Raises:
        PortError: There is no certificate, or not one key; nothing of the text is quoted.
    """
    blocks = [(found[1], found[0]) for found in _BLOCK.finditer(text)]
    certificates = [block for kind, block in blocks if kind == "CERTIFICATE"]
    keys = [block for kind, block in blocks if kind.endswith("PRIVATE KEY")]
    if not certificates or len(keys) != 1:
        said = "a certificate is one or more certificates and one private key, in PEM"
        raise PortError(said, reason="invalid", where=where)
    return Chain(leaf=certificates[0], rest="\n".join(certificates[1:]), key=keys[0])


def same(pem: str, other: str) -> bool:
    """Whether two texts are the same certificates, however their lines are broken."""
    return "".join(pem.split()) == "".join(other.split())
