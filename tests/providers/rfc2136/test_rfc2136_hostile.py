"""A name server, or a way to it, that misbehaves: lost, forged, cut and wrong answers, and wrong keys."""

import socket
from typing import Any

import dns.flags
import dns.message
import dns.rcode
import pytest

from providers.ports import PortError
from tests.nameserver import WEAK_NAME
from tests.providers.rfc2136.between import Between, Forward, is_update
from tests.providers.rfc2136.desk import Desk, new, refused


@pytest.mark.parametrize("kind", ["DnsZone", "DnsRecord"])
def test_answer_lost_after_the_update_makes_nothing_twice(desk: Desk, proxy: Between, kind: str) -> None:
    if kind == "DnsRecord":
        desk.claim()
    lost: list[bytes] = []

    def lose(message: bytes, forward: Forward) -> bytes:
        answer = forward(message)
        if not is_update(message) or lost:
            return answer
        lost.append(answer)
        return b""

    proxy.act = lose
    store = desk.provider(dns_server=f"127.0.0.1:{proxy.port}").store(kind)
    inputs, identity = desk.record() if kind == "DnsRecord" else desk.zone(), new()
    error = refused(store.create, inputs, identity=identity)
    assert (error.reason, len(lost)) == ("transient", 1)
    made = store.create(inputs, identity=identity)
    assert (made.identity, made.inputs) == (identity, inputs)
    assert [found.id for found in store.list()] == [made.id]


def code(rcode: dns.rcode.Rcode, **changes: int) -> Any:
    def answer(message: bytes, forward: Forward) -> bytes:
        del forward
        made = dns.message.make_response(dns.message.from_wire(message, keyring=False))
        made.set_rcode(rcode)
        made.flags |= changes.get("flags", 0)
        return made.to_wire()

    return answer


def flipped(answer: bytes) -> bytes:
    """The same with another TTL or serial: a bit in the middle of what is signed."""
    at = answer.index(b"\xc0\x0c", 12) + 9 if b"\xc0\x0c" in answer[12:] else 3
    return answer[:at] + bytes([answer[at] ^ 1]) + answer[at + 1 :]


@pytest.mark.parametrize(
    ("act", "reason", "vendor_code"),
    [
        (code(dns.rcode.SERVFAIL), "transient", "SERVFAIL"),
        (code(dns.rcode.NOERROR), "transient", "unsigned"),
        (code(dns.rcode.NOERROR, flags=int(dns.flags.TC)), "transient", "TC"),
        (code(dns.rcode.FORMERR), "invalid", "FORMERR"),
        (code(dns.rcode.NOTAUTH), "invalid", "NOTAUTH"),
        (lambda message, _: message[:2] + b"\xff" * 40, "transient", None),
        (lambda message, forward: flipped(forward(message)), "transient", "unsigned"),
        (lambda message, _: message, "transient", "BadResponse"),
        (lambda _message, _forward: b"", "transient", "EOFError"),
    ],
    ids=["servfail", "unsigned", "truncated", "formerr", "notauth", "garbage", "forged", "echo", "cut"],
)
def test_bad_answer_is_an_error_of_ours_with_its_code(
    desk: Desk, proxy: Between, act: Any, reason: str, vendor_code: str | None
) -> None:
    desk.claim()
    made = desk.records().create(desk.record(), identity=new())
    proxy.act = act
    provider = desk.provider(dns_server=f"127.0.0.1:{proxy.port}")
    for call in (
        lambda: provider.store("DnsRecord").read(made.id, None),
        lambda: provider.store("DnsRecord").create(desk.record(label="other"), identity=new()),
        lambda: provider.store("DnsZone").list(),
    ):
        error = refused(call)
        assert (error.reason, error.message.isprintable()) == (reason, True)
        assert vendor_code in {error.vendor_code, None}
    assert refused(provider.store("DnsRecord").list).reason in {"transient", "auth", "invalid"}


def test_server_that_is_away_is_transient(desk: Desk) -> None:
    # Nobody listens at a port that is bound and no more.
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        store = desk.records(dns_server=f"127.0.0.1:{taken.getsockname()[1]}")
        error = refused(store.create, desk.record(), identity=new())
        assert (error.reason, error.vendor_code) == ("transient", "ConnectionRefusedError")
        assert refused(store.list).reason == "transient"


@pytest.mark.parametrize(
    ("options", "vendor_code"),
    [
        ({"dns_key_name": "pse-nobody"}, "BADKEY"),
        ({"dns_key": "env:PSE_TEST_WRONG_TSIG"}, "BADSIG"),
        ({"dns_key_name": WEAK_NAME}, "REFUSED"),
        ({"dns_key": "env:PSE_TEST_NO_SUCH"}, "bad-input"),
        ({"dns_key": "env:PSE_TEST_ODD_TSIG"}, ""),
    ],
)
def test_wrong_key_is_auth_and_shown_nowhere(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, options: dict[str, str], vendor_code: str
) -> None:
    wrong, odd = "d3JvbmcgaHVzaC01ZjBjMWQ=", "hush-5f0c1d!"
    monkeypatch.setenv("PSE_TEST_WRONG_TSIG", wrong)
    monkeypatch.setenv("PSE_TEST_ODD_TSIG", odd)
    for call in (
        lambda: desk.zones(**options).create(desk.zone(), identity=new()),
        lambda: desk.records(**options).list(),
    ):
        error: BaseException | None = refused(call)
        assert isinstance(error, PortError)
        assert (error.reason, error.vendor_code) == ("auth", vendor_code)
        while error is not None:
            said = str(error) + repr(error) + getattr(error, "hint", "") + getattr(error, "where", "")
            assert not any(secret in said for secret in (wrong, odd, "hush", desk.server.key))
            error = error.__cause__
    assert desk.says("_pse", "TXT") == []
