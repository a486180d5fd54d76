"""Azure DNS: zones, which are in the location ``global``, and their record sets."""

import re
from typing import TYPE_CHECKING, Any

from tests.fakes.azure.errors import ArmError, invalid
from tests.fakes.azure.kinds import Kind, Raw, Rules

if TYPE_CHECKING:
    from tests.fakes.azure.cloud import Azure

VERSION = "2018-05-01"
ZONE = "Microsoft.Network/dnszones"
HOLDERS = {
    "A": "ARecords", "AAAA": "AAAARecords", "CAA": "caaRecords", "CNAME": "CNAMERecord", "MX": "MXRecords",
    "NS": "NSRecords", "PTR": "PTRRecords", "SOA": "SOARecord", "SRV": "SRVRecords", "TXT": "TXTRecords",
}  # fmt: skip
"""Where a record set of each type has its values."""
_DOMAIN = re.compile(r"(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)+[a-z0-9-]{2,63}", re.IGNORECASE)
_LABEL = re.compile(r"@|\*|(?:\*\.)?[a-z0-9_](?:[a-z0-9_.-]*[a-z0-9_])?", re.IGNORECASE)
_MOST_WORDS = 10


class Zones(Rules):
    """A zone begins with its own name servers, and takes all records with it."""

    def put(self, cloud: "Azure", new: Raw, before: Raw | None) -> None:
        """A domain; what the service fills in."""
        if not _DOMAIN.fullmatch(new["name"]):
            raise invalid(f"The domain name '{new['name']}' is invalid.", "BadRequest")
        servers = [f"ns{number}-09.azure-dns.example." for number in range(1, 5)]
        new["properties"] |= {"zoneType": "Public", "nameServers": servers, "maxNumberOfRecordSets": 10000}
        if before is not None:
            return
        own: dict[str, Any] = {
            "NS": {"NSRecords": [{"nsdname": name} for name in servers]},
            "SOA": {"SOARecord": {"host": servers[0], "email": "hostmaster.example"}},
        }
        for kind, values in own.items():
            path = f"{new['id']}/{kind}/@"
            given = {"TTL": 3600, "fqdn": f"{new['name']}.", **values}
            cloud.resources[path.lower()] = {
                "id": path, "name": "@", "type": f"{ZONE}/{kind}", "etag": "own", "properties": given
            }  # fmt: skip

    def gone(self, cloud: "Azure", raw: Raw) -> None:
        """Its record sets are gone too."""
        for key in [key for key in cloud.resources if key.startswith(f"{raw['id'].lower()}/")]:
            del cloud.resources[key]

    def view(self, cloud: "Azure", raw: Raw) -> Raw:
        """With how many record sets it has, and no state."""
        raw["properties"].pop("provisioningState", None)
        raw["properties"]["numberOfRecordSets"] = len(sets_of(cloud, raw["id"]))
        return raw


class RecordSets(Rules):
    """All records of one name and type."""

    def put(self, cloud: "Azure", new: Raw, before: Raw | None) -> None:
        """Its zone, its values and its TTL are there; an alias stands alone."""
        zone, kind = cloud.get(new["id"].rsplit("/", 2)[0]), new["type"].rpartition("/")[2]
        if zone is None:
            raise ArmError(404, "ParentResourceNotFound", "Can not perform requested operation on nested resource.")
        given = new["properties"]
        if not _LABEL.fullmatch(new["name"]):
            raise invalid(f"The record set name '{new['name']}' is invalid.", "BadRequest")
        strange = set(given) & set(HOLDERS.values()) - {HOLDERS[kind]}
        if strange or not (given.get(HOLDERS[kind]) or given.get("targetResource")):
            raise invalid(f"A record set of type {kind} has records of that type only.", "BadRequest")
        if not isinstance(given.get("TTL"), int) or not 1 <= given["TTL"] < 2**31:
            raise invalid("The TTL property of the record set is invalid.", "BadRequest")
        if len(given.get("metadata") or {}) > _MOST_WORDS:
            raise invalid("The record set has too many metadata.", "BadRequest")
        for other in sets_of(cloud, zone["id"]):
            types = {other["type"].rpartition("/")[2], kind}
            if other["name"].lower() == new["name"].lower() and len(types) == 2 and "CNAME" in types:
                said = (
                    f"The record could not be created because a CNAME record with the same name {new['name']} exists."
                )
                raise invalid(said, "BadRequest")
        given["fqdn"] = f"{zone['name']}." if new["name"] == "@" else f"{new['name']}.{zone['name']}."


def sets_of(cloud: "Azure", zone: str) -> list[Raw]:
    """The record sets of a zone."""
    start = f"{zone.lower()}/"
    return [raw for raw in list(cloud.resources.values()) if raw["id"].lower().startswith(start)]


KINDS = (
    Kind("Microsoft.Network", "dnszones", VERSION, "Zone", "", Zones(), instant=True, place="global"),
    *(
        Kind("Microsoft.Network", f"dnszones/{kind}", VERSION, "RecordSet", "", RecordSets(), tags=False, sync=True)
        for kind in HOLDERS
    ),
)
