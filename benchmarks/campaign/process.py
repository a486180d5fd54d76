"""One process of the simulated campaign: ``worker`` works, ``controller`` asks for all moves and works too.

    python -m benchmarks.campaign.process worker|controller WORKSPACE MOVES MEAN_S WAVES PARALLEL

The last line on stdout is one JSON object.
"""

import contextlib
import json
import re
import signal
import sys
import time
from pathlib import Path

import migrate
from benchmarks.campaign.simulated import campaign, opener
from migrate.campaign import carry_out
from migrate.floor import floor
from migrate.work import chosen
from pse.core.progress import silent
from pse.core.settings import Workspace


def main(kind: str, root: str, moves: str, mean_s: str, waves: str, parallel: str) -> None:
    """Work until all is done."""
    workspace, bundle = Workspace(Path(root)), campaign(int(moves), mean_s=float(mean_s), waves=int(waves))
    said: dict[str, object] = {"kind": kind}
    if kind == "worker":
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        with contextlib.suppress(KeyboardInterrupt):
            migrate.take_part(workspace, bundle=bundle, parallel=int(parallel), opener=opener)
    else:
        with floor(workspace, lambda _: bundle, progress=silent, parallel=int(parallel), opener=opener) as made:
            begun = time.monotonic()
            done = carry_out(made, bundle, chosen(bundle, (), ()), parallel=int(parallel))
            said["seconds"] = round(time.monotonic() - begun, 2)
            said["states"] = sorted({one.state.value for one in done.workloads})
            said["moved"] = len(done.workloads)
    peak = re.search(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text(encoding="ascii"))
    said["memory_mib"] = int(peak[1]) // 1024 if peak else None
    sys.stdout.write(json.dumps(said) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
