"""The misbehaviours that the conformance suite asks for by name, on hostile proxies."""

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


def looks(request: Request) -> bool:
    """Whether a request only looks."""
    return request.method == "GET" or request.action.startswith("Describe")


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

    def plant(self, what: str, kind: str, *, making: bool, times: int = 1) -> Callable[[], int]:
        """Misbehave; tells how often it did."""
        way = self._way(kind, making)
        when = looks if what == "elsewhere" else way.when
        fault = way.proxy.plant(self._layers[what], when=when, times=times)
        return lambda: fault.hits

    def calm(self) -> None:
        """Take all of it away."""
        for proxy in self._proxies:
            proxy.calm()
        self._calm()
