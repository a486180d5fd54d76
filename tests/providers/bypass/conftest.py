"""The scene, and the table of attempts at the end."""

from collections.abc import Iterator

import pytest

from pse.core.settings import Workspace
from tests.providers.bypass.office import Office
from tests.providers.bypass.scene import Scene
from tests.providers.house import House, python_path
from tests.providers.plugins import Plugin, plugin

ROWS: list[tuple[str, str, str]] = []
"""What was tried and refused, the gate, and the rules that refused it."""
TRIED: list[str] = []
"""What was tried."""


@pytest.fixture(scope="module")
def running() -> Iterator[Plugin]:
    """One plugin for all attempts; each has a connection and a workspace of its own."""
    with plugin({"PYTHONPATH": python_path(), "PSE_WORKSPACE": ""}) as process:
        yield process


@pytest.fixture
def scene(engine_house: House, running: Plugin) -> Scene:
    """A workspace of the attempt's own."""
    return Scene(engine_house, running)


@pytest.fixture
def office(sample: Workspace) -> Office:
    """The sample ministry with a plan, nothing of it built."""
    return Office(sample)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """The table."""
    if ROWS:
        terminalreporter.section("attempts to get round the gates")
        for name, gate, rules in sorted(ROWS, key=lambda row: (row[1], row[0])):
            terminalreporter.write_line(f"{gate:8} {name}: {rules}")
