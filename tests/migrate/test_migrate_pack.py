"""Evidence packs: the same bytes each time, OSCAL that its own models take, and no change that is not named."""

import io
import json
import random
import subprocess
import zipfile
from collections.abc import Mapping
from pathlib import Path

import msgspec
import pytest

from blueprints import Bundle
from blueprints.building.auditing import audit_path
from migrate.material import AUDIT, EVIDENCE, LAW, LEDGER, LEDGER_HEAD, PLAN, RESULTS, VERDICTS
from migrate.pack import MANIFEST, SIGNATURE, write_pack
from migrate.packed import verify_pack
from policy.approvals import approve
from policy.ledger import Ledger
from policy.signing import sign, signature_line
from pse.core import canonical
from pse.core.archive import pack, unpack
from pse.core.documents.audit import Audit
from pse.core.documents.verdicts import Refusal
from pse.core.errors import Refused, UsageError
from pse.core.settings import Workspace
from tests.blueprints.estates import AS_OF, IN_COUNTRY, bundle, ministry_estate
from tests.policy.house import build
from tests.require import missing

ROOT = Path(__file__).parents[2]
TRESTLE = """
import pathlib, sys
from trestle.oscal.assessment_results import AssessmentResults
from trestle.oscal.catalog import Catalog
for name, kind in zip(sys.argv[1:], (Catalog, AssessmentResults, AssessmentResults)):
    try:
        print(kind.oscal_read(pathlib.Path(name)) is not None)
    except Exception as exc:
        print(False)
        print(exc, file=sys.stderr)
"""
"""In an environment of its own: compliance-trestle pins other versions of what we use. See scripts/setup."""
REFUSAL = Refusal(rule="PSE-R003", clause="a clause", message="It is abroad.", source="a source")


class Packed:
    """A workspace with a plan, a ledger that has seen something, an audit, and the pack of it all."""

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace
        self.plan = bundle(workspace, ministry_estate())
        ledger = Ledger(workspace)
        taken_back = msgspec.structs.replace(REFUSAL, rule="MINISTRY-009")
        refusals = (REFUSAL, taken_back)
        ledger.refuse(plan=self.plan.plan.hash, unit="portal", urn="urn:x", gate="check", refusals=refusals)
        approve(workspace, self.plan.plan.hash, by="Director Records", reference="Letter 7", on=AS_OF)
        self.audited({"portal": (), "records": (REFUSAL,)})
        self.data = self.write()

    def audited(self, refused: Mapping[str, tuple[Refusal, ...]]) -> None:
        made = canonical.encode(Audit(plan=self.plan.plan.hash, as_of=AS_OF, refused=dict(refused)))
        canonical.write_bytes(audit_path(self.workspace, self.plan.plan.hash), made)
        Ledger(self.workspace).record("audit", {"plan": self.plan.plan.hash, "document": canonical.digest(made)})

    def write(self) -> bytes:
        return write_pack(self.workspace, self.plan)[0].read_bytes()

    @property
    def members(self) -> dict[str, bytes]:
        return unpack(self.data).members

    def found(self, data: bytes, signer: str = "") -> list[tuple[str, str]]:
        return [(f.code, f.subject) for f in verify_pack(data, signer or self.workspace.settings.signer).findings]

    def signed_anew(self, changes: Mapping[str, bytes]) -> bytes:
        """A pack whose members were changed and whose manifest was made to fit, by somebody who has the key."""
        members = {**self.members, **changes}
        manifest = json.loads(members[MANIFEST])
        manifest["members"] = {
            name: canonical.digest(members[name]) for name in sorted(members.keys() - {MANIFEST, SIGNATURE})
        }
        raw = canonical.encode(manifest)
        return pack({**members, MANIFEST: raw, SIGNATURE: signature_line(self.workspace, raw)})


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory) -> Packed:
    from providers.lab import sample

    return Packed(sample.create(tmp_path_factory.mktemp("packed") / "sample"))


def test_a_pack_is_verified_anywhere_and_comes_out_the_same_again(packed: Packed) -> None:
    found = verify_pack(packed.data, packed.workspace.settings.signer)
    assert found.findings == ()
    assert found.manifest is not None
    assert found.manifest.plan == packed.plan.plan.hash
    entries = Ledger(packed.workspace).entries()
    assert (found.entries, found.newest) == (len(entries), entries[-1].at)
    assert packed.write() == packed.data
    assert {EVIDENCE, LAW, PLAN, VERDICTS, LEDGER, LEDGER_HEAD, AUDIT, RESULTS} < packed.members.keys()
    files = json.loads(packed.members[EVIDENCE])["files"]
    assert {"policy/register.toml", "policy/prices.toml"} < files.keys()
    everything = b"".join(packed.members.values())
    for secret in ("signing_key", "passphrase"):
        assert (packed.workspace.private / secret).read_bytes().strip() not in everything
    assert str(packed.workspace.root).encode() not in everything


def test_oscal_is_what_its_own_models_take(packed: Packed, tmp_path: Path) -> None:
    python = ROOT / ".venv" / "oscal" / "bin" / "python"
    if not python.exists():
        missing("compliance-trestle")
    paths = [tmp_path / f"{name}.json" for name in ("catalog", "assessment-results")]
    for path in paths:
        path.write_bytes(packed.members[f"oscal/{path.name}"])
    broken = tmp_path / "broken.json"
    broken.write_bytes(packed.members[RESULTS].replace(b'"reviewed-controls"', b'"viewed-controls"', 1))
    said = subprocess.run(
        [python, "-c", TRESTLE, *paths, broken], capture_output=True, text=True, timeout=60, check=True
    )
    assert said.stdout.split() == ["True", "True", "False"], said.stderr


def test_each_rule_is_a_control_and_a_finding_and_each_verdict_an_observation(packed: Packed) -> None:
    catalog = json.loads(packed.members["oscal/catalog.json"])["catalog"]
    (result,) = json.loads(packed.members[RESULTS])["assessment-results"]["results"]
    law = json.loads(packed.members[LAW])
    controls = {control["id"] for group in catalog["groups"] for control in group["controls"]}
    # The law's, and what refused without being in it any more.
    assert controls == {rule["id"].lower() for rule in law["rules"]} | {"ministry-009"}
    findings = {finding["title"]: finding for finding in result["findings"]}
    assert {finding["target"]["target-id"] for finding in findings.values()} == {f"{name}_smt" for name in controls}
    seen = {observation["uuid"]: observation for observation in result["observations"]}
    assert len(seen) == len(result["observations"])
    linked = [o["observation-uuid"] for f in findings.values() for o in f.get("related-observations", ())]
    assert set(linked) <= seen.keys()
    titles = [observation["title"] for observation in result["observations"]]
    for verdict in packed.plan.verdicts.verdicts:
        said = "allowed" if verdict.allowed else "refused"
        assert titles.count(f"{verdict.class_id} at {verdict.place}: {said}") == 1
    workloads = {
        prop["value"]
        for component in result["local-definitions"]["components"]
        for prop in component.get("props", ())
        if prop["name"] == "workload"
    }
    assert workloads == packed.plan.verdicts.assignments.keys()
    # What stands abroad is not satisfied; what was tried and refused is what the rule is for.
    assert findings["PSE-R003"]["target"]["status"] == {"state": "not-satisfied", "reason": "fail"}
    assert findings["PSE-R001"]["target"]["status"] == {"state": "satisfied", "reason": "pass"}
    of_r003 = {seen[o["observation-uuid"]]["title"] for o in findings["PSE-R003"]["related-observations"]}
    assert {"check refused urn:x", "records as it stands: refused"} < of_r003
    assert "approved" in titles


@pytest.mark.parametrize("name", [EVIDENCE, LAW, PLAN, VERDICTS, LEDGER, LEDGER_HEAD, AUDIT, RESULTS])
def test_a_member_that_was_changed_taken_out_or_swapped_is_named(packed: Packed, name: str) -> None:
    members = packed.members
    changed = members[name].replace(b"a", b"b", 1)
    assert changed != members[name]
    assert packed.found(pack({**members, name: changed})) == [("PSE-M042", name)]
    assert packed.found(pack({**members, name: b""})) == [("PSE-M042", name)]
    assert packed.found(pack({other: raw for other, raw in members.items() if other != name})) == [("PSE-M043", name)]
    other = next(one for one in members if one not in (name, MANIFEST, SIGNATURE))
    swapped = pack({**members, name: members[other], other: members[name]})
    assert packed.found(swapped) == sorted([("PSE-M042", name), ("PSE-M042", other)])


def test_a_member_that_was_put_in_is_named(packed: Packed) -> None:
    assert packed.found(pack({**packed.members, "plan/extra.json": b"{}"})) == [("PSE-M044", "plan/extra.json")]


@pytest.mark.parametrize(
    "name", ["../../etc/cron.d/x", "/etc/passwd", "a\\..\\b", "C:x", ".hidden", "plan/../x", "plan//x", "x\0.json", ""]
)
def test_a_name_that_leads_elsewhere_is_refused_and_nothing_is_written(packed: Packed, name: str) -> None:
    with pytest.raises(ValueError, match="not a name"):
        pack({name: b""})
    found = packed.found(_appended(packed.data, name, b"evil"))
    assert found[0][0] == "PSE-M040"
    assert all(code in {"PSE-M040", "PSE-M044"} for code, _ in found)


def test_a_name_that_is_there_twice_is_named(packed: Packed) -> None:
    with pytest.warns(UserWarning, match="Duplicate name"):
        data = _appended(packed.data, PLAN, b"{}")
    assert ("PSE-M040", PLAN) in packed.found(data)


def test_an_archive_that_is_not_whole_is_refused_wherever_it_was_cut(packed: Packed) -> None:
    size = len(packed.data)
    for length in (0, 1, 21, size // 3, size // 2, size - 1000, size - 22, size - 1):
        codes = {code for code, _ in packed.found(packed.data[:length])}
        assert "PSE-M040" in codes, length


def test_what_no_member_accounts_for_is_found(packed: Packed) -> None:
    commented = io.BytesIO(packed.data)
    with zipfile.ZipFile(commented, "a") as archive:
        archive.comment = b"approved"
    deflated = io.BytesIO()
    with zipfile.ZipFile(deflated, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, raw in packed.members.items():
            archive.writestr(name, raw)
    # Another name, or another content, in front of the member than in the directory.
    other = packed.data.replace(b"audit.json", b"audio.json", 1)
    for data in (b"MZ" + packed.data, packed.data + b"x", commented.getvalue(), deflated.getvalue(), other):
        assert "PSE-M040" in {code for code, _ in packed.found(data)}
    flipped = bytearray(packed.data)
    flipped[packed.data.index(packed.members[VERDICTS]) + 5] ^= 1
    assert ("PSE-M040", VERDICTS) in packed.found(bytes(flipped))


def test_no_bit_can_be_turned_unnoticed(packed: Packed) -> None:
    rng = random.Random(5)
    directory = packed.data.rindex(b"PK\x01\x02")
    for at in (*range(directory, len(packed.data)), *(rng.randrange(len(packed.data)) for _ in range(150))):
        turned = bytearray(packed.data)
        turned[at] ^= 1 << rng.randrange(8)
        assert packed.found(bytes(turned)), at


def test_another_key_is_refused_and_said(packed: Packed, tmp_path: Path) -> None:
    other = build(tmp_path / "other")
    assert packed.found(packed.data, other.settings.signer) == [("PSE-M041", MANIFEST)]
    raw = packed.members[MANIFEST]
    for line in (
        signature_line(other, raw),
        f"ed25519 {packed.workspace.settings.signer} {sign(other, raw)}\n".encode(),
        packed.members[SIGNATURE].upper(),
        b"",
    ):
        assert packed.found(pack({**packed.members, SIGNATURE: line})) == [("PSE-M041", MANIFEST)]
    forged = raw.replace(b'"sample": true', b'"sample": false')
    assert packed.found(pack({**packed.members, MANIFEST: forged})) == [("PSE-M041", MANIFEST)]
    with pytest.raises(UsageError):
        verify_pack(packed.data, "AA" * 32)


def test_whoever_has_the_key_cannot_make_the_members_contradict_each_other(packed: Packed) -> None:
    members = packed.members
    lines = members[LEDGER].splitlines(keepends=True)
    law = json.loads(members[LAW])
    law["rules"][0]["text"] = "Anything goes."
    for name, changed in (
        (LEDGER, b"".join(lines[:-1])),
        (LEDGER, b"".join([lines[1], lines[0], *lines[2:]])),
        (LEDGER_HEAD, members[LEDGER_HEAD].replace(b'"entries": ', b'"entries": 1')),
        (VERDICTS, members[VERDICTS].replace(b'"allowed": false', b'"allowed": true', 1)),
        (PLAN, members[PLAN].replace(IN_COUNTRY.encode(), b"sample-elsewhere/abroad/abr-1", 1)),
        (AUDIT, members[AUDIT].replace(b"PSE-R003", b"PSE-R004")),
        (EVIDENCE, members[EVIDENCE].replace(b'"entries": ', b'"entries": 1')),
        (LAW, canonical.encode(law)),
        (RESULTS, members[RESULTS].replace(b"not-satisfied", b"satisfied")),
        ("plan/units/portal.json", members["plan/units/portal.json"].replace(b"portal", b"gateway", 1)),
    ):
        assert changed != members[name]
        found = packed.found(packed.signed_anew({name: changed}))
        assert found, name
        assert {code for code, _ in found} == {"PSE-M045"}
        assert any(name.removesuffix(".head") in subject or subject == RESULTS for _, subject in found), (name, found)


def test_an_audit_that_the_ledger_does_not_tell_of_makes_no_evidence(packed: Packed) -> None:
    path = audit_path(packed.workspace, packed.plan.plan.hash)
    before = path.read_bytes()
    try:
        path.write_bytes(before.replace(b"PSE-R003", b"PSE-R004"))
        with pytest.raises(Refused, match="not the one that the ledger tells of"):
            packed.write()
    finally:
        path.write_bytes(before)


def test_a_plan_that_was_changed_makes_no_evidence(packed: Packed) -> None:
    plan = msgspec.structs.replace(packed.plan.plan, sample=False)
    changed: Bundle = msgspec.structs.replace(packed.plan, plan=plan)
    with pytest.raises(Refused, match="changed after it was made"):
        write_pack(packed.workspace, changed)


def _appended(data: bytes, name: str, raw: bytes) -> bytes:
    """``data`` with a member more, written by somebody who knows the format."""
    out = io.BytesIO(data)
    info = zipfile.ZipInfo("placeholder", (1980, 1, 1, 0, 0, 0))
    info.filename = name
    with zipfile.ZipFile(out, "a", zipfile.ZIP_STORED) as archive:
        archive.writestr(info, raw)
    return out.getvalue()
