"""Replicator `mariadb` held to the conformance suite."""

from pathlib import Path

import pytest

from migrate.conformance import ReplicatorContract
from tests.migrate.mariadb_house import MariaHouse
from tests.migrate.rig import Rig


class TestMariaDB(ReplicatorContract):
    @pytest.fixture
    def house(self, rig: Rig, mariadb: Path) -> MariaHouse:
        return MariaHouse(rig, mariadb)
