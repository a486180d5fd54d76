"""The sample ministry with its sample place outside the country at AWS, and every workload sent there."""

from pathlib import Path

from pse.core.settings import Workspace
from tests.providers.aws.cloud import OPTIONS, Cloud
from tests.providers.ministry import edit, ministry_moved

ABROAD = "sample-elsewhere/abroad/abr-1"
_WORKLOADS = ("portal", "records", "opendata", "learning")
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
    """The sample workspace with its estate as discovered; register signed again, prices under AWS's own names."""
    workspace = ministry_moved(root, "sample-elsewhere", provider="aws", endpoint=cloud.proxy.url, options=OPTIONS)
    edit(
        workspace.path("workloads.toml"),
        {f"[workload.{name}]\n": f'[workload.{name}]\nplace = "{ABROAD}"\n' for name in _WORKLOADS}
        # The public workload is replaced by a service in the sample; here it goes as it is.
        | {'saas = "learning-management"\nseats = 150\n': ""},
    )
    prices = workspace.path("policy/prices.toml")
    blocks = prices.read_text(encoding="utf-8").split("[[offer]]\n")
    for number in (number for number, block in enumerate(blocks) if f'place = "{ABROAD}"' in block):
        for name, own in {**_NAMES, "debian-12": cloud.image}.items():
            blocks[number] = blocks[number].replace(f'name = "{name}"\n', f'name = "{own}"\n')
    prices.write_text("[[offer]]\n".join(blocks), encoding="utf-8")
    # Restricted, and demanded nowhere: it would only go up in the lab.
    workspace.path("environments/analytics.toml").unlink()
    return workspace
