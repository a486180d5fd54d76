"""The sample ministry with its sample place outside the country at Google Cloud, and every workload sent there."""

from pathlib import Path

from pse.core.settings import Workspace
from tests.providers.google.cloud import IMAGE, OPTIONS, Cloud
from tests.providers.ministry import ministry_abroad

_NAMES = {
    "std-1-2": "e2-small",
    "std-2-4": "e2-medium",
    "std-2-8": "e2-standard-2",
    "std-4-8": "n2-standard-4",
    "std-4-16": "e2-standard-4",
    "std-8-32": "e2-standard-8",
    "ssd": "pd-ssd",
    "hdd": "pd-standard",
    "debian-12": IMAGE,
}


def ministry_at(cloud: Cloud, root: Path) -> Workspace:
    """See `tests.providers.ministry.ministry_abroad`; prices are under Google's own names."""
    return ministry_abroad(root, provider="google", endpoint=cloud.proxy.url, options=OPTIONS, names=_NAMES)
