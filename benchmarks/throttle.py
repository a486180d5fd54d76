"""Calls at once against a cloud that throttles, and against one that does not, with the plugin's pace and without.

``python -m benchmarks.throttle`` takes about 20 s. Last line on stdout: one JSON object with the figures.
"""

import json
import time
from collections.abc import Callable

from providers.plugin.calls import Paces
from tests.fakes.throttled import HeedlessPaces, Throttled, storm

CALLS = 64
LIMIT = 16
CALL_S = 0.2
EASY_ROUNDS = 3


def measured(name: str, paces: Callable[[], Paces]) -> dict[str, float]:
    """The figures of one way to call."""
    cloud = Throttled(LIMIT)
    begun = time.perf_counter()
    failed = CALLS - storm(cloud, paces(), calls=CALLS)
    seconds = time.perf_counter() - begun
    easy = []
    for _ in range(EASY_ROUNDS):
        begun = time.perf_counter()
        storm(lambda: time.sleep(CALL_S), paces(), calls=CALLS)
        easy.append(time.perf_counter() - begun)
    print(f"{name}: storm {seconds:.1f} s, {cloud.refused} refused, {failed} failed; without one {min(easy):.3f} s")
    return {
        f"{name}_refused": cloud.refused,
        f"{name}_failed": failed,
        f"{name}_storm_s": round(seconds, 2),
        f"{name}_easy_s": round(min(easy), 3),
    }


def main() -> None:
    """Measure and print."""
    figures = measured("paced", Paces) | measured("heedless", HeedlessPaces)
    figures["easy_ratio"] = round(figures["paced_easy_s"] / figures["heedless_easy_s"], 2)
    print(json.dumps({"target": "bench-throttle", "figures": figures}))


if __name__ == "__main__":
    main()
