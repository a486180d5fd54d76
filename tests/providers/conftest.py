"""Fixtures of the providers room: a workspace on the file cloud, and the real engine."""

from pathlib import Path

import pytest

from providers import pulumi_cli
from pse.core.errors import MissingTool
from tests.providers.house import OUTSIDE, House, python_path
from tests.require import missing


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> House:
    """A workspace whose provider is the file cloud, found as an outside package's adapter is: by its entry point."""
    monkeypatch.setenv("PYTHONPATH", python_path())
    monkeypatch.syspath_prepend(OUTSIDE)
    monkeypatch.delenv("CI", raising=False)
    monkeypatch.delenv("PSE_WORKSPACE", raising=False)
    return House(tmp_path / "workspace")


@pytest.fixture
def engine_house(house: House) -> House:
    """The same, where the real engine is to be had."""
    try:
        pulumi_cli.find()
    except MissingTool:
        missing(f"the Pulumi CLI {pulumi_cli.VERSION}")
    return house
