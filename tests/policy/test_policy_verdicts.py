"""Verdicts: classes at places, NOCs, the last day of an answer, and the laws that hold for any of them."""

from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import policy
from policy.labels import Labels
from policy.load import Policy
from policy.nocs import Noc, Nocs, sign_nocs
from policy.register import Register
from policy.registerfile import CSP, Cloud, RegisterFile, Site, State, StateRow
from policy.rulebook import Kind, Rule, Rules, load_rules
from pse.core.documents.category import Category
from pse.core.documents.verdicts import Verdict, Verdicts
from pse.core.errors import BadInput, Refused
from pse.core.settings import Workspace
from tests.policy.house import ELSEWHERE, IBEX, MARKHOR, build, noc

DAY = date(2026, 7, 1)
RULES = load_rules()


def at(verdicts: Verdicts, workload: str, place: str) -> Verdict:
    class_id = verdicts.assignments[workload]
    return next(v for v in verdicts.verdicts if v.class_id == class_id and v.place == place)


def decide(workspace: Workspace, as_of: date = DAY, **categories: Category | None) -> Verdicts:
    return policy.decide(policy.load_policy(workspace, as_of=as_of), categories, as_of=as_of)


def rules_of(verdict: Verdict) -> list[str]:
    return [refusal.rule for refusal in verdict.refusals]


def test_restricted_stays_in_an_accredited_government_cloud_in_the_country(house: Workspace) -> None:
    verdicts = decide(house, date(2026, 11, 25), payments=Category.RESTRICTED)
    assert at(verdicts, "payments", MARKHOR).allowed
    assert rules_of(at(verdicts, "payments", ELSEWHERE)) == ["PSE-R003", "PSE-R004"]
    assert rules_of(at(verdicts, "payments", IBEX)) == ["PSE-R005"]
    message = at(verdicts, "payments", IBEX).refusals[0].message
    assert "suspended" in message
    assert "SAMPLE-3" in message


def test_every_refusal_names_rule_clause_and_source(house: Workspace) -> None:
    verdicts = decide(house, date(2026, 11, 25), a=None, b=Category.SECRET, c=Category.PUBLIC, d=Category.OPEN)
    refusals = [refusal for verdict in verdicts.verdicts for refusal in verdict.refusals]
    assert refusals
    for refusal in refusals:
        assert refusal.rule
        assert refusal.clause
        assert refusal.message
        assert "confidence" in refusal.source
        assert "not legal advice" in refusal.source


def test_open_and_public_may_go_abroad_and_not_to_a_suspended_csp(house: Workspace) -> None:
    verdicts = decide(house, date(2026, 11, 25), data=Category.OPEN, site=Category.PUBLIC)
    for workload, rule in (("data", "PSE-R002"), ("site", "PSE-R005")):
        assert at(verdicts, workload, ELSEWHERE).allowed
        assert at(verdicts, workload, MARKHOR).allowed
        assert rules_of(at(verdicts, workload, IBEX)) == [rule]


def test_unclassified_is_refused_everywhere_and_secret_wants_its_name(house: Workspace) -> None:
    verdicts = decide(house, what=None, plans=Category.SECRET)
    assert {tuple(rules_of(at(verdicts, "what", place))) for place in (MARKHOR, IBEX, ELSEWHERE)} == {("PSE-R001",)}
    # Ibex is accredited in general until September; Markhor for four categories by name, and Secret is not one.
    assert rules_of(at(verdicts, "plans", IBEX)) == ["PSE-R006"]
    assert "not in the federal register for secret by name" in at(verdicts, "plans", IBEX).refusals[0].message
    assert rules_of(at(verdicts, "plans", MARKHOR)) == ["PSE-R005", "PSE-R006"]


def test_workloads_of_one_kind_share_a_class_and_the_order_is_fixed(house: Workspace) -> None:
    one = decide(house, b=Category.OPEN, a=Category.OPEN, c=None)
    other = decide(house, c=None, a=Category.OPEN, b=Category.OPEN)
    assert one == other
    assert msgspec.json.encode(one) == msgspec.json.encode(other)
    assert one.assignments == {"a": "open", "b": "open", "c": "unclassified"}
    assert [known.id for known in one.classes] == ["open", "unclassified"]
    assert [(v.class_id, v.place) for v in one.verdicts] == sorted((v.class_id, v.place) for v in one.verdicts)
    assert set(one.inputs) == {"rules", "register", "nocs", "labels"}
    assert one.sample


def test_answer_holds_until_the_accreditation_ends_or_is_lost(house: Workspace) -> None:
    verdicts = decide(house, payments=Category.RESTRICTED)
    assert at(verdicts, "payments", MARKHOR).until == date(2027, 6, 30)
    assert at(verdicts, "payments", IBEX).until == date(2026, 8, 31)
    assert at(verdicts, "payments", ELSEWHERE).until is None
    assert at(decide(house, data=Category.OPEN), "data", ELSEWHERE).until == date(2027, 12, 31)


def test_expired_register_is_refused_by_decide_too(house: Workspace) -> None:
    loaded = policy.load_policy(house, as_of=DAY)
    with pytest.raises(Refused, match="expired"):
        policy.decide(loaded, {}, as_of=date(2028, 1, 1))


def with_nocs(root: Path, text: str) -> Workspace:
    workspace = build(root)
    workspace.path("policy/nocs.toml").write_text(text)
    sign_nocs(workspace)
    return workspace


def test_noc_lifts_what_it_names_where_and_while_it_says(tmp_path: Path) -> None:
    house = with_nocs(tmp_path, noc())
    verdicts = decide(house, payments=Category.RESTRICTED, records=Category.RESTRICTED)
    allowed = at(verdicts, "payments", ELSEWHERE)
    assert (allowed.allowed, allowed.nocs, allowed.until) == (True, ("NOC-1",), date(2026, 8, 31))
    assert allowed.class_id == "restricted+NOC-1"
    assert not at(verdicts, "records", ELSEWHERE).allowed
    assert at(verdicts, "payments", MARKHOR).nocs == ()
    for day in (date(2026, 5, 31), date(2026, 9, 1)):
        late = decide(house, day, payments=Category.RESTRICTED)
        assert not at(late, "payments", ELSEWHERE).allowed
        assert late.assignments == {"payments": "restricted"}


def test_noc_may_be_for_one_day(tmp_path: Path) -> None:
    house = with_nocs(tmp_path, noc(start="2026-07-01", end="2026-07-01"))
    verdict = at(decide(house, payments=Category.RESTRICTED), "payments", ELSEWHERE)
    assert (verdict.allowed, verdict.until) == (True, DAY)


def test_noc_that_lifts_one_of_two_rules_leaves_the_other(tmp_path: Path) -> None:
    house = with_nocs(tmp_path, noc(rules='["PSE-R003"]'))
    verdict = at(decide(house, payments=Category.RESTRICTED), "payments", ELSEWHERE)
    assert rules_of(verdict) == ["PSE-R004"]
    assert verdict.nocs == ()


def test_noc_cannot_lift_what_is_not_waivable(tmp_path: Path) -> None:
    house = with_nocs(tmp_path, noc(rules='["PSE-R001"]', workloads='["*"]', places='["*"]'))
    verdicts = decide(house, payments=None)
    assert not any(verdict.allowed for verdict in verdicts.verdicts)


def test_nocs_have_to_be_signed_and_none_need_not(tmp_path: Path) -> None:
    house = build(tmp_path)
    path = house.path("policy/nocs.toml")
    path.write_text("# none yet\n")
    policy.load_policy(house, as_of=DAY)
    path.write_text(noc())
    with pytest.raises(Refused, match="not signed"):
        policy.load_policy(house, as_of=DAY)
    sign_nocs(house)
    policy.load_policy(house, as_of=DAY)
    path.write_text(noc().replace("2026-08-31", "2027-08-31"))
    with pytest.raises(Refused, match="altered"):
        policy.load_policy(house, as_of=DAY)


@pytest.mark.parametrize(
    ("text", "where", "message"),
    [
        (noc() + noc(), "$.noc[1].reference", "twice"),
        (noc(reference="a+b"), "$.noc[0].reference", "not a reference"),
        (noc(end="2026-05-01"), "$.noc[0].end", "before it starts"),
        (noc(rules="[]"), "$.noc[0].rules", "has to say what it covers"),
        (noc(places="[]"), "$.noc[0].places", "has to say what it covers"),
        (noc(rules='["PSE-R03"]'), "$.noc[0].rules", "no such rule: PSE-R03"),
        (noc(colour='"red"'), "nocs.toml", "unknown field `colour`"),
    ],
)
def test_broken_nocs_are_named_by_file_and_path(tmp_path: Path, text: str, where: str, message: str) -> None:
    house = build(tmp_path)
    path = house.path("policy/nocs.toml")
    path.write_text(text)
    if "no such rule" in message:
        sign_nocs(house)
    with pytest.raises(BadInput, match=message) as caught:
        policy.load_policy(house, as_of=DAY)
    assert "nocs.toml" in caught.value.where
    assert where in caught.value.where


def test_own_rule_of_the_workspace_counts(house: Workspace) -> None:
    folder = house.path("policy/rules")
    folder.mkdir()
    before = decide(house, data=Category.OPEN)
    (folder / "own.toml").write_text(
        '[[rule]]\nid = "MINISTRY-001"\nkind = "place"\ntext = "Nothing abroad."\nclause = "Standing order"\n'
        'source = "Ministry"\ndated = 2026-11-01\nconfidence = "A"\ncategories = ["open"]\nplaces = ["*/abroad/*"]\n'
    )
    after = decide(house, data=Category.OPEN)
    assert at(before, "data", ELSEWHERE).allowed
    assert rules_of(at(after, "data", ELSEWHERE)) == ["MINISTRY-001"]
    assert at(after, "data", MARKHOR).allowed
    assert before.inputs["rules"] != after.inputs["rules"]


def test_taking_rules_away_opens_nothing(house: Workspace) -> None:
    loaded = policy.load_policy(house, as_of=DAY)
    loaded.rules = Rules([rule for rule in loaded.rules.all if rule.kind is not Kind.STATE], notice="")
    verdicts = policy.decide(loaded, {"site": Category.PUBLIC, "data": Category.OPEN}, as_of=DAY)
    assert {tuple(rules_of(verdict)) for verdict in verdicts.verdicts} == {("PSE-R000",)}


# -- laws over generated registers, rules and NOCs --

days = st.dates(date(2026, 1, 1), date(2026, 12, 31))
some_categories = st.lists(st.sampled_from(Category), max_size=3, unique=True).map(tuple)


@st.composite
def state_rows(draw: st.DrawFn) -> StateRow:
    start = draw(days)
    end = draw(st.none() | st.integers(0, 200).map(lambda n: start + timedelta(days=n)))
    return StateRow(state=draw(st.sampled_from(State)), categories=draw(some_categories), start=start, end=end)


@st.composite
def registers(draw: st.DrawFn) -> Register:
    csps = []
    for name in ("one", "two"):
        site = Site(
            region="r",
            site="s",
            name="S",
            country=draw(st.sampled_from(["PK", "XA"])),
            cloud=draw(st.sampled_from(Cloud)),
            provider="lab",
            endpoint=f"lab:{name}",
            evidence="none",
        )
        rows = draw(st.lists(state_rows(), max_size=4))
        csps.append(CSP(id=name, name=name, site=(site,), state=tuple(rows)))
    end = draw(st.dates(date(2026, 12, 31), date(2027, 12, 31)))
    file = RegisterFile(name="x", issued=date(2026, 1, 1), valid_until=end, source="test", csp=tuple(csps))
    return Register(file, hash_="")


@st.composite
def nocs(draw: st.DrawFn, number: int = 0) -> Noc:
    start = draw(days)
    return Noc(
        reference=f"NOC-{number}",
        start=start,
        end=start + timedelta(days=draw(st.integers(0, 200))),
        workloads=draw(st.sampled_from([("w",), ("*",), ("other",)])),
        places=draw(st.sampled_from([("*",), ("one/*",), ("two/r/s",)])),
        rules=tuple(draw(st.lists(st.sampled_from([r.id for r in RULES.all]), min_size=1, max_size=4))),
    )


@st.composite
def own_rules(draw: st.DrawFn) -> Rule:
    kind = draw(st.sampled_from([Kind.COUNTRY, Kind.CLOUD, Kind.STATE, Kind.PLACE]))
    some = {
        Kind.COUNTRY: {"countries": ("PK",)},
        Kind.CLOUD: {"clouds": (Cloud.GOVERNMENT,)},
        Kind.STATE: {"states": (State.ACCREDITED,)},
        Kind.PLACE: {"places": ("one/*",)},
    }[kind]
    return Rule(
        id="OWN-1",
        kind=kind,
        text="Own.",
        clause="own",
        source="own",
        dated=date(2026, 1, 1),
        confidence="A",
        valid_from=draw(st.none() | days),
        categories=draw(some_categories.filter(bool)),
        **some,  # type: ignore[arg-type]  # the parameter of the kind
    )


def made(register: Register, *, rules: Rules = RULES, nocs: tuple[Noc, ...] = ()) -> Policy:
    return Policy(rules=rules, register=register, nocs=Nocs(noc=nocs), labels=Labels())


def allowed(p: Policy, category: Category | None, day: date) -> dict[str, Verdict]:
    return {v.place: v for v in policy.decide(p, {"w": category}, as_of=day).verdicts}


@settings(max_examples=200, deadline=None)
@given(register=registers(), own=own_rules(), category=st.sampled_from([*Category, None]), day=days)
def test_law_an_added_rule_never_allows_more(
    register: Register, own: Rule, category: Category | None, day: date
) -> None:
    before = allowed(made(register), category, day)
    after = allowed(made(register, rules=Rules([*RULES.all, own], notice="")), category, day)
    for place, verdict in after.items():
        assert before[place].allowed or not verdict.allowed
        assert set(before[place].refusals) <= set(verdict.refusals)


@settings(max_examples=200, deadline=None)
@given(register=registers(), extra=nocs(), category=st.sampled_from([*Category, None]), day=days)
def test_law_an_expired_noc_equals_no_noc(register: Register, extra: Noc, category: Category | None, day: date) -> None:
    outside = day if not extra.holds(day) else extra.end + timedelta(days=1)
    if outside > register.file.valid_until:
        outside = extra.start - timedelta(days=1)
    with_it = policy.decide(made(register, nocs=(extra,)), {"w": category}, as_of=outside)
    without = policy.decide(made(register), {"w": category}, as_of=outside)
    assert msgspec.structs.replace(with_it, inputs={}) == msgspec.structs.replace(without, inputs={})


@settings(max_examples=200, deadline=None)
@given(register=registers(), extra=nocs(), category=st.sampled_from([*Category, None]), day=days)
def test_law_a_noc_lifts_nothing_but_what_it_names(
    register: Register, extra: Noc, category: Category | None, day: date
) -> None:
    before = allowed(made(register), category, day)
    after = allowed(made(register, nocs=(extra,)), category, day)
    for place, verdict in after.items():
        gone = {r.rule for r in before[place].refusals} - {r.rule for r in verdict.refusals}
        assert gone <= set(extra.rules) - {"PSE-R001"}
        assert set(verdict.refusals) <= set(before[place].refusals)
        if gone:
            assert extra.holds(day)
            assert extra.covers("w")
            assert extra.reaches(place)


@settings(max_examples=200, deadline=None)
@given(register=registers(), extra=nocs(), category=st.sampled_from(Category), day=days)
def test_law_an_answer_holds_to_its_last_day_and_not_a_day_longer(
    register: Register, extra: Noc, category: Category, day: date
) -> None:
    p = made(register, nocs=(extra,))
    covered = extra.holds(day) and extra.covers("w")
    for place, verdict in allowed(p, category, day).items():
        last = verdict.until or date(2028, 1, 1)
        inside = [d for d in (day + timedelta(days=n) for n in range(0, 800, 7)) if d <= last]
        for d in (d for d in {*inside, last} if d <= register.file.valid_until and (covered or not extra.holds(d))):
            assert allowed(p, category, d)[place].allowed is verdict.allowed
        turn = last + timedelta(days=1)
        if verdict.until is not None and turn <= register.file.valid_until and (covered or not extra.holds(turn)):
            assert allowed(p, category, turn)[place].allowed is not verdict.allowed
        if verdict.allowed:
            assert last <= register.file.valid_until


@settings(max_examples=200, deadline=None)
@given(register=registers(), day=days)
def test_law_a_stricter_category_with_the_same_standing_is_never_allowed_where_a_looser_is_not(
    register: Register, day: date
) -> None:
    # With rows that name no category the CSP stands the same for all of them.
    file = register.file
    general = tuple(
        msgspec.structs.replace(csp, state=tuple(msgspec.structs.replace(row, categories=()) for row in csp.state))
        for csp in file.csp
    )
    p = made(Register(msgspec.structs.replace(file, csp=general), hash_=""))
    for looser, stricter in zip(list(Category), list(Category)[1:], strict=False):
        loose, strict = allowed(p, looser, day), allowed(p, stricter, day)
        assert all(loose[place].allowed or not strict[place].allowed for place in loose)


@settings(max_examples=100)
@given(bit=st.integers(min_value=0), signature=st.booleans())
def test_law_any_turned_bit_of_nocs_or_signature_is_refused_or_grants_nothing(
    tmp_path: Path, refusing: Callable[..., None], bit: int, signature: bool
) -> None:
    if not (tmp_path / "policy").exists():
        with_nocs(tmp_path, noc())
    workspace = Workspace(tmp_path)

    def load() -> None:
        try:
            policy.load_policy(workspace, as_of=DAY)
        except BadInput as exc:  # no longer TOML: refused just the same
            raise Refused(exc.message) from exc

    refusing(workspace.path("policy", "nocs.toml.sig" if signature else "nocs.toml"), bit, load)
