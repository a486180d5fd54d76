"""The sample ministry with its sample place outside the country at AWS, and every workload sent there."""

from pathlib import Path

from pse.core.settings import Workspace
from tests.providers.aws.cloud import OPTIONS, Cloud
from tests.providers.ministry import ministry_abroad

_NAMES = {
    "std-1-2": "t3.small",
    "std-2-4": "t3.medium",
    "std-2-8": "t3.large",
    "std-4-8": "c5.xlarge",
    "std-4-16": "t3.xlarge",
    "std-8-32": "t3.2xlarge",
    "ssd": "gp3",
    "hdd": "st1",
}


def ministry_at(cloud: Cloud, root: Path) -> Workspace:
    """See `tests.providers.ministry.ministry_abroad`; prices are under AWS's own names."""
    return ministry_abroad(
        root, provider="aws", endpoint=cloud.proxy.url, options=OPTIONS, names={**_NAMES, "debian-12": cloud.image}
    )
