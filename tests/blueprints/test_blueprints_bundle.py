"""A plan on disk: what was changed after it was made is refused, and so is another workspace's gate."""

import json
from pathlib import Path

import msgspec
import pytest

from blueprints.planning.bundle import SIGNATURE, Bundle, part_hashes, plan_hash
from policy.signing import sign
from providers.lab.sample import create
from pse.core.canonical import digest, encode
from pse.core.errors import BadInput, Refused
from pse.core.settings import Workspace
from tests.blueprints.estates import ABROAD, bundle, estate, server, workload


def test_a_plan_comes_back_as_it_was_by_file_folder_and_name(planned: Workspace, ministry_plan: Bundle) -> None:
    path = ministry_plan.write(ministry_plan.default_folder(planned))
    for named in (path, path.parent, Path(path.parent.name)):
        read = Bundle.read(planned, named)
        assert read.raw == path.read_bytes()
        assert read == ministry_plan
    assert path.stat().st_size < 1_000_000


def test_the_same_plan_is_the_same_bytes(planned: Workspace, ministry_plan: Bundle, tmp_path: Path) -> None:
    one, two = ministry_plan.write(tmp_path / "one").parent, ministry_plan.write(tmp_path / "two").parent
    files = sorted(p.relative_to(one) for p in one.rglob("*.json"))
    assert len(files) == 2 + 2 * len(ministry_plan.units)
    assert all((one / f).read_bytes() == (two / f).read_bytes() for f in files)


@pytest.mark.parametrize(
    "name", ["plan.json", "plan.json.sig", "units/portal.json", "gate/portal.json", "verdicts.json"]
)
def test_a_turned_byte_anywhere_is_refused(
    planned: Workspace, ministry_plan: Bundle, tmp_path: Path, name: str
) -> None:
    path = ministry_plan.write(tmp_path / "plan")
    victim = path.parent / name
    text = victim.read_text()
    turned = text.replace("sample-markhor", "sample-markhoz", 1)
    victim.write_text(turned if turned != text else text.translate(str.maketrans("0123456789", "1234567890")))
    with pytest.raises(Refused):
        Bundle.read(planned, path)


def test_a_forged_hash_does_not_help_without_the_key(planned: Workspace, ministry_plan: Bundle, tmp_path: Path) -> None:
    """Somebody who edits the gate and works out every hash anew still lacks the signature."""
    signed = ministry_plan.gates["portal"]
    allowed = tuple(msgspec.structs.replace(a, place=ABROAD) for a in signed.gate.allowed)
    gates = {
        **ministry_plan.gates,
        "portal": msgspec.structs.replace(signed, gate=msgspec.structs.replace(signed.gate, allowed=allowed)),
    }
    plan = msgspec.structs.replace(
        ministry_plan.plan, units=part_hashes(ministry_plan.units, gates, ministry_plan.verdicts)
    )
    plan = msgspec.structs.replace(plan, hash=plan_hash(plan))
    forged = msgspec.structs.replace(ministry_plan, plan=plan, gates=gates)
    with pytest.raises(Refused):
        Bundle.read(planned, forged.write(tmp_path / "forged"))


def test_a_plan_of_an_earlier_version_is_still_that_plan(
    planned: Workspace, ministry_plan: Bundle, tmp_path: Path
) -> None:
    """Later versions know more fields: what has none of them was signed all the same."""
    path = ministry_plan.write(tmp_path / "plan")
    fields = json.loads(path.read_bytes())
    for decision in fields["decisions"]:
        if not decision["saas"]:
            del decision["saas"]  # as if it had come with this version
    fields["hash"] = ""
    fields["hash"] = digest(json.dumps(fields, indent=1, ensure_ascii=False).encode() + b"\n")
    raw = json.dumps(fields, indent=1, ensure_ascii=False).encode() + b"\n"
    path.write_bytes(raw)
    path.with_name(SIGNATURE).write_text(sign(planned, raw) + "\n")
    read = Bundle.read(planned, path)
    assert (read.plan.hash, read.plan.decisions) == (fields["hash"], ministry_plan.plan.decisions)
    assert read.write(tmp_path / "copy").read_bytes() == raw
    turned = msgspec.structs.replace(read, plan=msgspec.structs.replace(read.plan, currency="USD"))
    with pytest.raises(Refused, match="changed"):
        turned.verify(planned)


def test_a_plan_of_another_workspace_is_refused(ministry_plan: Bundle, tmp_path: Path) -> None:
    other = create(tmp_path / "other")
    with pytest.raises(Refused):
        Bundle.read(other, ministry_plan.write(tmp_path / "plan"))


def test_files_of_an_earlier_plan_are_taken_away(ministry_plan: Bundle, tmp_path: Path) -> None:
    path = ministry_plan.write(tmp_path / "plan")
    stale = path.parent / "units" / "gone.json"
    stale.write_text("{}")
    ministry_plan.write(tmp_path / "plan")
    assert not stale.exists()


def test_a_missing_plan_or_part_is_bad_input(planned: Workspace, ministry_plan: Bundle, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="no plan here"):
        Bundle.read(planned, tmp_path / "nowhere")
    path = ministry_plan.write(tmp_path / "plan")
    (path.parent / "units" / "portal.json").unlink()
    with pytest.raises(BadInput, match="cannot be read"):
        Bundle.read(planned, path)


def test_a_part_outside_the_folder_is_refused(planned: Workspace, ministry_plan: Bundle, tmp_path: Path) -> None:
    path = ministry_plan.write(tmp_path / "plan")
    plan = msgspec.structs.replace(ministry_plan.plan, units={**ministry_plan.plan.units, "../../elsewhere": "0" * 64})
    plan = msgspec.structs.replace(plan, hash=plan_hash(plan))
    path.write_bytes(encode(plan))
    path.with_name(SIGNATURE).write_text(sign(planned, encode(plan)) + "\n")
    with pytest.raises(Refused, match="outside"):
        Bundle.read(planned, path)


def test_shapes_ports_and_bills_are_the_signers(planned: Workspace, ministry_plan: Bundle, tmp_path: Path) -> None:
    """Every hash made anew after an edit that no gate forbids: it is not what the key signed."""
    unit = ministry_plan.units["portal"]
    grown = tuple(msgspec.structs.replace(server, shape="std-16-64") for server in unit.servers)
    made = Bundle.sealed(
        planned,
        ministry_plan.plan,
        units={**ministry_plan.units, "portal": msgspec.structs.replace(unit, servers=grown)},
        gates=ministry_plan.gates,
        verdicts=ministry_plan.verdicts,
    )
    forged = msgspec.structs.replace(made, signature=ministry_plan.signature)
    with pytest.raises(Refused, match="signature"):
        forged.verify(planned)
    path = forged.write(tmp_path / "forged")
    with pytest.raises(Refused, match="signature") as refused:
        Bundle.read(planned, path)
    assert "pse plan" in refused.value.hint
    path.with_name(SIGNATURE).unlink()
    with pytest.raises(Refused, match="not signed"):
        Bundle.read(planned, path)


def test_a_signature_has_one_spelling_and_a_plan_one_layout(
    planned: Workspace, ministry_plan: Bundle, tmp_path: Path
) -> None:
    path = ministry_plan.write(tmp_path / "plan")
    path.write_bytes(path.read_bytes() + b"\n")
    with pytest.raises(Refused, match="changed"):
        Bundle.read(planned, path)
    ministry_plan.write(path.parent)
    beside = path.with_name(SIGNATURE)
    beside.write_text(beside.read_text().upper())
    with pytest.raises(Refused, match="signature"):
        Bundle.read(planned, path)


@pytest.mark.parametrize("name", ["../../x", "/outside", "a/b", ".hidden", "", "two words", "x" * 64])
def test_an_id_that_would_name_another_folder_writes_no_file(planned: Workspace, tmp_path: Path, name: str) -> None:
    planned.path("policy", "labels.toml").write_text('[[label]]\ncategory = "restricted"\nhosts = ["*"]\n')
    planned.path("workloads.toml").write_text(f'[workload."{name}"]\nmembers = ["a"]\n')
    made = bundle(planned, estate((server("a"),), (workload(name, "a"),)))
    refused = next(one for one in made.plan.decisions if one.workload == name)
    assert {refusal.rule for refusal in refused.refusals} == {"PSE-B011"}
    path = made.write(tmp_path / "plans" / "one")
    assert name not in made.units
    assert Bundle.read(planned, path).plan == made.plan


@pytest.mark.parametrize("name", ["/etc/x", "../x", "a/b", ".hidden"])
def test_a_bundle_writes_into_its_own_folder_only(planned: Workspace, tmp_path: Path, name: str) -> None:
    made = bundle(planned, estate((server("a"),), (workload("a", "a"),)))
    unit = next(iter(made.units.values()))
    with pytest.raises(BadInput, match="a unit cannot be called"):
        msgspec.structs.replace(made, units={name: unit}).write(tmp_path / "plans")
    assert not (tmp_path / "plans").exists()
