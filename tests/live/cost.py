"""What a live run makes, counted beforehand, and a ceiling of what that costs."""

import inspect
import tempfile
from collections import Counter
from collections.abc import Iterable
from decimal import Decimal
from pathlib import Path

from providers.conformance import Rig, StoreContract
from providers.ports import Target
from tests.providers.outside.filecloud import FileCloud

CEILING_USD: dict[str, Decimal] = {
    "Network": Decimal(0),
    "Subnet": Decimal(0),
    "Firewall": Decimal(0),
    "KeyPair": Decimal(0),
    "Router": Decimal("0.05"),
    "Address": Decimal("0.01"),
    "Volume": Decimal("0.01"),
    "Snapshot": Decimal("0.01"),
    "Image": Decimal("0.01"),
    "BackupPolicy": Decimal(0),
    "Bucket": Decimal("0.01"),
    "Server": Decimal("0.20"),
    "Attachment": Decimal(0),
    "LoadBalancer": Decimal("0.05"),
    "EncryptionKey": Decimal("1.00"),
    "DnsZone": Decimal("0.50"),
    "DnsRecord": Decimal("0.01"),
}
"""US dollars an object that lives for less than an hour: a small server's hour, a gateway's and a balancer's begun
hour, a key's month (some clouds delete a key only after days), a zone's month. Rounded up from what large clouds ask
in their dearer regions; no quote, and taxes come on top. What is not listed has no price that we know."""


def counted(kinds: Iterable[str]) -> dict[str, int]:
    """About how many objects of each kind the suite makes: every behaviour makes one and what that refers to."""
    behaviours = sum(
        "kind" in inspect.signature(member).parameters
        for name, member in inspect.getmembers(StoreContract)
        if name.startswith("test_")
    )
    found: Counter[str] = Counter()
    with tempfile.TemporaryDirectory(prefix="pse-live-") as folder:
        target = Target(place="a/b/c", country="", endpoint="lab:count", workspace=Path(folder))
        (Path(folder) / ".pse" / "filecloud" / "faults").mkdir(parents=True)
        for kind in kinds:
            rig = Rig(FileCloud(target), place="a/b/c")
            rig.make(kind)
            for made, _ in rig._made:
                found[made] += behaviours
            rig.clear()
    return dict(found)


def ceiling(counts: dict[str, int]) -> Decimal:
    """US dollars; see `CEILING_USD`."""
    return sum((CEILING_USD.get(kind, Decimal(0)) * count for kind, count in counts.items()), Decimal(0))
