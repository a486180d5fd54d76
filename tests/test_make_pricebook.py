"""`make pricebook`: what is wrong with prices that packages ship is marked, and the book loads."""

import json
import runpy
import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from providers.catalog import load_offers
from pse.core.settings import Workspace

SCRIPT = Path(__file__).parent.parent / "scripts" / "pricebook.py"
MADE = runpy.run_path(str(SCRIPT))


def kind(gib: int, **words: Any) -> dict[str, Any]:
    """A type as EC2 describes it; made for this test."""
    usual = {
        "VCpuInfo": {"DefaultVCpus": gib // 4},
        "MemoryInfo": {"SizeInMiB": gib * 1024},
        "ProcessorInfo": {"SupportedArchitectures": ["x86_64"]},
        "SupportedBootModes": ["legacy-bios", "uefi"],
        "EbsInfo": {"MaximumEbsAttachments": 28, "AttachmentLimitType": "shared"},
        "NetworkInfo": {"MaximumNetworkInterfaces": 3},
    }
    return {**usual, **words}


def test_zeros_are_no_price_and_what_is_dearer_than_its_family_is_doubtful() -> None:
    types = {"m9.large": kind(8), "m9.xlarge": kind(16), "m9.2xlarge": kind(32), "m9.4xlarge": kind(64)}
    prices = {
        "m9.large": {"r": 0.1},
        "m9.xlarge": {"r": 0.22},
        "m9.2xlarge": {"r": 0.0},
        "m9.4xlarge": {"r": 0.82, "s": 0.9},
        "gone.large": {"r": 1.0},
    }
    made = MADE["sheets"](prices, types)
    assert list(made) == ["r", "s"]
    assert {row["name"]: (row.get("price"), row["quality"]) for row in made["r"]} == {
        "m9.2xlarge": (None, "listed"),
        "m9.4xlarge": ("0.82", "listed"),  # 2.5 % over
        "m9.large": ("0.1", "listed"),
        "m9.xlarge": ("0.22", "doubtful"),  # 10 % over
    }
    (only,) = made["s"]
    assert (only["max volumes"], only["max nics"], only["boot"]) == (26, 3, "both")


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> tuple[Workspace, dict[str, Any]]:
    """A workspace with the book of one region, as the target writes it, and what it said."""
    root = tmp_path_factory.mktemp("book")
    words = [sys.executable, str(SCRIPT), str(root / "pricebook"), "eu-west-1"]
    done = subprocess.run(words, stdout=subprocess.PIPE, check=True)
    root.joinpath("pse.toml").write_text('entity = "Test"\nprice_book = "pricebook/prices.toml"\n')
    return Workspace(root), json.loads(done.stdout.splitlines()[-1])["figures"]


def test_the_book_loads_with_every_row_and_its_quality(book: tuple[Workspace, dict[str, Any]]) -> None:
    workspace, said = book
    offers = load_offers(workspace)
    prices, types, day, source = MADE["shipped"]()
    rows = {name: regions["eu-west-1"] for name, regions in prices.items() if "eu-west-1" in regions and name in types}
    assert offers.findings == ()
    assert (offers.dated.isoformat(), offers.sample) == (day, False)
    assert {offer.name for offer in offers.offers} == set(rows)
    assert {offer.source for offer in offers.offers} == {source}
    for offer in offers.offers:
        assert offer.price == (Decimal(str(rows[offer.name])) if rows[offer.name] else None)
    assert said["no_price"] == sum(not price for price in rows.values())
    assert said["doubtful"] == sum(o.quality == "doubtful" and o.price is not None for o in offers.offers) > 0
    assert said["listed"] + said["doubtful"] + said["no_price"] == len(rows)
