"""The sample ministry with its sample place outside the country at Azure, and every workload sent there."""

from pathlib import Path

from pse.core.settings import Workspace
from tests.providers.azure.cloud import OPTIONS, PLATFORM_IMAGE, Cloud
from tests.providers.ministry import edit, ministry_moved

ABROAD = "sample-elsewhere/abroad/abr-1"
_WORKLOADS = ("portal", "records", "opendata", "learning")
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
    """The sample workspace with its estate as discovered; register signed again, prices under Azure's own names."""
    workspace = ministry_moved(root, "sample-elsewhere", provider="azure", endpoint=cloud.proxy.url, options=OPTIONS)
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
