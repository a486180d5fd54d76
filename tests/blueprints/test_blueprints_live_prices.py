"""Live prices: answers MADE to the documented shapes of the sellers' interfaces, not recorded from them."""

import csv
import io
import json
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from policy.register import load_register
from providers.catalog import load_offers
from providers.catalog.live import __main__ as live
from providers.catalog.live import aws, azure
from providers.lab import sample
from pse.core.documents.offers import Offer
from pse.core.errors import UsageError
from pse.core.settings import Workspace

HEAD = (
    "SKU", "OfferTermCode", "RateCode", "TermType", "StartingRange", "Unit", "PricePerUnit", "Currency",
    "LeaseContractLength", "PurchaseOption", "OfferingClass", "Product Family", "Instance Type", "vCPU",
    "Physical Processor", "Memory", "Tenancy", "Operating System", "CapacityStatus", "Pre Installed S/W",
    "Volume API Name", "usageType", "Transfer Type", "From Region Code",
)  # fmt: skip
SHAPE = {
    "TermType": "OnDemand", "Unit": "Hrs", "Product Family": "Compute Instance", "Instance Type": "m9.large",
    "vCPU": "2", "Memory": "8 GiB", "Tenancy": "Shared", "Operating System": "Linux", "CapacityStatus": "Used",
    "Pre Installed S/W": "NA", "Physical Processor": "Graviton Sample", "PricePerUnit": "0.1000000000",
}  # fmt: skip
TERM = {**SHAPE, "TermType": "Reserved", "OfferingClass": "standard", "LeaseContractLength": "1yr"}
OUT = {"TermType": "OnDemand", "Product Family": "Data Transfer", "Transfer Type": "AWS Outbound", "Unit": "GB"}
EC2: tuple[dict[str, str], ...] = (
    SHAPE,
    {**SHAPE, "Operating System": "Windows", "PricePerUnit": "0.2"},
    {**SHAPE, "Tenancy": "Dedicated", "PricePerUnit": "0.11"},
    {**SHAPE, "CapacityStatus": "UnusedCapacityReservation", "PricePerUnit": "0"},
    {**TERM, "PurchaseOption": "No Upfront", "PricePerUnit": "0.07"},  # 613.20 a year
    {**TERM, "PurchaseOption": "Partial Upfront", "PricePerUnit": "0.03"},  # 262.80 + 330 = 592.80
    {**TERM, "PurchaseOption": "Partial Upfront", "PricePerUnit": "330", "Unit": "Quantity"},
    {**TERM, "OfferingClass": "convertible", "PurchaseOption": "No Upfront", "PricePerUnit": "0.01"},
    {"TermType": "OnDemand", "Unit": "GB-Mo", "Product Family": "Storage", "Volume API Name": "gp3",
     "PricePerUnit": "0.08"},
    {"TermType": "OnDemand", "Unit": "GB-Mo", "Product Family": "Storage Snapshot",
     "usageType": "XX-EBS:SnapshotUsage", "PricePerUnit": "0.05"},
)  # fmt: skip
TRANSFER = (
    {**OUT, "From Region Code": "xx-test-1", "StartingRange": "0", "PricePerUnit": "0.09"},
    {**OUT, "From Region Code": "xx-test-1", "StartingRange": "10240", "PricePerUnit": "0.085"},
    {**OUT, "From Region Code": "xx-other-1", "StartingRange": "0", "PricePerUnit": "0.5"},
)


def price_list(rows: tuple[dict[str, str], ...]) -> str:
    """A price list file: five lines of metadata, headings, rows."""
    text = io.StringIO()
    text.write('"FormatVersion","v1.0"\n"Disclaimer","Made for a test"\n"Publication Date","2026-01-01"\n')
    text.write('"Version","1"\n"OfferCode","AmazonEC2"\n')
    writer = csv.DictWriter(text, HEAD, quoting=csv.QUOTE_ALL)
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def item(**words: Any) -> dict[str, Any]:
    """An item of the Retail Prices API."""
    return {
        "currencyCode": "USD", "tierMinimumUnits": 0.0, "retailPrice": 0.096, "type": "Consumption",
        "serviceName": "Virtual Machines", "productName": "Virtual Machines Dsv9 Series", "skuName": "D2s v9",
        "armSkuName": "Standard_D2s_v9", "meterName": "D2s v9", "unitOfMeasure": "1 Hour", **words,
    }  # fmt: skip


DISK = {"serviceName": "Storage", "productName": "Premium SSD Managed Disks", "unitOfMeasure": "1/Month"}
BANDWIDTH = {"serviceName": "Bandwidth", "productName": "Bandwidth", "meterName": "Standard Data Transfer Out"}
FIRST = [
    item(),
    item(productName="Virtual Machines Dsv9 Series Windows", retailPrice=0.19),
    item(skuName="D2s v9 Spot", retailPrice=0.01),
    item(armSkuName="Standard_Unknown"),
    item(type="Reservation", reservationTerm="3 Years", retailPrice=1200.0),
]
SECOND = [
    item(**DISK, skuName="P10 LRS", meterName="P10 LRS Disk", retailPrice=19.71),
    item(**DISK, skuName="P10 ZRS", meterName="P10 ZRS Disk", retailPrice=29.57),
    item(**DISK, skuName="P10 LRS", meterName="P10 LRS Disk Mount", retailPrice=1.2),
    item(**BANDWIDTH, unitOfMeasure="1 GB", retailPrice=0.0),
    item(**BANDWIDTH, unitOfMeasure="1 GB", tierMinimumUnits=100.0, retailPrice=0.087),
]


def sku(description: str, usage: str, nanos: int, unit: str = "h", *regions: str) -> dict[str, Any]:
    """A SKU of the Billing Catalog."""
    rate = {"startUsageAmount": 0, "unitPrice": {"currencyCode": "USD", "units": "0", "nanos": nanos}}
    return {
        "description": description,
        "category": {"resourceFamily": "Compute", "usageType": usage},
        "serviceRegions": list(regions or ("test-west1",)),
        "pricingInfo": [{"pricingExpression": {"usageUnit": unit, "tieredRates": [rate]}}],
    }


SKUS = (
    {
        "nextPageToken": "two",
        "skus": [
            sku("N9 Instance Core running in Testland", "OnDemand", 31_611_000),
            sku("N9 Custom Instance Core running in Testland", "OnDemand", 99_000_000),
            sku("Spot Preemptible N9 Instance Core running in Testland", "Preemptible", 1_000_000),
            sku("N9 Instance Core running in Elsewhere", "OnDemand", 50_000_000, "h", "else-west1"),
            sku("Commitment v1: N9 Cpu in Testland for 1 Year", "Commit1Yr", 19_915_000),
        ],
    },
    {
        "skus": [
            sku("N9 Instance Ram running in Testland", "OnDemand", 4_237_000, "GiBy.h"),
            sku("Commitment v1: N9 Ram in Testland for 1 Year", "Commit1Yr", 2_669_000, "GiBy.h"),
            sku("SSD backed PD Capacity in Testland", "OnDemand", 187_000_000, "GiBy.mo"),
        ],
    },
)


@pytest.fixture
def web(monkeypatch: pytest.MonkeyPatch) -> None:
    """The sellers' interfaces, answering from memory."""

    def opened(url: str, headers: dict[str, str] | None = None) -> io.BytesIO:
        if "cloudbilling" in url:
            assert headers == {"X-Goog-Api-Key": "sample-key"}
            assert "sample-key" not in url
            return io.BytesIO(json.dumps(SKUS[1] if "pageToken=two" in url else SKUS[0]).encode())
        if "amazonaws" in url:
            return io.BytesIO(price_list(EC2 if "AmazonEC2" in url else TRANSFER).encode())
        if url == "https://next":
            return io.BytesIO(json.dumps({"Items": SECOND, "NextPageLink": None}).encode())
        first = "Virtual" in url
        page = {"Items": FIRST if first else [], "NextPageLink": "https://next" if first else None}
        return io.BytesIO(json.dumps(page).encode())

    monkeypatch.setattr(live, "_opened", opened)


def offers(folder: Path, monkeypatch: pytest.MonkeyPatch, *words: str) -> dict[str, Offer]:
    """What a price book makes of the sheet that the command writes."""
    monkeypatch.setattr(sys, "argv", ["live", *words[:2], str(folder / "sheet.csv"), *words[2:]])
    assert live.main() == 0
    folder.joinpath("pse.toml").write_text('entity = "Test"\nprice_book = "prices.toml"\n')
    folder.joinpath("prices.toml").write_text(
        'book = "b"\ndated = 2026-01-01\ncurrency = "USD"\n[[sheet]]\nfile = "sheet.csv"\nplace = "a/b/c"\n'
    )
    found = load_offers(Workspace(folder))
    assert found.findings == ()
    return {offer.id.removeprefix("a/b/c:"): offer for offer in found.offers}


@pytest.mark.usefixtures("web")
def test_a_price_list_of_aws_becomes_a_sheet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = offers(tmp_path, monkeypatch, "aws", "xx-test-1")
    assert {name: offer.price for name, offer in found.items()} == {
        "compute:m9.large": Decimal("0.10"),
        "compute:m9.large 12 months": Decimal("0.03"),
        "storage:gp3": Decimal("0.08"),
        "snapshot:ebs": Decimal("0.05"),
        "egress:internet": Decimal("0.09"),
        "egress:internet above 10240": Decimal("0.085"),
    }
    shape = found["compute:m9.large"]
    assert (shape.vcpus, shape.memory_mib, shape.architecture, shape.quality) == (2, 8192, "aarch64", "listed")
    assert found["compute:m9.large 12 months"].upfront == 330


@pytest.mark.usefixtures("web")
def test_pages_of_azure_become_a_sheet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sizes = tmp_path / "sizes.csv"
    sizes.write_text("name,vcpus,memory_gib\nStandard_D2s_v9,2,8\nStandard_Gone,4,16\n")
    found = offers(tmp_path, monkeypatch, "azure", "testland", "--sizes", str(sizes))
    assert {name: offer.price for name, offer in found.items()} == {
        "compute:Standard_D2s_v9": Decimal("0.096"),
        "compute:Standard_Gone": None,
        "compute:Standard_D2s_v9 36 months": Decimal(0),
        "storage:Premium_LRS 128 GiB": Decimal("19.71"),
        "egress:internet": Decimal(0),
        "egress:internet above 100": Decimal("0.087"),
    }
    assert found["compute:Standard_D2s_v9 36 months"].upfront == 1200


@pytest.mark.usefixtures("web")
def test_cores_and_memory_of_google_cloud_become_shapes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SAMPLE_KEY", "sample-key")
    sizes = tmp_path / "sizes.csv"
    sizes.write_text("name,vcpus,memory_gib\nn9-standard-2,2,8\nm9-mega,9,99\n")
    words = ("--sizes", str(sizes), "--key", "env:SAMPLE_KEY")
    found = offers(tmp_path, monkeypatch, "google", "test-west1", *words)
    assert {name: offer.price for name, offer in found.items()} == {
        "compute:m9-mega": None,
        "compute:n9-standard-2": Decimal(2 * 31_611 + 8 * 4_237).scaleb(-6),
        "compute:n9-standard-2 12 months": Decimal(2 * 19_915 + 8 * 2_669).scaleb(-6),
        "storage:pd-ssd": Decimal("0.187"),
    }


def test_only_https_is_asked_and_a_seller_that_does_not_answer_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert all(url.startswith("https://") for url in (*aws.urls("r"), *azure.urls("r")))
    monkeypatch.setattr(aws, "HOST", "http://127.0.0.1:9")
    monkeypatch.setattr(sys, "argv", ["live", "aws", "r", str(tmp_path / "sheet.csv")])
    assert live.main() == 4
    monkeypatch.setattr(aws, "HOST", "https://127.0.0.1:9")
    assert live.main() == 5
    assert "cannot be read" in capsys.readouterr().err
    assert not (tmp_path / "sheet.csv").exists()


@pytest.mark.parametrize(
    ("answer", "words", "code"),
    [
        (b"<html>log in first</html>", "the seller's answer cannot be read", 5),
        (b'{"Items": [', "the seller's answer cannot be read", 5),
        (b'{"Items": [], "NextPageLink": null}', "no price came back", 4),
    ],
)
def test_an_answer_that_is_no_price_list_leaves_the_former_sheet(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    answer: bytes,
    words: str,
    code: int,
) -> None:
    out = tmp_path / "sheet.csv"
    out.write_text("of yesterday")
    monkeypatch.setattr(live, "_opened", lambda *_: io.BytesIO(answer))
    monkeypatch.setattr(sys, "argv", ["live", "azure", "r", str(out)])
    assert live.main() == code
    assert words in capsys.readouterr().err
    assert out.read_text() == "of yesterday"


@pytest.mark.parametrize("text", [None, "shape,cores\na,1\n", "name,vcpus,memory_gib\na,many,4\n"])
def test_sizes_that_cannot_be_used_are_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], text: str | None
) -> None:
    sizes = tmp_path / "sizes.csv"
    if text is not None:
        sizes.write_text(text)
    monkeypatch.setattr(sys, "argv", ["live", "azure", "r", str(tmp_path / "sheet.csv"), "--sizes", str(sizes)])
    assert live.main() == 4
    assert "sizes.csv" in capsys.readouterr().err


def test_a_place_whose_cloud_does_not_tell_is_said_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    workspace = sample.create(tmp_path / "ministry")
    place = load_register(workspace).places[0].id
    out = tmp_path / "sheet.csv"
    monkeypatch.setattr(sys, "argv", ["live", "place", place, str(out), "--workspace", str(workspace.root)])
    assert live.main() == UsageError.exit_code
    assert "the provider lab does not tell what it offers" in capsys.readouterr().err
    assert not out.exists()
