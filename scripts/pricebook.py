"""A price book of list prices out of packages that ship them: ``pricebook.py OUT [REGION…]``; ``make pricebook``.

Prices are those of ``ec2_linux`` in apache-libcloud's pricing.json, sizes and limits those of moto's EC2 data; both are
Apache-2.0. Nothing else is priced there: disks, egress, images and support come from a sheet of one's own. What is
wrong with the prices is marked and not mended: a price of 0 is no price, and since prices of dedicated tenancy stand
among the others, one that is over 3 % dearer by the GiB of memory than its family's cheapest in the region is
``doubtful``, every other ``listed``. The day is that of libcloud's file.

OUT gets a sheet for each region and ``prices.toml``, whose paths are relative to the folder that OUT lies in: the
workspace, with ``price_book = "pricebook/prices.toml"``. The places bear the regions' names and are in no register.
"""

import csv
import gzip
import importlib.resources
import json
import sys
from collections import defaultdict
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

TOLERANCE = 1.03
COLUMNS = (
    "kind", "name", "unit", "price", "vcpus", "memory mib", "max volumes", "max nics", "max iops", "gpus",
    "generation", "architecture", "boot", "quality",
)  # fmt: skip
_ARCHITECTURES = {"arm64": "aarch64"}


def sheets(prices: Mapping[str, Mapping[str, float]], types: Mapping[str, Any]) -> dict[str, list[dict[str, object]]]:
    """Rows of price sheets by region, sorted by name.

    Args:
        prices: Dollars an hour by instance type and region, as libcloud has them.
        types: What EC2's DescribeInstanceTypes says, by instance type, as moto has it.
    """
    by_gib: defaultdict[tuple[str, str], list[float]] = defaultdict(list)
    known = {name: regions for name, regions in sorted(prices.items()) if name in types}
    for name, regions in known.items():
        for region, price in regions.items():
            if price:
                by_gib[name.split(".")[0], region].append(price / types[name]["MemoryInfo"]["SizeInMiB"])
    found: defaultdict[str, list[dict[str, object]]] = defaultdict(list)
    for name, regions in known.items():
        kind, shape = types[name], _shape(name, types[name])
        family = name.split(".")[0]
        for region, price in regions.items():
            row = {**shape, "quality": "listed"}
            if price:
                row["price"] = f"{price:.9f}".rstrip("0")
                least = min(by_gib[family, region])
                if price / kind["MemoryInfo"]["SizeInMiB"] > least * TOLERANCE:
                    row["quality"] = "doubtful"
            found[region].append(row)
    return dict(sorted(found.items()))


def _shape(name: str, kind: Mapping[str, Any]) -> dict[str, object]:
    """What a type is; its first disk is that of the system, and on newer ones a network card takes a place too."""
    ebs = kind.get("EbsInfo", {})
    shared = ebs.get("AttachmentLimitType") == "shared"
    modes = set(kind.get("SupportedBootModes", ()))
    boot = "both" if len(modes) > 1 else {"legacy-bios": "bios", "uefi": "uefi"}.get("".join(modes), "")
    architecture = kind["ProcessorInfo"]["SupportedArchitectures"][-1]
    return {
        "kind": "compute",
        "name": name,
        "unit": "hour",
        "vcpus": kind["VCpuInfo"]["DefaultVCpus"],
        "memory mib": kind["MemoryInfo"]["SizeInMiB"],
        "max volumes": max(0, ebs.get("MaximumEbsAttachments", 0) - 1 - shared),
        "max nics": kind.get("NetworkInfo", {}).get("MaximumNetworkInterfaces", 0),
        "max iops": ebs.get("EbsOptimizedInfo", {}).get("MaximumIops", 0),
        "gpus": sum(gpu.get("Count", 0) for gpu in kind.get("GpuInfo", {}).get("Gpus", ())),
        "generation": name.split(".", maxsplit=1)[0],
        "architecture": _ARCHITECTURES.get(architecture, architecture),
        "boot": boot,
    }


def shipped() -> tuple[Mapping[str, Mapping[str, float]], Mapping[str, Any], str, str]:
    """Prices, types, the day of the prices and the packages that they are from."""
    pricing = json.loads((importlib.resources.files("libcloud") / "data" / "pricing.json").read_bytes())
    packed = (importlib.resources.files("moto") / "ec2" / "resources" / "instance_types.json.gz").read_bytes()
    day = datetime.fromtimestamp(pricing["updated"], tz=UTC).date().isoformat()
    source = f"apache-libcloud {version('apache-libcloud')}, moto {version('moto')}"
    return pricing["compute"]["ec2_linux"], json.loads(gzip.decompress(packed)), day, source


def main(arguments: list[str]) -> int:
    """Write the book and say what is in it; the last line on stdout is one JSON object."""
    if not arguments:
        sys.exit("usage: pricebook.py OUT [REGION…]")
    out, wanted = Path(arguments[0]), set(arguments[1:])
    prices, types, day, source = shipped()
    made = {region: rows for region, rows in sheets(prices, types).items() if not wanted or region in wanted}
    if strangers := sorted(wanted - set(made)):
        sys.exit(f"no such region: {', '.join(strangers)}")
    out.mkdir(parents=True, exist_ok=True)
    book = f'book = "EC2 list prices, Linux on demand ({source})"\ndated = {day}\ncurrency = "USD"\n'
    counts = {"listed": 0, "doubtful": 0, "no_price": 0}
    for region, rows in made.items():
        with (out / f"aws-{region}.csv").open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)
        book += (
            f'\n[[sheet]]\nfile = "{out.name}/aws-{region}.csv"\nplace = "aws/{region}/{region}"\nsource = "{source}"\n'
        )
        for row in rows:
            counts["no_price" if "price" not in row else str(row["quality"])] += 1
    (out / "prices.toml").write_text(book, encoding="utf-8")
    print(json.dumps({"target": "pricebook", "figures": {"regions": len(made), "dated": day, **counts}}))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
