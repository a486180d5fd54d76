"""Azure: the Retail Prices API, which asks for no login, page by page.

Shape: "Azure Retail Prices overview" in Microsoft's documentation of the Cost Management REST API. Prices know the
names of sizes only; how many vCPUs and GiB a size has is given by who asks. A reservation's price is that of its whole
term, so it is paid upfront.
"""

from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Any
from urllib.parse import quote

HOST = "https://prices.azure.com/api/retail/prices"
_SERVICES = ("Virtual Machines", "Storage", "Bandwidth")
_TERMS: Mapping[str, int] = MappingProxyType({"1 Year": 12, "3 Years": 36})
_DISKS: Mapping[str, int] = MappingProxyType(
    {"1": 4, "2": 8, "3": 16, "4": 32, "6": 64, "10": 128, "15": 256, "20": 512, "30": 1024, "40": 2048, "50": 4096,
     "60": 8192, "70": 16384, "80": 32767}
)  # fmt: skip
"""GiB of a managed disk by its number. Source: "Azure managed disk types" in Microsoft's documentation."""
_CLASSES = MappingProxyType(
    {"Premium SSD Managed Disks": "P", "Standard SSD Managed Disks": "E", "Standard HDD Managed Disks": "S"}
)
_NAMES = MappingProxyType({"P": "Premium_LRS", "E": "StandardSSD_LRS", "S": "Standard_LRS"})
_OTHER_TENANCY = ("Spot", "Low Priority")

Sizes = Mapping[str, tuple[int, str]]
"""vCPUs and GiB of memory by the name of a size."""


def urls(region: str) -> tuple[str, ...]:
    """The first page of each service; the next ones are in the answers."""
    filters = (f"armRegionName eq '{region}' and serviceName eq '{name}'" for name in _SERVICES)
    return tuple(f"{HOST}?$filter={quote(words)}" for words in filters)


def sheet(pages: Iterable[Mapping[str, Any]], sizes: Sizes) -> Iterator[dict[str, str]]:
    """Rows of a price sheet, out of the answers' pages; a size that no answer prices has no price."""
    priced: set[str] = set()
    for page in pages:
        for item in page["Items"]:
            if item["serviceName"] == "Virtual Machines":
                for row in _shape(item, sizes):
                    priced.add(row["name"])
                    yield row
            elif item["type"] == "Consumption":
                yield from _disk(item)
                yield from _egress(item)
    yield from (_named(size, sizes) for size in sorted(set(sizes) - priced))


def _named(size: str, sizes: Sizes) -> dict[str, str]:
    vcpus, gib = sizes[size]
    return {"kind": "compute", "name": size, "unit": "hour", "vcpus": str(vcpus), "memory gib": gib}


def _shape(item: Mapping[str, Any], sizes: Sizes) -> Iterator[dict[str, str]]:
    size = item.get("armSkuName", "")
    other = "Windows" in item["productName"] or any(word in item["skuName"] for word in _OTHER_TENANCY)
    if size not in sizes or other or item["unitOfMeasure"] != "1 Hour":
        return
    row = _named(size, sizes)
    price = _text(item["retailPrice"])
    if item["type"] == "Consumption":
        yield {**row, "price": price}
    elif item["type"] == "Reservation" and item.get("reservationTerm") in _TERMS:
        yield {**row, "price": "0", "upfront": price, "term months": str(_TERMS[item["reservationTerm"]])}


def _disk(item: Mapping[str, Any]) -> Iterator[dict[str, str]]:
    letter = _CLASSES.get(item["productName"])
    name, _, redundancy = item["skuName"].partition(" ")
    if letter is None or redundancy != "LRS" or item["meterName"] not in (f"{name} LRS Disk", f"{name} Disks"):
        return
    gib = _DISKS.get(name.removeprefix(letter))
    if gib and item["unitOfMeasure"] == "1/Month":
        yield {
            "kind": "storage",
            "name": _NAMES[letter],
            "unit": "month",
            "price": _text(item["retailPrice"]),
            "disk gib": str(gib),
        }


def _egress(item: Mapping[str, Any]) -> Iterator[dict[str, str]]:
    if item["serviceName"] == "Bandwidth" and item["meterName"] == "Standard Data Transfer Out":
        above = _text(item["tierMinimumUnits"])
        yield {"kind": "egress", "name": "internet", "unit": "GiB", "above": above, "price": _text(item["retailPrice"])}


def _text(number: float) -> str:
    """The shortest decimal that is this number: JSON has it as a float."""
    return f"{number:.9f}".rstrip("0").rstrip(".")
