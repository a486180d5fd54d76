"""A pytest plugin: the table of adapters by behaviour, passed or not capable, after a run of the suite.

Use it with ``-p providers.conformance.plugin``; ``--conformance-json PATH`` writes the counts of ``make conformance``.
"""

import json
from collections import Counter
from collections.abc import Generator
from pathlib import Path

import pytest

_PROPERTY = "pse-conformance"


def pytest_addoption(parser: pytest.Parser) -> None:
    """The file for the counts."""
    parser.addoption("--conformance-json", default="", help="write the counts of the conformance suite to this file")


class Results:
    """Outcomes by adapter and behaviour; one for each pytest session.

    Args:
        target: File for the counts; empty for none.
    """

    def __init__(self, target: str) -> None:
        """Nothing has run."""
        self._target = target
        self._found: dict[tuple[str, str], Counter[str]] = {}
        self._adapters: dict[str, dict[str, str]] = {}

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Write on the report which adapter and behaviour it is about: another process may have to count it."""
        report = yield
        from providers.conformance import StoreContract

        cls = getattr(item, "cls", None)
        if isinstance(cls, type) and issubclass(cls, StoreContract) and (call.when == "call" or not report.passed):
            behaviour = getattr(item, "originalname", item.name).removeprefix("test_").replace("_", " ")
            report.user_properties.append((_PROPERTY, [cls.adapter.name, behaviour, dict(cls.adapter.lacks)]))
        return report

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Count one phase of one test of the suite."""
        for name, value in report.user_properties:
            if name == _PROPERTY and isinstance(value, list):
                adapter, behaviour, lacks = value
                self._adapters[adapter] = lacks
                self._found.setdefault((adapter, behaviour), Counter())[report.outcome] += 1

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Print the table."""
        if not self._found:
            return
        terminalreporter.section("conformance")
        for (adapter, behaviour), counts in sorted(self._found.items()):
            said = ", ".join(f"{count} {word}" for word, count in sorted(counts.items()))
            terminalreporter.write_line(f"{adapter:12} {behaviour:60} {said}")
        for adapter, name, reason in self._lacks():
            terminalreporter.write_line(f"{adapter:12} {name:60} not capable: {reason}")
        if self._target:
            Path(self._target).write_text(json.dumps(self.figures()) + "\n", encoding="utf-8")

    def _lacks(self) -> list[tuple[str, str, str]]:
        """Adapter, kind or input, and why: of every adapter that was tested."""
        return [
            (adapter, name, reason)
            for adapter, lacks in sorted(self._adapters.items())
            for name, reason in sorted(lacks.items())
        ]

    def figures(self) -> dict[str, int]:
        """The counts as ``make conformance`` names them."""
        total = sum(self._found.values(), Counter[str]())
        return {
            "behaviours": len({behaviour for _, behaviour in self._found}),
            "adapters": len({adapter for adapter, _ in self._found}),
            "passed": total["passed"],
            "not_capable": len(self._lacks()),
            "skipped": total["skipped"],
            "failed": total["failed"],
        }


def pytest_configure(config: pytest.Config) -> None:
    """Begin to count."""
    config.pluginmanager.register(Results(config.getoption("--conformance-json")), "pse-conformance-results")
