"""Calls to Azure Resource Manager over the SDK's own pipeline: credentials, proxies, and a bound on answers.

`azure.core` and `azure.mgmt.core` are what every client of the SDK is made of. The clients themselves
(azure-mgmt-compute, azure-mgmt-network) are not used: importing them takes seconds in every plugin process
(docs/adr/0003-dependencies.md).
"""

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

import msgspec

from providers.azure.errors import port_errors
from providers.ports import PortError

MAX_ANSWER = 32 * 1024 * 1024
"""Bytes of one answer; a page of 1,000 machines is 5 MB."""
CLOUDS: Mapping[str, str] = {
    "management.azure.com": "https://management.azure.com/.default",
    "management.usgovcloudapi.net": "https://management.usgovcloudapi.net/.default",
    "management.chinacloudapi.cn": "https://management.chinacloudapi.cn/.default",
}
"""Hosts of ARM, and what a credential for each is good for."""


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What came back.

    Attributes:
        status: HTTP status.
        body: The JSON object; empty where there is none.
        headers: Names in small letters.
    """

    status: int
    body: Mapping[str, Any]
    headers: Mapping[str, str]


class Wire:
    """Sends requests; safe to use from many threads.

    A client holds a session of `requests`, which is not said to be thread safe: so each call borrows a client of its
    own, and gives it back for the next one.

    Args:
        endpoint: URL of ARM; empty for the public cloud's.
        proxy: URL of a proxy; empty for what the environment says.
        where: The place, for the user.
    """

    def __init__(self, endpoint: str, *, proxy: str, where: str) -> None:
        """Remember; no SDK is imported yet."""
        self.base = (endpoint or "https://management.azure.com").rstrip("/")
        self._proxies = {"http": proxy, "https": proxy} if proxy else {}
        self._where = where
        self._lock = threading.Lock()
        self._idle: list[Any] = []
        self._credential: Any = None

    def send(
        self,
        method: str,
        url: str,
        *,
        query: Mapping[str, str],
        body: Any = None,
        headers: Mapping[str, str],
        bare: bool = False,
    ) -> Answer:
        """One request and its answer, whatever its status.

        Args:
            method: Of HTTP.
            url: A path at the endpoint, or a whole URL that ARM gave.
            query: Parameters, besides those in ``url``.
            body: Sent as JSON.
            headers: Besides the SDK's own.
            bare: The answer is a list without an object around it; it is given as ``value``.

        Raises:
            PortError: There was no answer that can be understood.
        """
        target = url if url.startswith(("http:", "https:")) else f"{self.base}{url}"
        if urlsplit(target)[:2] != urlsplit(self.base)[:2]:
            # Whoever follows it would show his credential to a stranger.
            raise PortError(
                "the answer leads to another host", reason="invalid", vendor_code="ForeignLink", where=self._where
            )
        with port_errors(self._where):
            from azure.core.rest import HttpRequest

            # HttpRequest puts parameters in place of those that a URL has: a link of ARM's is left as it is.
            request = HttpRequest(method, target, json=body, headers=dict(headers), params=dict(query) or None)
            with self._client() as client:
                response = client.send_request(request, stream=True)
                try:
                    data = self._read(response)
                finally:
                    response.close()
            parsed = _json(data, good=response.status_code < 400, bare=bare)
        return Answer(
            status=response.status_code,
            body=parsed,
            headers={key.lower(): value for key, value in response.headers.items()},
        )

    def close(self) -> None:
        """Give back connections."""
        with self._lock:
            clients, self._idle = self._idle, []
            credential, self._credential = self._credential, None
        for client in clients:
            client.close()
        if credential is not None:
            credential.close()

    def _read(self, response: Any) -> bytes:
        found = bytearray()
        for chunk in response.iter_bytes():
            found += chunk
            if len(found) > MAX_ANSWER:
                said = f"an answer of more than {MAX_ANSWER} bytes was cut off"
                raise PortError(said, vendor_code="AnswerTooLong", where=self._where)
        return bytes(found)

    @contextmanager
    def _client(self) -> Iterator[Any]:
        with self._lock:
            client = self._idle.pop() if self._idle else self._made()
        try:
            yield client
        finally:
            with self._lock:
                self._idle.append(client)

    def _made(self) -> Any:
        from azure.core import PipelineClient
        from azure.core.pipeline import policies
        from azure.core.pipeline.transport import RequestsTransport

        scope = self._scope()
        chain: list[Any] = [
            policies.RequestIdPolicy(),
            policies.UserAgentPolicy(base_user_agent="pse"),
            policies.ProxyPolicy(proxies=self._proxies or None),
        ]
        if scope:
            from azure.mgmt.core.policies import ARMChallengeAuthenticationPolicy

            chain.append(ARMChallengeAuthenticationPolicy(self._whose(), scope))
        # No policy for retries, which are the plugin's, and none that follows where an answer leads.
        transport = RequestsTransport(connection_timeout=10, read_timeout=60, use_env_settings=bool(scope))
        return PipelineClient(self.base, policies=chain, transport=transport)

    def _whose(self) -> Any:
        if self._credential is None:
            from azure.identity import DefaultAzureCredential

            self._credential = DefaultAzureCredential(**({"proxies": self._proxies} if self._proxies else {}))
        return self._credential

    def _scope(self) -> str:
        """What the credential has to be good for; empty for a test on this machine, which gets none.

        Raises:
            PortError: The endpoint is neither, and nobody's credential goes there.
        """
        parts = urlsplit(self.base)
        host = parts.hostname or ""
        if parts.scheme == "http" and _is_loopback(host):
            return ""
        known = next((scope for name, scope in CLOUDS.items() if host == name or host.endswith(f".{name}")), "")
        if parts.scheme == "https" and known:
            return known
        raise PortError(
            f"{self.base} is no endpoint of Azure Resource Manager",
            reason="invalid",
            vendor_code="Endpoint",
            where=self._where,
            hint=f"Leave the endpoint empty, or name https:// and one of {', '.join(CLOUDS)}.",
        )


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _json(data: bytes, *, good: bool, bare: bool) -> Mapping[str, Any]:
    """The object in a body; what is no JSON is only an error where the answer is none."""
    if not data:
        return {}
    try:
        found = json.loads(data)
    except ValueError:
        if good:
            raise
        return {}
    if bare and isinstance(found, list):
        return {"value": found}
    if not isinstance(found, dict):
        raise TypeError("an answer of ARM's is an object")
    return found
