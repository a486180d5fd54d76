"""The sample ministry at OpenStack: its own plan, with the in-country sample place at the real control plane."""

from pathlib import Path

from pse.core.settings import Workspace
from tests.providers.ministry import ministry_moved
from tests.providers.openstack.accounts import OPTIONS
from tests.providers.openstack.control import IDENTITY


def ministry_at(root: Path, *, region: str = OPTIONS["region"], endpoint: str = IDENTITY) -> Workspace:
    """The sample workspace with its estate as discovered, and one place of its register moved and signed again."""
    options = {**OPTIONS, "region": region}
    return ministry_moved(root, "sample-markhor", provider="openstack", endpoint=endpoint, options=options)
