"""Fixtures of the planning room's tests."""

from pathlib import Path

import pytest

from blueprints.bundle import Bundle
from providers.lab.sample import create
from pse.core.settings import Workspace
from tests.blueprints.estates import bundle, ministry_estate


@pytest.fixture
def planned(tmp_path: Path) -> Workspace:
    """A sample workspace in which nothing runs."""
    return create(tmp_path / "ministry")


@pytest.fixture
def ministry_plan(planned: Workspace) -> Bundle:
    """The plan of the sample ministry, by a hand-made estate."""
    return bundle(planned, ministry_estate())
