"""Every adapter of this tree under the conformance suite: a rig each."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from providers import registry
from providers.conformance import Rig, StoreContract
from providers.conformance.plugin import Results
from providers.conformance.rig import rigged
from providers.lab import LabProvider
from providers.ports import Target
from pse.core.settings import Workspace
from tests.providers.house import HERE, House
from tests.providers.outside.filecloud import FileCloud
from tests.require import require

MARKHOR = "sample-markhor/islamabad/ict-1"


class TestFileCloud(StoreContract):
    adapter = FileCloud

    @pytest.fixture
    def rig(self, house: House) -> Iterator[Rig]:
        target = Target(place=HERE, country="PK", endpoint="lab:north", workspace=house.root)
        with rigged(FileCloud(target), place=HERE) as rig:
            yield rig


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    """One sample workspace for all: its places' accounts are empty again after each test."""
    from providers.lab import hosts, sample
    from providers.lab.files import remove_tree

    require("bwrap", "sshd")
    workspace = sample.create(tmp_path_factory.mktemp("lab") / "sample")
    yield workspace
    hosts.stop(workspace)
    remove_tree(workspace.private / "lab" / "hosts")


class TestLab(StoreContract):
    adapter = LabProvider

    @pytest.fixture
    def rig(self, lab: Workspace) -> Iterator[Rig]:
        target = Target(place=MARKHOR, country="PK", endpoint="lab:sample-markhor", workspace=lab.root)
        key = (lab.private / "ssh_key.pub").read_text().strip()
        with rigged(LabProvider(target), place=MARKHOR, public_key=key) as rig:
            yield rig


def test_every_registered_adapter_has_a_rig() -> None:
    here = {TestFileCloud.adapter.name, TestLab.adapter.name}
    folders = Path(__file__).parent.glob("*/test_*_conformance.py")
    assert set(registry.names()) <= here | {path.parent.name for path in folders}


def test_counts_are_made_of_what_any_process_reports() -> None:
    told = [("pse-conformance", ["lab", "reads", {"Key": "it has none"}]), ("something else", 1)]
    results = Results("")
    for outcome in ("passed", "passed", "failed"):
        report = pytest.TestReport("x", ("x", 0, "x"), {}, outcome, None, "call", user_properties=told)
        results.pytest_runtest_logreport(report)
    wanted = {"behaviours": 1, "adapters": 1, "passed": 2, "not_capable": 1, "skipped": 0, "failed": 1}
    assert results.figures() == wanted
