"""The words of DNS that all adapters share."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.kit import dns
from providers.kit.dns import RecordSet
from providers.ports import Identity, PortError
from pse.core.schema import DnsRecordInputs, DnsZoneInputs

ME = Identity(stack="portal-0123456789ab", urn="a" * 32, op="b" * 32)
DOMAIN = "ministry.example"
ASKED = DnsRecordInputs(
    name="www", workload="portal", place="csp/r/s", zone="z", label="www", type="A", values=("192.0.2.1",)
)


def asked(**changes: Any) -> DnsRecordInputs:
    """A record with something changed."""
    return msgspec.structs.replace(ASKED, **changes)


@pytest.mark.parametrize(
    ("kind", "written", "one"),
    [
        ("A", " 192.0.2.1 ", "192.0.2.1"),
        ("AAAA", "2001:DB8:0::1", "2001:db8::1"),
        ("CNAME", "Portal.Example.", "portal.example."),
        ("MX", "010  Mail.Example.", "10 mail.example."),
        ("MX", "0 .", "0 ."),
        ("TXT", "v=spf1", '"v=spf1"'),
        ("TXT", r'"two words"  "a \"quote\" \\ \233"', r'"two words" "a \"quote\" \\ \233"'),
        ("TXT", '""', '""'),
        ("TXT", '"é"', r'"\195\169"'),
        ("SRV", "0 5 5060 Sip.Example.", "0 5 5060 Sip.Example."),
    ],
)
def test_a_value_has_one_spelling(kind: str, written: str, one: str) -> None:
    assert dns.value_of(kind, written) == one
    assert dns.value_of(kind, one) == one


@given(st.lists(st.binary(max_size=255), min_size=1, max_size=3))
def test_any_text_comes_back(texts: list[bytes]) -> None:
    value = dns.quoted(*texts)
    assert value.isascii()
    assert value.isprintable()
    assert dns.strings(value) == tuple(texts)


@pytest.mark.parametrize(
    "changes",
    [
        {"type": "A", "values": ("192.0.2.999",)},
        {"type": "AAAA", "values": ("192.0.2.1",)},
        {"type": "CNAME", "values": ("portal.example",)},
        {"type": "CNAME", "values": ("a.example.", "b.example.")},
        {"type": "CNAME", "values": ("a.example.",), "label": "@"},
        {"type": "MX", "values": ("mail.example.",)},
        {"type": "MX", "values": ("70000 mail.example.",)},
        {"type": "TXT", "values": ('"no end',)},
        {"type": "TXT", "values": ("x" * 256,)},
        {"type": "TXT", "values": (r'"\999"',)},
        {"type": "TXT", "values": ("a\nb IN A 192.0.2.9",)},
        {"type": "NS", "values": ("ns.example.",)},
        {"values": ()},
        {"values": ("192.0.2.1", "192.0.2.1")},
        {"ttl_s": -1},
        {"ttl_s": 2**31},
        {"label": ""},
        {"label": "two words"},
        {"label": "a..b"},
        {"label": "www."},
        {"label": "a.*"},
        {"label": "x" * 64},
        {"label": ".".join(["x" * 60] * 4)},
        {"label": "_pse"},
        {"label": "_PSE-a.www"},
        {"label": "_pse-switch.www"},
    ],
)
def test_what_no_server_takes_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(PortError) as caught:
        dns.wanted(asked(**changes), DOMAIN)
    assert caught.value.reason == "invalid"
    assert caught.value.message.isprintable()


@pytest.mark.parametrize(
    ("label", "name"),
    [
        ("WWW", "www.ministry.example"),
        ("@", "ministry.example"),
        ("*", "*.ministry.example"),
        ("*.apps", "*.apps.ministry.example"),
        ("_dmarc", "_dmarc.ministry.example"),
        ("a.b", "a.b.ministry.example"),
    ],
)
def test_a_label_is_a_whole_name_and_back(label: str, name: str) -> None:
    record = dns.wanted(asked(label=label), DOMAIN)
    assert record.name == name
    assert dns.label_of(name, DOMAIN) == label.lower()
    assert dns.split_id(dns.record_id("projects/p|zone", record)) == ("projects/p|zone", "A", name)
    assert dns.told(record, DOMAIN, "z", asked(label=label))["label"] == label
    assert dns.told(record, DOMAIN, "z", None)["label"] == label.lower()


def test_other_names_and_ids_are_none() -> None:
    assert dns.label_of("www.other.example", DOMAIN) is None
    assert dns.label_of("wwwministry.example", DOMAIN) is None
    assert [dns.split_id(text) for text in ("", "a", "a|b", "||", "|A|x")] == [None] * 5
    assert dns.domain_of(_zone("Ministry.Example.")) == DOMAIN
    for domain in ("", ".", "a b", "a..b", "bücher.example", "a/b"):
        with pytest.raises(PortError, match="no domain name"):
            dns.domain_of(_zone(domain))


def test_values_come_back_as_they_were_given_where_they_mean_the_same() -> None:
    given = asked(type="AAAA", values=("2001:DB8::2", "2001:db8::1"))
    live = dns.wanted(given, DOMAIN)
    assert live.values == ("2001:db8::1", "2001:db8::2")
    assert dns.told(live, DOMAIN, "z", given)["values"] == given.values
    changed = msgspec.structs.replace(live, values=("2001:db8::9",))
    assert dns.told(changed, DOMAIN, "z", given)["values"] == ("2001:db8::9",)


def test_companions_say_whose_each_is_and_are_no_records_themselves() -> None:
    www, apex = dns.wanted(ASKED, DOMAIN), dns.wanted(asked(label="@"), DOMAIN)
    stranger = RecordSet(name="mail.ministry.example", type="A", values=("192.0.2.9",), ttl_s=60)
    delegated = RecordSet(name="sub.ministry.example", type="NS", values=("ns.example.",), ttl_s=60)
    junk = RecordSet(name="_pse-a.mail.ministry.example", type="TXT", values=('"anything"',), ttl_s=60)
    zone = (
        RecordSet(name=DOMAIN, type="SOA", values=("…",), ttl_s=60),
        RecordSet(name=DOMAIN, type="NS", values=("ns.example.",), ttl_s=60),
        dns.claim(DOMAIN, ME, name="zone", workload="portal"),
        *(www, dns.companion(www, ME, name="www")),
        *(apex, dns.companion(apex, ME, name="apex")),
        *(stranger, delegated, junk),
        dns.companion(msgspec.structs.replace(www, name="gone.ministry.example"), ME),
    )
    found = {(one.record.name, one.record.type): one for one in dns.paired(DOMAIN, zone)}
    assert {key: one.identity for key, one in found.items()} == {
        ("www.ministry.example", "A"): ME,
        (DOMAIN, "A"): ME,
        ("mail.ministry.example", "A"): None,
        ("sub.ministry.example", "NS"): None,
        ("_pse-a.mail.ministry.example", "TXT"): None,
    }
    assert dict(found["www.ministry.example", "A"].notes) == {"name": "www"}
    assert dns.companion_name(apex) == "_pse-a.ministry.example"
    # Clouds take a star at the beginning of a name only.
    assert dns.beside("A", "*.ministry.example") == "_pse-a-any.ministry.example"
    assert dns.claim_name(DOMAIN) == "_pse.ministry.example"


def test_a_companion_of_one_type_says_nothing_of_another() -> None:
    www = dns.wanted(ASKED, DOMAIN)
    text = dns.wanted(asked(type="TXT", values=("hello",)), DOMAIN)
    found = dns.paired(DOMAIN, (www, text, dns.companion(text, ME)))
    assert {one.record.type: one.identity for one in found} == {"A": None, "TXT": ME}


@pytest.mark.parametrize(
    "values",
    [(), ('"pse-stack=a pse-urn=b"',), ('"pse-stack=a pse-urn=b pse-op=c"', '"other"'), ('"\\255"',), ('"no end',)],
)
def test_a_strangers_text_is_nobodys(values: tuple[str, ...]) -> None:
    assert dns.owner(values) == (None, {})


def test_a_mark_fits_into_one_string() -> None:
    long = Identity(stack="s" * 53, urn="a" * 32, op="b" * 32)
    record = dns.companion(dns.wanted(ASKED, DOMAIN), long, name="n" * 40, workload="w" * 40)
    (text,) = dns.strings(record.values[0])
    assert len(text) <= 255
    assert dns.owner(record.values) == (long, {"name": "n" * 40, "workload": "w" * 40})
    with pytest.raises(PortError, match="do not fit"):
        dns.claim(DOMAIN, long, name="n" * 200)


def _zone(domain: str) -> DnsZoneInputs:
    return DnsZoneInputs(name="zone", workload="portal", place="csp/r/s", domain=domain)
