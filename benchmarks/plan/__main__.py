"""`make bench-plan`: a whole estate planned, from its snapshot on disk to all parts of the plan on disk.

    python -m benchmarks.plan [--servers 10000 100000] [--rounds 1]

Each size has a workspace of its own: workloads of four servers, five sample places with a full catalogue of real list
prices each, from ``../shared/catalog``. A child process plans it as `pse plan` does, so that its memory is its own.
Last line on stdout: one JSON object with the figures.
"""

import argparse
import json
import math
import subprocess
import sys
import tempfile
from pathlib import Path

import pyarrow.compute as pc
import pyarrow.parquet as pq

from benchmarks.plan.estate import estate
from inventory.estate import set_current
from pse.core.settings import Workspace
from tests.policy.house import build

CATALOG = Path("../shared/catalog")
PLACES = (
    ("aws", "us-east-1", "PK", "government"),
    ("azure", "westeurope", "PK", "government"),
    ("gcp", "us-central1", "PK", "public"),
    ("aws", "us-west-2", "XA", "public"),
    ("azure", "eastus", "XA", "public"),
)
"""Whose list, of which region, becomes the list of a sample place in which country and kind of cloud."""
LABELS = (("open", "01"), ("public", "2345"), ("restricted", "678"), ("sensitive", "9"))
"""Category of the workloads whose number ends so."""


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="make bench-plan", description=__doc__)
    parser.add_argument("--servers", type=int, nargs="+", default=[10_000, 100_000])
    parser.add_argument("--rounds", type=int, default=1, help="of which the least counts")
    parser.add_argument("--profile", type=Path, help="file for the statistics of cProfile, of the last run")
    given = parser.parse_args()
    found = {}
    for servers in given.servers:
        with tempfile.TemporaryDirectory(prefix="pse-bench-") as folder:
            workspace = prepared(Path(folder) / "ministry", servers)
            runs = [planned(workspace, given.profile) for _ in range(given.rounds)]
        found[str(servers)] = min(runs, key=lambda run: run["seconds"])
        print(f"{servers} servers: {found[str(servers)]}", file=sys.stderr, flush=True)
    print(json.dumps({"target": "bench-plan", "by_servers": found}))
    return 0


def prepared(root: Path, servers: int) -> Workspace:
    """A workspace with an estate of so many servers, its labels, its register and its price book."""
    root.mkdir(parents=True)
    labels = "".join(
        f'[[label]]\ncategory = "{category}"\nhosts = ["*-*[{digits}]"]\n'
        'owner = "Sample owner"\nreference = "SAMPLE"\nsigned = 2026-01-01\n'
        for category, digits in LABELS
    )
    workspace = build(root, register=_register(), labels=labels)
    (root / "prices.toml").write_text(_prices())
    with (root / "pse.toml").open("a") as file:
        file.write('price_book = "prices.toml"\n\n[plan]\ncurrency = "USD"\nwave_servers = 400\n')
    set_current(workspace, estate(servers))
    return Workspace(root)


def planned(workspace: Workspace, profile: Path | None) -> dict[str, float]:
    """Plan it in a process of its own; see `benchmarks.plan.once`."""
    words = [sys.executable, "-m", "benchmarks.plan.once", str(workspace.root), *([str(profile)] if profile else [])]
    done = subprocess.run(words, stdout=subprocess.PIPE, check=True)
    figures: dict[str, float] = json.loads(done.stdout)
    return figures


def _register() -> str:
    head = (
        'name = "Sample register"\njurisdiction = "federal"\nissued = 2026-01-01\nvalid_until = 2027-12-31\n'
        'sample = true\nsource = "Invented for a benchmark"\n'
    )
    return head + "".join(
        f"""
[[csp]]
id = "sample-{number}"
name = "Sample cloud {number}"
[[csp.site]]
region = "r"
site = "s"
name = "Sample data centre"
country = "{country}"
cloud = "{cloud}"
provider = "lab"
endpoint = "lab:sample-{number}"
evidence = "Invented"
[[csp.state]]
state = "accredited"
start = 2026-01-01
reference = "SAMPLE-{number}"
"""
        for number, (_, _, country, cloud) in enumerate(PLACES)
    )


def _prices() -> str:
    rows = ['book = "Sample of list prices"\ndated = 2026-11-21\ncurrency = "USD"\nsample = true\n']
    for number, (provider, region, _, _) in enumerate(PLACES):
        table = pq.read_table(CATALOG / f"{provider}.parquet")
        place = f'[[offer]]\nplace = "sample-{number}/r/s"\n'
        for row in table.filter(pc.field("region") == region).to_pylist():
            price = row["price_usd_hour_od_linux"]
            if not row["vcpu"] or not row["memory_gib"]:
                continue
            rows.append(
                f'{place}kind = "compute"\nname = "{row["instance_type"]}"\nunit = "hour"\n'
                f"vcpus = {math.ceil(row['vcpu'])}\nmemory_mib = {int(row['memory_gib'] * 1024)}\n"
                f'architecture = "{row["arch"]}"\nquality = "{row["price_quality"]}"\n'
                f"source = {json.dumps(row['source'])}\n" + (f'price = "{price:.6f}"\n' if price else "")
            )
        for kind, name, unit, price in (
            ("storage", "ssd", "GiB-month", "0.11"),
            ("storage", "hdd", "GiB-month", "0.05"),
            ("egress", "egress", "GiB", "0.09"),
            ("address", "address", "month", "3.65"),
            ("support", "support", "month", "100"),
            ("migration", "per server", "once", "25"),
        ):
            rows.append(f'{place}kind = "{kind}"\nname = "{name}"\nunit = "{unit}"\nprice = "{price}"\n')
        for family, version in (("debian", "12"), ("rhel", "9.4"), ("suse", "15.5")):
            rows.append(
                f'{place}kind = "image"\nname = "{family}-{version}"\nunit = "month"\nprice = "1"\n'
                f'os_family = "{family}"\nos_version = "{version}"\n'
            )
    return "\n".join(rows)


if __name__ == "__main__":
    sys.exit(main())
