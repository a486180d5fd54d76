"""The sample ministry with its sample place outside the country at AWS, and every workload sent there."""

from pathlib import Path

from inventory import estate
from policy.register import sign_register
from providers.lab import sample
from pse.core.settings import Workspace
from tests.blueprints.estates import ministry_estate
from tests.providers.aws.cloud import OPTIONS, Cloud

ABROAD = "sample-elsewhere/abroad/abr-1"
_LAB = 'provider = "lab"\nendpoint = "lab:sample-elsewhere"\n'
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
    workspace = sample.create(root)
    options = ", ".join(f'{name} = "{value}"' for name, value in OPTIONS.items())
    moved = f'provider = "aws"\nendpoint = "{cloud.proxy.url}"\noptions = {{ {options} }}\n'
    _edit(workspace.path("policy/register.toml"), {_LAB: moved})
    sign_register(workspace)
    _edit(
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
    found = ministry_estate()
    made = estate.make_estate(
        {name: getattr(found, name) for name in found.__struct_fields__ if name != "manifest"}, ()
    )
    estate.write(made, workspace.private / "snapshots")
    (workspace.private / "snapshot").write_text(made.manifest.hash)
    return workspace


def _edit(path: Path, changes: dict[str, str]) -> None:
    text = path.read_text(encoding="utf-8")
    for old, new in changes.items():
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    path.write_text(text, encoding="utf-8")
