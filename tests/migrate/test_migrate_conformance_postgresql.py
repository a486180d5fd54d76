"""Replicator `postgresql` held to the conformance suite."""

import pytest

from migrate.conformance import ReplicatorContract
from tests.migrate.houses import PostgresHouse
from tests.migrate.rig import Rig


class TestPostgres(ReplicatorContract):
    @pytest.fixture
    def house(self, rig: Rig) -> PostgresHouse:
        return PostgresHouse(rig)
