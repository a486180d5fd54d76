"""The account at one place: the client, its calls in the port's words, the check of the place, and waiting."""

import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from typing import Any, ClassVar
from urllib.parse import urlsplit

from providers.aws.errors import port_errors
from providers.kit.account import CloudAccount
from providers.kit.paging import Pages
from providers.ports import PortError, Target
from pse.core.schema import Placement

OPTIONS = frozenset(
    {"region", "zone", "profile", "proxy", "image_owners", "kms_key", "ssh_user", "host_key_wait_s", "wait_s"}
)
MAX_ANSWER = 32 * 1024 * 1024
"""Bytes of one answer; a page of 500 instances is 3 MB."""
PAGE = 500
_SMALL_PAGES = {"describe_route_tables": 100}
"""Listings of EC2's that take no page of 500."""
_OF_PARTS = frozenset({"InvalidAttachment.NotFound", "InvalidPermission.NotFound"})
"""Codes that say that a known object lacks a part."""


class Account(CloudAccount):
    """One place at AWS; safe to use from many threads.

    boto3's low-level clients are thread safe (its guide, "Multithreading or multiprocessing with clients"); making one
    is not. So there is one client for each service, made under a lock.

    Args:
        target: The place.
    """

    known_options: ClassVar[frozenset[str]] = OPTIONS
    needed_options: ClassVar[tuple[str, ...]] = ("region", "zone")

    def __init__(self, target: Target) -> None:
        """Remember the target; no SDK is imported yet."""
        super().__init__(target)
        self.region = target.options.get("region", "")
        self.zone = target.options.get("zone", "")
        self._endpoint = target.endpoint
        self._lock = threading.Lock()
        self._clients: dict[str, Any] = {}
        self._proven: set[str] = set()
        self._number = ""

    @property
    def here(self) -> str:
        """The availability zone."""
        return self.zone

    def account(self) -> str:
        """Account and Region, asked once of STS, which takes no permission for it."""
        with self._lock:
            known = self._number
        if not known:
            known = str(self.call("get_caller_identity", service="sts").get("Account", ""))
            with self._lock:
                self._number = known
        return f"{known}/{self.region}" if known else ""

    def errors(self) -> AbstractContextManager[None]:
        """See `providers.aws.errors.port_errors`."""
        return port_errors(self.place)

    def client(self, service: str) -> Any:
        """The client of a service.

        Raises:
            PortError: The register's entry cannot be used, or there are no credentials.
        """
        with self._lock:
            if service not in self._clients:
                with port_errors(self.place):
                    self._clients[service] = self._made(service)
            return self._clients[service]

    def close(self) -> None:
        """Give back connections; whatever still waits gives up."""
        self.closed.set()
        with self._lock:
            for client in self._clients.values():
                client.close()
            self._clients.clear()

    def call(self, operation: str, /, *, service: str = "ec2", **params: Any) -> dict[str, Any]:
        """One call. It is repeated while the cloud does not know an object that we have just made.

        Raises:
            PortError: See `providers.aws.errors`.
        """
        client = self.client(service)

        def once() -> dict[str, Any]:
            with port_errors(self.place):
                answer: dict[str, Any] = getattr(client, operation)(**params)
                return answer

        return self.patiently(once)

    def deleted(self, operation: str, /, *, service: str, **params: Any) -> bool | None:
        """One call that deletes, as `until` asks: True once the object is gone, None while something holds it.

        Raises:
            PortError: See `providers.aws.errors`.
        """
        try:
            self.call(operation, service=service, **params)
        except PortError as exc:
            if exc.reason == "in-use":
                return None
            if exc.reason != "not-found":
                raise
        return True

    def pages(self, operation: str, key: str, /, *, service: str = "ec2", **params: Any) -> Iterator[dict[str, Any]]:
        """All items of a listing, page by page.

        Args:
            operation: For example ``describe_vpcs``.
            key: Where an answer has its items, for example ``Vpcs``.
            service: Whose it is; others than EC2 choose the size of their pages themselves.
            params: The call's parameters.

        Raises:
            PortError: See `providers.aws.errors`; also for pages that do not end.
        """
        client = self.client(service)
        size = {"PageSize": _SMALL_PAGES.get(operation, PAGE)} if service == "ec2" else {}
        with port_errors(self.place):
            if not client.can_paginate(operation):
                yield from getattr(client, operation)(**params)[key]
                return
            turned = Pages(f"{self.place} {operation}")
            for number, page in enumerate(client.get_paginator(operation).paginate(**params, PaginationConfig=size)):
                # Of a circle botocore itself makes an error.
                turned.turn(str(number))
                yield from page.get(key, ())

    def check(self) -> None:
        """See, once, that the endpoint answers for the region and has the zone.

        Raises:
            PortError: It does not: whatever it said would be about somewhere else.
        """
        if "ec2" in self._proven:
            return
        zones = self.call("describe_availability_zones", ZoneNames=[self.zone])["AvailabilityZones"]
        found: dict[str, Any] = next((zone for zone in zones if zone.get("ZoneName") == self.zone), {})
        said = found.get("RegionName", "")
        if said != self.region:
            raise self._wrong_region(f"{self.zone} in {self.region}", said or "another zone")
        if found.get("ZoneType", "availability-zone") != "availability-zone":
            raise PortError(
                f"{self.zone} is a {found['ZoneType']}, which may be in another country than its region",
                reason="invalid",
                vendor_code="ZoneType",
                where=self.place,
            )
        self._proven.add("ec2")

    def prove(self, service: str, arns: Callable[[], Iterable[str]]) -> None:
        """See, once, that a service other than EC2 answers for the region.

        Args:
            service: The SDK's name of it.
            arns: Looks at something that every account has there, and gives ARNs.

        Raises:
            PortError: It does not: whatever it said would be about somewhere else.
        """
        if service in self._proven:
            return
        said = {(arn.split(":") + [""] * 4)[3] for arn in arns()}
        if said != {self.region}:
            raise self._wrong_region(f"{service} in {self.region}", ", ".join(sorted(said)) or "nothing")
        self._proven.add(service)

    def _wrong_region(self, asked: str, said: str) -> PortError:
        return PortError(
            f"asked for {asked}, and the answer is about {said}",
            reason="invalid",
            vendor_code="WrongRegion",
            where=self.place,
            hint="Correct endpoint, region and zone of the place in the register.",
        )

    def placed(self, what: str, zone: str) -> Placement:
        """An aspect by the availability zone that the cloud says it is in."""
        return Placement(what, self.place, "set") if zone == self.zone else Placement(what, zone or "?", "unknown")

    def regional(self, what: str, arn: str) -> Placement:
        """An aspect by its ARN; a multi-Region KMS key may have replicas in any Region."""
        parts = arn.split(":")
        here = len(parts) > 5 and parts[3] == self.region and "/mrk-" not in arn
        return Placement(what, self.place, "set") if here else Placement(what, arn or "?", "unknown")

    def is_fresh(self, said: PortError) -> bool:
        """See `providers.kit.account.CloudAccount.is_fresh`; a part that is missing is no object that is."""
        return said.vendor_code not in _OF_PARTS and super().is_fresh(said)

    def _made(self, service: str) -> Any:
        import boto3
        from botocore.config import Config

        from providers.aws.answers import limit_answers

        self.check_options()
        proxy = self.options.get("proxy")
        client = boto3.Session(profile_name=self.options.get("profile"), region_name=self.region).client(
            service,
            endpoint_url=self._own_endpoint(),
            config=Config(
                # Where calls go is the register's word, not that of a variable or profile of this machine.
                ignore_configured_endpoint_urls=True,
                # Tries are the plugin's: only it knows which calls are safe to repeat.
                retries={"total_max_attempts": 1, "mode": "standard"},
                connect_timeout=10,
                read_timeout=60,
                max_pool_connections=64,
                proxies={"http": proxy, "https": proxy} if proxy else None,
                user_agent_extra="pse",
            ),
        )
        limit_answers(client, MAX_ANSWER)
        return client

    def _own_endpoint(self) -> str | None:
        """The endpoint of the register, or None where the SDK knows it: AWS's own, of this very region."""
        host = urlsplit(self._endpoint).hostname or ""
        if not host.endswith((".amazonaws.com", ".amazonaws.com.cn")):
            return self._endpoint or None
        if self.region not in host.split("."):
            raise PortError(f"{self._endpoint} is not an endpoint of {self.region}", reason="invalid", where=self.place)
        # The register names one address, EC2's; the SDK makes the others from it.
        return None
