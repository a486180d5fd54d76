"""What `pse up` and `pse migrate` wait for: approvals of this very plan, as many as the workspace asks for."""

import pytest

import migrate
from blueprints.building.provision import refuse, up
from blueprints.planning.bundle import Bundle
from policy.approvals import approve
from policy.ledger import Ledger
from pse.core.errors import Waiting
from pse.core.settings import Workspace
from pse.core.time import today

ASKS = '\n[approvals]\ncount = 2\nleast = "sensitive"\ndays = 5\n'


@pytest.fixture
def asking(planned: Workspace) -> Workspace:
    """A workspace that asks for two approvals of what holds Sensitive data."""
    with planned.path("pse.toml").open("a") as settings:
        settings.write(ASKS)
    return Workspace(planned.root)


def test_nothing_begins_before_enough_people_approved_this_plan(asking: Workspace, ministry_plan: Bundle) -> None:
    plan = ministry_plan.plan.hash
    approve(asking, "0" * 64, by="Secretary Works", reference="Letter 6", on=today())
    approve(asking, plan, by="Director Records", reference="Letter 7", on=today())
    for begin in (
        lambda: up(asking, ministry_plan, units=("records",)),
        lambda: refuse(asking, ministry_plan),
        lambda: migrate.run(asking, ministry_plan, workloads=("records",)),
        lambda: migrate.refuse(asking, ministry_plan, None, workloads=("records",)),
    ):
        with pytest.raises(Waiting, match="1 of 2 approvals for sensitive data; of another plan: 000000000000"):
            begin()
    assert {entry.kind for entry in Ledger(asking).entries()} == {"approval"}
    assert not (asking.private / "deployments").exists()
    approve(asking, plan, by="Secretary Works", reference="Letter 8", on=today())
    refuse(asking, ministry_plan)
    migrate.refuse(asking, ministry_plan, None, workloads=("records",))
