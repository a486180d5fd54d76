"""A NOC that has expired is no NOC: `pse up` stops, and the audit refuses what stands by it."""

import json
from datetime import date

import pytest

import migrate
from blueprints.building.auditing import audit_units
from blueprints.building.guards import note_nocs
from blueprints.building.program import planned_landing
from blueprints.building.provision import up
from blueprints.names import landing_id
from blueprints.planning.bundle import Bundle
from policy.ledger import Ledger
from policy.nocs import sign_nocs
from providers.engine import Engine
from providers.identity import PROJECT, stack_tag
from providers.places import Places
from providers.ports import Identity
from pse.core.archive import unpack
from pse.core.errors import Refused
from pse.core.progress import silent
from pse.core.schema import VolumeInputs
from pse.core.settings import Workspace
from tests.blueprints.estates import ABROAD, AS_OF, bundle, ministry_estate
from tests.policy.house import noc

UNIT = "analytics"
LIFTED = ("PSE-R003", "PSE-R004", "PSE-R005")


def abroad_until(workspace: Workspace, end: date) -> Bundle:
    """A plan that puts restricted data abroad by a NOC that covers it to ``end``."""
    rules = ", ".join(f'"{rule}"' for rule in LIFTED)
    words = {"workloads": f'["{UNIT}", "landing-*"]', "end": end.isoformat(), "rules": f"[{rules}]"}
    workspace.path("policy", "nocs.toml").write_text(noc(**words))
    sign_nocs(workspace)
    environment = workspace.path("environments", f"{UNIT}.toml")
    if "place =" not in environment.read_text():
        environment.write_text(f'place = "{ABROAD}"\n{environment.read_text()}')
    made = bundle(workspace, ministry_estate())
    assert made.units[UNIT].place == ABROAD
    return made


def test_an_expired_noc_stops_up_and_shows_in_the_audit(planned: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    valid = abroad_until(planned, date(2099, 12, 31))
    tag = stack_tag(planned.settings.signer, PROJECT, UNIT)
    places = Places(planned)
    given = VolumeInputs(name="data", workload=UNIT, place=ABROAD, size_gib=1, storage_class="ssd")
    places.store(ABROAD, "Volume").create(given, identity=Identity(stack=tag, urn="0" * 32, op="1" * 32))
    places.close()
    with monkeypatch.context() as patched:
        stands = planned_landing(ABROAD, landing_id(ABROAD))
        patched.setattr(Engine, "ensure", lambda *_, **__: stands)
        patched.setattr(Engine, "deployment", lambda *_: stands)
        for _ in range(2):
            up(planned, valid, units=(UNIT,))
    used = [entry.data for entry in Ledger(planned).entries() if entry.kind == "noc"]
    assert [(data["unit"], data["place"], data["nocs"]) for data in used if data["unit"] == UNIT] == [
        (UNIT, ABROAD, ["NOC-1"])
    ]
    assert audit_units(planned, valid, silent).refused == {UNIT: ()}

    expired = abroad_until(planned, AS_OF)
    with pytest.raises(Refused, match=f"NOC-1 lifted it until {AS_OF}"):
        up(planned, expired, units=(UNIT,))
    (entry,) = [entry for entry in Ledger(planned).entries() if entry.kind == "refused"]
    assert (entry.data["verb"], entry.data["plan"]) == ("up", expired.plan.hash)
    found = audit_units(planned, expired, silent)
    assert {refusal.rule for refusal in found.refused[UNIT]} == set(LIFTED)
    assert all(f"NOC-1 lifted it until {AS_OF}" in refusal.message for refusal in found.refused[UNIT])
    assert [(f.code, f.severity.value, f.subject) for f in found.findings] == [("PSE-B033", "error", UNIT)]
    refusals = [entry.data for entry in Ledger(planned).entries() if entry.kind == "refusal"]
    assert {data["rule"] for data in refusals if data["gate"] == "audit"} == set(LIFTED)


def test_evidence_says_that_a_noc_lifts_a_rule_and_until_when(planned: Workspace) -> None:
    valid = abroad_until(planned, date(2027, 1, 31))
    note_nocs(planned, valid, valid.units[UNIT])
    path, _, _ = migrate.write_pack(planned, valid)
    members = unpack(path.read_bytes()).members
    (result,) = json.loads(members["oscal/assessment-results.json"])["assessment-results"]["results"]
    findings = {finding["title"]: finding for finding in result["findings"]}
    for rule in LIFTED:
        assert findings[rule]["target"]["status"] == {"state": "satisfied", "reason": "other"}
        assert {"noc": "NOC-1"}.items() <= {prop["name"]: prop["value"] for prop in findings[rule]["props"]}.items()
    (chosen,) = [one for one in result["observations"] if one["title"] == f"restricted+NOC-1 at {ABROAD}: allowed"]
    assert chosen["expires"].startswith("2027-01-31T23:59:59")
    assert f"{UNIT} is at {ABROAD} by NOC-1." in [one["description"] for one in result["observations"]]
