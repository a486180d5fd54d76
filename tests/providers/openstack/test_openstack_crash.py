"""Kills of the plugin and of the engine in the middle of calls to a real control plane."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from blueprints.building.provision import destroy, up
from providers import pulumi_cli
from pse.core.errors import MissingTool
from pse.core.settings import Workspace
from tests.blueprints.estates import bundle, ministry_estate
from tests.fakes.hostile import Request
from tests.providers.kills import survive
from tests.providers.openstack.accounts import Cloud, Project
from tests.providers.openstack.ministry import ministry_at
from tests.providers.openstack.regions import Region, hostile_region
from tests.require import missing

UNIT = "opendata"
CALLS = ("volumes", "ports", "servers", "os-volume_attachments")
WHOLE = {
    "network": 1,
    "subnet": 1,
    "key": 1,
    "security_group": 1,
    "port": 1,
    "server": 1,
    "volume": 1,
}


@pytest.fixture(scope="module")
def region(admin: Cloud) -> Iterator[Region]:
    with hostile_region(admin) as region:
        yield region


@pytest.fixture
def ministry(region: Region, signed_in: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    try:
        pulumi_cli.find()
    except MissingTool:
        missing(f"the Pulumi CLI {pulumi_cli.VERSION}")
    monkeypatch.delenv("CI", raising=False)
    return ministry_at(tmp_path / "ministry", region=region.name)


def made(request: Request) -> str:
    """The end of the path of a request that makes something."""
    return request.path.partition("?")[0].rpartition("/")[2] if request.method == "POST" else ""


# The engine that is killed cannot end the stream of its events.
@pytest.mark.filterwarnings("ignore:Error in event stream")
def test_kills_leave_no_duplicate_and_no_orphan(region: Region, signed_in: Project, ministry: Workspace) -> None:
    plan = bundle(ministry, ministry_estate())
    up(ministry, plan, landing=True)
    proxies = list(region.proxies.values())
    assert survive(ministry.root, proxies, lambda: up(ministry, plan, units=(UNIT,)), CALLS, name_of=made) >= 2
    assert {sort: len(names) for sort, names in signed_in.holds().items()} == WHOLE
    destroy(ministry, units=(UNIT,))
    assert set(signed_in.holds()) == {"network", "subnet", "key"}
    destroy(ministry)
    assert signed_in.holds() == {}
