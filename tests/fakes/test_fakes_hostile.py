"""The proxy and its layers, against a small server of their own."""

import http.client
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar

import pytest

from tests.fakes import hostile
from tests.fakes.ec2 import NAMESPACE, Late, Pages, Tokens
from tests.fakes.hostile import Answer, Hostile, Request
from tests.fakes.trouble import Troubles, Way
from tests.providers.waiting import wait_for


class Counter(BaseHTTPRequestHandler):
    """Answers with how many requests took effect, and says what it was sent."""

    seen: ClassVar[list[bytes]]

    def do_POST(self) -> None:
        self.seen.append(self.rfile.read(int(self.headers["Content-Length"])))
        body = f"region-one {len(self.seen)}".encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


class Both:
    """A server and the proxy in front of it."""

    def __init__(self, proxy: Hostile, seen: list[bytes]) -> None:
        self.proxy = proxy
        self.seen = seen

    def post(self, body: str = "Action=Make&Name=a") -> Answer:
        with closing(http.client.HTTPConnection(self.proxy.url.removeprefix("http://"), timeout=10)) as connection:
            connection.request("POST", "/", body)
            with connection.getresponse() as response:
                return Answer(response.status, response.read(), dict(response.headers.items()))


@pytest.fixture
def both() -> Iterator[Both]:
    seen: list[bytes] = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Mine", (Counter,), {"seen": seen}))
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    with Hostile(f"http://127.0.0.1:{server.server_address[1]}") as proxy:
        yield Both(proxy, seen)
    server.shutdown()
    server.server_close()


def test_nothing_planted_changes_nothing(both: Both) -> None:
    assert (both.post().body, both.post().body) == (b"region-one 1", b"region-one 2")
    assert both.seen == [b"Action=Make&Name=a"] * 2
    assert both.proxy.actions() == ["Make", "Make"]


def test_cut_after_takes_effect_and_cut_before_does_not(both: Both) -> None:
    both.proxy.plant(hostile.cut_after)
    with pytest.raises(http.client.RemoteDisconnected):
        both.post()
    assert len(both.seen) == 1
    both.proxy.plant(hostile.cut_before)
    with pytest.raises(http.client.RemoteDisconnected):
        both.post()
    assert len(both.seen) == 1
    assert both.post().status == 200


def test_error_after_takes_effect_and_refuse_does_not(both: Both) -> None:
    both.proxy.plant(hostile.error_after(500))
    both.proxy.plant(hostile.refuse(429, retry_after="7"), times=2)
    assert both.post().status == 500
    answers = [both.post() for _ in range(2)]
    assert [(answer.status, answer.headers["Retry-After"]) for answer in answers] == [(429, "7")] * 2
    assert len(both.seen) == 1
    assert both.post().status == 200


def test_fault_hits_only_what_fits(both: Both) -> None:
    fault = both.proxy.plant(hostile.refuse(503), when="Other.*")
    assert both.post().status == 200
    assert both.post("Action=OtherThing").status == 503
    assert (fault.hits, fault.left) == (1, 0)


def test_answer_is_rewritten_and_padded(both: Both) -> None:
    both.proxy.plant(hostile.replace("region-one", "region-two"))
    assert both.post().body == b"region-two 1"
    both.proxy.plant(hostile.huge(3 * hostile.MIB))
    assert len(both.post().body) == 3 * hostile.MIB + len("region-one 2")


@pytest.mark.parametrize("after", [True, False])
def test_hold_keeps_a_request_on_the_chosen_side(both: Both, after: bool) -> None:
    hold = hostile.Hold(after=after)
    both.proxy.plant(hold)
    got: list[int] = []
    thread = threading.Thread(target=lambda: got.append(both.post().status))
    thread.start()
    assert hold.reached.wait(10)
    assert (len(both.seen), got) == (int(after), [])
    hold.release()
    thread.join(10)
    assert (len(both.seen), got) == (1, [200])


def made(body: bytes) -> Answer:
    return Answer(200, body)


def form(**values: str) -> Request:
    return Request("POST", "/", {}, b"").with_form(values)


def test_same_token_gives_the_same_answer_and_another_body_an_error() -> None:
    count = iter(range(9))
    tokens = Tokens(lambda _: None)

    def forward(request: Request) -> Answer:
        return made(f"<r><volumeId>vol-{next(count)}</volumeId></r>".encode())

    first = tokens(form(Action="CreateVolume", ClientToken="a", Size="1"), forward)
    assert tokens(form(Action="CreateVolume", ClientToken="a", Size="1"), forward) == first
    assert tokens(form(Action="CreateVolume", ClientToken="b", Size="1"), forward) != first
    refused = tokens(form(Action="CreateVolume", ClientToken="a", Size="2"), forward)
    assert b"IdempotentParameterMismatch" in refused.body
    assert next(count) == 2


def test_what_is_late_is_neither_listed_nor_known_and_then_both() -> None:
    late = Late(0.3)
    listing = f'<r xmlns="{NAMESPACE}"><vpcSet><item><vpcId>vpc-1</vpcId></item></vpcSet></r>'.encode()
    late(form(Action="CreateVpc"), lambda _: made(listing))
    assert b"vpc-1" not in late(form(Action="DescribeVpcs"), lambda _: made(listing)).body
    assert b"InvalidVpcID.NotFound" in late(form(Action="CreateSubnet", VpcId="vpc-1"), lambda _: made(b"")).body
    deadline = time.monotonic() + 10
    while b"vpc-1" not in late(form(Action="DescribeVpcs"), lambda _: made(listing)).body:
        assert time.monotonic() < deadline
    assert late(form(Action="CreateSubnet", VpcId="vpc-1"), lambda _: made(b"<ok/>")).body == b"<ok/>"


def test_pages_hold_every_item_once_and_the_first_is_empty() -> None:
    items = "".join(f"<item><vpcId>vpc-{n}</vpcId></item>" for n in range(3))
    listing = f'<r xmlns="{NAMESPACE}"><vpcSet>{items}</vpcSet></r>'.encode()
    pages, token, found = Pages(2), "", []
    for _ in range(9):
        asked = {"Action": "DescribeVpcs", "MaxResults": "500"} | ({"NextToken": token} if token else {})
        body = pages(form(**asked), lambda _: made(listing)).body.decode()
        found.append([n for n in range(3) if f"vpc-{n}" in body])
        token = body.partition("nextToken>")[2].partition("<")[0]
        if not token:
            break
    assert found == [[], [0, 1], [2]]


@pytest.fixture
def troubles(both: Both) -> Iterator[Troubles]:
    def way(kind: str, making: bool) -> Way:
        return Way(both.proxy, lambda request: request.action == ("Make" if making else "Describe"))

    made = Troubles((both.proxy,), way, {})
    yield made
    made.calm()


@pytest.mark.parametrize(("what", "done"), [("hang", 0), ("stuck", 1)])
def test_call_without_an_answer_ends_when_it_is_calm(both: Both, troubles: Troubles, what: str, done: int) -> None:
    hits = troubles.plant(what, "Thing", making=True)
    ended: list[type[Exception]] = []

    def post() -> None:
        try:
            both.post()
        except (OSError, http.client.HTTPException) as exc:
            ended.append(type(exc))

    thread = threading.Thread(target=post)
    thread.start()
    wait_for(lambda: hits() and len(both.seen) == done)
    assert (thread.is_alive(), ended) == (True, [])
    troubles.calm()
    thread.join(10)
    assert (len(ended), len(both.seen)) == (1, done)


def test_list_that_lags_says_what_it_said_first_and_one_object_is_seen_as_it_is(both: Both, troubles: Troubles) -> None:
    hits = troubles.plant("late", "Thing", making=False, times=2)
    asked = ["Action=Describe&Filter.1.Name=a"] * 3 + ["Action=Describe&ThingId.1=a"] * 2
    assert [both.post(body).body for body in asked] == [
        b"region-one 1", b"region-one 1", b"region-one 2", b"region-one 3", b"region-one 4",
    ]  # fmt: skip
    assert hits() == 2


def test_what_is_begun_cannot_be_finished_but_taken_away(both: Both, troubles: Troubles) -> None:
    troubles.plant("half", "Thing", making=True)
    actions = ("Describe", "Make", "Describe", "Change", "Delete")
    assert [both.post(f"Action={action}").status for action in actions] == [200, 200, 200, 403, 200]
