"""Kills of the plugin and of the engine in the middle of calls to a real control plane."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from blueprints.bundle import Bundle
from blueprints.provision import destroy, up
from providers import pulumi_cli
from pse.core.errors import MissingTool, PseError
from pse.core.settings import Workspace
from tests.blueprints.estates import bundle, ministry_estate
from tests.fakes.hostile import Hold
from tests.providers.kills import Background, ended, strike
from tests.providers.openstack.accounts import Cloud, Project
from tests.providers.openstack.ministry import ministry_at
from tests.providers.openstack.regions import Region, hostile_region, posted
from tests.require import missing

UNIT = "opendata"
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


def killed(workspace: Workspace, plan: Bundle, hold: Hold, *, engine: bool) -> None:
    """An up that loses its plugin or its engine while a call hangs."""
    work = Background(lambda: up(workspace, plan, units=(UNIT,)))
    assert hold.reached.wait(120)
    assert strike(workspace.root, engine=engine)
    hold.release()
    assert isinstance(work.end(120), PseError)
    ended(workspace.root)


def test_kills_leave_no_duplicate_and_no_orphan(region: Region, signed_in: Project, ministry: Workspace) -> None:
    plan = bundle(ministry, ministry_estate())
    points = [
        ("block-storage", "/volumes", False),
        ("network", "/ports", True),
        ("compute", "/servers", False),
        ("compute", "/os-volume_attachments", True),
    ]
    up(ministry, plan, landing=True)
    for service, path, engine in points:
        region.calm()
        hold = Hold(after=True)
        region.proxies[service].plant(hold, when=posted(path))
        killed(ministry, plan, hold, engine=engine)
        region.calm()
        up(ministry, plan, units=(UNIT,))
        assert {sort: len(names) for sort, names in signed_in.holds().items()} == WHOLE, (service, path, engine)
        destroy(ministry, units=(UNIT,))
        assert set(signed_in.holds()) == {"network", "subnet", "key"}, (service, path, engine)
    destroy(ministry)
    assert signed_in.holds() == {}
