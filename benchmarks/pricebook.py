"""`make bench-pricebook`: all of ``../shared/catalog`` as one price book, 100,000 shapes and what else is there.

    python -m benchmarks.pricebook [--rounds 3]

Each list becomes a price sheet in CSV, as a seller would hand it over; the lists themselves stay where they are. The
places bear the sellers' names for their regions and are in no register. Last line on stdout: one JSON object.
"""

import argparse
import csv
import gzip
import json
import math
import resource
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import pyarrow.parquet as pq

from blueprints.bills.catalogue import Catalogue
from providers.catalog import load_offers
from pse.core.documents.offers import OfferKind
from pse.core.settings import Workspace

CATALOG = Path("../shared/catalog")
PROVIDERS = ("aws", "azure", "gcp")
COLUMNS = (
    "kind", "place", "name", "unit", "price", "above", "term months", "vcpus", "memory mib", "gpus", "architecture",
    "quality", "source", "dated",
)  # fmt: skip
_HOURS = 730
_OTHERS = {"block_storage": "storage", "snapshot": "snapshot"}
_STEPS = {"0-1 TiB": 0, "1-10 TiB": 1024, "10n TiB": 10 * 1024}


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="make bench-pricebook", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="of which the least counts")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="pse-bench-") as folder:
        workspace = prepared(Path(folder))
        seconds, hashes = [], set()
        for _ in range(given.rounds):
            begun = time.perf_counter()
            offers = load_offers(workspace)
            seconds.append(time.perf_counter() - begun)
            hashes.add(offers.hash)
    begun = time.perf_counter()
    catalogue = Catalogue(offers)
    grouped = time.perf_counter() - begun
    places = {offer.place for offer in offers.offers}
    figures = {
        "seconds": round(min(seconds), 2),
        "seconds_grouping": round(grouped, 2),
        "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
        "offers": len(offers.offers),
        "places": len(places),
        "shapes": sum(len(catalogue.at(place, OfferKind.COMPUTE)) for place in places),
        "no_price": sum(offer.price is None for offer in offers.offers),
        "findings": len(offers.findings),
        "hashes": len(hashes),
    }
    print(json.dumps({"target": "bench-pricebook", "figures": figures}))
    return 0


def prepared(root: Path) -> Workspace:
    """A workspace whose price book names a sheet for each list."""
    text = 'book = "Sample of list prices"\ndated = 2026-11-21\ncurrency = "USD"\nsample = true\n'
    for name in (*PROVIDERS, "others"):
        rows = _others() if name == "others" else _shapes(name)
        with (root / f"{name}.csv").open("w", newline="") as file:
            writer = csv.DictWriter(file, COLUMNS)
            writer.writeheader()
            writer.writerows(rows)
        text += f'[[sheet]]\nfile = "{name}.csv"\n'
    (root / "prices.toml").write_text(text)
    (root / "pse.toml").write_text('entity = "Benchmark"\nprice_book = "prices.toml"\n[plan]\ncurrency = "USD"\n')
    return Workspace(root)


def _shapes(provider: str) -> Iterator[Mapping[str, object]]:
    for row in pq.read_table(CATALOG / f"{provider}.parquet").to_pylist():
        if not row["vcpu"] or not row["memory_gib"]:
            continue
        shape = {
            "kind": "compute",
            "place": f"list-{provider}/{row['region']}/list",
            "name": row["instance_type"],
            "unit": "hour",
            "vcpus": math.ceil(row["vcpu"]),
            "memory mib": int(row["memory_gib"] * 1024),
            "gpus": math.ceil(row["gpu"] or 0),
            "architecture": row["arch"],
            "quality": row["price_quality"],
            "source": row["source"],
            "dated": row["source_date"],
        }
        yield {**shape, "price": _text(row["price_usd_hour_od_linux"])}
        for months, key in ((12, "price_usd_month_1y"), (36, "price_usd_month_3y")):
            if row[key]:
                yield {**shape, "price": _text(row[key] / _HOURS), "term months": months}


def _others() -> Iterator[Mapping[str, object]]:
    with gzip.open(CATALOG / "other_prices.csv.gz", "rt") as file:
        for row in csv.DictReader(file):
            usual = {
                "place": f"list-{row['provider']}/{row['region']}/list",
                "price": row["price"],
                "quality": row["quality"],
                "source": row["source"],
                "dated": row["date"],
            }
            if row["kind"] in _OTHERS:
                yield {**usual, "kind": _OTHERS[row["kind"]], "name": row["item"], "unit": "GiB-month"}
            elif row["tier"] in _STEPS:
                yield {**usual, "kind": "egress", "name": "internet", "unit": "GiB", "above": _STEPS[row["tier"]]}
            elif row["item"] == "ip/vm":
                yield {**usual, "kind": "address", "name": "address", "unit": "hour"}


def _text(price: float | None) -> str:
    """At most nine decimals, as price books have them."""
    return f"{price:.9f}" if price else ""


if __name__ == "__main__":
    sys.exit(main())
