"""``python -m providers.catalog.live aws|azure REGION OUT.csv [--sizes SIZES.csv]``: a price sheet as of today.

SIZES.csv, for Azure, has the columns name, vcpus and memory_gib, for example out of ``az vm list-sizes``.
"""

import argparse
import csv
import io
import json
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from providers.catalog.live import aws, azure
from pse.core.errors import BadInput, PseError, Unreachable

TIMEOUT_S = 60.0
COLUMNS = (
    "kind", "name", "unit", "price", "above", "term months", "upfront", "disk gib", "vcpus", "memory gib",
    "generation", "architecture", "quality", "source",
)  # fmt: skip


def lines(url: str) -> Iterator[str]:
    """The lines of a text behind ``url``."""
    with _opened(url) as raw, io.TextIOWrapper(raw, encoding="utf-8", newline="") as text:
        yield from text


def pages(url: str) -> Iterator[dict[str, Any]]:
    """The answer of ``url`` and of every further page that an answer names."""
    while url:
        with _opened(url) as raw:
            page = json.load(raw)
        yield page
        url = page.get("NextPageLink") or ""


def _opened(url: str) -> Any:
    if not url.startswith("https://"):
        raise BadInput("only https is asked for prices", where=url)
    try:
        return urllib.request.urlopen(url, timeout=TIMEOUT_S)  # noqa: S310  (https alone, see above)
    except OSError as exc:
        raise Unreachable(f"the prices cannot be read: {exc}", where=url) from exc


def main() -> int:
    """Ask, and write the sheet."""
    parser = argparse.ArgumentParser(prog="python -m providers.catalog.live", description=__doc__)
    parser.add_argument("seller", choices=("aws", "azure"))
    parser.add_argument("region")
    parser.add_argument("out", type=Path)
    parser.add_argument("--sizes", type=Path)
    given = parser.parse_args()
    try:
        if given.seller == "aws":
            asked = aws.urls(given.region)
            rows = list(aws.sheet((lines(url) for url in asked), given.region))
        else:
            asked = azure.urls(given.region)
            rows = list(azure.sheet((page for url in asked for page in pages(url)), _sizes(given.sizes)))
    except PseError as exc:
        sys.stderr.write(f"{exc}\n")
        return exc.exit_code
    with given.out.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows({**row, "quality": "listed", "source": asked[0].partition("?")[0]} for row in rows)
    sys.stdout.write(json.dumps({"rows": len(rows), "out": str(given.out)}) + "\n")
    return 0


def _sizes(path: Path | None) -> dict[str, tuple[int, str]]:
    if path is None:
        return {}
    with path.open(newline="", encoding="utf-8") as file:
        return {row["name"]: (int(row["vcpus"]), row["memory_gib"]) for row in csv.DictReader(file)}


if __name__ == "__main__":
    sys.exit(main())
