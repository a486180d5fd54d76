"""Calls to the services of one region, by the SDK's own configuration and credentials.

One `keystoneauth1` session serves all threads, as it does in OpenStack's own services: its token is fetched under a
lock, and the connections below come from a pool. The SDK's retries are off, since the plugin has its own.
"""

import threading
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import parse_qsl, quote, urlsplit

from policy.gate import is_local
from providers.kit.paging import Pages
from providers.openstack.errors import refusal
from providers.ports import PortError, Target

if TYPE_CHECKING:
    from keystoneauth1.session import Session
    from openstack.config.cloud_region import CloudRegion


class Service(NamedTuple):
    """One service of a cloud.

    Attributes:
        type: As the catalogue names it.
        version: Least version of its API; empty where the catalogue's address is the only one.
        latest: Highest version that we speak; empty for the same.
        microversion: Header that fixes the shape of the answers; empty for none.
    """

    type: str
    version: str
    latest: str
    microversion: str


SERVICES: Mapping[str, Service] = {
    "compute": Service("compute", "2.1", "2.latest", "compute 2.52"),
    "network": Service("network", "2.0", "2.latest", ""),
    "volume": Service("block-storage", "3.0", "3.latest", "volume 3.42"),
    "image": Service("image", "2.0", "2.latest", ""),
    "balancer": Service("load-balancer", "2.0", "2.latest", ""),
    "object": Service("object-store", "", "", ""),
}
"""Nova 2.52 (Pike, 2017) takes tags with a new server, Cinder 3.42 lets a volume in use grow."""


class Client:
    """A connection to one place, made at the first call.

    Args:
        target: See `providers.openstack.provider` for its options.
    """

    def __init__(self, target: Target) -> None:
        """Remember the target."""
        self._target = target
        self._lock = threading.RLock()
        self._session: Session | None = None
        self._interface = "public"
        self._identity = ""
        self._endpoints: dict[str, str] = {}

    @property
    def region(self) -> str:
        """Region of the place.

        Raises:
            PortError: The register does not say it; the environment's would be a guess.
        """
        return option(self._target, "region")

    @property
    def project(self) -> str:
        """Id of the project that the credentials open."""
        return str(self._opened().get_project_id() or "")

    def call(
        self,
        service: str,
        method: str,
        path: str,
        *,
        body: object = None,
        data: Iterable[bytes] | None = None,
        params: Mapping[str, Any] | None = None,
        hide: tuple[str, ...] = (),
    ) -> Any:
        """One call; its answer as plain values, None where it has none.

        Args:
            service: Key of `SERVICES`.
            method: HTTP method.
            path: Below the service's versioned address, each part already quoted by `part`.
            body: Sent as JSON.
            data: Sent as it is, in place of a body.
            params: Query.
            hide: Secrets in ``body``, kept out of errors.

        Raises:
            PortError: The service said no.
        """
        response = self._asked(service, method, path, body=body, data=data, params=params, hide=hide)
        return response.json() if response.content else None

    def headers(self, method: str, path: str, headers: Mapping[str, str]) -> Mapping[str, str]:
        """One call to the object store, which says what a container is in headers; those of its answer.

        Raises:
            PortError: The service said no.
        """
        found: Mapping[str, str] = self._asked("object", method, path, headers=headers).headers
        return found

    def address(self, service: str) -> str:
        """Address of a service in the region, its version in it."""
        return self._endpoint(service)

    def _asked(
        self,
        service: str,
        method: str,
        path: str,
        *,
        body: object = None,
        data: Iterable[bytes] | None = None,
        params: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] = {},
        hide: tuple[str, ...] = (),
    ) -> Any:
        microversion = SERVICES[service].microversion
        said = {"Accept": "application/json", "User-Agent": "pse", **headers}
        if microversion:
            said["OpenStack-API-Version"] = microversion
        if data is not None:
            said["Content-Type"] = "application/octet-stream"
        response = self._opened().request(
            self._endpoint(service) + path,
            method,
            json=body,
            data=data,
            params=dict(params or {}),
            headers=said,
            redirect=False,
            raise_exc=False,
            log=False,
        )
        if not 200 <= response.status_code < 300:
            where = f"{method} {service}{path}"
            raise refusal(response.status_code, response.headers, response.content, where=where, hide=hide)
        return response

    def get(self, service: str, path: str, key: str) -> Any:
        """One object, or None when it is not there."""
        try:
            return self.call(service, "GET", path)[key]
        except PortError as exc:
            if exc.reason == "not-found":
                return None
            raise

    def pages(self, service: str, path: str, key: str, params: Mapping[str, Any] | None = None) -> Iterator[Any]:
        """Every object of a list, each once, over all its pages.

        Of a link to the next page only the query counts, so that no answer leads to another host.

        Raises:
            PortError: The pages do not end.
        """
        query: dict[str, Any] = dict(params or {})
        turned = Pages(f"{service}{path}")
        while True:
            answer = self.call(service, "GET", path, params=query)
            yield from answer[key]
            link = answer.get("next") or next(
                (link["href"] for link in answer.get(f"{key}_links", ()) if link.get("rel") == "next"), ""
            )
            if not link:
                return
            turned.turn(str(link))
            query = {**query, **dict(parse_qsl(urlsplit(link).query))}

    def close(self) -> None:
        """Give back the connections."""
        with self._lock:
            if self._session is not None:
                self._session.session.close()
            self._session = None
            self._endpoints.clear()

    def _opened(self) -> "Session":
        with self._lock:
            if self._session is None:
                self._session = self._open()
            return self._session

    def _open(self) -> "Session":
        from keystoneauth1.session import Session
        from openstack.config import OpenStackConfig

        from providers.kit.transport import TIMEOUT_S, http_session

        target = self._target
        words: dict[str, Any] = {"region_name": self.region}
        address = target.endpoint if urlsplit(target.endpoint).hostname else ""
        config = OpenStackConfig(app_name="pse").get_one(cloud=target.options.get("cloud") or None, **words)
        own = str(config.config.get("auth", {}).get("auth_url", ""))
        if address and own and _root(own) != _root(address):
            raise PortError(
                "the credentials are another cloud's than the register's",
                reason="auth",
                where=f"{_root(own)} and {_root(address)}",
                hint="Choose an entry of clouds.yaml by the option `cloud` in the register, or set OS_AUTH_URL.",
            )
        if address and not own:
            words["auth"] = {"auth_url": address}
            config = OpenStackConfig(app_name="pse").get_one(cloud=target.options.get("cloud") or None, **words)
        self._identity = own or address
        verify, cert = self._certificates(config, self._identity)
        self._interface = str(config.get_interface("compute") or "public")
        return Session(
            auth=config.get_auth(), session=http_session(), verify=verify, cert=cert, timeout=TIMEOUT_S, redirect=False
        )

    @staticmethod
    def _certificates(config: "CloudRegion", address: str) -> tuple[Any, Any]:
        verify, cert = config.get_requests_verify_args()
        if not is_local(address):
            if not address.startswith("https://"):
                raise PortError("a cloud is reached by https only", reason="auth", where=address)
            if verify is False:
                raise PortError(
                    "the configuration turns the check of the certificate off", reason="auth", where=address
                )
        return verify, cert

    def _endpoint(self, name: str) -> str:
        """The service's versioned address in the region."""
        with self._lock:
            if name not in self._endpoints:
                service = SERVICES[name]
                found = self._opened().get_endpoint(
                    service_type=service.type,
                    region_name=self.region,
                    interface=self._interface,
                    min_version=service.version or None,
                    max_version=service.latest or None,
                )
                if not found:
                    raise PortError(
                        f"the catalogue has no {service.type} in region {self.region}",
                        reason="invalid",
                        vendor_code="EndpointNotFound",
                        where=self._target.place,
                    )
                self._endpoints[name] = self._judged(name, str(found)).rstrip("/")
            return self._endpoints[name]

    def _judged(self, name: str, address: str) -> str:
        """The catalogue's address, if it is of this very cloud: a catalogue may name any host in the world."""
        found = urlsplit(address)
        domains = self._target.options.get("domain", "").replace(",", " ").split()
        host = found.hostname or ""
        own = host == urlsplit(self._identity).hostname or any(
            host == domain or host.endswith("." + domain.lstrip(".")) for domain in domains
        )
        if not own or (found.scheme != "https" and not is_local(address)):
            raise PortError(
                f"the catalogue's {name} is at {found.scheme}://{host}, which is not this place's",
                reason="invalid",
                vendor_code="foreign-endpoint",
                where=self._target.place,
                hint="List the cloud's own domain in the option `domain` of the register's entry.",
            )
        return address


def option(target: Target, name: str) -> str:
    """An option that has to be there.

    Raises:
        PortError: It is not.
    """
    value = target.options.get(name, "")
    if not value:
        raise PortError(
            f"the register's entry does not say the {name.replace('_', ' ')}",
            reason="invalid",
            where=target.place,
            hint=f'Set options = {{ {name} = "…" }} in policy/register.toml and sign it again.',
        )
    return value


def part(text: str) -> str:
    """One part of a path."""
    return quote(text, safe="")


def _root(address: str) -> str:
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/').removesuffix('/v3')}"
