"""What stands between us and a cloud's answers: no answer is larger or slower than it may be."""

import time
from typing import Any

import requests
from requests.adapters import HTTPAdapter

CAP = 16 * 1024 * 1024
"""Bytes of one answer, unpacked. A page of 1,000 servers has about 3 MiB."""
WHOLE_S = 120.0
"""Seconds for one whole answer: a socket's timeout alone never ends a trickle."""
TIMEOUT_S = 60.0
POOL = 64


class TooLarge(requests.RequestException):
    """An answer was larger than `CAP`."""


class Bounded(HTTPAdapter):
    """Reads every answer here, within size and time; nothing is tried again.

    Args:
        cap: Bytes of the longest answer.
        proxy: URL of a proxy, whatever the environment says, which would win over a session's own; empty for what it
            says.
    """

    def __init__(self, cap: int = CAP, *, proxy: str = "") -> None:
        """Keep a connection for each of the plugin's 64 threads."""
        self._cap = cap
        self._proxies = {"http": proxy, "https": proxy} if proxy else None
        super().__init__(pool_connections=POOL, pool_maxsize=POOL, max_retries=0)

    def send(
        self,
        request: requests.PreparedRequest,
        stream: bool = False,  # noqa: ARG002  (the base class's signature)
        timeout: float | tuple[float | None, float | None] | None = None,
        verify: bool | str = True,
        cert: Any = None,
        proxies: dict[str, str] | None = None,
    ) -> requests.Response:
        """See the base class.

        Raises:
            TooLarge: More than the cap.
            requests.Timeout: It took too long.
        """
        end = time.monotonic() + WHOLE_S
        response = super().send(
            request,
            stream=True,
            timeout=timeout or TIMEOUT_S,
            verify=verify,
            cert=cert,
            proxies=self._proxies or proxies,
        )
        body = bytearray()
        for chunk in response.iter_content(65536):
            body += chunk
            if len(body) > self._cap:
                response.close()
                raise TooLarge(f"the answer has more than {self._cap} bytes", request=request)
            if time.monotonic() > end:
                response.close()
                raise requests.ReadTimeout(f"the answer took more than {WHOLE_S:.0f} s", request=request)
        response._content = bytes(body)  # noqa: SLF001  (where requests itself keeps what was read)
        return response


def http_session() -> requests.Session:
    """A session over `Bounded`; the environment's proxies and certificates count, its netrc does not."""
    session = requests.Session()
    for scheme in ("http://", "https://"):
        session.mount(scheme, Bounded())
    # Says "authorised": without it requests would put the password of a netrc beside the token, or in its place.
    session.auth = lambda request: request
    return session
