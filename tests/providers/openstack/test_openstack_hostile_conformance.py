"""The adapter of OpenStack under the conformance suite, on a real control plane whose answers get lost or lie."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import ClassVar

import pytest

from providers.conformance import HostileContract, Rig, Trouble
from providers.conformance.rig import rigged
from providers.openstack import OpenStackProvider
from tests.providers.openstack.accounts import PLACE, Cloud, Project
from tests.providers.openstack.regions import Region, hostile_region, troubles


class TestOpenStackHostile(HostileContract):
    adapter = OpenStackProvider
    unable: ClassVar[Mapping[str, str]] = {
        "answer_about_another_region_stops_everything": "the catalogue names a region's services; answers name none",
    }

    @pytest.fixture(scope="class")
    @classmethod
    def region(cls, admin: Cloud) -> Iterator[Region]:
        with hostile_region(admin) as region:
            yield region

    @pytest.fixture
    def trouble(self, region: Region) -> Trouble:
        return troubles(region)

    @pytest.fixture
    def rig(self, region: Region, signed_in: Project, trouble: Trouble, tmp_path: Path) -> Iterator[Rig]:
        def made() -> OpenStackProvider:
            return signed_in.provider(tmp_path, region=region.name)

        with rigged(made(), place=PLACE, again=made) as rig:
            yield rig
            trouble.calm()
