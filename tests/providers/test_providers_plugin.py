"""The pure parts of the plugin: values on the wire, Check, Diff, schema, and the SDK classes against the schema."""

import json
import subprocess
import sys
import time
from collections.abc import Mapping
from typing import Any, ClassVar, get_args, get_type_hints

import msgspec
import pytest
from google.protobuf.struct_pb2 import Struct
from hypothesis import given
from hypothesis import strategies as st

from providers import sdk
from providers.identity import parse_urn, stack_tag
from providers.lab import LabProvider
from providers.plugin.answers import live_inputs
from providers.plugin.check import checked, failures, lacking, without_value
from providers.plugin.diff import differences, loses_data
from providers.plugin.package import package_schema
from providers.plugin.wire import (
    SECRET,
    SIGNATURE,
    UNKNOWN,
    UNKNOWN_TEXT,
    from_struct,
    is_unknown,
    plain,
    secret,
    to_struct,
)
from providers.ports import Made
from pse.core.errors import BadInput
from pse.core.schema import KINDS
from tests.neutral import INPUTS
from tests.providers.house import HERE, UNIT

TREES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


def good(kind: str, **more: Any) -> dict[str, Any]:
    return {"name": "x", "workload": UNIT, "place": HERE, **INPUTS[kind], **more}


def said(kind: str, raw: dict[str, Any], olds: dict[str, Any] | None = None) -> dict[str, str]:
    return dict(failures(KINDS[kind], olds or {}, raw))


@given(st.dictionaries(st.text(), TREES, max_size=5))
def test_values_survive_the_wire(tree: dict[str, Any]) -> None:
    assert from_struct(to_struct(tree)) == tree


def test_whole_numbers_are_whole_again() -> None:
    struct = Struct()
    struct.update({"size": 3.0, "part": 3.5, "list": [1.0]})
    found = from_struct(struct)
    assert found == {"size": 3, "part": 3.5, "list": [1]}
    assert type(found["size"]) is int


def test_plain_opens_secrets_and_knows_what_is_not_known() -> None:
    raw = {
        "a": secret("s"),
        "b": UNKNOWN_TEXT,
        "c": [secret(UNKNOWN_TEXT)],
        "d": {SIGNATURE: "5cf8f73096256a8f31e491e813e4eb8e", "urn": "urn", "id": "net-1"},
    }
    assert plain(raw) == {"a": "s", "b": UNKNOWN, "c": [UNKNOWN], "d": "net-1"}
    assert is_unknown(plain(raw))
    assert not is_unknown(plain({"a": raw["a"]}))
    assert secret(secret("s")) == {SIGNATURE: SECRET, "value": "s"}


@pytest.mark.parametrize("kind", KINDS)
def test_good_inputs_pass_and_keep_their_form(kind: str) -> None:
    raw = good(kind)
    assert said(kind, raw) == {}
    kept = checked(KINDS[kind], raw)
    assert {key: kept[key] for key in raw} == raw


@pytest.mark.parametrize("kind", KINDS)
def test_unknown_values_are_not_judged(kind: str) -> None:
    assert said(kind, dict.fromkeys(good(kind), UNKNOWN_TEXT)) == {}


@pytest.mark.parametrize("kind", KINDS)
def test_every_required_input_is_asked_for(kind: str) -> None:
    required = {wire for wire, field in KINDS[kind].input_fields().items() if field.required}
    assert set(said(kind, {})) == required


@pytest.mark.parametrize(
    ("kind", "wrong"),
    [
        ("Network", {"name": "Upper"}),
        ("Network", {"name": "x" * 41}),
        ("Network", {"cidr": "10.0.0.1/16"}),
        ("Network", {"cidr": "10.0.0.0/255.255.0.0"}),
        ("Attachment", {"mount": "/srv/\n"}),
        ("Server", {"shape": "std\x1b[2J"}),
        ("Server", {"image": ""}),
        ("Server", {"firewalls": ["fw-1", "fw-\u202e2"]}),
        ("DnsRecord", {"values": []}),
        ("Subnet", {"cidr": "10.0.0.0/016"}),
        ("Network", {"cidr": 5}),
        ("Network", {"colour": "red"}),
        ("Firewall", {"rules": [{"direction": "up", "protocol": "tcp", "port": 22, "peer": "0.0.0.0/0"}]}),
        ("Firewall", {"rules": [{"direction": "in", "protocol": "tcp", "port": 0, "peer": "0.0.0.0/0"}]}),
        ("Firewall", {"rules": [{"direction": "in", "protocol": "tcp", "port": 22, "peer": "10.0.0.1/8"}]}),
        ("Firewall", {"rules": [{"direction": "in", "protocol": "icmp", "port": 8, "peer": "10.0.0.0/8"}]}),
        ("KeyPair", {"publicKey": "not a key"}),
        ("KeyPair", {"publicKey": "ssh-ed25519 AAAA a\nssh-ed25519 BBBB b"}),
        ("Volume", {"sizeGib": 0}),
        ("Volume", {"sizeGib": "10"}),
        ("Volume", {"sizeGib": 1.5}),
        ("Volume", {"allowReplace": "yes"}),
        ("Server", {"firewalls": ["fw-1", 7]}),
        ("Server", {"firewalls": "fw-1"}),
        ("Attachment", {"mount": "srv"}),
        ("Attachment", {"mount": "/srv/../etc"}),
        ("Attachment", {"mount": "/"}),
        ("LoadBalancer", {"listeners": []}),
        ("LoadBalancer", {"listeners": [{"protocol": "tls", "port": 443, "memberPort": 80}]}),
        ("LoadBalancer", {"listeners": [{"protocol": "tcp", "port": 80, "memberPort": 80}] * 2}),
        ("LoadBalancer", {"listeners": [{"protocol": "http", "port": 80, "memberPort": 80, "healthPath": "up"}]}),
        ("Image", {"source": "../secret"}),
        ("Image", {"source": "/etc/passwd"}),
        ("Image", {"sha256": "abc"}),
        ("Image", {"format": "iso"}),
        ("Server", {"apart": "Not a word"}),
        ("Volume", {"iops": -1}),
        ("Bucket", {"retentionDays": -1}),
        ("EncryptionKey", {"rotationDays": 1}),
        ("BackupPolicy", {"everyHours": 25}),
        ("BackupPolicy", {"keep": 0}),
        ("DnsZone", {"domain": "example.gov.pk."}),
        ("DnsRecord", {"label": "a b"}),
        ("DnsRecord", {"type": "SRV"}),
        ("DnsRecord", {"ttlS": 0}),
    ],
)
def test_bad_input_is_told_at_its_name(kind: str, wrong: dict[str, Any]) -> None:
    assert set(said(kind, good(kind, **wrong))) == set(wrong)


def test_what_the_adapter_lacks_is_told_at_its_name() -> None:
    kind = KINDS["Server"]
    plain_inputs = plain(checked(kind, good("Server", bootVolume="")))
    assert lacking(kind, plain_inputs, LabProvider) == []
    assert dict(lacking(kind, {**plain_inputs, "apart": "web"}, LabProvider)).keys() == {"apart"}
    assert dict(lacking(KINDS["Bucket"], plain(checked(KINDS["Bucket"], good("Bucket"))), LabProvider)).keys() == {""}


def test_empty_list_is_no_use_of_an_input_that_the_adapter_lacks() -> None:
    kind = KINDS["LoadBalancer"]

    class Azure(LabProvider):
        kinds: ClassVar[Mapping[str, str]] = {"LoadBalancer": "test"}
        lacks: ClassVar[Mapping[str, str]] = {"LoadBalancer.firewalls": "test"}

    inputs = plain(checked(kind, good("LoadBalancer")))
    assert lacking(kind, {**inputs, "firewalls": []}, Azure) == []
    assert dict(lacking(kind, {**inputs, "firewalls": ["fw-1"]}, Azure)).keys() == {"firewalls"}


def test_unknown_element_beside_a_wrong_one_does_not_hide_it() -> None:
    assert "firewalls" in said("Server", good("Server", firewalls=[UNKNOWN_TEXT, 7]))
    assert said("Server", good("Server", firewalls=[UNKNOWN_TEXT, "fw-1"])) == {}


def test_reason_never_quotes_a_secret() -> None:
    assert "hush" not in " ".join(said("Server", good("Server", userData=secret({"hush": "hush"}))).values())


@pytest.mark.parametrize("name", ["userData", "user_data"])
def test_the_engine_is_not_named_an_input_whose_value_it_would_print(name: str) -> None:
    kind = KINDS["Server"]
    found = failures(kind, {}, good("Server", **{name: ["PASSWORD=hush"]}))
    shown = [without_value(kind, failure) for failure in found]
    assert [(key, reason.partition(":")[0]) for key, reason in shown] == [("", name)]
    assert "hush" not in str(shown)
    assert without_value(kind, ("shape", "is required")) == ("shape", "is required")


def test_defaults_are_filled_in_and_secrets_wrapped() -> None:
    kept = checked(KINDS["Server"], good("Server", userData="#!/bin/sh"))
    assert kept["userData"] == secret("#!/bin/sh")
    assert checked(KINDS["Server"], good("Server", userData=secret("x")))["userData"] == secret("x")
    assert checked(KINDS["Server"], good("Server", userData=UNKNOWN_TEXT))["userData"] == secret(UNKNOWN_TEXT)
    assert checked(KINDS["Volume"], good("Volume"))["allowReplace"] is False


def test_what_can_only_grow_does_not_shrink() -> None:
    assert "can only grow" in said("Volume", good("Volume", sizeGib=5), good("Volume"))["sizeGib"]
    assert said("Volume", good("Volume", sizeGib=15), good("Volume")) == {}
    assert said("Volume", good("Volume", sizeGib=UNKNOWN_TEXT), good("Volume")) == {}


@pytest.mark.parametrize("kind", KINDS)
def test_diff_follows_the_rule_of_each_input(kind: str) -> None:
    old = plain(checked(KINDS[kind], good(kind)))
    assert differences(KINDS[kind], old, old) == ()
    for wire, field in KINDS[kind].input_fields().items():
        for value in ("something else", UNKNOWN):
            (found,) = differences(KINDS[kind], old, {**old, wire: value})
            assert (found.property, found.what, found.replaces) == (wire, "UPDATE", field.rule.replaces)
            assert differences(KINDS[kind], old, {**old, wire: value}, [f"{wire}[0].x"]) == ()


def test_data_is_lost_only_by_replacement_without_leave() -> None:
    kind = KINDS["Volume"]
    old = plain(checked(kind, good("Volume")))
    other = {**old, "storageClass": "hdd"}
    assert loses_data(kind, differences(kind, old, other), other)
    assert not loses_data(kind, differences(kind, old, other), {**other, "allowReplace": True})
    assert not loses_data(kind, differences(kind, old, {**old, "sizeGib": 20}), old)


def firewall(*ports: int) -> Made:
    rules = [{"direction": "in", "protocol": "tcp", "port": port, "peer": "10.0.0.0/8"} for port in ports]
    inputs = msgspec.convert(good("Firewall", rules=rules), KINDS["Firewall"].inputs)
    outputs = KINDS["Firewall"].outputs(placement=())
    return Made(id="fw-1", identity=None, inputs=inputs, outputs=outputs)


def test_what_a_program_leaves_out_of_a_rule_is_no_drift() -> None:
    kind, raw = KINDS["Firewall"], good("Firewall")
    raw["rules"] = [{"direction": "in", "protocol": "tcp", "port": 22, "peer": "10.0.0.0/8"}]
    assert live_inputs(kind, raw, firewall(22))["rules"] == raw["rules"]
    assert len(live_inputs(kind, raw, firewall(22, 443))["rules"]) == 2


def test_secret_of_a_program_stays_one_where_it_drifted_and_where_it_is_wrong() -> None:
    kind, raw = KINDS["Firewall"], good("Firewall")
    rule = {"direction": "in", "protocol": "tcp", "port": 22, "peer": secret("10.0.0.0/8")}
    found = live_inputs(kind, {**raw, "rules": [rule]}, firewall(22, 443))
    assert found["rules"][SIGNATURE] == SECRET
    assert "hush" not in str(failures(KINDS["Network"], {}, good("Network", cidr=secret("hush"), name=secret("hush!"))))


def test_schema_has_every_kind_and_says_what_is_secret_and_what_replaces() -> None:
    schema = json.loads(package_schema())
    assert set(schema["resources"]) == {kind.token for kind in KINDS.values()}
    for kind in KINDS.values():
        shown = schema["resources"][kind.token]
        assert set(shown["inputProperties"]) == set(kind.input_fields())
        assert set(shown["properties"]) == set(kind.input_fields()) | set(kind.output_fields())
        for wire, field in kind.input_fields().items():
            assert shown["inputProperties"][wire].get("secret", False) == field.rule.secret
            assert shown["inputProperties"][wire].get("willReplaceOnChanges", False) == field.rule.replaces
    assert schema["resources"]["pse:index:Firewall"]["inputProperties"]["rules"]["items"] == {
        "$ref": "#/types/pse:index:FirewallRule"
    }


@pytest.mark.parametrize("kind", KINDS)
def test_sdk_class_takes_the_inputs_of_the_schema(kind: str) -> None:
    cls = sdk.CLASSES[kind]
    (args,) = get_args(get_type_hints(cls.__init__)["inputs"])
    fields = {field.name: field for field in KINDS[kind].input_fields().values()}
    assert args.__required_keys__ == {name for name, field in fields.items() if field.required}
    assert args.__optional_keys__ == {name for name, field in fields.items() if not field.required}
    shown = {name for base in cls.__mro__ for name in vars(base).get("__annotations__", {})}
    assert shown >= set(fields) | {field.name for field in KINDS[kind].output_fields().values()}


def test_sdk_has_a_class_for_every_kind() -> None:
    assert set(sdk.CLASSES) == set(KINDS)


def test_urn_is_taken_apart() -> None:
    urn = parse_urn("urn:pulumi:portal::pse::pse:blueprints:Site$pse:index:Server::web::1")
    assert (urn.stack, urn.project, urn.type, urn.name) == ("portal", "pse", "pse:index:Server", "web::1")
    assert len(urn.hash) == 32
    with pytest.raises(BadInput):
        parse_urn("urn:other:x")


def test_stack_tag_is_short_and_sets_workspaces_apart() -> None:
    tag = stack_tag("a" * 64, "pse", "x" * 128)
    assert len(tag) == 53
    assert tag != stack_tag("b" * 64, "pse", "x" * 128)


def test_plugin_answers_with_its_port_and_nothing_else_and_ends_with_its_parent() -> None:
    # A shell in between plays the engine: when it dies, the plugin has to end by itself.
    begun = time.monotonic()
    with subprocess.Popen(
        ["/bin/sh", "-c", f"'{sys.executable}' -P -m providers.plugin.main & echo $!; wait"],
        stdout=subprocess.PIPE,
        text=True,
    ) as engine:
        assert engine.stdout is not None
        lines = {engine.stdout.readline().strip() for _ in range(2)}
        assert all(line.isdigit() for line in lines)
        assert time.monotonic() - begun < 5
        engine.kill()
        # End of file comes when the last holder of the pipe, the plugin, is gone.
        assert engine.stdout.read() == ""
    assert time.monotonic() - begun < 15
