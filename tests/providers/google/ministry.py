"""The sample ministry with its sample place outside the country at Google Cloud, and every workload sent there."""

from pathlib import Path

from pse.core.settings import Workspace
from tests.providers.google.cloud import IMAGE, OPTIONS, Cloud
from tests.providers.ministry import edit, ministry_moved

ABROAD = "sample-elsewhere/abroad/abr-1"
_WORKLOADS = ("portal", "records", "opendata", "learning")
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
    """The sample workspace with its estate as discovered; register signed again, prices under Google's own names."""
    workspace = ministry_moved(root, "sample-elsewhere", provider="google", endpoint=cloud.proxy.url, options=OPTIONS)
    edit(
        workspace.path("workloads.toml"),
        {f"[workload.{name}]\n": f'[workload.{name}]\nplace = "{ABROAD}"\n' for name in _WORKLOADS}
        # The public workload is replaced by a service in the sample; here it goes as it is.
        | {'saas = "learning-management"\nseats = 150\n': ""},
    )
    prices = workspace.path("policy/prices.toml")
    blocks = prices.read_text(encoding="utf-8").split("[[offer]]\n")
    for number in (number for number, block in enumerate(blocks) if f'place = "{ABROAD}"' in block):
        for name, own in _NAMES.items():
            blocks[number] = blocks[number].replace(f'name = "{name}"\n', f'name = "{own}"\n')
    prices.write_text("[[offer]]\n".join(blocks), encoding="utf-8")
    # Restricted, and demanded nowhere: it would only go up in the lab.
    workspace.path("environments/analytics.toml").unlink()
    return workspace
