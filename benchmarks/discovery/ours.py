"""One discovery in a process of its own: ``python -m benchmarks.discovery.ours WORKSPACE [FACT…]``.

All facts when none is named. Prints how many hosts were read whole and the most memory that it held.
"""

import json
import resource
import sys
from collections import Counter
from pathlib import Path

import inventory
from pse.core.settings import Workspace


def main() -> int:
    """Discover, and tell."""
    found = inventory.discover(Workspace(Path(sys.argv[1])), facts=tuple(sys.argv[2:]))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    said = Counter(f"{r.status} {r.message}" for r in found.hosts)
    print(json.dumps({"said": said, "peak_mib": peak, "servers": len(found.estate.servers)}))
    return 0 if all(r.status == "ok" for r in found.hosts) else 1


if __name__ == "__main__":
    sys.exit(main())
