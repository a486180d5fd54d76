"""Networks, subnets, firewalls and key pairs of the lab: records only, for all lab hosts share one network."""

import ipaddress
from typing import Any

import msgspec

from providers.kit.rules import check_rules
from providers.kit.sshkeys import fingerprint, must_be_key
from providers.lab.account import Account, Record
from providers.ports import PortError
from pse.core.schema import FirewallInputs, Inputs, KeyPairInputs, NetworkInputs, SubnetInputs

Built = tuple[dict[str, Any], tuple[str, ...]]


class _Plain:
    """What these kinds share: nothing to make, nothing that breaks, nothing to remove."""

    aspects: tuple[str, ...] = ()

    def __init__(self, account: Account) -> None:
        """Remember the account."""
        self._account = account

    def build(self, _record: Record, _inputs: Inputs, /) -> Built:
        """Nothing to make besides the record."""
        return {}, ()

    def look(self, _record: Record, /) -> tuple[str, ...]:
        """A record is healthy."""
        return ()

    def tear(self, _record: Record, /) -> None:
        """Nothing to remove besides the record."""


class NetworkWork(_Plain):
    """A private network; see `providers.lab.stores.Work`."""

    def check(self, inputs: Inputs, /) -> None:
        """The range has to be one."""
        _range(msgspec.convert(inputs, NetworkInputs, from_attributes=True).cidr)


class SubnetWork(_Plain):
    """A subnet; see `providers.lab.stores.Work`."""

    def check(self, inputs: Inputs, /) -> None:
        """The range has to lie inside the network's."""
        wanted = msgspec.convert(inputs, SubnetInputs, from_attributes=True)
        network = self._account.get("Network", wanted.network)
        outer = _range(str(network.inputs["cidr"])) if network else None
        if outer is None or not _range(wanted.cidr).subnet_of(outer):
            raise PortError(f"{wanted.cidr} is not inside the network's {outer}", reason="invalid", where=inputs.name)


class FirewallWork(_Plain):
    """A set of permitted flows; see `providers.lab.stores.Work`. Kept and told, not enforced: the network is shared."""

    def check(self, inputs: Inputs, /) -> None:
        """Each rule has to make sense."""
        check_rules(msgspec.convert(inputs, FirewallInputs, from_attributes=True).rules, inputs.name)


class KeyPairWork(_Plain):
    """A public key; see `providers.lab.stores.Work`."""

    def check(self, inputs: Inputs, /) -> None:
        """It has to be one line in OpenSSH format."""
        _fingerprint(inputs)

    def build(self, _record: Record, inputs: Inputs, /) -> Built:
        """Tell the fingerprint."""
        return {"fingerprint": _fingerprint(inputs)}, ()


def _range(text: str) -> ipaddress.IPv4Network:
    try:
        return ipaddress.IPv4Network(text)
    except ValueError as exc:
        raise PortError(f"not an IPv4 range: {text}", reason="invalid") from exc


def _fingerprint(inputs: Inputs) -> str:
    line = msgspec.convert(inputs, KeyPairInputs, from_attributes=True).public_key.strip()
    must_be_key(line, where=inputs.name)
    return fingerprint(line)
