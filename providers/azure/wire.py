"""Calls to Azure by its own management clients: azure-mgmt-compute, -dns, -network, -resource and -storage.

What this adds to them: connections whose answers are bounded, a credential that goes to Azure only, no second try of
their own (trying again is the plugin's), and long operations that somebody else waits for.
"""

import threading
from collections.abc import Callable, Iterator, Mapping
from ipaddress import ip_address
from types import MappingProxyType
from typing import Any
from urllib.parse import urlsplit

from providers.azure.errors import port_errors
from providers.kit.paging import Pages
from providers.ports import PortError

CLOUDS: Mapping[str, str] = MappingProxyType(
    {
        "management.azure.com": "core.windows.net",
        "management.usgovcloudapi.net": "core.usgovcloudapi.net",
        "management.chinacloudapi.cn": "core.chinacloudapi.cn",
    }
)
"""Hosts of ARM, and the domain of the storage of each."""


class Call:
    """The answer to one call; for a long one it takes the place of the SDK's poller, whose wait nobody can end.

    Attributes:
        body: The JSON object; a list stands under ``value``, and what has no body is empty.
        operation: URL that tells how the long operation goes; empty when all is over.
    """

    body: Mapping[str, Any]
    operation: str = ""
    _is_bare: bool = False

    def keep(self, answer: Any, *_: object) -> None:
        """Take the answer to a call that is over with it (``cls`` of the SDK's operations)."""
        self.body = _object(answer.http_response)

    def initialize(self, client: Any, answer: Any, _: object) -> None:
        """Take the first answer to a long call (this and below: `azure.core.polling.PollingMethod`)."""
        self.keep(answer)
        self._client, headers = client, answer.http_response.headers
        self.operation = headers.get("Azure-AsyncOperation", "")
        if not self.operation and answer.http_response.status_code == 202:
            self.operation, self._is_bare = headers.get("Location", ""), True

    def finished(self) -> bool:
        """No thread of the SDK's has to wait."""
        return True

    def look(self) -> Mapping[str, Any]:
        """How the operation goes; one that is told of by its status alone is put as the others are."""
        from azure.core.rest import HttpRequest

        response = self._client.send_request(HttpRequest("GET", self.operation))
        response.raise_for_status()
        if self._is_bare:
            return {"status": "InProgress" if response.status_code == 202 else "Succeeded"}
        return _object(response)


class Wire:
    """The clients of one subscription; safe to use from many threads, as the SDK's clients and `Bounded` are.

    They are imported, which takes some seconds, when they are first called.

    Args:
        endpoint: URL of ARM; empty for the public cloud's.
        subscription: Its id.
        proxy: URL of a proxy; empty for what the environment says.
        where: The place, for the user.
    """

    def __init__(self, endpoint: str, *, subscription: str, proxy: str, where: str) -> None:
        """Remember; no SDK is imported yet."""
        self.base = (endpoint or "https://management.azure.com").rstrip("/")
        self._subscription = subscription
        self._proxies = {"http": proxy, "https": proxy} if proxy else None
        self._where = where
        self._lock = threading.Lock()
        self._clients: dict[str, Any] = {}
        self._shared: dict[str, Any] = {}
        self._closes: list[Callable[[], None]] = []

    def call(self, name: str, *given: Any, unless_changed: str = "", **more: Any) -> Call:
        """One call.

        Args:
            name: Client, group of operations and operation (without ``begin_``), for example ``compute.disks.get``.
            given: Names, and the body as JSON.
            unless_changed: Only if it still is as it was with this etag.
            more: Parameters by the SDK's names; also ``headers``.

        Raises:
            PortError: See `providers.azure.errors`.
        """
        made = Call()
        names = [one for one in given if isinstance(one, str)]
        operations, _, verb = name.rpartition(".")
        with port_errors(self._where, f"{verb} {names[-1]}"):
            group = self._operations(operations)
            if unless_changed:
                from azure.core import MatchConditions

                more |= {"etag": unless_changed, "match_condition": MatchConditions.IfNotModified}
            begin = getattr(group, f"begin_{verb}", None)
            if begin is not None:
                begin(*given, polling=made, **more)
            else:
                # A stream is not made into models, which nobody wants here; a deletion gives neither, and the client of
                # DNS, which is of an older make, always gives a model.
                stream: Any = {} if verb == "delete" or name.startswith("dns.") else {"stream": True}
                getattr(group, verb)(*given, cls=made.keep, **stream, **more)
        return made

    def pages(self, operations: str, *given: str, **query: str) -> Iterator[dict[str, Any]]:
        """What the list of a resource group, or of something in it, has; page by page.

        Args:
            operations: Client and group of operations, and the operation where it is not the usual one.
            given: Names.
            query: Parameters by the SDK's names.

        Raises:
            PortError: See `providers.azure.errors`; also for pages that do not end.
        """
        answers: list[Any] = []
        turned = Pages(self._where)
        with port_errors(self._where, f"list {operations}"):
            client, _, rest = operations.partition(".")
            name, _, verb = rest.partition(".")
            group = self._operations(f"{client}.{name}")
            listing = getattr(group, verb or "list_by_resource_group", None) or group.list
            keep = {"raw_response_hook": lambda answer: answers.append(answer.http_response)}
            pages = listing(*given, **keep, **query).by_page()
        while True:
            with port_errors(self._where, f"list {operations}"):
                next(pages, None)
                page = _object(answers.pop())
                found, link = page["value"], str(page.get("nextLink") or "")
            yield from found
            if not link:
                return
            turned.turn(link)

    def look(self, begun: Call) -> Mapping[str, Any]:
        """How a long operation goes.

        Raises:
            PortError: See `providers.azure.errors`.
        """
        with port_errors(self._where):
            return begun.look()

    def has_blobs(self, store: str, container: str) -> bool:
        """Whether there is anything in a container, old versions and what can still be brought back too.

        Raises:
            PortError: See `providers.azure.errors`.
        """
        with port_errors(self._where, f"list {container}"):
            from azure.storage.blob import ContainerClient

            with self._lock:
                self._shared = self._shared or self._opened()
                client = ContainerClient(
                    self._blobs(store),
                    container,
                    credential=self._shared["credential"] if self._scope()[0] else None,
                    transport=self._shared["transport"],
                    proxies=self._proxies,
                    retry_total=0,
                    permit_redirects=False,
                )
            kinds = ["versions", "snapshots", "deleted"]
            return next(iter(client.list_blobs(include=kinds, results_per_page=1)), None) is not None

    def close(self) -> None:
        """Give back connections."""
        with self._lock:
            closes, self._closes = self._closes, []
            self._clients.clear()
            self._shared.clear()
        for close in closes:
            close()

    def _operations(self, name: str) -> Any:
        client, _, group = name.partition(".")
        with self._lock:
            if client not in self._clients:
                self._shared = self._shared or self._opened()
                self._clients[client] = _library(client)(subscription_id=self._subscription, **self._shared)
            return getattr(self._clients[client], group)

    def _opened(self) -> dict[str, Any]:
        """What all clients share: credential, connections, and what a request goes through."""
        from azure.core.pipeline import policies
        from azure.core.pipeline.transport import RequestsTransport

        from providers.kit.transport import http_session

        scope, _ = self._scope()
        auth: Any = policies.SansIOHTTPPolicy()
        credential: Any = None
        if scope:
            from azure.identity import DefaultAzureCredential
            from azure.mgmt.core.policies import ARMChallengeAuthenticationPolicy

            credential = DefaultAzureCredential(**({"proxies": self._proxies} if self._proxies else {}))
            self._closes.append(credential.close)
            auth = ARMChallengeAuthenticationPolicy(credential, scope)
        session = http_session()
        session.trust_env = bool(scope)
        self._closes.append(session.close)
        return {
            "credential": credential or object(),
            "base_url": self.base,
            "credential_scopes": [scope],
            "authentication_policy": auth,
            "transport": RequestsTransport(
                session=session, session_owner=False, connection_timeout=10, read_timeout=60
            ),
            # No policy for retries, none that follows where an answer leads, none that logs, and none that registers
            # the subscription for what it is not registered for.
            "policies": [
                policies.RequestIdPolicy(),
                policies.UserAgentPolicy(base_user_agent="pse"),
                policies.ProxyPolicy(proxies=self._proxies),
                policies.CustomHookPolicy(raw_request_hook=self._stay),
                # What the client of DNS reads its lists from.
                policies.ContentDecodePolicy(),
                auth,
            ],
        }

    def _stay(self, request: Any) -> None:
        """See that a request goes to ARM: whoever follows a link elsewhere would show his credential to a stranger."""
        if urlsplit(request.http_request.url)[:2] != urlsplit(self.base)[:2]:
            said = "the answer leads to another host"
            raise PortError(said, reason="invalid", vendor_code="ForeignLink", where=self._where)

    def _blobs(self, store: str) -> str:
        """Where the objects of an account are asked for; not taken from an answer, as a credential goes there."""
        _, domain = self._scope()
        if not store.isascii() or not store.isalnum():
            raise PortError(f"no storage account is called {store!r}", reason="invalid", where=self._where)
        return f"https://{store}.blob.{domain}" if domain else f"{self.base}/{store}"

    def _scope(self) -> tuple[str, str]:
        """What the credential has to be good for, and the domain of storage.

        Both are empty for a test on this machine, which gets no credential.

        Raises:
            PortError: The endpoint is neither, and nobody's credential goes there.
        """
        parts = urlsplit(self.base)
        host = parts.hostname or ""
        if parts.scheme == "http" and _is_loopback(host):
            return "", ""
        for name, domain in CLOUDS.items() if parts.scheme == "https" else ():
            if host == name or host.endswith(f".{name}"):
                return f"https://{name}/.default", domain
        raise PortError(
            f"{self.base} is no endpoint of Azure Resource Manager",
            reason="invalid",
            vendor_code="Endpoint",
            where=self._where,
            hint=f"Leave the endpoint empty, or name https:// and one of {', '.join(CLOUDS)}.",
        )


def _library(client: str) -> Any:
    """The class of a client; to import one takes a second or two."""
    if client == "compute":
        from azure.mgmt.compute import ComputeManagementClient

        return ComputeManagementClient
    if client == "dns":
        from azure.mgmt.dns import DnsManagementClient

        return DnsManagementClient
    if client == "network":
        from azure.mgmt.network import NetworkManagementClient

        return NetworkManagementClient
    if client == "storage":
        from azure.mgmt.storage import StorageManagementClient

        return StorageManagementClient
    from azure.mgmt.resource.resources import ResourceManagementClient

    return ResourceManagementClient


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _object(response: Any) -> Mapping[str, Any]:
    """The object in a body."""
    if not response.read():
        return {}
    found = response.json()
    if isinstance(found, list):
        return {"value": found}
    if not isinstance(found, dict):
        raise TypeError("an answer of ARM's is an object")
    return found
