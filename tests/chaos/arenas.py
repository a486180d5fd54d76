"""The arenas, a class for each adapter."""

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from providers.conformance import Trouble
from tests.chaos.arena import Arena, Standing
from tests.chaos.program import Names
from tests.fakes.hostile import Request
from tests.providers.filetrouble import FileTrouble, LabTrouble
from tests.providers.house import HERE, UNIT, House
from tests.require import require

if TYPE_CHECKING:
    from tests.providers.aws.cloud import Cloud
    from tests.providers.azure.cloud import Cloud as AzureCloud
    from tests.providers.google.cloud import Cloud as GoogleCloud
    from tests.providers.openstack.accounts import Project
    from tests.providers.openstack.regions import Region


class FileArena(Arena):
    """The file cloud: every kind there is."""

    provider = "filecloud"
    endpoint = "lab:north"

    @classmethod
    @contextmanager
    def open(cls, folder: Path) -> Iterator[Arena]:
        """Nothing has to run."""
        del folder
        yield cls()

    def standing(self, house: House) -> Standing:
        """Its files."""
        folder = house.cloud / HERE.replace("/", "_")
        found: dict[str, list[str]] = {}
        for path in sorted(folder.glob("*/*.json")):
            found.setdefault(path.parent.name, []).append(path.stem)
        return found

    def trouble(self, house: House) -> Trouble:
        """Its fault points."""
        return FileTrouble(house.faults)


class LabArena(Arena):
    """The lab: real servers in sandboxes."""

    provider = "lab"
    endpoint = "lab:north"

    @classmethod
    @contextmanager
    def open(cls, folder: Path) -> Iterator[Arena]:
        """Nothing has to run before the first server."""
        del folder
        require("bwrap", "sshd")
        yield cls()

    def standing(self, house: House) -> Standing:
        """Its records, folders of servers, and servers by the processes that run."""
        lab = house.workspace.private / "lab"
        found = {
            "record": [f"{path.parent.name} {path.stem}" for path in sorted(lab.glob("places/**/*.json"))],
            "host": [path.name for path in sorted(lab.glob("hosts/*")) if not path.name.startswith(".")],
            "running": sorted(_running(lab / "hosts")),
        }
        return {sort: names for sort, names in found.items() if names}

    def trouble(self, house: House) -> Trouble:
        """Its account's lock."""
        return LabTrouble(house.workspace, HERE, UNIT)


def _running(hosts: Path) -> set[str]:
    found = set()
    inside = re.compile(re.escape(os.fsencode(hosts)) + rb"/([^/\0]+)")
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            words = path.read_bytes()
            if words.startswith(b"bwrap\0") and (name := inside.search(words)):
                found.add(os.fsdecode(name[1]))
    return found


class AwsArena(Arena):
    """AWS: moto behind layers that make it as strict as EC2."""

    provider = "aws"

    def __init__(self, cloud: "Cloud") -> None:
        from tests.providers.aws.cloud import OPTIONS

        self._cloud = cloud
        self.endpoint, self.options, self.proxies = cloud.proxy.url, OPTIONS, (cloud.proxy,)
        self.names = Names(image=cloud.image, shapes=("t3.small", "t3.large"), storage_class="gp3")

    @classmethod
    @contextmanager
    def open(cls, folder: Path) -> Iterator[Arena]:
        """moto and the proxy."""
        from tests.providers.aws.cloud import CREDENTIALS, running

        os.environ.update(CREDENTIALS)
        with running(folder) as cloud:
            yield cls(cloud)

    def standing(self, house: House) -> Standing:
        """By a client of its own, past the proxy."""
        del house
        return self._cloud.standing()

    def trouble(self, house: House) -> Trouble:
        """By the proxy."""
        from tests.providers.aws.cloud import troubles

        del house
        return troubles(self._cloud)

    def changes(self, request: Request) -> bool:
        """Most services have a word for what only looks; the others have HTTP's."""
        return (
            not request.action.startswith(("Describe", "Get", "List")) if request.action else super().changes(request)
        )


class AzureArena(Arena):
    """Azure: the fake of Azure Resource Manager."""

    provider = "azure"

    def __init__(self, cloud: "AzureCloud") -> None:
        from tests.providers.azure.cloud import OPTIONS, PLATFORM_IMAGE, SHAPES, STORAGE

        self._cloud = cloud
        self.endpoint, self.options, self.proxies = cloud.proxy.url, OPTIONS, (cloud.proxy,)
        self.names = Names(image=PLATFORM_IMAGE, shapes=SHAPES, storage_class=STORAGE)

    @classmethod
    @contextmanager
    def open(cls, folder: Path) -> Iterator[Arena]:
        """The fake and the proxy."""
        from tests.providers.azure.cloud import running

        del folder
        with running() as cloud:
            yield cls(cloud)

    def standing(self, house: House) -> Standing:
        """What the fake has in its books."""
        del house
        return self._cloud.arm.standing()

    def trouble(self, house: House) -> Trouble:
        """By the proxy."""
        from tests.providers.azure.cloud import troubles

        del house
        return troubles(self._cloud)


class OpenStackArena(Arena):
    """OpenStack: the real control plane, each service behind a proxy."""

    provider = "openstack"
    patience_s = 25.0

    def __init__(self, region: "Region", project: "Project") -> None:
        from tests.providers.openstack.accounts import OPTIONS
        from tests.providers.openstack.control import IDENTITY

        self._region = region
        self._project = project
        self.endpoint, self.options = IDENTITY, {**OPTIONS, "region": region.name}
        self.proxies = tuple(region.proxies.values())

    @classmethod
    @contextmanager
    def open(cls, folder: Path) -> Iterator[Arena]:
        """The control plane, a region of proxies, and a project in it."""
        from tests.providers.openstack.accounts import Cloud, Project, furnish
        from tests.providers.openstack.control import control_plane
        from tests.providers.openstack.regions import hostile_region

        del folder
        admin = Cloud()
        with control_plane(lambda: furnish(admin)), hostile_region(admin) as region:
            project = Project(admin)
            for name in ("OS_CLOUD", "OS_REGION_NAME"):
                os.environ.pop(name, None)
            os.environ.update(project.environment())
            yield cls(region, project)
        admin.close()

    def standing(self, house: House) -> Standing:
        """By plain calls of the project's user."""
        del house
        return self._project.holds()

    def trouble(self, house: House) -> Trouble:
        """By the region's proxies."""
        from tests.providers.openstack.regions import troubles

        del house
        return troubles(self._region)

    def changes(self, request: Request) -> bool:
        """A look at a console is a POST."""
        return super().changes(request) and b"os-getConsoleOutput" not in request.body


class GoogleArena(Arena):
    """Google Cloud: the fake of Compute Engine behind a proxy."""

    provider = "google"

    def __init__(self, cloud: "GoogleCloud") -> None:
        from tests.providers.google.cloud import IMAGE, OPTIONS

        self._cloud = cloud
        self.endpoint, self.options, self.proxies = cloud.proxy.url, OPTIONS, (cloud.proxy,)
        self.names = Names(image=IMAGE, shapes=("e2-small", "e2-medium"), storage_class="pd-balanced")

    @classmethod
    @contextmanager
    def open(cls, folder: Path) -> Iterator[Arena]:
        """The fake and the proxy."""
        from tests.providers.google.cloud import running

        del folder
        with running() as cloud:
            yield cls(cloud)

    def standing(self, house: House) -> Standing:
        """From the fake itself."""
        del house
        return self._cloud.standing()

    def trouble(self, house: House) -> Trouble:
        """By the proxy."""
        from tests.providers.google.cloud import troubles

        del house
        return troubles(self._cloud)


ARENAS: Mapping[str, type[Arena]] = MappingProxyType(
    {arena.provider: arena for arena in (FileArena, LabArena, AwsArena, AzureArena, OpenStackArena, GoogleArena)}
)
