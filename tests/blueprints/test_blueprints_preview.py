"""Preview tells a move for what it is, by the checks of `up`, and leaves every file as it was."""

import pytest

from blueprints.building.guards import rehearsal
from blueprints.building.provision import preview, up
from blueprints.planning.bundle import Bundle
from policy.ledger import Ledger
from policy.register import sign_register
from providers.driving.recorder import evaluate
from providers.engine import Engine
from pse.core.canonical import write
from pse.core.documents.deployment import BuiltResource, Deployment
from pse.core.errors import Refused
from pse.core.settings import Workspace
from tests.blueprints.estates import ABROAD


def stands(workspace: Workspace, made: Bundle, unit: str, *, place: str) -> None:
    """Record a deployment of ``unit`` at ``place``, as an earlier plan would have left it."""
    recorded = evaluate(rehearsal(workspace, made, made.units[unit], Engine(workspace)), stack=unit)
    resources = tuple(BuiltResource(urn=r.urn, type=r.type, id=f"id-{n}") for n, r in enumerate(recorded) if r.custom)
    document = Deployment(stack=unit, plan="0" * 64, unit_hash="0" * 64, place=place, resources=resources)
    write(workspace.private / "deployments" / f"{unit}.json", document)


def ops(workspace: Workspace, made: Bundle, unit: str) -> set[str]:
    found = preview(workspace, made, offline=True, units=(unit,))
    return {change.op for shown in found.units if shown.unit == unit for change in shown.changes}


def test_a_move_to_another_place_is_a_replacement_and_up_keeps_the_data(
    planned: Workspace, ministry_plan: Bundle
) -> None:
    stands(planned, ministry_plan, "portal", place=ministry_plan.units["portal"].place)
    assert ops(planned, ministry_plan, "portal") == {"update"}
    stands(planned, ministry_plan, "portal", place=ABROAD)
    assert ops(planned, ministry_plan, "portal") == {"replace"}
    with pytest.raises(Refused, match=f"would move it from {ABROAD} to .* with the data on it"):
        up(planned, ministry_plan, units=("portal",))
    (entry,) = Ledger(planned).entries()
    assert (entry.kind, entry.data["verb"], entry.data["plan"]) == ("refused", "up", ministry_plan.plan.hash)
    assert "portal" in entry.data["units"]
    assert "would move it from" in entry.data["why"]


def test_users_on_it_are_told_by_preview_too(
    planned: Workspace, ministry_plan: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    stands(planned, ministry_plan, "portal", place=ABROAD)
    monkeypatch.setattr("blueprints.building.guards.served", lambda *_: {"portal": "9" * 64})
    with pytest.raises(Refused, match="users are on it since plan 999999999999"):
        ops(planned, ministry_plan, "portal")


def test_another_law_is_told_by_preview_too(planned: Workspace, ministry_plan: Bundle) -> None:
    register = planned.path("policy", "register.toml")
    register.write_text(register.read_text() + "\n# looked at again\n")
    sign_register(planned)
    with pytest.raises(Refused, match="register changed since the plan was made"):
        ops(planned, ministry_plan, "portal")


def test_a_preview_offline_leaves_the_gates_of_what_stands(planned: Workspace, ministry_plan: Bundle) -> None:
    gate = planned.private / "gate" / "portal.json"
    gate.parent.mkdir(exist_ok=True)
    gate.write_bytes(b"of the plan that stands")
    assert ops(planned, ministry_plan, "portal") == {"create"}
    assert gate.read_bytes() == b"of the plan that stands"
    assert list(gate.parent.iterdir()) == [gate]
