"""A proxy in front of a real server, which misbehaves when it is asked to.

Everything is a `Layer`: it gets a request and a way to forward it, and gives back an answer, or None to cut the
connection. Lasting layers (`Hostile.layers`) stand nearest to the server; faults are planted for a number of requests
and stand before them. What it does not do: TLS, chunked requests, HTTP/2.
"""

import http.client
import re
import threading
import urllib.parse
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Protocol, Self

from tests.fakes.restactions import action_of

MIB = 1024 * 1024
_HOP = frozenset({"connection", "content-length", "transfer-encoding", "keep-alive", "date", "server"})
_CHUNK = b"x" * 65536


@dataclass(frozen=True)
class Request:
    """What a client sent."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def form(self) -> dict[str, str]:
        """The parameters of a query-protocol call, such as EC2's."""
        return dict(urllib.parse.parse_qsl(self.body.decode("utf-8", "replace")))

    @property
    def action(self) -> str:
        """The cloud's name of the call; empty where only method and path tell it."""
        named = self.form.get("Action", "") or self._header("x-amz-target").rpartition(".")[2]
        return named or action_of(self.service, self.method, self.path)

    @property
    def service(self) -> str:
        """The service at AWS that the request was signed for; empty elsewhere."""
        scope = self._header("authorization").partition("Credential=")[2].partition(",")[0].split("/")
        return scope[3] if len(scope) == 5 else ""

    def _header(self, name: str) -> str:
        return next((value for key, value in self.headers.items() if key.lower() == name), "")

    def with_form(self, form: Mapping[str, str]) -> "Request":
        """The same with other parameters."""
        return Request(self.method, self.path, self.headers, urllib.parse.urlencode(form).encode())


@dataclass(frozen=True)
class Answer:
    """What goes back; ``pad`` bytes of filling follow the body."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    pad: int = 0


Forward = Callable[[Request], Answer]


class Layer(Protocol):
    """One misbehaviour, or one rule."""

    def __call__(self, request: Request, forward: Forward, /) -> Answer | None:
        """The answer; None cuts the connection without one."""


@dataclass
class Planted:
    """A fault in place; ``left`` counts down."""

    layer: Layer
    when: Callable[[Request], bool]
    left: int
    hits: int = 0


def cut_after(request: Request, forward: Forward) -> None:
    """The request takes effect and its answer is lost."""
    forward(request)


def cut_before(request: Request, forward: Forward) -> None:
    """The request never arrives, and nobody can tell."""


def error_after(status: int = 500, body: bytes = b"") -> Layer:
    """The request takes effect and the answer is an error."""

    def layer(request: Request, forward: Forward) -> Answer:
        forward(request)
        return Answer(status, body)

    return layer


def refuse(status: int, *, retry_after: str = "", body: bytes = b"") -> Layer:
    """The request does not arrive and the answer is an error, as in a storm of 429 or 503."""

    def layer(request: Request, forward: Forward) -> Answer:
        return Answer(status, body, {"Retry-After": retry_after} if retry_after else {})

    return layer


def replace(old: str, new: str) -> Layer:
    """The answer says ``new`` where it should say ``old``, for example another region."""

    def layer(request: Request, forward: Forward) -> Answer:
        answer = forward(request)
        return Answer(answer.status, answer.body.replace(old.encode(), new.encode()), answer.headers)

    return layer


def huge(size: int = 50 * MIB) -> Layer:
    """The answer is the real one and then ``size`` bytes of filling."""

    def layer(request: Request, forward: Forward) -> Answer:
        answer = forward(request)
        return Answer(answer.status, answer.body, answer.headers, pad=size)

    return layer


class Hold:
    """The request waits until `release`: before it takes effect, or after it when ``after`` is true."""

    def __init__(self, *, after: bool, most_s: float = 60.0) -> None:
        self._after = after
        self._most_s = most_s
        self._go = threading.Event()
        self.reached = threading.Event()
        self.held: Request | None = None

    def __call__(self, request: Request, forward: Forward) -> Answer | None:
        """Wait on the chosen side of the effect."""
        answer = forward(request) if self._after else None
        self.held = request
        self.reached.set()
        if not self._go.wait(self._most_s):
            return None
        return answer if answer is not None else forward(request)

    def release(self) -> None:
        """Let everything go on."""
        self._go.set()


class Hostile:
    """The proxy; a context manager. It listens on a free port of the loopback address.

    Args:
        upstream: URL of the real server.
        layers: Lasting layers, the first nearest to the server.
    """

    def __init__(self, upstream: str, layers: tuple[Layer, ...] = ()) -> None:
        target = urllib.parse.urlsplit(upstream)
        self._upstream = (str(target.hostname), int(target.port or 80))
        self._lock = threading.Lock()
        self.layers = layers
        self.requests: list[Request] = []
        self.planted: list[Planted] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, tb: TracebackType | None) -> None:
        self._server.shutdown()
        self._server.server_close()

    def plant(self, layer: Layer, *, when: Callable[[Request], bool] | str = "", times: int = 1) -> Planted:
        """Misbehave for the next ``times`` requests that fit; a text is the action, as a regular expression."""
        fits = when if callable(when) else (lambda request: bool(re.fullmatch(when or ".*", request.action)))
        fault = Planted(layer, fits, times)
        with self._lock:
            self.planted.append(fault)
        return fault

    def calm(self) -> None:
        """Take all faults away and forget what was asked."""
        with self._lock:
            self.planted.clear()
            self.requests.clear()

    def actions(self) -> list[str]:
        """The cloud's names of what was asked, in order."""
        with self._lock:
            return [request.action for request in self.requests]

    def answer(self, request: Request) -> Answer | None:
        """What the proxy says."""
        with self._lock:
            self.requests.append(request)
            faults = [fault for fault in self.planted if fault.left > 0 and fault.when(request)]
            for fault in faults[:1]:
                fault.left -= 1
                fault.hits += 1
        forward: Forward = self._forward
        for layer in self.layers:
            forward = _through(layer, forward)
        try:
            return faults[0].layer(request, forward) if faults else forward(request)
        except _Cut:
            return None

    def _forward(self, request: Request) -> Answer:
        connection = http.client.HTTPConnection(*self._upstream, timeout=60)
        try:
            headers = {key: value for key, value in request.headers.items() if key.lower() not in _HOP}
            connection.request(request.method, request.path, request.body or None, headers)
            response = connection.getresponse()
            kept = {key: value for key, value in response.getheaders() if key.lower() not in _HOP}
            return Answer(response.status, response.read(), kept)
        finally:
            connection.close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            # Head and body are two writes: without this the second waits 40 ms for the client's acknowledgement.
            disable_nagle_algorithm = True

            def handle_one_request(self) -> None:
                try:
                    self.raw_requestline = self.rfile.readline(65537)
                    if not self.raw_requestline or not self.parse_request():
                        self.close_connection = True
                        return
                    length = int(self.headers.get("Content-Length") or 0)
                    request = Request(self.command, self.path, dict(self.headers.items()), self.rfile.read(length))
                    self._give(proxy.answer(request))
                except OSError:
                    # The client is gone, or the server behind us is.
                    self.close_connection = True

            def _give(self, answer: Answer | None) -> None:
                if answer is None:
                    self.close_connection = True
                    return
                self.send_response(answer.status)
                for key, value in answer.headers.items():
                    self.send_header(key, value)
                self.send_header("Content-Length", str(len(answer.body) + answer.pad))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(answer.body)
                    for start in range(0, answer.pad, len(_CHUNK)):
                        self.wfile.write(_CHUNK[: answer.pad - start])

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        return Handler


class _Cut(Exception):
    """A lasting layer cut the connection."""


def _through(layer: Layer, forward: Forward) -> Forward:
    def through(request: Request) -> Answer:
        answer = layer(request, forward)
        if answer is None:
            raise _Cut
        return answer

    return through
