"""The misbehaviours that the conformance suite asks for by name, on hostile proxies."""

import itertools
import re
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from tests.fakes.hostile import (
    Answer,
    Forward,
    Hostile,
    Layer,
    Request,
    cut_after,
    cut_before,
    error_after,
    huge,
    refuse,
)


def redirect(request: Request, forward: Forward) -> Answer:
    """The answer sends whoever asked to where it was just now."""
    return Answer(302, b"{}", {"Location": request.path})


LAYERS: Mapping[str, Layer] = {
    "lost": cut_after,
    "before": cut_before,
    "error": error_after(500),
    "garbage-after": error_after(200, b"<html>"),
    "throttle": refuse(429, retry_after="2"),
    "throttle-wait": refuse(429),
    "busy": refuse(503),
    "forbidden": refuse(403),
    "garbage": refuse(200, body=b"<html>"),
    "empty": refuse(200),
    "huge": huge(),
    "redirect": redirect,
}


STUCK_S = 600.0
"""Seconds for which a call stays without an answer at the most: longer than any test waits."""


class Stuck:
    """No answer until it is released, and none then: the connection is cut.

    Args:
        done: The request takes effect before that.
    """

    def __init__(self, *, done: bool) -> None:
        self._done = done
        self._over = threading.Event()

    def __call__(self, request: Request, forward: Forward) -> None:
        """Wait."""
        if self._done:
            forward(request)
        self._over.wait(STUCK_S)

    def release(self) -> None:
        """Cut those that wait."""
        self._over.set()


class Old:
    """The same question gets the answer that it got first."""

    def __init__(self) -> None:
        self._answers: dict[tuple[str, str, bytes], Answer] = {}
        self._lock = threading.Lock()

    def __call__(self, request: Request, forward: Forward) -> Answer:
        """Ask once for all."""
        asked = (request.method, request.path, request.body)
        with self._lock:
            if asked not in self._answers:
                self._answers[asked] = forward(request)
            return self._answers[asked]


def looks(request: Request) -> bool:
    """Whether a request only looks, or waits for what was begun."""
    waits = request.path.partition("?")[0].endswith("/wait") or b"os-getConsoleOutput" in request.body
    return request.method in {"GET", "HEAD"} or request.action.startswith(("Describe", "Get", "List")) or waits


def lists(request: Request) -> bool:
    """Whether a look is at a list and not at one object: what lags behind at clouds."""
    if request.form:
        return not any(name.endswith("Id.1") for name in request.form)
    last = request.path.partition("?")[0].rstrip("/").rpartition("/")[2]
    return re.fullmatch("[A-Za-z]+s|detail", last) is not None


def takes_away(request: Request) -> bool:
    """Whether a request only makes less."""
    return request.method == "DELETE" or request.action.startswith(("Delete", "Release", "Terminate", "Revoke"))


class Way(NamedTuple):
    """The calls of a cloud that are meant: through which proxy, and which of them."""

    proxy: Hostile
    when: Callable[[Request], bool]


class Troubles:
    """See `providers.conformance.hostile.Trouble`.

    Args:
        proxies: All of them.
        way: The calls that make a kind, or look at it.
        own: Layers of the cloud's own: ``small-pages``, ``circle``, ``elsewhere``.
        calm: What else has to be undone.
    """

    def __init__(
        self,
        proxies: Sequence[Hostile],
        way: Callable[[str, bool], Way],
        own: Mapping[str, Layer],
        calm: Callable[[], object] = lambda: None,
    ) -> None:
        self._proxies = proxies
        self._way = way
        self._layers = {**LAYERS, **own}
        self._calm = calm
        self._stuck: list[Stuck] = []
        self.knows = frozenset(self._layers) | {"half", "hang", "late", "stuck"}

    def plant(self, what: str, kind: str, *, making: bool, times: int = 1) -> Callable[[], int]:
        """Misbehave; tells how often it did."""
        if what == "half":
            return self._half()
        way = self._way(kind, making)
        when = looks if what == "elsewhere" else way.when
        if what == "late":
            fault = way.proxy.plant(Old(), when=lambda request: way.when(request) and lists(request), times=times)
        elif what in {"hang", "stuck"}:
            fault = way.proxy.plant(self._hold(done=what == "stuck"), when=when, times=times)
        else:
            fault = way.proxy.plant(self._layers[what], when=when, times=times)
        return lambda: fault.hits

    def calm(self) -> None:
        """Take all of it away."""
        for stuck in self._stuck:
            stuck.release()
        self._stuck.clear()
        for proxy in self._proxies:
            proxy.calm()
        self._calm()

    def _hold(self, *, done: bool) -> Stuck:
        self._stuck.append(Stuck(done=done))
        return self._stuck[-1]

    def _half(self) -> Callable[[], int]:
        """Forbid all that changes something from the second such call on, at whatever service."""
        count = itertools.count()

        def when(request: Request) -> bool:
            return not looks(request) and not takes_away(request) and next(count) > 0

        faults = [proxy.plant(self._layers["forbidden"], when=when, times=1_000_000) for proxy in self._proxies]
        return lambda: sum(fault.hits for fault in faults)
