"""A category that was corrected after a plan was made: by a tag or in an environment, it counts at once."""

from pathlib import Path

import msgspec
import pytest

from blueprints.building.provision import preview, up
from blueprints.planning.bundle import Bundle
from inventory.estate import Estate
from policy.categories import FILE
from pse.core.errors import BadInput, Refused
from pse.core.settings import Workspace
from tests.blueprints.estates import ABROAD, bundle, known, ministry_estate

_SURVEY = f'category = "open"\nplace = "{ABROAD}"\n[[servers]]\nrole = "web"\nvcpus = 1\nmemory_mib = 1024\n'


def tagged(tag: str) -> Estate:
    """The sample ministry, whose file server bears ``tag``."""
    base = ministry_estate()
    servers = tuple(msgspec.structs.replace(s, tags=(tag,)) if s.hostname == "records" else s for s in base.servers)
    return msgspec.structs.replace(base, servers=servers)


@pytest.fixture
def early(planned: Workspace) -> Bundle:
    """A plan from when the tag of records and an environment still said open; both are built abroad."""
    labels = planned.path("policy", "labels.toml")
    text = labels.read_text().replace('hosts = ["records"]\n', "")
    labels.write_text(text.replace('hosts = ["opendata"]', 'hosts = ["opendata"]\ntags = ["service=published"]'))
    declared = planned.path("workloads.toml")
    place = f'[workload.records]\nplace = "{ABROAD}"\n'
    declared.write_text(declared.read_text().replace("[workload.records]\n", place))
    planned.path("environments", "survey.toml").write_text(_SURVEY)
    made = bundle(planned, tagged("service=published"))
    assert {made.units[name].place for name in ("records", "survey")} == {ABROAD}
    return made


def refused(workspace: Workspace, made: Bundle, unit: str) -> None:
    for way in (
        lambda: up(workspace, made, units=(unit,)),
        lambda: preview(workspace, made, offline=True, units=(unit,)),
    ):
        with pytest.raises(Refused, match=f"unit {unit}: {unit} (is|has).* today, and the plan was made for open data"):
            way()


def test_a_tag_that_was_corrected_reaches_the_old_plan(planned: Workspace, early: Bundle) -> None:
    preview(planned, early, offline=True, units=("records",))
    known(planned, tagged("service=file-records"))
    refused(planned, early, "records")
    known(planned, tagged("service=none"))
    refused(planned, early, "records")


def test_an_environment_that_was_corrected_reaches_the_old_plan(planned: Workspace, early: Bundle) -> None:
    path = planned.path("environments", "survey.toml")
    path.write_text(_SURVEY.replace('"open"', '"restricted"'))
    refused(planned, early, "survey")
    path.unlink()
    refused(planned, early, "survey")


def test_a_correction_of_one_workload_leaves_the_others(planned: Workspace, early: Bundle) -> None:
    known(planned, tagged("service=file-records"))
    assert preview(planned, early, offline=True, units=("opendata",)).units


def test_an_estate_that_cannot_be_read_stops_the_plan(planned: Workspace, early: Bundle) -> None:
    (planned.private / FILE).unlink()
    folder = next(Path(planned.private / "snapshots").iterdir())
    (folder / "servers.parquet").write_bytes(b"gone")
    with pytest.raises(BadInput, match="not a table"):
        up(planned, early, units=("opendata",))
