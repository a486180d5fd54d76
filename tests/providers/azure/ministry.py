"""The sample ministry with its sample place outside the country at Azure, and every workload sent there."""

from pathlib import Path

from pse.core.settings import Workspace
from tests.providers.azure.cloud import OPTIONS, PLATFORM_IMAGE, Cloud
from tests.providers.ministry import ministry_abroad

_NAMES = {
    "std-1-2": "Standard_B2s",
    "std-2-4": "Standard_B2ms",
    "std-2-8": "Standard_D2s_v5",
    "std-4-8": "Standard_F4s_v2",
    "std-4-16": "Standard_D4s_v5",
    "std-8-32": "Standard_D8s_v5",
    "ssd": "StandardSSD_LRS",
    "hdd": "Standard_LRS",
    "debian-12": PLATFORM_IMAGE,
}


def ministry_at(cloud: Cloud, root: Path) -> Workspace:
    """See `tests.providers.ministry.ministry_abroad`; prices are under Azure's own names."""
    return ministry_abroad(root, provider="azure", endpoint=cloud.proxy.url, options=OPTIONS, names=_NAMES)
