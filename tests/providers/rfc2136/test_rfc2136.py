"""Zones and records at a real bind9: what is served, whose it is, and what strangers have."""

import msgspec
import pytest

from providers.lab import LabProvider
from providers.ports import Made
from providers.registry import fitted
from pse.core.schema import DnsZoneOutputs
from tests.nameserver import KEY_NAME, SERVER_NAME
from tests.providers.rfc2136.between import Between, Forward, is_update
from tests.providers.rfc2136.desk import PLACE, Desk, new, refused

# -- what it makes --


@pytest.mark.parametrize(
    ("kind", "values", "shown"),
    [
        ("A", ("192.0.2.2", "192.0.2.1"), ["192.0.2.1", "192.0.2.2"]),
        ("AAAA", ("2001:DB8::1",), ["2001:db8::1"]),
        ("CNAME", ("Portal.Example.",), ["portal.example."]),
        ("MX", ("10 mail.example.", "20 mail2.example."), ["10 mail.example.", "20 mail2.example."]),
        ("TXT", ('"two words" "and \\"more\\""', "v=spf1"), ['"two words" "and \\"more\\""', '"v=spf1"']),
    ],
)
def test_record_of_every_type_is_served_and_comes_back(
    desk: Desk, kind: str, values: tuple[str, ...], shown: list[str]
) -> None:
    desk.claim()
    store, inputs = desk.records(), desk.record(type=kind, values=values)
    made = store.create(inputs, identity=new())
    assert made.inputs == inputs
    assert desk.says("www", kind) == shown
    assert store.read(made.id, inputs) == made
    seen = store.read(made.id, None)
    assert seen is not None
    assert (seen.identity, seen.inputs.name, seen.inputs.workload) == (made.identity, "record", "portal")
    store.delete(made.id)
    assert desk.says("www", kind) == desk.says(f"_pse-{kind.lower()}.www", "TXT") == []


def test_record_of_the_domain_itself_and_of_everything_below(desk: Desk) -> None:
    desk.claim()
    made = [desk.records().create(desk.record(label=label), identity=new()) for label in ("@", "*", "*.apps")]
    assert desk.server.says(desk.domain, "A") == desk.says("any", "A") == ["192.0.2.1"]
    assert {found.id for found in desk.records().list()} == {one.id for one in made}


def test_record_set_larger_than_a_datagram_is_read_whole(desk: Desk) -> None:
    desk.claim()
    values = tuple(f'"{number:03} {"x" * 200}"' for number in range(60))
    made = desk.records().create(desk.record(type="TXT", values=values), identity=new())
    seen = desk.records().read(made.id, None)
    assert getattr(seen and seen.inputs, "values", ()) == values


def test_drift_is_seen_and_mended(desk: Desk) -> None:
    desk.claim()
    store, inputs = desk.records(), desk.record()
    made = store.create(inputs, identity=new())
    desk.add("www", "A", "192.0.2.66")
    seen = store.read(made.id, inputs)
    assert getattr(seen and seen.inputs, "values", ()) == ("192.0.2.1", "192.0.2.66")
    assert store.update(made.id, inputs, inputs).inputs == inputs
    assert desk.says("www", "A") == ["192.0.2.1"]
    shorter = msgspec.structs.replace(inputs, ttl_s=5)
    assert store.update(made.id, inputs, shorter).inputs == shorter


def test_record_deleted_without_its_companion_is_gone_and_can_be_made_again(desk: Desk) -> None:
    desk.claim()
    store, identity = desk.records(), new()
    made = store.create(desk.record(), identity=identity)
    desk.delete("www", "A")
    assert store.read(made.id, made.inputs) is None
    assert store.list() == ()
    again = msgspec.structs.replace(identity, op=new().op)
    assert store.create(desk.record(), identity=again).identity == again
    assert desk.says("www", "A") == ["192.0.2.1"]


# -- whose it is --


def test_zone_that_another_stack_has_claimed_is_a_conflict(desk: Desk) -> None:
    theirs = desk.claim(new("other-0123456789ab"))
    error = refused(desk.claim)
    assert (error.reason, error.vendor_code) == ("conflict", "YXRRSET")
    seen = desk.zones().read(theirs.id, None)
    assert seen is not None
    assert seen.identity == theirs.identity


def test_strangers_record_is_listed_and_never_touched(desk: Desk) -> None:
    desk.claim()
    desk.add("www", "A", "192.0.2.99")
    store = desk.records()
    (found,) = store.list()
    assert (found.identity, found.inputs.name) == (None, "")
    assert refused(store.create, desk.record(), identity=new()).reason == "conflict"
    assert "stranger" in refused(store.update, found.id, desk.record(), desk.record()).message
    assert refused(store.delete, found.id).reason == "conflict"
    assert desk.says("www", "A") == ["192.0.2.99"]
    assert desk.says("_pse-a.www", "TXT") == []


def test_strangers_text_where_a_mark_would_be_is_kept(desk: Desk) -> None:
    desk.add("_pse-a.www", "TXT", '"a note"')
    desk.add("_pse", "TXT", '"a note"')
    (zone,) = desk.zones().list()
    assert zone.identity is None
    assert refused(desk.claim).reason == "conflict"
    assert refused(desk.zones().delete, zone.id).reason == "conflict"
    assert refused(desk.records().create, desk.record(), identity=new()).reason == "conflict"
    assert desk.says("_pse-a.www", "TXT") == desk.says("_pse", "TXT") == ['"a note"']
    assert desk.says("www", "A") == []


def test_companion_that_changes_hands_stops_an_update(desk: Desk, proxy: Between) -> None:
    desk.claim()
    made = desk.records().create(desk.record(), identity=new())

    def taken_over(message: bytes, forward: Forward) -> bytes:
        if is_update(message):
            desk.delete("_pse-a.www", "TXT")
        return forward(message)

    proxy.act = taken_over
    through = desk.records(dns_server=f"127.0.0.1:{proxy.port}")
    wanted = desk.record(values=("192.0.2.7",))
    assert refused(through.update, made.id, made.inputs, wanted).message
    assert desk.says("www", "A") == ["192.0.2.1"]


def test_what_a_wildcard_answers_for_is_not_there(desk: Desk) -> None:
    desk.claim()
    desk.add("*", "A", "192.0.2.77")
    desk.add("*", "TXT", '"anything"')
    store = desk.records()
    assert desk.says("www", "A") == ["192.0.2.77"]
    assert store.read(f"{desk.domain}|A|www.{desk.domain}", None) is None
    made = store.create(desk.record(), identity=new())
    assert made.inputs == desk.record()
    store.delete(made.id)
    assert desk.says("www", "A") == ["192.0.2.77"]


def test_cname_stands_alone(desk: Desk) -> None:
    desk.claim()
    alias = desk.record(type="CNAME", values=("portal.example.",))
    made = desk.records().create(alias, identity=new())
    assert refused(desk.records().create, desk.record(), identity=new()).reason == "conflict"
    desk.records().delete(made.id)
    desk.records().create(desk.record(), identity=new())
    assert refused(desk.records().create, alias, identity=new()).vendor_code == "YXDOMAIN"


@pytest.mark.parametrize(
    "rest", ["A|a..b.{0}", "A|{0}.", "A|x y.{0}", "ANY|{0}", "AXFR|{0}", "ODD|{0}", "A|\x00.{0}", "A|www.{0}x"]
)
def test_id_that_is_no_record_set_is_not_there(desk: Desk, rest: str) -> None:
    object_id = f"{desk.domain}|{rest.format(desk.domain)}"
    assert desk.records().read(object_id, None) is None
    desk.records().delete(object_id)
    assert refused(desk.records().update, object_id, desk.record(), desk.record()).reason == "not-found"


def test_record_of_a_zone_that_nobody_claimed_is_refused(desk: Desk) -> None:
    error = refused(desk.records().create, desk.record(), identity=new())
    assert (error.reason, desk.says("www", "A")) == ("not-found", [])


def test_zone_is_let_go_only_when_it_holds_nothing_of_ours(desk: Desk, proxy: Between) -> None:
    zone = desk.claim()
    desk.add("old", "A", "192.0.2.99")
    made: list[Made] = []

    def raced(message: bytes, forward: Forward) -> bytes:
        if is_update(message) and not made:
            made.append(desk.records().create(desk.record(), identity=new()))
        return forward(message)

    proxy.act = raced
    through = desk.zones(dns_server=f"127.0.0.1:{proxy.port}")
    assert refused(through.delete, zone.id).reason == "in-use"
    assert desk.zones().read(zone.id, None) == zone
    desk.records().delete(made[0].id)
    through.delete(zone.id)
    assert desk.zones().read(zone.id, None) is None
    assert desk.says("old", "A") == ["192.0.2.99"]


# -- the register's entry --


@pytest.mark.parametrize(
    "options",
    [
        {"dns_server": "ns.example"},
        {"dns_server": "127.0.0.1:0"},
        {"dns_server": "127.0.0.1:x"},
        {"dns_server": "192.0.2.53"},
        {"dns_server": ""},
        {"dns_zones": ""},
        {"dns_zones": "two words"},
        {"dns_key": ""},
        {"dns_algorithm": "hmac-rot13"},
        {"dns_key_name": ""},
    ],
)
def test_option_that_cannot_be_is_refused_before_any_call(desk: Desk, options: dict[str, str]) -> None:
    error = refused(desk.zones(**options).list)
    assert (error.reason, "option dns_" in error.message or "dns_" in error.where) == ("invalid", True)


def test_zone_that_the_server_does_not_serve_is_refused(desk: Desk) -> None:
    error = refused(desk.zones(dns_zones="elsewhere.example").list)
    assert (error.reason, error.vendor_code) in {("auth", "REFUSED"), ("invalid", "NOTAUTH")}
    assert refused(desk.zones(dns_zones="other.example").create, desk.zone(), identity=new()).reason == "not-found"


def test_name_server_that_the_register_does_not_place_is_told_as_unknown(desk: Desk) -> None:
    made = desk.claim()
    assert isinstance(made.outputs, DnsZoneOutputs)
    assert made.outputs.name_servers == (SERVER_NAME,)
    seen = desk.zones(dns_name_servers="").read(made.id, None)
    assert seen is not None
    told = {(aspect.what, aspect.where, aspect.source) for aspect in seen.outputs.placement}
    assert told == {("resource", PLACE, "set"), ("replica", SERVER_NAME, "unknown")}


def test_adapter_makes_them_only_where_the_entry_names_a_server() -> None:
    for name in ("lab", "openstack"):
        plain, wide = fitted(name, {}), fitted(name, {"dns_server": "127.0.0.1"})
        for kind in ("DnsZone", "DnsRecord"):
            assert "dns_server" in plain.lacks[kind]
            assert kind not in plain.kinds
            assert (kind in wide.kinds, kind in wide.lacks) == (True, False)
        assert set(wide.kinds) - set(plain.kinds) == {"DnsZone", "DnsRecord"}
    assert fitted("lab", {"quota_server": "3"}) is LabProvider
    assert fitted("lab", {"dns_key_name": KEY_NAME}) is fitted("lab", {"dns_server": "x"})
