"""DNS zones and records at a place's own name server, by RFC 2136 updates: for clouds that have no DNS of their own.

An adapter takes it up by `by_options`, and then makes both kinds where the register's entry names the server:

- ``dns_server``: its address, ``192.0.2.53`` or ``192.0.2.53:5353``. That it stands at the place is the register's
  word.
- ``dns_zones``: domains, separated by commas, that it is the primary server of; there is no way to ask it.
- ``dns_key_name``, ``dns_key``: name of the TSIG key, and a reference to it (``file:.pse/tsig``, ``env:NAME`` or
  ``keyring:SERVICE/NAME``), never the key. It has to be allowed to update and to transfer the zones.
- ``dns_algorithm``: of the key; ``hmac-sha256``.
- ``dns_name_servers``: names of the zones' name servers, separated by commas, that stand at the place too. Any other
  that a zone names has a copy of it, and is told as not known to be here.

No zone is made or deleted there. *Making* one is claiming it, by a TXT record at ``_pse.<domain>``; deleting it takes
the claim away.
"""

from collections.abc import Mapping

from providers.ports import Provider

OPTIONS = frozenset({"dns_server", "dns_zones", "dns_key_name", "dns_key", "dns_algorithm", "dns_name_servers"})
UNNAMED: Mapping[str, str] = dict.fromkeys(
    ("DnsZone", "DnsRecord"), "the register's entry names no name server: option dns_server"
)
"""Why an adapter lacks both kinds where no option names a server."""


def by_options(adapter: type[Provider], options: Mapping[str, str]) -> type[Provider]:
    """The adapter, which makes zones and records too where the options are those of a name server."""
    if not OPTIONS & set(options):
        return adapter
    from providers.rfc2136.provider import named

    return named(adapter)
