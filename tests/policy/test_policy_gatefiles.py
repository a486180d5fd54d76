"""Gate files: believed with the pinned signature and a clock that goes forward, and not otherwise."""

import json
import subprocess
import sys
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import policy
from policy.categories import inputs_of, write_categories
from policy.gate import effective_day, gate_for, read_gate, refusal_of, sign_gate, write_gate
from policy.ledger import Ledger
from policy.nocs import sign_nocs
from policy.register import sign_register
from policy.signing import init_keys, sign
from pse.core.canonical import encode
from pse.core.documents.category import Category
from pse.core.documents.gate import SignedGate, UnitGate
from pse.core.errors import Refused, UsageError
from pse.core.settings import Workspace
from pse.core.time import now, today
from tests.policy.house import ELSEWHERE, IBEX, MARKHOR, build, noc

DAY = date(2026, 7, 1)
LATER = date(2027, 6, 1)


def gate_of(workspace: Workspace, unit: str = "portal") -> UnitGate:
    loaded = policy.load_policy(workspace, as_of=DAY)
    verdicts = policy.decide(loaded, {"portal": Category.RESTRICTED}, as_of=DAY)
    return gate_for(loaded, verdicts, unit, ["portal"], "restricted", Category.RESTRICTED, as_of=DAY)


def note(workspace: Workspace, category: Category | None = Category.RESTRICTED) -> None:
    loaded = policy.load_policy(workspace, as_of=DAY)
    write_categories(workspace, inputs_of(workspace, loaded), {"portal": category})


@pytest.fixture
def gated(house: Workspace) -> Workspace:
    note(house)
    write_gate(house, sign_gate(house, gate_of(house)))
    return house


def test_what_was_signed_is_read(gated: Workspace) -> None:
    assert read_gate(gated, "portal", now=DAY) == gate_of(gated)


def test_missing_gate_is_refused(gated: Workspace) -> None:
    with pytest.raises(Refused, match="no gate file for unit records") as caught:
        read_gate(gated, "records", now=LATER)
    assert "records.json" in caught.value.where
    assert caught.value.hint


@pytest.mark.parametrize("unit", ["../portal", "a/b", "", "Portal", "portal\n", "x" * 200, "-x"])
def test_unit_that_is_no_unit_id_is_refused(gated: Workspace, unit: str) -> None:
    with pytest.raises(Refused, match="not a unit id"):
        read_gate(gated, unit, now=LATER)


def test_gate_of_another_unit_is_refused(gated: Workspace) -> None:
    folder = gated.private / "gate"
    (folder / "records.json").write_bytes((folder / "portal.json").read_bytes())
    with pytest.raises(Refused, match="of unit portal, not of records"):
        read_gate(gated, "records", now=LATER)


@settings(max_examples=400)
@given(bit=st.integers(min_value=0))
def test_law_any_turned_bit_of_a_gate_file_is_refused(
    gated: Workspace, refusing: Callable[..., None], bit: int
) -> None:
    refusing(gated.private / "gate" / "portal.json", bit, lambda: read_gate(gated, "portal", now=LATER))
    read_gate(gated, "portal", now=LATER)


@pytest.mark.parametrize("raw", [b"", b"{", b"[]", b"\xff", b'{"x":' + b"[" * 100_000])
def test_file_that_is_no_gate_is_refused(gated: Workspace, raw: bytes) -> None:
    (gated.private / "gate" / "portal.json").write_bytes(raw)
    with pytest.raises(Refused, match="not a signed gate file"):
        read_gate(gated, "portal", now=LATER)


@pytest.mark.parametrize("change", ["more", "less", "space", "key", "unsigned", "other-layout"])
def test_altered_gate_file_is_refused(gated: Workspace, change: str) -> None:
    path = gated.private / "gate" / "portal.json"
    raw = path.read_bytes()
    data = json.loads(raw)
    if change == "more":
        data["gate"]["allowed"].append({"place": ELSEWHERE, "until": None})
    elif change == "unsigned":
        data["signature"] = ""
    elif change == "key":
        data["note"] = "an extra key"
    changed = {
        "less": raw[:-20],
        "space": raw + b"\n",
        "other-layout": json.dumps(data).encode(),
    }.get(change, json.dumps(data, indent=1, ensure_ascii=False).encode() + b"\n")
    assert changed != raw
    path.write_bytes(changed)
    with pytest.raises(Refused) as caught:
        read_gate(gated, "portal", now=LATER)
    assert str(path) in caught.value.where


def test_gate_signed_by_another_key_is_refused(gated: Workspace, tmp_path_factory: pytest.TempPathFactory) -> None:
    other = build(tmp_path_factory.mktemp("other"))
    signed = sign_gate(other, gate_of(gated))
    (gated.private / "gate" / "portal.json").write_bytes(encode(signed))
    with pytest.raises(Refused, match="does not pin"):
        read_gate(gated, "portal", now=LATER)
    with pytest.raises(Refused, match="does not pin"):
        write_gate(gated, signed)
    # The pinned signer's name on another's signature.
    forged = SignedGate(gate=signed.gate, signer=gated.settings.signer, signature=sign(other, encode(signed.gate)))
    with pytest.raises(Refused, match="altered"):
        write_gate(gated, forged)


def test_key_that_is_not_the_pinned_one_signs_no_gate(gated: Workspace) -> None:
    (gated.private / "signing_key").unlink()
    init_keys(gated.root)
    with pytest.raises(Refused, match="not the signer"):
        sign_gate(gated, gate_of(gated))


def test_clock_behind_the_plan_is_refused(gated: Workspace) -> None:
    read_gate(gated, "portal", now=DAY)
    with pytest.raises(Refused, match="the day that the plan was made for"):
        read_gate(gated, "portal", now=DAY - timedelta(days=1))


def test_clock_behind_the_ledger_is_refused(gated: Workspace) -> None:
    assert effective_day(gated, DAY) == DAY
    Ledger(gated).record("approval", {"by": "Director Records"})
    day = today()
    assert effective_day(gated, day) == day
    with pytest.raises(Refused, match="the ledger was written on"):
        read_gate(gated, "portal", now=day - timedelta(days=1))


def test_entry_from_a_wrong_clock_is_got_over_by_an_entry_that_says_so(
    gated: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger = Ledger(gated)
    with pytest.raises(UsageError, match="not behind"):
        ledger.accept_clock("no need")
    with monkeypatch.context() as wrong:
        wrong.setattr("policy.ledger.now", lambda: now() + timedelta(days=400))
        ledger.record("approval", {"by": "Director Records"})
    with pytest.raises(Refused, match="the ledger was written on") as caught:
        read_gate(gated, "portal", now=today())
    assert "pse ledger accept-clock" in caught.value.hint
    with pytest.raises(UsageError, match="no reason"):
        ledger.accept_clock(" ")
    written = ledger.accept_clock("The BIOS battery was empty.")
    assert (written.kind, written.data["reason"]) == ("clock", "The BIOS battery was empty.")
    read_gate(gated, "portal", now=today())
    ledger.record("approval", {"by": "Director Records"})
    assert Ledger(gated).verify().entries == 3
    # The day still cannot go back behind what was written since.
    with pytest.raises(Refused, match="the ledger was written on"):
        effective_day(gated, today() - timedelta(days=1))


def test_gate_is_not_believed_beside_an_altered_ledger(gated: Workspace) -> None:
    Ledger(gated).record("approval", {"by": "Director Records"})
    (gated.private / "ledger.jsonl").write_bytes(b"")
    with pytest.raises(Refused, match="ledger was altered"):
        read_gate(gated, "portal", now=LATER)


def test_refusal_of_an_unbelievable_gate_can_be_written_down(gated: Workspace) -> None:
    (gated.private / "gate" / "portal.json").unlink()
    with pytest.raises(Refused) as caught:
        read_gate(gated, "portal", now=LATER)
    refusal = refusal_of(caught.value)
    assert refusal.rule == "PSE-G010"
    assert "no gate file" in refusal.message


def test_gate_survives_a_round_trip_with_every_field(gated: Workspace) -> None:
    gate = read_gate(gated, "portal", now=LATER)
    assert msgspec.json.decode(encode(gate), type=UnitGate) == gate
    assert gate.refused
    assert gate.rules


def test_plugin_side_loads_nothing_heavy(gated: Workspace) -> None:
    code = (
        "import sys, datetime, pathlib\n"
        "from policy.gate import read_gate\n"
        "early = sorted(m for m in ('cryptography',) if m in sys.modules)\n"
        "from pse.core.settings import Workspace\n"
        f"read_gate(Workspace(pathlib.Path({str(gated.root)!r})), 'portal', now=datetime.date(2027, 6, 1))\n"
        "heavy = ('sqlalchemy', 'pulumi', 'networkx', 'grpc', 'paramiko', 'inventory', 'blueprints')\n"
        "print(early, [m for m in heavy if m in sys.modules])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True, cwd=Path(__file__).parents[2]
    )
    assert done.stdout.strip() == "[] []"


def test_law_that_changed_since_the_plan_closes_the_gate(gated: Workspace) -> None:
    labels = gated.path("policy", "labels.toml")
    labels.write_text(labels.read_text().replace("pay*", "paid*"))
    register = gated.path("policy", "register.toml")
    register.write_text(register.read_text() + "\n# read again\n")
    with pytest.raises(Refused, match="not fit"):
        read_gate(gated, "portal", now=LATER)
    sign_register(gated)
    with pytest.raises(Refused, match="labels, register changed since the plan was made"):
        read_gate(gated, "portal", now=LATER)
    register.unlink()
    with pytest.raises(Refused, match="the law cannot be read"):
        read_gate(gated, "portal", now=LATER)


@pytest.mark.parametrize("today_it_is", [Category.SENSITIVE, None])
def test_workload_that_is_stricter_today_closes_the_gate(gated: Workspace, today_it_is: Category | None) -> None:
    note(gated, today_it_is)
    with pytest.raises(Refused, match=r"portal .* today, and the plan was made for restricted"):
        read_gate(gated, "portal", now=DAY)
    note(gated, Category.PUBLIC)
    assert read_gate(gated, "portal", now=DAY).category is Category.RESTRICTED


@pytest.mark.parametrize("name", ["hosts.toml", "workloads.toml", "environments/new.toml", ".pse/snapshot"])
def test_categories_noted_before_a_file_changed_close_the_gate(gated: Workspace, name: str) -> None:
    path = gated.path(name)
    path.parent.mkdir(exist_ok=True)
    path.write_text("# corrected\n")
    with pytest.raises(Refused, match="changed since"):
        read_gate(gated, "portal", now=DAY)


@pytest.mark.parametrize("change", [(b"restricted", b"open"), (b"portal", b"Portal"), (b"{", b"[")])
def test_altered_note_of_categories_closes_the_gate(gated: Workspace, change: tuple[bytes, bytes]) -> None:
    path = gated.private / "categories.json"
    path.write_bytes(path.read_bytes().replace(*change))
    with pytest.raises(Refused):
        read_gate(gated, "portal", now=DAY)


def test_register_that_expired_since_the_plan_closes_the_gate(gated: Workspace) -> None:
    with pytest.raises(Refused, match="expired"):
        read_gate(gated, "portal", now=date(2028, 1, 1))


def test_place_whose_certificate_ran_out_is_no_longer_allowed(gated: Workspace) -> None:
    """The register is the plan's own: what it says of the day is what changed."""
    signed = gate_of(gated)
    assert MARKHOR in {place.place for place in read_gate(gated, "portal", now=date(2027, 6, 30)).allowed}
    late = read_gate(gated, "portal", now=date(2027, 7, 1))
    assert late.allowed == ()
    everywhere = {p.place for p in signed.allowed} | {p.place for p in signed.refused}
    assert {place.place for place in late.refused} == everywhere
    (here,) = (place for place in late.refused if place.place == MARKHOR)
    assert "expired" in here.refusals[0].message


def test_noc_that_ran_out_no_longer_opens_a_place(house: Workspace) -> None:
    house.path("policy", "nocs.toml").write_text(noc(workloads='["portal"]', end="2026-08-31"))
    sign_nocs(house)
    loaded = policy.load_policy(house, as_of=DAY)
    verdicts = policy.decide(loaded, {"portal": Category.RESTRICTED}, as_of=DAY)
    class_id = verdicts.assignments["portal"]
    gate = gate_for(loaded, verdicts, "portal", ["portal"], class_id, Category.RESTRICTED, as_of=DAY)
    note(house)
    write_gate(house, sign_gate(house, gate))
    found = [{p.place for p in read_gate(house, "portal", now=day).allowed} for day in (DAY, date(2026, 9, 1))]
    assert found == [{MARKHOR, IBEX, ELSEWHERE}, {MARKHOR}]
