"""Azure DNS of the fake against the SDK's own client."""

from typing import Any

import pytest

from tests.fakes.azure.cloud import GROUP
from tests.fakes.azure.sdk import BASE, Clients, HttpResponseError, code_of

ZONE: dict[str, Any] = {"location": "global"}
A = {"properties": {"TTL": 60, "ARecords": [{"ipv4Address": "192.0.2.1"}], "metadata": {"a": "b"}}}
PATH = f"{BASE}/Microsoft.Network/dnsZones"
VERSION = "api-version=2018-05-01"


def test_zone_has_records_and_takes_them_with_it(arm: Clients) -> None:
    zones, sets = arm.dns.zones, arm.dns.record_sets
    assert len(zones.create_or_update(GROUP, "one.example", ZONE).name_servers) == 4
    made = sets.create_or_update(GROUP, "one.example", "www", "A", A)
    assert (made.ttl, made.metadata, made.fqdn) == (60, {"a": "b"}, "www.one.example.")
    assert [(one.name, one.type.rpartition("/")[2]) for one in sets.list_by_dns_zone(GROUP, "one.example")] == [
        ("@", "NS"),
        ("@", "SOA"),
        ("www", "A"),
    ]
    assert zones.get(GROUP, "one.example").number_of_record_sets == 3
    with pytest.raises(HttpResponseError) as caught:
        sets.create_or_update(GROUP, "one.example", "www", "A", A, if_none_match="*")
    assert code_of(caught) == "PreconditionFailed"
    with pytest.raises(HttpResponseError) as caught:
        sets.delete(GROUP, "one.example", "www", "A", if_match="other")
    assert code_of(caught) == "PreconditionFailed"
    sets.delete(GROUP, "one.example", "www", "A", if_match=made.etag)
    with pytest.raises(HttpResponseError) as caught:
        sets.get(GROUP, "one.example", "www", "A")
    assert code_of(caught) == "ResourceNotFound"
    sets.create_or_update(GROUP, "one.example", "www", "A", A)
    zones.begin_delete(GROUP, "one.example").result()
    assert arm.cloud.standing() == {}


@pytest.mark.parametrize(
    ("code", "path", "body"),
    [
        ("LocationNotAvailableForResourceType", "two.example", {"location": "uaenorth"}),
        ("BadRequest", "-two", ZONE),
        ("InvalidRequestFormat", "two.example", {**ZONE, "properties": {"nameServers": []}}),
        ("InvalidRequestFormat", "one.example/A/www", {"properties": {"TTL": 60, "aRecords": []}}),
        ("InvalidRequestFormat", "one.example/A/www", {"properties": {"TTL": 60, "ARecords": [{"ip": "192.0.2.1"}]}}),
        ("InvalidRequestFormat", "one.example/A/www", {"properties": {**A["properties"], "metadata": {"a": 1}}}),
        ("BadRequest", "one.example/A/www", {"properties": {"TTL": 60, "CNAMERecord": {"cname": "a."}}}),
        ("BadRequest", "one.example/A/www", {"properties": {"ARecords": [{"ipv4Address": "192.0.2.1"}]}}),
        ("BadRequest", "one.example/CNAME/own", {"properties": {"TTL": 60, "CNAMERecord": {"cname": "a."}}}),
        ("ParentResourceNotFound", "none.example/A/www", A),
    ],
)
def test_wrong_names_are_refused(arm: Clients, code: str, path: str, body: Any) -> None:
    arm.dns.zones.create_or_update(GROUP, "one.example", ZONE)
    arm.dns.record_sets.create_or_update(GROUP, "one.example", "own", "A", A)
    before = arm.cloud.standing()
    status, said = arm.ask("PUT", f"{PATH}/{path}?{VERSION}", body)
    assert (status // 100, said["error"]["code"]) == (4, code)
    assert arm.cloud.standing() == before
