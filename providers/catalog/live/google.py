"""Google Cloud: the Billing Catalog's SKUs of Compute Engine, page by page; it asks for a key.

Shape: services.skus.list in the documentation of the Cloud Billing API. Cores and memory are priced apart by family, so
who asks gives the shapes: their prices are cores x core + GiB x GiB, exactly. Transfer out is priced by pairs of places
and is left out.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from types import MappingProxyType
from typing import Any

from providers.catalog.live.azure import Sizes

COMPUTE = "6F81-5844-456A"
"""Id of the service Compute Engine."""
HOST = f"https://cloudbilling.googleapis.com/v1/services/{COMPUTE}/skus"
_TERMS: Mapping[str, int] = MappingProxyType({"OnDemand": 0, "Commit1Yr": 12, "Commit3Yr": 36})
_PART = re.compile(
    r"(?:Commitment v1: )?(?P<family>[A-Z]\w+?)(?: AMD| Arm| Predefined)?(?: Instance)? (?P<part>Core|Cpu|Ram)"
    r"(?: running)? in .+",
    re.IGNORECASE,
)
"""Descriptions of cores and memory: ``N2 Instance Core running in Frankfurt``, ``Commitment v1: N2 Ram in Frankfurt for
1 Year``; not of custom, sole-tenancy or preemptible ones, which have further words."""
_DISKS: Mapping[str, str] = MappingProxyType(
    {"SSD backed PD Capacity": "pd-ssd", "Balanced PD Capacity": "pd-balanced", "Storage PD Capacity": "pd-standard"}
)
_NANO = Decimal(10) ** 9


def url(page: str = "") -> str:
    """A page of the SKUs; the key goes into the header ``X-Goog-Api-Key``."""
    return f"{HOST}?currencyCode=USD" + (f"&pageToken={page}" if page else "")


def sheet(pages: Iterable[Mapping[str, Any]], region: str, sizes: Sizes) -> Iterator[dict[str, str]]:
    """Rows of a price sheet, out of the answers' pages; a shape of a family that has no price has none."""
    parts: defaultdict[tuple[str, int], dict[str, Decimal]] = defaultdict(dict)
    for sku in (sku for page in pages for sku in page["skus"] if region in sku["serviceRegions"]):
        price, said = _price(sku), _PART.fullmatch(sku["description"])
        months = _TERMS.get(sku["category"]["usageType"])
        if price is None or months is None:
            continue
        if said:
            part = "memory" if said["part"].casefold() == "ram" else "cores"
            parts[said["family"].casefold(), months][part] = price
        elif disk := next((_DISKS[words] for words in _DISKS if sku["description"].startswith(words)), ""):
            yield {"kind": "storage", "name": disk, "unit": "GiB-month", "price": f"{price:f}"}
    for name, (vcpus, gib) in sorted(sizes.items()):
        family = name.partition("-")[0].casefold()
        row = {"kind": "compute", "name": name, "unit": "hour", "vcpus": str(vcpus), "memory gib": gib}
        for months in sorted(_TERMS.values()):
            found = parts[family, months]
            if len(found) == 2:
                price = vcpus * found["cores"] + Decimal(gib) * found["memory"]
                yield {**row, "price": f"{price:f}", **({"term months": str(months)} if months else {})}
            elif not months:
                yield row


def _price(sku: Mapping[str, Any]) -> Decimal | None:
    """Dollars a unit; None where it goes in steps or is not by the hour or the month."""
    expression = sku["pricingInfo"][0]["pricingExpression"]
    rates = expression["tieredRates"]
    if len(rates) != 1 or expression["usageUnit"] not in ("h", "GiBy.h", "GiBy.mo"):
        return None
    unit = rates[0]["unitPrice"]
    return Decimal(int(unit.get("units", 0))) + Decimal(unit.get("nanos", 0)) / _NANO
