"""Replicator `files` held to the conformance suite."""

import pytest

from migrate.conformance import ReplicatorContract
from tests.migrate.houses import FilesHouse
from tests.migrate.rig import Rig


class TestFiles(ReplicatorContract):
    @pytest.fixture
    def house(self, rig: Rig) -> FilesHouse:
        return FilesHouse(rig)
