"""Plan one workspace as `pse plan` does, and print what it took as a JSON object.

python -m benchmarks.plan.once WORKSPACE [FILE FOR CPROFILE]
"""

import cProfile
import json
import resource
import sys
import time
from datetime import date
from pathlib import Path

from blueprints.planning.making import make_plan
from pse.core.progress import Event
from pse.core.settings import Workspace

DAY = date(2026, 7, 1)


def main() -> None:
    """Plan, write, print."""
    root, profile = Path(sys.argv[1]), sys.argv[2:]
    recorder = cProfile.Profile()
    if profile:
        recorder.enable()
    begun = time.perf_counter()

    def note(event: Event) -> None:
        print(f"  {time.perf_counter() - begun:6.1f} s  {event.message}", file=sys.stderr, flush=True)

    bundle = make_plan(Workspace(root), as_of=DAY, progress=note)
    made = time.perf_counter() - begun
    bundle.write(root / "plans" / "bench")
    seconds = time.perf_counter() - begun
    if profile:
        recorder.disable()
        recorder.dump_stats(profile[0])
    mine, workers = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    figures = {
        "seconds": round(seconds, 2),
        "cpu_seconds": round(mine.ru_utime + mine.ru_stime + workers.ru_utime + workers.ru_stime, 2),
        "seconds_writing": round(seconds - made, 2),
        "peak_mib": mine.ru_maxrss // 1024,
        # Of the largest one; most of it is its parent's memory, shared until one of them changes it.
        "peak_worker_mib": workers.ru_maxrss // 1024,
        "workloads": len(bundle.plan.decisions),
        "refused": sum(decision.strategy is None for decision in bundle.plan.decisions),
        "units": len(bundle.units),
        "waves": len(bundle.plan.waves),
        "wave_gap_percent": float(bundle.plan.schedule.gap_percent) if bundle.plan.schedule else 0.0,
        "no_price": bundle.plan.cost.no_price,
    }
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
