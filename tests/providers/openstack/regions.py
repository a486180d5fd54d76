"""A region of the real control plane whose services are reached through proxies that misbehave."""

import json
import os
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager

from tests.fakes.hostile import Answer, Forward, Hostile, Layer, Request, refuse
from tests.fakes.trouble import Troubles, Way
from tests.providers.openstack.accounts import HUGE, Cloud

PATHS = {
    "compute": "/v2.1",
    "network": "",
    "block-storage": "/v3/$(project_id)s",
    "image": "",
    "load-balancer": "",
    "object-store": "/v1/AUTH_$(project_id)s",
}


class Region:
    """The region and its proxies by service type."""

    def __init__(self, name: str, proxies: dict[str, Hostile], huge: str) -> None:
        self.name = name
        self.proxies = proxies
        self._huge = huge

    def too_large(self, request: Request, forward: Forward) -> Answer:
        """The server is asked for in a flavour that fits on no host: what says no is the scheduler."""
        body = json.loads(request.body)
        body["server"]["flavorRef"] = self._huge
        return forward(Request(request.method, request.path, request.headers, json.dumps(body).encode()))

    def calm(self) -> None:
        for proxy in self.proxies.values():
            proxy.calm()
            proxy.layers = ()


@contextmanager
def hostile_region(admin: Cloud) -> Iterator[Region]:
    """The region in the catalogue, and gone from it again."""
    name = f"hostile-{os.getpid()}"
    made = []
    with ExitStack() as stack:
        admin.call("identity", "POST", "/regions", json={"region": {"id": name}})
        proxies = {}
        for sort, path in PATHS.items():
            (service,) = admin.call("identity", "GET", f"/services?type={sort}")["services"]
            (real,) = admin.call(
                "identity", "GET", f"/endpoints?service_id={service['id']}&interface=public&region_id=RegionOne"
            )["endpoints"]
            proxy = stack.enter_context(Hostile(re.sub(r"(?<=:\d{5}).*", "", real["url"])))
            body = {"service_id": service["id"], "interface": "public", "region_id": name, "url": proxy.url + path}
            made.append(admin.call("identity", "POST", "/endpoints", json={"endpoint": body})["endpoint"]["id"])
            proxies[sort] = proxy
        try:
            flavours = admin.call("compute", "GET", "/flavors")["flavors"]
            (huge,) = (flavour["id"] for flavour in flavours if flavour["name"] == HUGE)
            yield Region(name, proxies, huge)
        finally:
            for endpoint in made:
                admin.call("identity", "DELETE", f"/endpoints/{endpoint}")
            admin.call("identity", "DELETE", f"/regions/{name}")


def posted(path: str) -> Callable[[Request], bool]:
    """Whether a request makes something at a path, given as a regular expression for its end."""
    return lambda request: request.method == "POST" and re.search(path + "$", request.path) is not None


def one_a_page(request: Request, forward: Forward) -> Answer:
    """Lists come an object a page, as if the operator's largest page were that small."""
    path, _, query = request.path.partition("?")
    if request.method == "GET" and "limit=" not in query and not re.search(r"[0-9a-f]{8}-[0-9a-f]{4}|^/[^/]*/?$", path):
        request = Request(request.method, f"{path}?{query}&limit=1".replace("?&", "?"), request.headers, request.body)
    return forward(request)


CALLS: Mapping[str, tuple[str, str]] = {
    "Network": ("network", "/networks"),
    "Firewall": ("network", "/security-groups"),
    "KeyPair": ("compute", "/os-keypairs"),
    "Volume": ("block-storage", "/volumes"),
    "Server": ("compute", "/servers"),
}


def circle(request: Request, forward: Forward) -> Answer:
    """The list's next page is itself."""
    del forward
    link = {"rel": "next", "href": f"http://127.0.0.9{request.path.partition('?')[0]}?marker=1"}
    return Answer(200, json.dumps({"networks": [], "networks_links": [link]}).encode())


def troubles(region: Region) -> Troubles:
    """OpenStack's words for the suite's misbehaviours."""

    def way(kind: str, making: bool) -> Way:
        service, path = CALLS[kind]
        looked = re.compile(rf"{path}(/[^/]*)?$")

        def looks(request: Request) -> bool:
            return request.method == "GET" and looked.search(request.path.partition("?")[0]) is not None

        return Way(region.proxies[service], posted(path) if making else looks)

    over = {"overLimit": {"code": 413, "message": "VolumeLimitExceeded: Maximum number of volumes allowed exceeded"}}
    own: Mapping[str, Layer] = {
        "small-pages": one_a_page,
        "circle": circle,
        "quota": refuse(413, body=json.dumps(over).encode()),
        "capacity": region.too_large,
    }
    return Troubles(tuple(region.proxies.values()), way, own)
