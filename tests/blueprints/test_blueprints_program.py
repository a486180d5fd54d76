"""The program of a unit, evaluated without the engine: what it makes, and what the gate in it does not let it make."""

import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import ClassVar

import msgspec
import pytest

from blueprints.building.preview import Expected, priced
from blueprints.building.program import planned_landing, program, public_key
from blueprints.building.provision import preview
from blueprints.library.parts import build_servers
from blueprints.model import Fit, Wanted
from blueprints.names import landing_id
from blueprints.planning.bundle import Bundle
from blueprints.planning.matching import OWN, Matcher, installed
from policy import Ledger
from policy.gate import write_gate
from providers.driving.recorder import evaluate
from pse.core.documents.deployment import Deployment
from pse.core.documents.plan import Unit
from pse.core.errors import BadInput, Refused
from pse.core.schema import KINDS
from pse.core.settings import Workspace
from tests.blueprints.estates import ABROAD, IN_COUNTRY


def ready(workspace: Workspace, made: Bundle, name: str = "portal") -> Unit:
    write_gate(workspace, made.gates[name])
    return made.units[name]


def standing(place: str = IN_COUNTRY) -> Deployment:
    return planned_landing(place, landing_id(place))


def run(
    workspace: Workspace, unit: Unit, matcher: Matcher | None = None, landing: Deployment | None = None
) -> Callable[[], None]:
    return program(unit, landing=landing or standing(), workspace=workspace, plan="p" * 64, matcher=matcher)


def refusals(workspace: Workspace) -> list[tuple[str, str, str]]:
    entries = [e.data for e in Ledger(workspace).entries() if e.kind == "refusal"]
    return [(str(d["gate"]), str(d["unit"]), str(d["rule"])) for d in entries]


def test_a_unit_makes_what_it_plans_and_nothing_else(planned: Workspace, ministry_plan: Bundle) -> None:
    unit = ready(planned, ministry_plan)
    made = evaluate(run(planned, unit), stack="portal")
    kinds = sorted((r.type.rpartition(":")[2], r.name) for r in made if r.custom)
    volumes = [v.name for s in unit.servers for v in s.volumes]
    assert kinds == sorted(
        [("Server", s.name) for s in unit.servers]
        + [("Firewall", f"{s.name}-firewall") for s in unit.servers]
        + [("Volume", name) for name in volumes]
        + [("Attachment", f"{name}-attachment") for name in volumes]
    )
    assert all(r.urn.startswith("urn:pulumi:portal::pse::pse:blueprints:WebDatabase") for r in made)
    for resource in made:
        if resource.custom:
            assert resource.inputs["place"] == unit.place
            assert resource.inputs["workload"] == "portal"
            kind = KINDS[resource.type.rpartition(":")[2]]
            assert set(resource.inputs) <= set(kind.input_fields()) | set(kind.output_fields())


def test_a_landing_zone_opens_new_servers_with_the_workspaces_key(planned: Workspace, ministry_plan: Bundle) -> None:
    name = landing_id(IN_COUNTRY)
    unit = ready(planned, ministry_plan, name)
    made = {r.name: r for r in evaluate(program(unit, landing=None, workspace=planned), stack=name)}
    assert made["key"].inputs["publicKey"] == public_key(planned)
    assert made["key"].inputs["publicKey"].startswith("ssh-ed25519 ")
    planned.path(".pse", "ssh_key.pub").unlink()
    assert public_key(planned).split()[:2] == made["key"].inputs["publicKey"].split()[:2]


def test_an_edited_place_is_refused_by_the_program_and_in_the_ledger(planned: Workspace, ministry_plan: Bundle) -> None:
    unit = msgspec.structs.replace(ready(planned, ministry_plan), place=ABROAD)
    with pytest.raises(Refused, match="PSE-R003"):
        evaluate(run(planned, unit, landing=standing(ABROAD)), stack="portal")
    assert ("program", "portal", "PSE-R003") in refusals(planned)


def test_a_forged_name_is_refused_before_any_engine_runs(planned: Workspace, ministry_plan: Bundle) -> None:
    unit = ready(planned, ministry_plan)
    for name in ("../../../etc/cron.d/x", "/etc/x", "por\x1btal", "x" * 41):
        forged = msgspec.structs.replace(unit, servers=(msgspec.structs.replace(unit.servers[0], name=name),))
        with pytest.raises(BadInput, match="not a name at a cloud"):
            evaluate(run(planned, forged), stack="portal")


def test_a_landing_zone_of_another_place_is_refused(planned: Workspace, ministry_plan: Bundle) -> None:
    unit = ready(planned, ministry_plan)
    with pytest.raises(Refused, match="PSE-R003"):
        evaluate(run(planned, unit, landing=standing(ABROAD)), stack="portal")


def test_without_the_units_own_gate_nothing_is_evaluated(planned: Workspace, ministry_plan: Bundle) -> None:
    with pytest.raises(Refused, match="no gate file"):
        evaluate(run(planned, ministry_plan.units["portal"]), stack="portal")


def test_a_workload_without_a_landing_zone_says_what_to_do(planned: Workspace, ministry_plan: Bundle) -> None:
    unit = ready(planned, ministry_plan)
    with pytest.raises(BadInput, match="landing zone") as caught:
        evaluate(program(unit, landing=None, workspace=planned), stack="portal")
    assert "--landing" in caught.value.hint


class Straying:
    """A blueprint of an outside package that does what it should not."""

    name: ClassVar[str] = "straying"

    def __init__(self, act: Callable[[Unit, Deployment], None]) -> None:
        self.act = act

    def fits(self, wanted: Wanted) -> Fit:
        return Fit(0 * len(wanted.servers))

    def build(self, unit: Unit, landing: Deployment | None, public_key: str) -> Mapping[str, object]:
        assert landing is not None
        assert not public_key
        self.act(unit, landing)
        return {}


def _volume(unit: Unit, place: object) -> None:
    from providers import sdk

    sdk.Volume("x", name="x", workload=unit.workload, place=place, size_gib=1, storage_class="ssd")  # type: ignore[arg-type]


def _unknown_place(unit: Unit, landing: Deployment) -> None:
    import pulumi

    _volume(unit, pulumi.Output.from_input(IN_COUNTRY))


def _foreign_kind(unit: Unit, landing: Deployment) -> None:
    import pulumi

    pulumi.CustomResource("aws:s3/bucket:Bucket", "x", {"region": "us-east-1"})


def _foreign_workload(unit: Unit, landing: Deployment) -> None:
    from providers import sdk

    sdk.Network("x", name="x", workload="records", place=IN_COUNTRY, cidr="10.0.0.0/16")


def _stray_reference(unit: Unit, landing: Deployment) -> None:
    from providers import sdk

    sdk.Subnet("x", name="x", workload=unit.workload, place=IN_COUNTRY, network="net-of-somebody", cidr="10.0.0.0/24")


def _elsewhere(unit: Unit, landing: Deployment) -> None:
    _volume(unit, ABROAD)


@pytest.mark.parametrize("act", [_unknown_place, _foreign_kind, _foreign_workload, _stray_reference, _elsewhere])
def test_an_outside_blueprint_cannot_get_round_the_gate(
    planned: Workspace, ministry_plan: Bundle, act: Callable[[Unit, Deployment], None]
) -> None:
    unit = msgspec.structs.replace(ready(planned, ministry_plan), blueprint="straying")
    seen = []

    def after(unit: Unit, landing: Deployment) -> None:
        act(unit, landing)
        seen.append("the resource was let through")

    with pytest.raises(Refused):
        evaluate(run(planned, unit, Matcher({"straying": Straying(after)})), stack="portal")
    assert seen == []
    assert {gate for gate, _, _ in refusals(planned)} == {"program"}


def test_an_outside_blueprint_that_behaves_is_built(planned: Workspace, ministry_plan: Bundle) -> None:
    unit = msgspec.structs.replace(ready(planned, ministry_plan), blueprint="straying")

    def behave(unit: Unit, landing: Deployment) -> None:
        build_servers("Straying", unit, landing)

    blueprint = Straying(behave)
    made = evaluate(run(planned, unit, Matcher({"straying": blueprint})), stack="portal")
    assert {r.name for r in made if r.type.endswith(":Server")} == {"portal", "payments"}
    assert refusals(planned) == []


def test_programs_are_evaluated_side_by_side(planned: Workspace, ministry_plan: Bundle) -> None:
    names = ["portal", "records", "opendata", "analytics"] * 3
    units = {name: ready(planned, ministry_plan, name) for name in names}
    alone = {name: evaluate(run(planned, unit), stack=name) for name, unit in units.items()}
    start = threading.Barrier(4)

    def one(name: str) -> set[str]:
        start.wait(30)
        return {r.urn for r in evaluate(run(planned, units[name]), stack=name)}

    with ThreadPoolExecutor(4) as pool:
        for name, found in zip(names, pool.map(one, names), strict=True):
            assert found == {r.urn for r in alone[name]}


def test_preview_without_the_cli_prices_every_resource(
    planned: Workspace, ministry_plan: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")
    found = preview(planned, ministry_plan, offline=True)
    assert found.offline
    assert [u.unit for u in found.units] == [landing_id(IN_COUNTRY), "analytics", "opendata", "portal", "records"]
    assert {c.op for u in found.units for c in u.changes} == {"create"}
    assert found.count("create") == sum(len(u.changes) for u in found.units)
    portal = next(u for u in found.units if u.unit == "portal")
    lines = ministry_plan.units["portal"].costs
    named = sum(x.monthly for x in lines if x.kind not in ("tax", "egress", "migration") and x.monthly)
    assert sum(c.cost.monthly for c in portal.changes if c.cost) == named
    assert portal.cost == ministry_plan.units["portal"].cost
    assert not planned.path(".pse", "state").exists()


def test_what_goes_does_not_bear_the_price_of_what_comes(ministry_plan: Bundle) -> None:
    unit = ministry_plan.units["portal"]
    token = "pse:index:Server"
    changes = [Expected(urn=f"urn:{op}", type=token, name="portal", op=op) for op in ("create", "delete", "replace")]
    create, *going = priced(unit, changes).changes
    assert create.cost
    assert create.cost.monthly > 0
    assert [c.cost for c in going] == [None, None]


def test_the_project_file_declares_the_blueprints_of_this_package() -> None:
    import tomllib
    from pathlib import Path

    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())
    assert project["project"]["entry-points"]["pse.blueprints"] == OWN
    assert {name: blueprint.name for name, blueprint in installed().items()} == {name: name for name in installed()}
    assert set(OWN) <= set(installed())


def test_a_blueprint_that_nobody_installed_is_bad_input(planned: Workspace, ministry_plan: Bundle) -> None:
    unit = msgspec.structs.replace(ready(planned, ministry_plan), blueprint="castle")
    with pytest.raises(BadInput, match="castle"):
        evaluate(run(planned, unit), stack="portal")
