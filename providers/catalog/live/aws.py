"""AWS: the price list files of EC2 and of data transfer in one region, CSV, read as a stream.

Shape: "Reading the service price list files" in the AWS Price List documentation: five lines of metadata, headings,
then a row for each rate of each term of each product. Compute is Linux, shared tenancy, without software, used
capacity; a commitment is a standard reservation, of the way to pay that comes to least over its term.
"""

import csv
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from types import MappingProxyType

HOST = "https://pricing.us-east-1.amazonaws.com/offers/v1.0/aws"
_METADATA = 5
_TERMS: Mapping[str, int] = MappingProxyType({"1yr": 12, "3yr": 36})
_HOURS_A_YEAR = 8760
_PLAIN = MappingProxyType(
    {
        "Product Family": "Compute Instance",
        "Tenancy": "Shared",
        "Operating System": "Linux",
        "Pre Installed S/W": "NA",
        "CapacityStatus": "Used",
    }
)
_GIB = " GiB"
_Cells = Mapping[str, str]


def urls(region: str) -> tuple[str, ...]:
    """The files of a region."""
    return tuple(f"{HOST}/{service}/current/{region}/index.csv" for service in ("AmazonEC2", "AWSDataTransfer"))


def sheet(files: Iterable[Iterable[str]], region: str) -> Iterator[dict[str, str]]:
    """Rows of a price sheet.

    Args:
        files: Lines of each file of `urls`.
        region: The region, whose data transfer out counts.
    """
    reserved: defaultdict[tuple[str, int, str], dict[str, Decimal]] = defaultdict(dict)
    shapes: dict[str, dict[str, str]] = {}
    for lines in files:
        for cells in _rows(lines):
            if _is_shape(cells):
                name = cells["Instance Type"]
                shapes[name] = _shape(cells)
                if cells["TermType"] == "OnDemand":
                    yield {**shapes[name], "price": cells["PricePerUnit"]}
                elif cells.get("OfferingClass") == "standard" and cells.get("LeaseContractLength") in _TERMS:
                    key = (name, _TERMS[cells["LeaseContractLength"]], cells["PurchaseOption"])
                    reserved[key][cells["Unit"]] = Decimal(cells["PricePerUnit"])
            else:
                yield from _other(cells, region)
    best: dict[tuple[str, int], tuple[Decimal, str, Decimal, Decimal]] = {}
    for (name, months, option), paid in sorted(reserved.items()):
        hourly, upfront = paid.get("Hrs", Decimal(0)), paid.get("Quantity", Decimal(0))
        whole = upfront + hourly * _HOURS_A_YEAR * months / 12
        best[name, months] = min(
            best.get((name, months), (whole, option, hourly, upfront)), (whole, option, hourly, upfront)
        )
    for (name, months), (_, _, hourly, upfront) in sorted(best.items()):
        yield {**shapes[name], "price": f"{hourly:f}", "upfront": f"{upfront:f}", "term months": str(months)}


def _rows(lines: Iterable[str]) -> Iterator[_Cells]:
    rest = iter(lines)
    for _ in range(_METADATA):
        next(rest, "")
    return csv.DictReader(rest)


def _is_shape(cells: _Cells) -> bool:
    return all(cells.get(key) == value for key, value in _PLAIN.items()) and cells.get("Memory", "").endswith(_GIB)


def _shape(cells: _Cells) -> dict[str, str]:
    return {
        "kind": "compute",
        "name": cells["Instance Type"],
        "unit": "hour",
        "vcpus": cells["vCPU"],
        "memory gib": cells["Memory"].removesuffix(_GIB).replace(",", ""),
        "generation": cells["Instance Type"].partition(".")[0],
        "architecture": "aarch64" if "Graviton" in cells.get("Physical Processor", "") else "x86_64",
    }


def _other(cells: _Cells, region: str) -> Iterator[dict[str, str]]:
    """Volumes, snapshots and data transfer to the internet."""
    if cells.get("TermType") != "OnDemand":
        return
    family, price = cells.get("Product Family"), cells["PricePerUnit"]
    if family == "Storage" and cells.get("Volume API Name") and cells["Unit"] == "GB-Mo":
        yield {"kind": "storage", "name": cells["Volume API Name"], "unit": "GiB-month", "price": price}
    elif family == "Storage Snapshot" and cells["Unit"] == "GB-Mo" and "SnapshotUsage" in cells.get("usageType", ""):
        if not cells["usageType"].partition("SnapshotUsage")[2]:
            yield {"kind": "snapshot", "name": "ebs", "unit": "GiB-month", "price": price}
    elif cells.get("Transfer Type") == "AWS Outbound" and cells.get("From Region Code") == region:
        yield {"kind": "egress", "name": "internet", "unit": "GiB", "above": cells["StartingRange"], "price": price}
