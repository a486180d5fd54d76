"""A pytest plugin: the table of adapters by behaviour, passed or not capable, after a run of the suite.

Use it with ``-p providers.conformance.plugin``; ``--conformance-json PATH`` writes the counts of ``make conformance``.
"""

import json
import textwrap
from collections import Counter
from collections.abc import Generator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from providers.conformance import Contract

WIDTH = 120
"""Columns that the reasons are wrapped to."""
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
        self._unable: dict[tuple[str, str], str] = {}
        self._adapters: dict[str, dict[str, str]] = {}

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Write on the report which adapter and behaviour it is about: another process may have to count it."""
        report = yield
        named = _behaviour(item)
        if named is not None and (call.when == "call" or not report.passed):
            contract, behaviour = named
            unable = contract.unable.get(behaviour, "")
            told = [contract.adapter.name, behaviour.replace("_", " "), dict(contract.adapter.lacks), unable]
            report.user_properties.append((_PROPERTY, told))
        return report

    @pytest.hookimpl(tryfirst=True)
    def pytest_pyfunc_call(self, pyfuncitem: pytest.Function) -> object:
        """Let alone what the adapter cannot show: the table says why."""
        named = _behaviour(pyfuncitem)
        return True if named is not None and named[1] in named[0].unable else None

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Count one phase of one test of the suite."""
        for name, value in report.user_properties:
            if name == _PROPERTY and isinstance(value, list):
                adapter, behaviour, lacks, unable = value
                # With the options for it an adapter has what it lacks without.
                before = self._adapters.get(adapter, lacks) or {}
                self._adapters[adapter] = {name: why for name, why in lacks.items() if name in before}
                if unable and report.passed:
                    self._unable[adapter, behaviour] = unable
                else:
                    self._found.setdefault((adapter, behaviour), Counter())[report.outcome] += 1

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Print the table."""
        if not self._found and not self._unable:
            return
        terminalreporter.section("conformance")
        for line in self.table():
            terminalreporter.write_line(line)
        if self._target:
            Path(self._target).write_text(json.dumps(self.figures()) + "\n", encoding="utf-8")

    def table(self) -> list[str]:
        """Behaviours by adapter, then what each adapter cannot do and why, then the counts.

        A cell says how many tests passed; ``no`` where the adapter is not capable, ``-`` where it was not asked.
        """
        adapters = sorted(self._adapters)
        asked = self._found.keys() | self._unable.keys()
        rows = [["", *adapters]] + [
            [behaviour, *(self._cell(adapter, behaviour) for adapter in adapters)]
            for behaviour in sorted({behaviour for _, behaviour in asked})
        ]
        widths = [max(len(row[column]) for row in rows) for column in range(len(adapters) + 1)]
        lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
        reasons: dict[tuple[str, str], list[str]] = {}
        for adapter, name, reason in self._lacks():
            reasons.setdefault((adapter, reason), []).append(name)
        for (adapter, reason), names in reasons.items():
            said = f"{adapter}: not capable, {reason}: {'; '.join(names)}"
            lines += textwrap.wrap(said, WIDTH, subsequent_indent="    ", break_on_hyphens=False)
        counts = self.figures()
        return [*lines, ", ".join(f"{count} {word.replace('_', ' ')}" for word, count in counts.items())]

    def _cell(self, adapter: str, behaviour: str) -> str:
        counts = self._found.get((adapter, behaviour), Counter())
        told = [str(counts["passed"])] if counts["passed"] else []
        told += [f"{count} {word.upper()}" for word, count in sorted(counts.items()) if word != "passed"]
        return ", ".join(told) or ("no" if (adapter, behaviour) in self._unable else "-")

    def _lacks(self) -> list[tuple[str, str, str]]:
        """Adapter, behaviour, kind or input, and why: of every adapter that was tested."""
        unable = [(adapter, behaviour, reason) for (adapter, behaviour), reason in sorted(self._unable.items())]
        return unable + [
            (adapter, name, reason)
            for adapter, lacks in sorted(self._adapters.items())
            for name, reason in sorted(lacks.items())
        ]

    def figures(self) -> dict[str, int]:
        """The counts as ``make conformance`` names them."""
        total = sum(self._found.values(), Counter[str]())
        return {
            "behaviours": len({behaviour for _, behaviour in self._found.keys() | self._unable.keys()}),
            "adapters": len(self._adapters),
            "passed": total["passed"],
            "not_capable": len(self._lacks()),
            "skipped": total["skipped"],
            "failed": total["failed"],
        }


def _behaviour(item: pytest.Item) -> "tuple[type[Contract], str] | None":
    """The contract and the behaviour that a test is about; None for any other test, an adapter's own too."""
    from providers.conformance import Contract, behaviours

    cls = getattr(item, "cls", None)
    if not (isinstance(cls, type) and issubclass(cls, Contract)):
        return None
    name = str(getattr(item, "originalname", item.name)).removeprefix("test_")
    shared = [base for base in cls.__mro__ if base.__module__.startswith("providers.conformance.")]
    return (cls, name) if any(name in behaviours(base) for base in shared) else None


def pytest_configure(config: pytest.Config) -> None:
    """Begin to count."""
    config.pluginmanager.register(Results(config.getoption("--conformance-json")), "pse-conformance-results")
