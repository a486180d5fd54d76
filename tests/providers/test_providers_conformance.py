"""The file cloud under the conformance suite: the example of a rig, and the suite's own test."""

from collections.abc import Iterator

import pytest

from providers import registry
from providers.conformance import Rig, StoreContract
from providers.conformance.rig import rigged
from providers.ports import Target
from tests.providers.house import HERE, House


class TestFileCloud(StoreContract):
    @pytest.fixture
    def rig(self, house: House) -> Iterator[Rig]:
        target = Target(place=HERE, country="PK", endpoint="lab:north", workspace=house.root)
        with rigged(registry.load("filecloud")(target), place=HERE) as rig:
            yield rig
