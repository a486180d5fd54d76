"""How soon something is there: `pse --version`, `pse --help`, the plugin's port.

``python -m benchmarks.startup`` takes some seconds. Last line on stdout: one JSON object with the figures.
"""

import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable

from tests.providers.plugins import plugin

STARTS = 9
BUDGETS_S = {"version": 0.150, "help": 0.250, "plugin_port": 0.4}
"""What the medians should stay within, in seconds."""


def measured(act: Callable[[], None]) -> dict[str, float]:
    """Least and median of several starts, in seconds, after one that warms the caches."""
    act()
    found = []
    for _ in range(STARTS):
        begun = time.perf_counter()
        act()
        found.append(time.perf_counter() - begun)
    return {"least": round(min(found), 3), "median": round(statistics.median(found), 3)}


def command(word: str) -> None:
    """One start of the command line."""
    subprocess.run([sys.executable, "-m", "pse.cli.main", word], capture_output=True, check=True, timeout=60)


def port() -> None:
    """One start of the plugin, until its port is there."""
    with plugin():
        pass


def main() -> None:
    """Measure and print."""
    figures = {
        "version": measured(lambda: command("--version")),
        "help": measured(lambda: command("--help")),
        "plugin_port": measured(port),
    }
    print(json.dumps({"target": "bench-startup", "seconds": figures, "within": BUDGETS_S}))


if __name__ == "__main__":
    main()
