"""`make bypass`: attempts to get round the gates, each refused by the gate it is aimed at and written down.

    python -m tests.providers.bypass [pytest's arguments]

A table of what refused what; the last line on stdout is one JSON object. Ends 0 when every attempt was refused.
"""

import json
import sys
from collections import Counter
from pathlib import Path

import pytest


def main() -> int:
    """Run the attempts and count them."""
    code = pytest.main(["-q", "-n0", "--no-cov", *sys.argv[1:], str(Path(__file__).parent)])
    from tests.providers.bypass.conftest import ROWS, TRIED

    figures = {
        "attempts": len(TRIED),
        "refused_wrongly_allowed": len(TRIED) - len(ROWS),
        "by_gate": dict(sorted(Counter(gate for _, gate, _ in ROWS).items())),
    }
    print(json.dumps({"target": "bypass", "figures": figures}))
    return int(code)


if __name__ == "__main__":
    sys.exit(main())
