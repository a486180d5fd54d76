"""Calls to Google's services: Compute Engine by Google's library for it, the others as their JSON."""

import threading
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from providers.google.compute import Compute
from providers.google.errors import of_answer, port_errors
from providers.ports import PortError

ENDPOINT = "https://compute.googleapis.com"
COMPUTE, STORAGE, KMS, DNS = "compute", "storage", "cloudkms", "dns"
"""Services, by the first word of their host."""
SCOPES = tuple(
    f"https://www.googleapis.com/auth/{name}"
    for name in ("compute", "devstorage.full_control", "cloudkms", "ndev.clouddns.readwrite")
)
_TIMEOUT_S = (10, 60)


class Wire:
    """Sends calls; safe to use from many threads.

    Args:
        endpoint: URL of Compute Engine; empty for the public one.
        region: The place's.
        proxy: URL of a proxy; empty for what the environment says.
        where: The place, for the user.
    """

    def __init__(self, endpoint: str, *, region: str, proxy: str, where: str) -> None:
        """Remember; no library is imported yet."""
        self._endpoint = (endpoint or ENDPOINT).rstrip("/")
        self._region = region
        self._proxy = proxy
        self._where = where
        self._lock = threading.Lock()
        self._credentials: Any = None
        self._compute: Compute | None = None
        self._session: Any = None

    def open(self) -> None:
        """Find credentials.

        Raises:
            PortError: There are none, or the endpoint is one that nobody's go to.
        """
        with self._lock, port_errors(self._where):
            self._open()

    def send(
        self, service: str, verb: str, path: str, body: Mapping[str, Any] | None, query: Mapping[str, str]
    ) -> dict[str, Any]:
        """One call and its answer.

        Args:
            service: Who is called.
            verb: Of HTTP.
            path: Below the service's version.
            body: JSON.
            query: Parameters.

        Raises:
            PortError: See `providers.google.errors`.
        """
        with port_errors(self._where):
            if service == COMPUTE:
                return self._library().send(verb, path, body, query)
            url = f"{self._root(service)}{'' if service == KMS else f'/{service}'}/v1/{path}"
            response = self._plain().request(
                verb, url, json=body, params=dict(query), timeout=_TIMEOUT_S, allow_redirects=False
            )
            if response.status_code >= 400:
                raise of_answer(response, self._where)
            answer: dict[str, Any] = response.json() if response.status_code != 204 else {}
            if response.status_code >= 300 or not isinstance(answer, dict):
                raise ValueError(path)
            return answer

    def close(self) -> None:
        """Give back connections."""
        with self._lock:
            for opened in (self._compute, self._session):
                if opened is not None:
                    opened.close()
            self._compute = self._session = None

    def _library(self) -> Compute:
        with self._lock:
            if self._compute is None:
                self._open()
                self._compute = Compute(self._endpoint, self._credentials, bind=self._bind, where=self._where)
            return self._compute

    def _plain(self) -> Any:
        from google.auth.transport import requests as transport

        with self._lock:
            if self._session is None:
                self._open()
                untyped: Any = transport
                self._session = untyped.AuthorizedSession(self._credentials)
                self._bind(self._session)
            return self._session

    def _open(self) -> None:
        import google.auth
        from google.auth.credentials import AnonymousCredentials

        if self._credentials is not None:
            return
        self._check_endpoint()
        if urlsplit(self._endpoint).scheme == "http":
            anonymous: Any = AnonymousCredentials
            self._credentials = anonymous()
        else:
            self._credentials, _ = google.auth.default(scopes=SCOPES)

    def _bind(self, session: Any) -> None:
        """Bound what a session takes, and send it by the proxy.

        Its pool of connections is made for threads; what is not, redirects and cookies, is not used.
        """
        from providers.kit.transport import Bounded

        for scheme in ("http://", "https://"):
            session.mount(scheme, Bounded(proxy=self._proxy))
            if self._proxy:
                # Tokens are fetched by a session of the library's own.
                session._auth_request_session.mount(scheme, Bounded(proxy=self._proxy))  # noqa: SLF001
        session.max_redirects = 0
        # Says "authorised": without it requests would put the password of a netrc in the place of the token.
        session.auth = lambda request: request
        session.headers["User-Agent"] = "pse"

    def _root(self, service: str) -> str:
        """Where a service answers: Google's hosts begin with its name, regional and private ones too."""
        scheme, _, rest = self._endpoint.partition("://")
        return f"{scheme}://{service}{rest.removeprefix(COMPUTE)}" if rest.startswith(COMPUTE) else self._endpoint

    def _check_endpoint(self) -> None:
        """Credentials go to nobody in the clear; a regional endpoint has to be the region's."""
        from policy.gate import is_local

        parts = urlsplit(self._endpoint)
        host = parts.hostname or ""
        if parts.scheme != "https" and not (parts.scheme == "http" and is_local(self._endpoint)):
            raise PortError(f"{self._endpoint} is not a https:// address", reason="invalid", where=self._where)
        if host.endswith(".rep.googleapis.com") and self._region not in host.split("."):
            raise PortError(
                f"{self._endpoint} is not an endpoint of {self._region}", reason="invalid", where=self._where
            )
