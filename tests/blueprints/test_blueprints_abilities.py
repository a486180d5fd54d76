"""What the adapter of a place cannot make is refused or said when the plan is made, not in the middle of `pse up`."""

import msgspec
import pytest

from blueprints.building.provision import preview, up
from blueprints.planning.abilities import abilities_of
from blueprints.planning.bundle import Bundle
from blueprints.planning.inputs import Inputs
from blueprints.planning.making import draft_plan
from pse.core.errors import Refused
from pse.core.progress import Event
from pse.core.settings import Workspace
from tests.blueprints.estates import IN_COUNTRY, bundle, inputs, ministry_estate


def without(made: Inputs, *needs: str) -> Inputs:
    """The same, with an adapter in the country that lacks ``needs``."""
    ability = made.abilities[IN_COUNTRY]
    less = msgspec.structs.replace(
        ability, kinds=ability.kinds - set(needs), lacks={**ability.lacks, **dict.fromkeys(needs, "not built yet")}
    )
    return msgspec.structs.replace(made, abilities={**made.abilities, IN_COUNTRY: less})


@pytest.mark.parametrize("need", ["Volume", "Server.userData"])
def test_what_the_adapter_lacks_is_refused_at_planning_with_the_reason(planned: Workspace, need: str) -> None:
    made = draft_plan(without(inputs(planned, ministry_estate()), need))
    decision = next(one for one in made.decisions if one.workload == "records")
    assert decision.strategy is None
    assert decision.refusals[0].rule == "PSE-B002"
    assert f"the provider lab makes no {need}: not built yet" in decision.refusals[0].message
    assert "records" not in made.units


def test_another_place_is_taken_where_it_may_be(planned: Workspace) -> None:
    made = draft_plan(without(inputs(planned, ministry_estate()), "Volume"))
    opendata = next(one for one in made.decisions if one.workload == "opendata")
    assert opendata.place not in ("", IN_COUNTRY)


def test_what_it_lacks_and_nobody_needs_is_no_matter(planned: Workspace, ministry_plan: Bundle) -> None:
    made = draft_plan(without(inputs(planned, ministry_estate()), "Bucket", "Volume.iops"))
    assert made.decisions == ministry_plan.plan.decisions


def test_an_adapter_that_is_not_installed_is_a_finding_and_no_stop(planned: Workspace) -> None:
    (place, *_) = inputs(planned, ministry_estate()).places
    found, findings = abilities_of([msgspec.structs.replace(place, provider="nowhere")])
    assert found == {}
    (said,) = findings
    assert (said.code, said.subject) == ("PSE-B031", "nowhere")
    assert place.id in said.message


def test_an_image_that_the_place_has_not_is_told_by_plan_and_preview_and_refused_by_up(planned: Workspace) -> None:
    prices = planned.path("policy", "prices.toml")
    prices.write_text(prices.read_text().replace('"debian-12"', '"rhel-8"'))
    made = bundle(planned, ministry_estate())
    said = [finding.subject for finding in made.plan.findings if finding.code == "PSE-B032"]
    assert "records" in said
    told: list[str] = []

    def hear(event: Event) -> None:
        told.append(event.message)

    preview(planned, made, offline=True, units=("records",), progress=hear)
    assert any("`pse up` will stop: the provider lab has no image 'rhel-8'; it has debian-12" in one for one in told)
    with pytest.raises(Refused, match="rhel-8") as caught:
        up(planned, made, units=("records",))
    assert "again" not in caught.value.hint.replace("plan again", "")
    assert not (planned.private / "state").exists()
