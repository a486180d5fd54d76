"""Projects of the real control plane: a user with the role ``member`` each, and an administrator who looks on.

The administrator uses plain calls, not through the adapter: tests ask the cloud what there is.
"""

import itertools
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from keystoneauth1.identity.v3 import Password
from keystoneauth1.session import Session

from providers.openstack import OpenStackProvider
from providers.ports import Target
from providers.registry import fitted
from tests.providers.openstack.control import IDENTITY

PLACE = "sample-markhor/islamabad/ict-1"
REGION, ZONE = "RegionOne", "nova"
IMAGE = "debian-12"
OUTSIDE = "outside"
OPTIONS = {
    "region": REGION,
    "availability_zone": ZONE,
    "external_network": OUTSIDE,
    "host_key_s": "0",
    "object_policy": "Policy-0",
}
HUGE = "huge-900-900"
SHAPES = {
    "std-1-2": (1, 2),
    "std-2-4": (2, 4),
    "std-2-8": (2, 8),
    "std-4-8": (4, 8),
    "std-4-16": (4, 16),
    "std-8-32": (8, 32),
    HUGE: (900, 900_000),
}
"""Processors and GiB of memory; the last fits on no host."""
QUOTAS = {
    "compute": {"instances": -1, "cores": -1, "ram": -1, "key_pairs": 1000},
    "network": {
        "network": -1,
        "subnet": -1,
        "port": -1,
        "router": -1,
        "floatingip": -1,
        "security_group": -1,
        "security_group_rule": -1,
    },
    "load-balancer": {"loadbalancer": -1, "listener": -1, "pool": -1, "healthmonitor": -1, "member": -1},
    "block-storage": {"volumes": -1, "gigabytes": -1, "snapshots": -1},
}
_number = itertools.count(1)


class Cloud:
    """The services, asked by plain calls with keystoneauth and nothing of ours.

    Args:
        user: Name.
        password: Its password.
        project: Name of the project.
    """

    def __init__(self, user: str = "admin", password: str = "secret", project: str = "admin") -> None:
        self.session = Session(
            auth=Password(
                auth_url=IDENTITY,
                username=user,
                password=password,
                project_name=project,
                user_domain_id="default",
                project_domain_id="default",
            )
        )

    def call(self, service: str, method: str, path: str, **words: Any) -> Any:
        """One call; its answer as plain values."""
        where: dict[str, Any] = {
            "service_type": service,
            "interface": "public",
            "region_name": REGION,
            "min_version": "2",
        }
        if service == "object-store":
            del where["min_version"]
        else:
            where["max_version"] = "3.latest"
        base = IDENTITY if service == "identity" else self.session.get_endpoint(**where)
        answer = self.session.request(f"{base}{path}", method, **words)
        try:
            return answer.json()
        except ValueError:
            return answer.content

    def close(self) -> None:
        self.session.session.close()


def furnish(admin: Cloud) -> None:
    """Image, flavours and volume types of the sample price book, and a network outside, once."""
    if not admin.call("network", "GET", f"/networks?name={OUTSIDE}")["networks"]:
        outside = {
            "name": OUTSIDE,
            "router:external": True,
            "provider:network_type": "flat",
            "provider:physical_network": "physnet1",
        }
        network = admin.call("network", "POST", "/networks", json={"network": outside})["network"]["id"]
        subnet = {"network_id": network, "ip_version": 4, "cidr": "203.0.113.0/24", "enable_dhcp": False}
        admin.call("network", "POST", "/subnets", json={"subnet": subnet})
    if IMAGE not in {image["name"] for image in admin.call("image", "GET", "/images")["images"]}:
        body = {
            "name": IMAGE,
            "disk_format": "raw",
            "container_format": "bare",
            "visibility": "public",
            "os_distro": "debian",
        }
        image = admin.call("image", "POST", "/images", json=body)["id"]
        kind = {"Content-Type": "application/octet-stream"}
        admin.call("image", "PUT", f"/images/{image}/file", data=b"0" * 512, headers=kind)
    flavours = {flavour["name"] for flavour in admin.call("compute", "GET", "/flavors")["flavors"]}
    for name, (vcpus, gib) in SHAPES.items():
        if name not in flavours:
            size = {"name": name, "vcpus": vcpus, "ram": gib * 1024, "disk": 1}
            admin.call("compute", "POST", "/flavors", json={"flavor": size})
    types = {found["name"] for found in admin.call("block-storage", "GET", "/types")["volume_types"]}
    for name in {"ssd", "hdd"} - types:
        admin.call("block-storage", "POST", "/types", json={"volume_type": {"name": name}})


class Project:
    """A project with one user.

    Args:
        admin: The administrator.
    """

    def __init__(self, admin: Cloud) -> None:
        """Make it, with no limits that a test would meet by accident."""
        self.admin = admin
        self.name = f"tests-{os.getpid()}-{next(_number)}"
        self.password = os.urandom(12).hex()
        project = {"name": self.name, "domain_id": "default"}
        self.id = admin.call("identity", "POST", "/projects", json={"project": project})["project"]["id"]
        user = {**project, "password": self.password}
        member = admin.call("identity", "POST", "/users", json={"user": user})["user"]["id"]
        role = admin.call("identity", "GET", "/roles?name=member")["roles"][0]["id"]
        admin.call("identity", "PUT", f"/projects/{self.id}/users/{member}/roles/{role}")
        for service, limits in QUOTAS.items():
            self.limit(service, **limits)

    def limit(self, service: str, **limits: int) -> None:
        """Set quotas."""
        if service == "network":
            self.admin.call(service, "PUT", f"/quotas/{self.id}", json={"quota": limits})
        elif service == "load-balancer":
            self.admin.call(service, "PUT", f"/lbaas/quotas/{self.id}", json={"quota": limits})
        else:
            self.admin.call(service, "PUT", f"/os-quota-sets/{self.id}", json={"quota_set": limits})

    def environment(self, **changed: str) -> Mapping[str, str]:
        """What a user exports."""
        return {
            "OS_AUTH_URL": IDENTITY,
            "OS_USERNAME": self.name,
            "OS_PASSWORD": self.password,
            "OS_PROJECT_NAME": self.name,
            "OS_USER_DOMAIN_ID": "default",
            "OS_PROJECT_DOMAIN_ID": "default",
            **changed,
        }

    def provider(self, workspace: Path, **options: str) -> OpenStackProvider:
        """The adapter at this project; the environment has to be set."""
        target = Target(
            place=PLACE, country="PK", endpoint=IDENTITY, workspace=workspace, options={**OPTIONS, **options}
        )
        adapter = fitted("openstack", target.options)
        assert issubclass(adapter, OpenStackProvider)
        return adapter(target)

    def own(self) -> Cloud:
        """The services as the project's user sees them."""
        return Cloud(self.name, self.password, self.name)

    def holds(self) -> dict[str, list[str]]:
        """Everything that is in the project, by sort, asked as its user; the default security group is no object."""
        own = self.own()
        try:
            found = {
                sort: [_called(thing) for thing in own.call(service, "GET", path.format(self.id))[key]]
                for sort, (service, path, key) in _LISTS.items()
            }
            found["image"] = [i["name"] for i in own.call("image", "GET", f"/images?owner={self.id}")["images"]]
            found["container"] = [c["name"] for c in own.call("object-store", "GET", "?format=json")]
        finally:
            own.close()
        found["security_group"].remove("default")
        return {sort: sorted(names) for sort, names in found.items() if names}


def _called(thing: Any) -> str:
    found = thing.get("keypair", thing)
    return str(found.get("name") or found["id"])


_LISTS = {
    **{
        sort: ("network", f"/{sort.replace('_', '-')}s?project_id={{}}", f"{sort}s")
        for sort in ("network", "subnet", "port", "security_group", "router", "floatingip")
    },
    "key": ("compute", "/os-keypairs", "keypairs"),
    "server": ("compute", "/servers", "servers"),
    "load_balancer": ("load-balancer", "/lbaas/loadbalancers?project_id={}", "loadbalancers"),
    "server_group": ("compute", "/os-server-groups", "server_groups"),
    "volume": ("block-storage", "/volumes", "volumes"),
    "snapshot": ("block-storage", "/snapshots", "snapshots"),
}
