"""`policy.gate.judge`: pure, and what it does not know it refuses."""

from datetime import date, timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

import policy
from policy.gate import Subject, Value, gate_for, judge, placements_of, subject_of
from pse.core.documents.category import Category
from pse.core.documents.gate import RefusedPlace
from pse.core.errors import Refused
from pse.core.schema import KINDS, Placement, Rests
from pse.core.settings import Workspace
from tests.neutral import INPUTS
from tests.policy.house import ELSEWHERE, IBEX, MARKHOR
from tests.policy.resources import DAY, FIELDS, GATE, UNKNOWN, inputs, rules_of, subject


def test_every_kind_of_the_schema_has_inputs_here() -> None:
    assert set(INPUTS) == set(KINDS)
    assert {rests for _, _, rests in FIELDS} >= {Rests.PLACE, Rests.REFERENCE, Rests.COPY}


@pytest.mark.parametrize("kind", KINDS)
def test_resource_at_its_place_passes(kind: str) -> None:
    assert judge(GATE, subject(kind, inputs(kind)), today=DAY) == ()


@pytest.mark.parametrize(("kind", "wire", "rests"), FIELDS)
def test_unknown_value_is_refused_in_every_field_that_data_rests_on(kind: str, wire: str, rests: Rests) -> None:
    found = judge(GATE, subject(kind, inputs(kind, **{wire: UNKNOWN})), today=DAY)
    assert "PSE-G001" in rules_of(found)
    assert any(f"{kind}.{wire}" in refusal.message for refusal in found)


@pytest.mark.parametrize(("kind", "wire", "rests"), FIELDS)
def test_missing_value_is_refused_where_it_is_required(kind: str, wire: str, rests: Rests) -> None:
    given = inputs(kind)
    del given[wire]
    found = judge(GATE, subject(kind, given), today=DAY)
    assert rules_of(found)[:1] == (["PSE-G001"] if KINDS[kind].input_fields()[wire].required else [])


@pytest.mark.parametrize(("kind", "wire", "rests"), FIELDS)
def test_place_that_is_refused_is_refused_with_its_rule_in_every_field(kind: str, wire: str, rests: Rests) -> None:
    given = inputs(kind)
    if rests is Rests.REFERENCE:
        found = judge(GATE, subject(kind, given, refers_to=ELSEWHERE), today=DAY)
    else:
        image = f"{ELSEWHERE}:debian-12" if rests is Rests.COPY else ELSEWHERE
        found = judge(GATE, subject(kind, given | {wire: image}), today=DAY)
    assert "PSE-R003" in rules_of(found)
    assert any(ELSEWHERE in refusal.message and "It is abroad." in refusal.message for refusal in found)


@pytest.mark.parametrize(("kind", "wire", "rests"), FIELDS)
def test_place_that_the_gate_does_not_know_is_refused_in_every_field(kind: str, wire: str, rests: Rests) -> None:
    nowhere = "nobody/knows/it"
    if rests is Rests.REFERENCE:
        found = judge(GATE, subject(kind, inputs(kind), refers_to=nowhere), today=DAY)
    else:
        found = judge(GATE, subject(kind, inputs(kind, **{wire: nowhere})), today=DAY)
    assert ("PSE-G004" if rests is Rests.COPY else "PSE-G002") in rules_of(found)


def test_subject_that_leaves_a_field_out_is_refused_whoever_made_it() -> None:
    bare = Subject(urn="urn:x", kind="Server", workload="portal", values=(Value("place", Rests.PLACE, MARKHOR),))
    found = judge(GATE, bare, today=DAY)
    assert [refusal.message.split()[2] for refusal in found] == ["Server.image", "Server.keyPair", "Server.subnet"]


def test_caller_cannot_say_that_a_place_is_none() -> None:
    sly = Subject(urn="urn:x", kind="Volume", workload="portal", values=(Value("place", Rests.NONE, ELSEWHERE),))
    assert rules_of(judge(GATE, sly, today=DAY)) == ["PSE-R003"]


def test_field_that_says_nothing_of_residency_is_not_judged() -> None:
    made = subject("Network", inputs("Network"))
    named = msgspec.structs.replace(made, values=(*made.values, Value("name", Rests.NONE, "x")))
    assert judge(GATE, named, today=DAY) == ()


@pytest.mark.parametrize("value", [7, True, {"a": 1}, b"x"])
def test_value_that_is_no_text_is_not_known(value: object) -> None:
    assert "PSE-G001" in rules_of(judge(GATE, subject("Server", inputs("Server", place=value)), today=DAY))
    assert rules_of(judge(GATE, subject("Server", inputs("Server", image=value)), today=DAY)) == ["PSE-G001"]


def test_unknown_place_is_refused_whatever_the_caller_knows_of_references() -> None:
    made = subject_of(
        "Volume",
        inputs("Volume", place=UNKNOWN),
        urn="urn:x",
        place_of=lambda *_: MARKHOR,
        unknown=lambda value: value == UNKNOWN,
    )
    assert rules_of(judge(GATE, made, today=DAY)) == ["PSE-G001"]


def test_place_with_an_image_behind_it_is_no_place() -> None:
    found = judge(GATE, subject("Network", inputs("Network", place=f"{MARKHOR}:debian-12")), today=DAY)
    assert rules_of(found) == ["PSE-G002"]


@pytest.mark.parametrize("workload", ["records", "", "Portal", UNKNOWN, None, 7])
def test_other_workload_is_refused(workload: object) -> None:
    assert rules_of(judge(GATE, subject("Network", inputs("Network", workload=workload)), today=DAY)) == ["PSE-G005"]


def test_kind_that_is_not_declared_is_refused() -> None:
    found = judge(GATE, subject("aws:s3/bucket:Bucket", {"workload": "portal", "place": MARKHOR}), today=DAY)
    assert rules_of(found) == ["PSE-G006"]


@pytest.mark.parametrize(
    "image",
    [
        "https://images.example/debian-12",
        "projects/debian/global/images/debian-12",
        "s3:bucket",
        "..",
        "debian 12",
        "dеbian-12",
        "",
        f"{MARKHOR}:../x",
        f"{MARKHOR}/extra",
        f" {MARKHOR}",
    ],
)
def test_image_that_is_not_plainly_the_places_own_is_a_foreign_copy(image: str) -> None:
    assert rules_of(judge(GATE, subject("Server", inputs("Server", image=image)), today=DAY)) == ["PSE-G004"]


def test_image_of_another_allowed_place_passes_and_of_an_unknown_place_does_not() -> None:
    assert judge(GATE, subject("Server", inputs("Server", image=f"{IBEX}:debian-12")), today=DAY) == ()
    found = judge(GATE, subject("Server", inputs("Server", place=UNKNOWN)), today=DAY)
    assert {refusal.message for refusal in found} == {
        "place in Server.place is not known",
        "copy in Server.image is not known",
    }


def test_every_element_of_a_list_is_judged() -> None:
    places = {"fw-1": MARKHOR, "fw-2": ELSEWHERE, "fw-3": None}
    made = subject_of(
        "Server",
        inputs("Server", firewalls=["fw-1", "fw-2", "fw-3"]),
        urn="urn:x",
        place_of=lambda wire, value: places[str(value)] if wire == "firewalls" else MARKHOR,
        unknown=lambda value: value == UNKNOWN,
    )
    found = judge(GATE, made, today=DAY)
    assert rules_of(found) == ["PSE-G001", "PSE-R003"]
    assert "firewalls[2]" in found[0].message
    assert "firewalls[1]" in found[1].message


def test_unknown_reference_follows_what_it_refers_to() -> None:
    made = subject_of(
        "Subnet",
        inputs("Subnet", network=UNKNOWN),
        urn="urn:x",
        place_of=lambda *_: MARKHOR,
        unknown=lambda value: value == UNKNOWN,
    )
    assert judge(GATE, made, today=DAY) == ()


def test_gate_without_words_refuses_all_the_same() -> None:
    silent = msgspec.structs.replace(GATE, rules=())
    bad = subject("Server", inputs("Server", place="x/y/z", image=UNKNOWN, workload="records"))
    assert len(judge(silent, bad, today=date(2020, 1, 1))) == len(judge(GATE, bad, today=date(2020, 1, 1)))
    assert set(rules_of(judge(silent, bad, today=DAY))) == {"PSE-G000"}


def test_refused_place_without_a_reason_is_refused_all_the_same() -> None:
    gate = msgspec.structs.replace(GATE, refused=(RefusedPlace(place=ELSEWHERE, refusals=()),))
    assert rules_of(judge(gate, subject("Network", inputs("Network", place=ELSEWHERE)), today=DAY)) == ["PSE-G002"]


def test_what_a_cloud_chose_by_itself_counts_as_not_known() -> None:
    values = placements_of(
        (
            Placement(what="disk", where=MARKHOR, source="set"),
            Placement(what="log", where=MARKHOR, source="default"),
            Placement(what="key", where="", source="unknown"),
            Placement(what="replica", where=ELSEWHERE, source="set"),
        )
    )
    made = subject("Network", inputs("Network"))
    found = judge(GATE, msgspec.structs.replace(made, values=made.values + values), today=DAY)
    assert rules_of(found) == ["PSE-G001", "PSE-G001", "PSE-R003"]
    assert "placement.replica" in found[2].message


def test_refusal_cannot_write_on_the_terminal() -> None:
    found = judge(GATE, subject("Network", inputs("Network", place="\x1b[2J\u202e" * 1000)), today=DAY)
    assert "\x1b" not in found[0].message
    assert "\u202e" not in found[0].message
    assert len(found[0].message) < 3000


@given(
    text=st.text(max_size=40) | st.sampled_from([MARKHOR, IBEX, ELSEWHERE]),
    kind=st.sampled_from(sorted(KINDS)),
    data=st.data(),
)
def test_law_nothing_but_a_listed_place_passes(text: str, kind: str, data: st.DataObject) -> None:
    wire = data.draw(st.sampled_from([w for k, w, _ in FIELDS if k == kind]))
    rests = KINDS[kind].input_fields()[wire].rule.rests
    if rests is Rests.REFERENCE:
        made = subject(kind, inputs(kind), refers_to=text)
    elif rests is Rests.COPY:
        made = subject(kind, inputs(kind, **{wire: f"{text}:image"}))
    else:
        made = subject(kind, inputs(kind, **{wire: text}))
    assert (judge(GATE, made, today=DAY) == ()) is (text in (MARKHOR, IBEX))


@given(fewer=st.sets(st.sampled_from([MARKHOR, IBEX])), place=st.sampled_from([MARKHOR, IBEX, ELSEWHERE]))
def test_law_a_shorter_gate_never_allows_more(fewer: set[str], place: str) -> None:
    shorter = msgspec.structs.replace(GATE, allowed=tuple(a for a in GATE.allowed if a.place in fewer))
    volume = subject("Network", inputs("Network", place=place))
    if judge(shorter, volume, today=DAY) == ():
        assert judge(GATE, volume, today=DAY) == ()


def test_plan_and_gate_agree_on_every_place_and_category(house: Workspace) -> None:
    loaded = policy.load_policy(house, as_of=DAY)
    verdicts = policy.decide(loaded, {c.value: c for c in Category}, as_of=DAY)
    for category in Category:
        gate = gate_for(loaded, verdicts, "portal", ["portal"], category.value, category, as_of=DAY)
        for verdict in (v for v in verdicts.verdicts if v.class_id == category.value):
            found = judge(gate, subject("Network", inputs("Network", place=verdict.place)), today=DAY)
            assert rules_of(found) == rules_of(verdict.refusals)
            if verdict.until is not None and verdict.allowed:
                late = judge(
                    gate,
                    subject("Network", inputs("Network", place=verdict.place)),
                    today=verdict.until + timedelta(days=1),
                )
                assert rules_of(late) == ["PSE-G007"]


def test_gate_is_made_from_the_verdicts_of_its_class_only(house: Workspace) -> None:
    loaded = policy.load_policy(house, as_of=DAY)
    verdicts = policy.decide(loaded, {"w": Category.RESTRICTED, "x": None}, as_of=DAY)
    gate = gate_for(loaded, verdicts, "u", ["w", "v", "w"], "restricted", Category.RESTRICTED, as_of=DAY)
    assert gate.workloads == ("v", "w")
    assert gate.plan_inputs == loaded.inputs == verdicts.inputs
    assert gate.sample
    assert set(gate.endpoints) == {place.place for place in gate.allowed}
    assert gate.rules
    other = msgspec.structs.replace(verdicts, inputs=verdicts.inputs | {"rules": "0" * 64})
    for name, category, made_from, day in (
        ("restricted", Category.OPEN, verdicts, DAY),
        ("open", Category.OPEN, verdicts, DAY),
        ("unclassified", Category.RESTRICTED, verdicts, DAY),
        ("restricted", Category.RESTRICTED, other, DAY),
        ("restricted", Category.RESTRICTED, verdicts, DAY + timedelta(days=1)),
    ):
        with pytest.raises(Refused):
            gate_for(loaded, made_from, "u", ["w"], name, category, as_of=day)
