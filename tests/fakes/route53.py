"""What Route 53 does and moto does not, as a layer of the hostile proxy: what a batch of changes has to be.

Written after the Route 53 API reference. Not checked: delegation, how long it takes until all name servers answer.
"""

import re
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterable
from typing import Any
from xml.sax.saxutils import escape

from tests.fakes.hostile import Answer, Forward, Request

_SETS = dict[tuple[str, str], tuple[str, frozenset[str]]]
"""TTL and values by name and type."""
_NAMESPACE = "https://route53.amazonaws.com/doc/2013-04-01/"


def refusal(code: str, message: str, status: int = 400) -> Answer:
    """An error as Route 53 writes it."""
    said = f"<Error><Type>Sender</Type><Code>{code}</Code><Message>{escape(message)}</Message></Error>"
    body = f'<ErrorResponse xmlns="{_NAMESPACE}">{said}<RequestId>0</RequestId></ErrorResponse>'
    return Answer(status, body.encode(), {"Content-Type": "text/xml"})


class HostedZones:
    """See the module."""

    def __init__(self, client: Callable[[], Any]) -> None:
        """Args: client: Gives a boto3 client of Route 53, straight to the server."""
        self._client = client

    def __call__(self, request: Request, forward: Forward) -> Answer:
        """Refuse or forward."""
        if request.service != "route53":
            return forward(request)
        if request.action == "CreateHostedZone":
            return self._create(request) or forward(request)
        if request.action == "ChangeResourceRecordSets":
            return self._change(request, forward)
        answer = forward(request)
        # A star in a name is told by its number.
        told = answer.body.replace(b"<Name>*.", b"<Name>\\052.")
        return Answer(answer.status, told, answer.headers)

    def _create(self, request: Request) -> Answer | None:
        asked = ET.fromstring(request.body)
        reference = asked.findtext("{*}CallerReference")
        if any(zone["CallerReference"] == reference for zone in self._client().list_hosted_zones()["HostedZones"]):
            said = f"A hosted zone has already been created with the specified caller reference: {reference}"
            return refusal("HostedZoneAlreadyExists", said, 409)
        if len(asked.findtext("{*}HostedZoneConfig/{*}Comment") or "") > 256:
            return refusal("InvalidInput", "Member must have length less than or equal to 256")
        return None

    def _change(self, request: Request, forward: Forward) -> Answer:
        client = self._client()
        found = re.search(r"/hostedzone/([^/]+)/rrset", request.path)
        zone = found[1] if found else ""
        try:
            domain = client.get_hosted_zone(Id=zone)["HostedZone"]["Name"]
        except client.exceptions.NoSuchHostedZone:
            return forward(request)
        pages = client.get_paginator("list_resource_record_sets").paginate(HostedZoneId=zone)
        live: _SETS = {}
        for raw in (raw for page in pages for raw in page["ResourceRecordSets"]):
            values = frozenset(value["Value"] for value in raw.get("ResourceRecords", ()))
            live[raw["Name"], raw["Type"]] = str(raw.get("TTL", "")), values
        asked = ET.fromstring(request.body)
        said = [told for told in (_one(live, change, domain) for change in asked.iterfind(".//{*}Change")) if told]
        if said:
            return refusal("InvalidChangeBatch", f"[{', '.join(said)}]")
        # moto looks for what is there before it does any of it, so that what goes and comes back is refused.
        for action in asked.iterfind(".//{*}Change/{*}Action"):
            action.text = "UPSERT" if action.text == "CREATE" else action.text
        for name in asked.iterfind(".//{*}ResourceRecordSet/{*}Name"):
            name.text = _name(name.text or "")
        return forward(Request(request.method, request.path, request.headers, ET.tostring(asked)))


def _one(live: _SETS, change: ET.Element, domain: str) -> str:
    """Do one change to the sets; what Route 53 says when it cannot be done."""
    at = _name(change.findtext("{*}ResourceRecordSet/{*}Name") or ""), change.findtext(".//{*}Type") or ""
    values = [value.text or "" for value in change.iterfind(".//{*}Value")]
    new = (change.findtext(".//{*}TTL") or "", frozenset(values))
    which = f"resource record set [name='{at[0]}', type='{at[1]}']"
    if change.findtext("{*}Action") == "DELETE":
        said = _undeletable(live, at, new, domain)
        if not said:
            del live[at]
        return f"Tried to delete {which} but {said}" if said else ""
    if change.findtext("{*}Action") == "CREATE" and at in live:
        return f"Tried to create {which} but it already exists"
    said = _uncreatable(live, at, values, domain)
    if not said:
        live[at] = new
    return f"{said} in {which}" if said else ""


def _undeletable(live: _SETS, at: tuple[str, str], given: tuple[str, frozenset[str]], domain: str) -> str:
    if at not in live:
        return "it was not found"
    if live[at] != given:
        return "the values provided do not match the current values"
    return "the zone needs it" if at[0] == domain and at[1] in {"NS", "SOA"} else ""


def _uncreatable(live: _SETS, at: tuple[str, str], values: list[str], domain: str) -> str:
    name, kind = at
    if name != domain and not name.endswith(f".{domain}"):
        return f"RRSet with DNS name {name} is not permitted in zone {domain}"
    others = {other for found, other in live if found == name and other != kind}
    if "CNAME" in others or (kind == "CNAME" and others):
        return f"RRSet of type {kind} with DNS name {name} is not permitted as it conflicts with other records"
    if not values or len(values) != len(set(values)):
        return "Duplicate or no Resource Record"
    broken = kind == "TXT" and not all(_is_text(value) for value in values)
    return "Invalid Resource Record: 'FATAL problem: InvalidCharacterString'" if broken else ""


def _is_text(value: str) -> bool:
    strings: Iterable[str] = re.findall(r'"((?:[^"\\]|\\.)*)"', value)
    whole = re.fullmatch(r'"(?:[^"\\]|\\.)*"(?:\s+"(?:[^"\\]|\\.)*")*', value)
    return whole is not None and all(len(re.sub(r"\\(\d{3}|.)", "x", string)) <= 255 for string in strings)


def _name(name: str) -> str:
    return name.lower().replace("\\052", "*").rstrip(".") + "."
