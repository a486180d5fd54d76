"""The short form of `make bench-discovery`: two hosts, our runs only, and the figures that it prints."""

import json
import re

import pytest

from benchmarks.discovery import __main__ as bench
from benchmarks.discovery.meter import Cost
from tests.require import require


def test_it_measures_and_names_its_figures(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    require("bwrap", "sshd")
    # The process that runs the tests must not take over what other tests leave running on purpose.
    monkeypatch.setattr("benchmarks.discovery.meter.adopt_orphans", lambda: None)
    monkeypatch.setattr("sys.argv", ["bench", "--hosts", "2", "--rounds", "1", "--only", "ours-same", "ours-all"])
    assert bench.main() == 0
    out, err = capfd.readouterr()
    told = json.loads(out.strip().splitlines()[-1])
    assert told["target"] == "bench-discovery"
    assert told["figures"]["controller_cpu_ms_per_host"] > 0
    assert told["figures"]["same_wall_vs_ansible"] is None, "what was not measured is no figure"
    assert len(re.findall(r'"ok ": 2', err)) == 2
    assert not re.search(r"hosts +0\.00 s", err), "what ran on the hosts is counted"


def test_figures_are_theirs_over_ours() -> None:
    ours, theirs = Cost(2.0, 1.0, 3.0, 100.0, ""), Cost(20.0, 13.0, 33.0, 70.0, "")
    runs = {"ours-same": [ours], "ansible": [theirs], "ours-all": [ours], "pyinfra": [theirs], "ours-ten": [ours]}
    assert bench.figures({**runs, "ours-all-x10": [theirs]}, 100) == {
        "same_wall_vs_ansible": 10.0,
        "same_controller_cpu_vs_ansible": 13.0,
        "same_host_cpu_vs_ansible": 11.0,
        "all_wall_vs_ansible": 10.0,
        "wall_vs_pyinfra": 10.0,
        "controller_cpu_ms_per_host": 10.0,
        "peak_mib_1000": 70.0,
        "growth_10x": 10.0,
    }
