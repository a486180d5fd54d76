"""`make bench-policy`: verdicts for a whole estate, and plan and gate against a second opinion.

    python -m benchmarks.policy [--plans 10000] [--rounds 3]

Judges 100,000 workloads of five categories, and some covered by NOCs, at 50 places, and writes the Verdicts. Last line
on stdout: one JSON object with the figures. Ends 1 when the oracle disagrees.
"""

import argparse
import json
import sys
import tempfile
import time
from datetime import date
from pathlib import Path

import policy
from policy.labels import Labels
from policy.load import Policy
from policy.nocs import Noc, Nocs
from policy.register import Register
from policy.registerfile import CSP, Audit, Cloud, RegisterFile, Result, Site, State, StateRow
from policy.rulebook import load_rules
from pse.core.canonical import encode, write_bytes
from pse.core.documents.category import Category
from tests.policy.second import disagreements

DAY = date(2026, 7, 1)
WORKLOADS, PLACES, NOCS = 100_000, 50, 20
WITHIN_S = 2.0


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="make bench-policy", description=__doc__)
    parser.add_argument("--plans", type=int, default=10_000, help="worlds that the oracle is asked about")
    parser.add_argument("--rounds", type=int, default=3, help="of which the least counts")
    given = parser.parse_args()
    seconds = sorted(judged() for _ in range(given.rounds))
    found = [line for seed in range(given.plans) for line in disagreements(seed)]
    print("\n".join(found), file=sys.stderr)
    print(
        json.dumps(
            {
                "target": "bench-policy",
                "seconds_100k_x_50": {"least": round(seconds[0], 3), "all": [round(one, 3) for one in seconds]},
                "within": WITHIN_S,
                "oracle_plans": given.plans,
                "disagreements": len(found),
            }
        )
    )
    return int(bool(found))


def judged() -> float:
    """Seconds from the law and the categories in memory to the Verdicts on disk, fsynced."""
    law = _law()
    kinds = list(Category)
    categories = {f"workload-{number:06}": kinds[number % len(kinds)] for number in range(WORKLOADS)}
    with tempfile.TemporaryDirectory() as folder:
        begun = time.perf_counter()
        verdicts = policy.decide(law, categories, as_of=DAY)
        write_bytes(Path(folder) / "verdicts.json", encode(verdicts))
        return time.perf_counter() - begun


def _law() -> Policy:
    csps = tuple(
        CSP(
            id=f"sample-{number}",
            name="invented",
            site=(
                Site(
                    region="r",
                    site="s",
                    name="invented",
                    country="PK" if number % 2 else "XA",
                    cloud=Cloud.GOVERNMENT if number % 3 else Cloud.PUBLIC,
                    provider="lab",
                    endpoint=f"lab:sample-{number}",
                    evidence="invented",
                ),
            ),
            state=tuple(
                StateRow(state=State.ACCREDITED, start=date(2024 + year, 1, 1), end=date(2024 + year, 12, 31))
                for year in range(4)
            ),
            audit=(Audit(on=date(2026, 1, 1), outcome=Result.PASSED, next_due=date(2026, 12, 31)),),
        )
        for number in range(PLACES)
    )
    file = RegisterFile(
        name="invented", issued=DAY, valid_until=date(2027, 12, 31), sample=True, source="invented", csp=csps
    )
    nocs = tuple(
        Noc(
            reference=f"NOC-{number}",
            start=date(2026, 1, 1),
            end=date(2026, 12, 31),
            workloads=(f"workload-0000{number:02}",),
            places=("*",),
            rules=("PSE-R003", "PSE-R004"),
        )
        for number in range(NOCS)
    )
    return Policy(rules=load_rules(), register=Register(file, hash_="0" * 64), nocs=Nocs(noc=nocs), labels=Labels())


if __name__ == "__main__":
    sys.exit(main())
