"""What a firewall rule has to be before any cloud is asked: not every cloud refuses what is none."""

import ipaddress
from collections.abc import Iterable

from providers.ports import PortError
from pse.core.schema import FirewallRule


def check_rules(rules: Iterable[FirewallRule], where: str) -> None:
    """See that each is a rule.

    Args:
        rules: As they were asked for.
        where: Whose they are, for the message.

    Raises:
        PortError: One is none.
    """
    for rule in rules:
        if rule.direction not in {"in", "out"} or rule.protocol not in {"tcp", "udp", "icmp"}:
            raise PortError(f"not a rule: {rule.direction} {rule.protocol}", reason="invalid", where=where)
        if not 0 <= rule.port < 65536:
            raise PortError(f"not a port: {rule.port}", reason="invalid", where=where)
        try:
            ipaddress.IPv4Network(rule.peer, strict=False)
        except ValueError as exc:
            raise PortError(f"not an IPv4 range: {rule.peer}", reason="invalid", where=where) from exc
