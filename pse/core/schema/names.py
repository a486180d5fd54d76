"""DNS zones and records that a cloud serves."""

from typing import Annotated

from pse.core.schema.declaring import Inputs, Outputs, out, plain, refers


class DnsZoneInputs(Inputs, frozen=True, kw_only=True):
    """A zone."""

    domain: Annotated[str, plain("Domain name without the last dot.", replaces=True)]


class DnsZoneOutputs(Outputs, frozen=True, kw_only=True):
    """Who answers for it."""

    name_servers: Annotated[tuple[str, ...], out("Host names or addresses of its name servers.")]


class DnsRecordInputs(Inputs, frozen=True, kw_only=True):
    """All records of one name and type."""

    zone: Annotated[str, refers("DnsZone", "Id of the zone.")]
    label: Annotated[str, plain("Name below the zone's domain; ``@`` for the domain itself.", replaces=True)]
    type: Annotated[str, plain("``A``, ``AAAA``, ``CNAME``, ``TXT`` or ``MX``.", replaces=True)]
    values: Annotated[tuple[str, ...], plain("Values as a zone file writes them; updated in place.")]
    ttl_s: Annotated[int, plain("Seconds that resolvers may keep an answer.")] = 300


class DnsRecordOutputs(Outputs, frozen=True, kw_only=True):
    """Nothing besides the common outputs."""
