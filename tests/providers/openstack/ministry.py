"""The sample ministry at OpenStack: its own plan, with the in-country sample place at the real control plane."""

from pathlib import Path

from inventory import estate
from policy.register import sign_register
from providers.lab import sample
from pse.core.settings import Workspace
from tests.blueprints.estates import ministry_estate
from tests.providers.openstack.accounts import OPTIONS
from tests.providers.openstack.control import IDENTITY

LAB = 'provider = "lab"\nendpoint = "lab:sample-markhor"\n'


def ministry_at(root: Path, *, region: str = OPTIONS["region"], endpoint: str = IDENTITY) -> Workspace:
    """The sample workspace with its estate as discovered, and one place of its register moved and signed again."""
    workspace = sample.create(root)
    register = workspace.path("policy/register.toml")
    text = register.read_text(encoding="utf-8")
    assert text.count(LAB) == 1
    options = ", ".join(f'{name} = "{value}"' for name, value in {**OPTIONS, "region": region}.items())
    moved = f'provider = "openstack"\nendpoint = "{endpoint}"\noptions = {{ {options} }}\n'
    register.write_text(text.replace(LAB, moved), encoding="utf-8")
    sign_register(workspace)
    found = ministry_estate()
    made = estate.make_estate(
        {name: getattr(found, name) for name in found.__struct_fields__ if name != "manifest"}, ()
    )
    estate.write(made, workspace.private / "snapshots")
    (workspace.private / "snapshot").write_text(made.manifest.hash)
    return workspace
