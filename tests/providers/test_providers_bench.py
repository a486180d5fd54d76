"""`make bench-providers`: the toy and ours go up by the same engine, and the figures say what was measured."""

from pathlib import Path

import pytest

from benchmarks.providers import __main__ as bench
from benchmarks.providers import cpu, engine
from tests.providers.house import House, python_path, volumes


def test_toy_and_ours_go_up_with_the_same_program(
    fresh_house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", python_path(engine.OUTSIDE, Path.cwd()))
    monkeypatch.syspath_prepend(engine.OUTSIDE)
    monkeypatch.setenv("TOY_S", "0")
    with engine._template(0.0) as template:
        for what in ("toy", "plugin"):
            assert engine._once(template, what, volumes("a", "b"), 0.0) > 0


def test_figures_compare_the_least_of_both_and_the_rounds_in_pairs() -> None:
    pair = engine.Pair(toy=[2.0, 4.0], plugin=[3.0, 4.4], packed=[4.0, 4.0], whole=[4.0, 8.0])
    assert (pair.ratio("plugin"), pair.paired("plugin")) == (1.5, 1.3)
    steps = {"create": 4.0, "find": 1.0, "read": 1.0, "delete": 1.0, cpu.OWN: 2.0}
    pairs = {"64 creates of 0.2 s": pair, "250 up": pair}
    told = bench.figures(pairs, {"lab": {"Server": steps}})
    assert (told["ratio_64_creates"], told["ratio_250_up"], told["cpu_ms_per_resource"]) == (1.5, 1.5, 2.0)
    assert told["cpu_ms_with_sdk_by_adapter"] == {"lab": 5.0}
    assert "plugin" in bench.engine_table(pairs)
    assert "not measured: no boto3" in bench.cpu_table({"lab": {"Server": steps}}, {"aws": "no boto3"})
