"""``python -m providers.catalog.live aws|azure|google REGION OUT.csv``: a price sheet as of today.

With ``place`` and the id of a place of the register it is what the place's own API offers, without prices (OpenStack).

SIZES.csv, for Azure and Google Cloud, has the columns name, vcpus and memory_gib of the shapes that are wanted. The key
for Google Cloud is a secret reference such as ``env:NAME`` or ``file:PATH``.
"""

import argparse
import csv
import io
import json
import sys
import urllib.request
from collections.abc import Iterator, Mapping
from http.client import HTTPException
from pathlib import Path
from typing import Any

from providers.catalog.live import aws, azure, google, places
from pse.core import secrets
from pse.core.canonical import read_bytes, write_bytes
from pse.core.errors import BadInput, PseError, Unreachable
from pse.core.settings import Workspace
from pse.core.text import printable

TIMEOUT_S = 60.0
COLUMNS = (
    "kind", "name", "unit", "price", "above", "term months", "upfront", "disk gib", "vcpus", "memory gib",
    "gpus", "generation", "architecture", "quality", "source",
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


def keyed(key: str) -> Iterator[dict[str, Any]]:
    """Every page of Google Cloud's SKUs; the key is in a header, where no log has it."""
    token, more = "", True
    while more:
        with _opened(google.url(token), {"X-Goog-Api-Key": key}) as raw:
            page = json.load(raw)
        yield page
        token = page.get("nextPageToken") or ""
        more = bool(token)


def _opened(url: str, headers: Mapping[str, str] | None = None) -> Any:
    if not url.startswith("https://"):
        raise BadInput("only https is asked for prices", where=url)
    try:
        request = urllib.request.Request(url, headers=dict(headers or {}))  # noqa: S310  (https alone, see above)
        return urllib.request.urlopen(request, timeout=TIMEOUT_S)  # noqa: S310  (the same)
    except OSError as exc:
        raise Unreachable(f"the prices cannot be read: {exc}", where=url) from exc


def main() -> int:
    """Ask, and write the sheet."""
    parser = argparse.ArgumentParser(prog="python -m providers.catalog.live", description=__doc__)
    parser.add_argument("seller", choices=("aws", "azure", "google", "place"))
    parser.add_argument("region", help="region of the seller, or id of a place")
    parser.add_argument("out", type=Path)
    parser.add_argument("--sizes", type=Path)
    parser.add_argument("--key", default="env:GOOGLE_API_KEY", help="secret reference; for google")
    parser.add_argument("--workspace", type=Path, help="whose register has the place; else the one that is here")
    given = parser.parse_args()
    try:
        rows, source = _asked(given)
        if not rows:
            raise BadInput("no price came back", where=given.region, hint="See whether the region is spelled as sold.")
        text = io.StringIO(newline="")
        writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows({**row, "quality": "listed", "source": source} for row in rows)
        write_bytes(given.out, text.getvalue().encode())  # whole or not at all: half a sheet would be a sheet too
    except (ValueError, KeyError, HTTPException, OSError) as exc:
        said = Unreachable(f"the seller's answer cannot be read: {printable(str(exc))[:200]}", where=given.seller)
        sys.stderr.write(f"{said}\n")
        return said.exit_code
    except PseError as exc:
        sys.stderr.write(f"{exc}\n")
        return exc.exit_code
    sys.stdout.write(json.dumps({"rows": len(rows), "out": str(given.out)}) + "\n")
    return 0


def _asked(given: argparse.Namespace) -> tuple[list[dict[str, str]], str]:
    """The rows of the sheet, and where they are from."""
    if given.seller == "aws":
        return list(aws.sheet((lines(url) for url in aws.urls(given.region)), given.region)), aws.HOST
    sizes = _sizes(given.sizes)
    if given.seller == "place":
        return [dict(row) for row in places.sheet(Workspace.find(given.workspace), given.region)], given.region
    if given.seller == "azure":
        asked = (page for url in azure.urls(given.region) for page in pages(url))
        return list(azure.sheet(asked, sizes)), azure.HOST
    key = secrets.resolve(given.key, base=Path.cwd())
    return list(google.sheet(keyed(key), given.region, sizes)), google.HOST


def _sizes(path: Path | None) -> dict[str, tuple[int, str]]:
    if path is None:
        return {}
    try:
        rows = csv.DictReader(io.StringIO(read_bytes(path).decode("utf-8-sig"), newline=""))
        return {row["name"]: (int(row["vcpus"]), row["memory_gib"]) for row in rows}
    except (KeyError, TypeError, ValueError, csv.Error) as exc:
        raise BadInput(
            f"cannot be used: {printable(str(exc))}",
            where=str(path),
            hint="Its columns are name, vcpus and memory_gib.",
        ) from exc


if __name__ == "__main__":
    sys.exit(main())
