"""A bound on answers: the SDK reads a whole answer into memory, however long it is."""

from collections.abc import Iterator
from typing import Any

from providers.kit.retryafter import retry_after_s
from providers.ports import PortError


class _Capped:
    """The body of an answer that ends in an error when it goes on for too long."""

    def __init__(self, raw: Any, most: int) -> None:
        self._raw = raw
        self._most = most

    def stream(self, amount: int = 65536, decode_content: bool | None = None) -> Iterator[bytes]:
        """The body in chunks, as urllib3 gives it."""
        from urllib3.exceptions import HTTPError

        total = 0
        try:
            for chunk in self._raw.stream(amount, decode_content=decode_content):
                total += len(chunk)
                if total > self._most:
                    self._raw.close()
                    raise PortError(
                        f"an answer of more than {self._most} bytes was cut off", vendor_code="AnswerTooLong"
                    )
                yield chunk
        except HTTPError as exc:
            # The SDK maps what breaks while it waits for an answer, and this breaks in the middle of one.
            raise PortError("the answer broke off", vendor_code=type(exc).__name__) from exc


def limit_answers(client: Any, most: int) -> None:
    """Cut off answers to ``client`` that are longer than ``most`` bytes.

    botocore asks handlers of ``before-send`` for an answer before it asks the network; this one asks the network
    itself, and reads under the bound.
    """
    # The client's own transport: it has the pool, the proxies and the time limits of the configuration.
    transport = client._endpoint.http_session  # noqa: SLF001  (botocore has no public way to bound an answer)

    def send(request: Any, **_: Any) -> Any:
        if request.stream_output:
            return None  # whoever asked for a stream bounds it himself
        request.stream_output = True
        response = transport.send(request)
        if response.status_code == 429:
            # Nobody will read it: without this its connection stays open until it is collected.
            response.raw.close()
            # Often from something in front of EC2, with a body that is not EC2's, and then the SDK loses the status.
            wanted = retry_after_s(response.headers)
            raise PortError("too many requests", reason="throttle", vendor_code="429", retry_after_s=wanted)
        response.raw = _Capped(response.raw, most)
        # Read here, so that whatever breaks off is the call's error.
        _ = response.content
        return response

    client.meta.events.register("before-send.*", send)
