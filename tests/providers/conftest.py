"""Fixtures of the providers room: a workspace on the file cloud, and the real engine."""

from pathlib import Path

import pytest

from providers import pulumi_cli
from pse.core.errors import MissingTool
from tests.providers.house import OUTSIDE, House, python_path
from tests.require import missing

JOURNEY_S = 900


def surroundings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let this process and the plugins find the file cloud."""
    monkeypatch.setenv("PYTHONPATH", python_path())
    monkeypatch.syspath_prepend(OUTSIDE)
    monkeypatch.delenv("CI", raising=False)
    monkeypatch.delenv("PSE_WORKSPACE", raising=False)


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> House:
    """A workspace whose provider is the file cloud, found as an outside package's adapter is: by its entry point."""
    surroundings(monkeypatch)
    return House(tmp_path / "workspace")


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with an empty stack, to be copied: the CLI takes half a second to make one."""
    try:
        pulumi_cli.find()
    except MissingTool:
        missing(f"the Pulumi CLI {pulumi_cli.VERSION}")
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("CI", raising=False)
        house = House(tmp_path_factory.mktemp("template") / "workspace")
        house.init_stack()
    return house.root


@pytest.fixture
def fresh_house(house: House) -> House:
    """A workspace without any stack, where the real engine is to be had."""
    try:
        pulumi_cli.find()
    except MissingTool:
        missing(f"the Pulumi CLI {pulumi_cli.VERSION}")
    return house


@pytest.fixture
def engine_house(template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> House:
    """A workspace with an empty stack of the unit."""
    surroundings(monkeypatch)
    return House(tmp_path / "workspace", template=template)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The first behaviour of a journey takes the time of the whole of it."""
    for item in items:
        if "engine_conformance" in item.nodeid:
            item.add_marker(pytest.mark.timeout(JOURNEY_S))
