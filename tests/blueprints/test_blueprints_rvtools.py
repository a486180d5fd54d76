"""A real estate from RVTools, planned end to end; runs where the samples are."""

import time
from pathlib import Path

import pytest

from blueprints import make_plan
from blueprints.building.provision import preview
from inventory import import_file
from pse.core.documents.plan import Strategy
from pse.core.settings import Workspace
from tests.blueprints.estates import AS_OF, IN_COUNTRY
from tests.require import missing

SAMPLE = Path(__file__).parents[3] / "shared" / "samples" / "RVTOOLS3-workshop-131vms.xlsx"


@pytest.fixture
def imported(planned: Workspace) -> Workspace:
    if not SAMPLE.exists():
        missing(f"the sample {SAMPLE.name}")
    import_file(planned, SAMPLE)
    return planned


def test_servers_without_labels_are_refused_by_name(imported: Workspace) -> None:
    made = make_plan(imported, as_of=AS_OF)
    refused = [d for d in made.plan.decisions if d.strategy is None]
    assert len(refused) == len(made.plan.decisions) - 1  # all but the environment
    assert {r.rule for d in refused for r in d.refusals} == {"PSE-R001"}
    assert set(made.units) == {"analytics", "landing-sample-markhor-islamabad-ict-1"}


def test_labelled_servers_are_planned_in_reasonable_time(imported: Workspace) -> None:
    imported.path("policy", "labels.toml").write_text('[[label]]\ncategory = "restricted"\nhosts = ["*"]\n')
    prices = imported.path("policy", "prices.toml")
    images = "".join(
        f'\n[[offer]]\nplace = "{IN_COUNTRY}"\nkind = "image"\nname = "{family}"\nunit = "month"\nprice = "100"\n'
        f'os_family = "{family}"\nos_version = "1"\n'
        for family in ("windows", "rhel", "suse", "other", "ubuntu", "centos")
    )
    prices.write_text(prices.read_text() + images)
    started = time.monotonic()
    made = make_plan(imported, as_of=AS_OF)
    path = made.write(made.default_folder(imported))
    took = time.monotonic() - started
    moving = [d for d in made.plan.decisions if d.strategy is Strategy.REHOST]
    assert len(moving) > 50
    assert took < 30
    assert path.stat().st_size < 1_000_000
    assert made.plan.cost.monthly > 0
    assert max(w.servers for w in made.plan.waves) <= imported.settings.plan.wave_servers
    assert {name for w in made.plan.waves for name in w.workloads} == {d.workload for d in moving}
    some = [d.workload for d in moving[:5]]
    assert preview(imported, made, offline=True, units=some).count("create") > len(some)
