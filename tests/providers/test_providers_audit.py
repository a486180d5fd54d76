"""The audit of whole accounts, on a cloud whose files the test changes behind the tool's back."""

import json
import secrets
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

import policy
from blueprints.building.auditing import audit_path, audit_units
from policy.gate import sign_gate
from policy.ledger import Ledger
from policy.register import sign_register
from providers.identity import PROJECT, stack_tag
from pse.core.canonical import digest
from pse.core.documents.audit import Audit, Whose
from pse.core.documents.category import Category
from pse.core.progress import silent
from pse.core.schema import Placement
from tests.providers.conftest import surroundings
from tests.providers.house import ABROAD, ALSO, AS_OF, HERE, PLAN, UNIT, House, inputs


def program() -> None:
    from providers import sdk

    sdk.Network("net", **inputs("net", cidr="10.0.0.0/16"))
    key = sdk.EncryptionKey("key", **inputs("key"))
    sdk.Volume("data", **inputs("data", size_gib=5, storage_class="ssd", encryption_key=key.id))
    sdk.Bucket("files", **inputs("files"))


class Audited:
    """A unit that the real engine built, and hands to change what its cloud holds."""

    def __init__(self, house: House) -> None:
        self.house = house
        gate = house.gate()
        law = policy.load_policy(house.workspace, as_of=AS_OF)
        self.bundle: Any = SimpleNamespace(
            plan=SimpleNamespace(hash=PLAN, as_of=AS_OF),
            units={UNIT: house.unit()},
            gates={UNIT: sign_gate(house.workspace, gate)},
            verdicts=policy.decide(law, {UNIT: Category.RESTRICTED}, as_of=AS_OF),
        )

    def audit(self) -> Audit:
        return audit_units(self.house.workspace, self.bundle, silent)

    def found(self) -> list[tuple[str, str, str]]:
        return [(f.code, f.severity.value, f.subject) for f in self.audit().findings]

    def change(self, kind: str, change: Callable[[dict[str, Any]], None], *, copy_to: str = "") -> str:
        """Change the one object of a kind, or a copy of it with an id of its own at a place."""
        (path,) = self.house.cloud.glob(f"{HERE.replace('/', '_')}/{kind}/*.json")
        record = json.loads(path.read_text())
        if copy_to:
            record["id"] = f"{kind.lower()}-{secrets.token_hex(6)}"
            record["inputs"]["place"] = copy_to
            path = self.house.cloud / copy_to.replace("/", "_") / kind / f"{record['id']}.json"
            path.parent.mkdir(parents=True, exist_ok=True)
        change(record)
        path.write_text(json.dumps(record))
        return str(record["id"])

    def tag(self, stack: str, *, signer: str = "") -> Callable[[dict[str, Any]], None]:
        tag = stack_tag(signer or self.house.workspace.settings.signer, PROJECT, stack)
        return lambda record: record["identity"].update(stack=tag)


def unchanged(record: dict[str, Any]) -> None:
    del record


def untagged(record: dict[str, Any]) -> None:
    record["identity"] = None


@pytest.fixture(scope="module")
def built(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace whose unit the real engine built; copied for each test."""
    with pytest.MonkeyPatch.context() as patch:
        surroundings(patch)
        house = House(tmp_path_factory.mktemp("built") / "workspace", template=template)
        house.up(program)
    return house.root


@pytest.fixture
def audited(built: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Audited:
    surroundings(monkeypatch)
    return Audited(House(tmp_path / "workspace", template=built))


def test_what_stands_as_it_was_built_is_found_and_nothing_is_said_of_it(audited: Audited) -> None:
    made = audited.audit()
    assert (made.refused, made.findings) == ({UNIT: ()}, ())
    assert {(one.place, one.whose, one.unit) for one in made.rests} == {(HERE, Whose.PLAN, UNIT)}
    assert sorted(one.kind for one in made.rests) == ["Bucket", "EncryptionKey", "Network", "Volume"]
    raw = audit_path(audited.house.workspace, PLAN).read_bytes()
    (entry,) = [entry for entry in Ledger(audited.house.workspace).entries() if entry.kind == "audit"]
    assert entry.data["document"] == digest(raw)
    # What is at a place that holds nothing of ours is not our business.
    audited.change("Volume", untagged, copy_to=ALSO)
    assert audited.found() == []


def test_strangers_in_our_account_are_told_with_what_they_weigh(audited: Audited) -> None:
    audited.change("Volume", untagged, copy_to=HERE)
    audited.change("Network", untagged, copy_to=HERE)
    audited.change("Bucket", audited.tag("shop", signer="f" * 64), copy_to=HERE)
    assert audited.found() == [
        ("PSE-B034", "warning", HERE),
        ("PSE-B035", "info", HERE),
        ("PSE-B035", "warning", HERE),
    ]
    whose = {(one.kind, one.whose) for one in audited.audit().rests}
    assert whose >= {("Volume", Whose.NOBODYS), ("Network", Whose.NOBODYS), ("Bucket", Whose.ANOTHERS)}


def test_leftovers_of_a_known_and_of_a_forgotten_stack_are_found_and_judged(audited: Audited) -> None:
    audited.change("Volume", audited.tag("survey"), copy_to=ALSO)
    audited.change("Volume", unchanged, copy_to=HERE)
    made = audited.audit()
    known, forgotten = sorted(made.findings, key=lambda finding: finding.subject)
    assert (known.code, known.severity, known.subject) == ("PSE-B033", "warning", UNIT)
    assert "pse adopt" in known.remedy
    # Nobody gives the forgotten workload a category any more, so it may be nowhere.
    assert (forgotten.code, forgotten.severity, forgotten.subject) == ("PSE-B033", "error", "survey")
    assert made.refused[UNIT] == ()
    assert {refusal.rule for refusal in made.refused["survey"]} >= {"PSE-R001"}


def test_a_leftover_abroad_is_refused_by_the_gate(audited: Audited) -> None:
    audited.change("Volume", unchanged, copy_to=ABROAD)
    made = audited.audit()
    assert {refusal.rule for refusal in made.refused[UNIT]} == {"PSE-R003"}
    assert [(f.code, f.severity) for f in made.findings] == [("PSE-B033", "error")]


def test_what_changed_since_it_was_built_is_named(audited: Audited, monkeypatch: pytest.MonkeyPatch) -> None:
    store: Any = import_module("filecloud").FileStore

    (net,) = audited.house.cloud.glob(f"{HERE.replace('/', '_')}/Network/*.json")
    net.unlink()
    audited.change("Volume", lambda record: record["inputs"].update(encryptionKey="encryptionkey-0"))
    audited.change("EncryptionKey", untagged)
    told = store._made

    def copied(self: Any, record: Any) -> Any:
        made = told(self, record)
        if record.kind != "Bucket":
            return made
        aspects = (*made.outputs.placement, Placement("replica", "far-away", "unknown"))
        return msgspec.structs.replace(made, outputs=msgspec.structs.replace(made.outputs, placement=aspects))

    monkeypatch.setattr(store, "_made", copied)
    made = audited.audit()
    said = {finding.code: finding for finding in made.findings}
    assert sorted(said) == ["PSE-B036", "PSE-B037", "PSE-B038", "PSE-B039"]
    assert {finding.severity.value for finding in made.findings} == {"error"}
    assert "Network net" in said["PSE-B036"].message
    assert "nothing became replica at far-away" in said["PSE-B037"].message
    assert "is with encryptionkey-0" in said["PSE-B038"].message
    assert "EncryptionKey key" in said["PSE-B039"].message
    # Without its tags it is ours all the same, and judged.
    assert {(one.kind, one.whose) for one in made.rests} >= {("EncryptionKey", Whose.PLAN)}
    assert [refusal.rule for refusal in made.refused[UNIT]] == ["PSE-G001"]


def test_what_a_listing_lacks_is_found_by_its_tags(audited: Audited, monkeypatch: pytest.MonkeyPatch) -> None:
    store: Any = import_module("filecloud").FileStore

    every = store.list

    def partly(self: Any) -> Any:
        return tuple(made for made in every(self) if made.inputs.name != "files")

    def by_tag(self: Any, stack: str, urn: str) -> Any:
        return tuple(m for m in every(self) if m.identity and (m.identity.stack, m.identity.urn) == (stack, urn))

    monkeypatch.setattr(store, "list", partly)
    monkeypatch.setattr(store, "find", by_tag)
    made = audited.audit()
    assert [(f.code, f.severity.value) for f in made.findings] == [("PSE-B036", "warning")]
    assert [one.kind for one in made.rests if not one.listed] == ["Bucket"]


def test_what_stands_where_the_register_lists_no_place_is_told(audited: Audited) -> None:
    register = audited.house.root / "policy" / "register.toml"
    register.write_text(register.read_text().replace('site = "one"\nname = "One"', 'site = "uno"\nname = "One"'))
    sign_register(audited.house.workspace)
    made = audited.audit()
    assert {(f.code, f.severity.value) for f in made.findings} == {("PSE-B040", "error")}
    assert len(made.findings) == 4


def test_a_lost_state_makes_leftovers_of_a_unit_that_its_own_gate_judges(audited: Audited) -> None:
    house = audited.house
    for folder in ("state", "deployments", "known", "intents"):
        for path in Path(house.root / ".pse" / folder).rglob("*"):
            if path.is_file():
                path.unlink()
    made = audited.audit()
    assert made.refused == {UNIT: ()}
    assert [(f.code, f.subject) for f in made.findings] == [("PSE-B033", UNIT)]
    assert {one.whose for one in made.rests} == {Whose.LEFTOVER}
