"""Replicator `blocks` held to the conformance suite."""

import pytest

from migrate.conformance import ReplicatorContract
from tests.migrate.houses import BlocksHouse
from tests.migrate.rig import Rig


class TestBlocks(ReplicatorContract):
    @pytest.fixture
    def house(self, rig: Rig) -> BlocksHouse:
        return BlocksHouse(rig)
