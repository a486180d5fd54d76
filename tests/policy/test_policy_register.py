"""The register of CSPs: signed, plain ids, and how a CSP stands on a day."""

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import policy
from policy.register import Register, load_register, sign_register
from policy.registerfile import CSP, RegisterFile, Site, State, StateRow
from policy.signing import init_keys
from pse.core.documents.category import Category
from pse.core.errors import BadInput, Refused
from pse.core.settings import Workspace
from tests.policy.house import ELSEWHERE, IBEX, MARKHOR, REGISTER, build

DAY = date(2026, 11, 25)


def one(*rows: StateRow, jurisdiction: str = "federal") -> Register:
    """A register with one place and these rows."""
    site = Site(region="r", site="s", name="S", country="PK", provider="lab", endpoint="lab:c", evidence="none")
    csp = CSP(id="c", name="C", site=(site,), state=rows)
    file = RegisterFile(
        name="x", jurisdiction=jurisdiction, issued=DAY, valid_until=date.max, source="test", csp=(csp,)
    )
    return Register(file, hash_="")


def stands(
    register: Register, day: date = DAY, category: Category = Category.RESTRICTED, **words: bool
) -> State | None:
    return register.standing(register.places[0], category, day, jurisdiction="federal", **words).state


def test_places_are_sorted_and_whole(house: Workspace) -> None:
    register = load_register(house, as_of=DAY)
    assert [place.id for place in register.places] == sorted([MARKHOR, IBEX, ELSEWHERE])
    place = register.place(MARKHOR)
    assert place is not None
    assert (place.country, place.provider, place.endpoint, place.cloud.value) == (
        "PK",
        "lab",
        "lab:sample-markhor",
        "government",
    )
    assert place.sample
    assert register.sample
    assert register.place(MARKHOR.upper()) is None


def test_site_that_does_not_say_government_is_a_public_cloud(house: Workspace) -> None:
    place = load_register(house).place(ELSEWHERE)
    assert place is not None
    assert place.cloud.value == "public"


def test_unsigned_register_is_refused(house: Workspace) -> None:
    house.path("policy/register.toml.sig").unlink()
    with pytest.raises(Refused, match="not signed") as caught:
        load_register(house)
    assert "register.toml" in caught.value.where


def test_missing_register_is_named(house: Workspace) -> None:
    house.path("policy/register.toml").unlink()
    with pytest.raises(BadInput, match="no register") as caught:
        load_register(house)
    assert "register.toml" in caught.value.where


def test_register_signed_by_another_key_is_refused(house: Workspace, tmp_path_factory: pytest.TempPathFactory) -> None:
    other = build(tmp_path_factory.mktemp("other"))
    for name in ("register.toml", "register.toml.sig"):
        house.path("policy", name).write_bytes(other.path("policy", name).read_bytes())
    with pytest.raises(Refused, match="does not pin"):
        load_register(house)


def test_register_is_not_believed_without_a_pin(house: Workspace) -> None:
    (house.root / "pse.toml").write_text('entity = "Ministry of Examples"\n')
    with pytest.raises(Refused, match="no signer is pinned"):
        load_register(Workspace(house.root))


def test_key_that_is_not_the_pinned_one_cannot_sign(house: Workspace) -> None:
    house.path(".pse/signing_key").unlink()
    init_keys(house.root)
    with pytest.raises(Refused, match="not the signer"):
        sign_register(house)


@settings(max_examples=300)
@given(bit=st.integers(min_value=0), signature=st.booleans())
def test_law_any_turned_bit_of_register_or_signature_is_refused(
    house: Workspace, refusing: Callable[..., None], bit: int, signature: bool
) -> None:
    refusing(
        house.path("policy", "register.toml.sig" if signature else "register.toml"), bit, lambda: load_register(house)
    )
    load_register(house)


def test_every_bit_of_the_signature_counts(house: Workspace, refusing: Callable[..., None]) -> None:
    path = house.path("policy/register.toml.sig")
    for bit in range(path.stat().st_size * 8):
        refusing(path, bit, lambda: load_register(house))


def test_register_ends(house: Workspace) -> None:
    load_register(house, as_of=date(2027, 12, 31))
    with pytest.raises(Refused, match="expired on 2027-12-31") as caught:
        load_register(house, as_of=date(2028, 1, 1))
    assert "register.toml" in caught.value.where
    assert caught.value.hint


def test_register_may_hold_for_a_single_day(tmp_path: Path) -> None:
    assert "issued = 2026-01-01" in REGISTER
    house = build(tmp_path, register=REGISTER.replace("valid_until = 2027-12-31", "valid_until = 2026-01-01"))
    assert load_register(house, as_of=date(2026, 1, 1)).places


@pytest.mark.parametrize(
    ("old", "new", "where", "message"),
    [
        ('id = "sample-ibex"', 'id = "sample-markhor"', "$.csp[1].id", "twice"),
        ('id = "sample-ibex"', 'id = "Sample-Ibex"', "$.csp[1].id", "not an id"),
        ('id = "sample-ibex"', 'id = "sаmple-ibex"', "$.csp[1].id", "not an id"),
        ('site = "khi-1"', 'site = "khi 1"', "$.csp[1].site[0].site", "not an id"),
        ('region = "karachi"', 'region = "a/b"', "$.csp[1].site[0].region", "not an id"),
        ("valid_until = 2027-12-31", "valid_until = 2020-01-01", "$.valid_until", "before it was issued"),
        ('country = "XA"', 'country = "xa"', "$.csp[2].site[0].country", "not a country code"),
        ("start = 2026-09-01", "start = 2026-09-01\nend = 2026-08-31", "$.csp[1].state[1].end", "before it starts"),
        (
            "start = 2026-09-01",
            'start = 2026-09-01\nsites = ["lahore/lhe-1"]',
            "$.csp[1].state[1].sites",
            "no such site",
        ),
        ('country = "XA"', 'country = "XA"\ncolour = "red"', "register.toml", "unknown field `colour`"),
        ('state = "suspended"', 'state = "resting"', "register.toml", "Invalid enum value 'resting'"),
        ("start = 2026-09-01", 'start = "soon"', "register.toml", "RFC3339"),
        ("[[csp]]", "[[csp]", "register.toml", "line 8"),
        ("[[csp]]", "deep = " + "[" * 5000 + "\n[[csp]]", "register.toml", "nested too deeply"),
    ],
)
def test_broken_register_is_named_by_file_and_path(
    tmp_path: Path, old: str, new: str, where: str, message: str
) -> None:
    assert old in REGISTER
    with pytest.raises(BadInput, match=message) as caught:
        build(tmp_path, register=REGISTER.replace(old, new, 1))
    assert str(tmp_path / "policy" / "register.toml") in caught.value.where
    assert where in caught.value.where


def test_place_twice_is_refused(tmp_path: Path) -> None:
    site = REGISTER[REGISTER.index("[[csp.site]]") : REGISTER.index("[[csp.state]]")]
    with pytest.raises(BadInput, match="twice"):
        build(tmp_path, register=REGISTER.replace(site, site + site, 1))


def row(state: State, start: str, end: str | None = None, *categories: Category, **words: object) -> StateRow:
    return StateRow(
        state=state,
        start=date.fromisoformat(start),
        end=date.fromisoformat(end) if end else None,
        categories=categories,
        **words,  # type: ignore[arg-type]  # sites and jurisdiction, by name
    )


def test_no_row_is_no_state() -> None:
    assert stands(one()) is None
    assert stands(one(row(State.ACCREDITED, "2026-12-01"))) is None
    assert stands(one(row(State.ACCREDITED, "2026-01-01", None, Category.OPEN))) is None


def test_row_counts_from_its_first_to_its_last_day_and_then_says_expired() -> None:
    register = one(row(State.ACCREDITED, "2026-03-01", "2026-06-30"))
    assert stands(register, date(2026, 2, 28)) is None
    assert stands(register, date(2026, 3, 1)) is State.ACCREDITED
    assert stands(register, date(2026, 6, 30)) is State.ACCREDITED
    assert stands(register, date(2026, 7, 1)) is State.EXPIRED


def test_last_row_counts_and_of_two_on_a_day_the_worse() -> None:
    lost = one(row(State.ACCREDITED, "2026-01-01"), row(State.SUSPENDED, "2026-09-01"))
    assert stands(lost, date(2026, 8, 31)) is State.ACCREDITED
    assert stands(lost, date(2026, 9, 1)) is State.SUSPENDED
    back = one(row(State.SUSPENDED, "2026-01-01"), row(State.ACCREDITED, "2026-09-01"))
    assert stands(back) is State.ACCREDITED
    for rows in ((State.REVOKED, State.ACCREDITED), (State.ACCREDITED, State.REVOKED)):
        assert stands(one(*(row(state, "2026-01-01") for state in rows))) is State.REVOKED


def test_suspension_does_not_heal_by_itself() -> None:
    register = one(row(State.ACCREDITED, "2026-01-01"), row(State.SUSPENDED, "2026-02-01", "2026-03-01"))
    assert stands(register) is State.SUSPENDED


def test_row_of_another_site_does_not_count() -> None:
    assert stands(one(row(State.ACCREDITED, "2026-01-01", sites=("r/s",)))) is State.ACCREDITED
    site = {"name": "S", "country": "PK", "provider": "lab", "endpoint": "lab:c", "evidence": "none"}
    csp = CSP(
        id="c",
        name="C",
        site=(Site(region="r", site="s", **site), Site(region="r", site="t", **site)),  # type: ignore[arg-type]  # all text
        state=(row(State.ACCREDITED, "2026-01-01", sites=("r/t",)),),
    )
    register = Register(RegisterFile(name="x", issued=DAY, valid_until=date.max, source="test", csp=(csp,)), hash_="")
    assert [
        register.standing(place, Category.PUBLIC, DAY, jurisdiction="federal").state for place in register.places
    ] == [None, State.ACCREDITED]


def test_row_of_another_jurisdiction_does_not_count() -> None:
    good = row(State.ACCREDITED, "2026-01-01")
    assert stands(one(good)) is State.ACCREDITED
    assert stands(one(good, jurisdiction="sindh")) is None
    own = row(State.ACCREDITED, "2026-01-01", jurisdiction="federal")
    assert stands(one(own, jurisdiction="sindh")) is State.ACCREDITED


def test_by_name_wants_the_category_named_for_good_and_takes_bad_from_anywhere() -> None:
    general = row(State.ACCREDITED, "2026-01-01")
    named = row(State.ACCREDITED, "2026-01-01", None, Category.RESTRICTED)
    lost = row(State.SUSPENDED, "2026-02-01")
    assert stands(one(general), by_name=True) is None
    assert stands(one(named), by_name=True) is State.ACCREDITED
    assert stands(one(named, lost), by_name=True) is State.SUSPENDED


def test_policy_says_that_it_is_a_sample_when_one_csp_is(tmp_path: Path) -> None:
    text = REGISTER.replace("sample = true\n", "", 1)
    assert not policy.load_policy(build(tmp_path / "a", register=text), as_of=DAY).sample
    text = text.replace('id = "sample-ibex"\n', 'id = "sample-ibex"\nsample = true\n')
    loaded = policy.load_policy(build(tmp_path / "b", register=text), as_of=DAY)
    assert loaded.sample
    assert [place.sample for place in loaded.register.places] == [False, True, False]
