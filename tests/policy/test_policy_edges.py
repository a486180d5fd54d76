"""The last value of a register that is let in, and the first that is not."""

from datetime import date, timedelta
from typing import Any

import msgspec
import pytest

from policy.register import Register, load_register, sign_register
from policy.registerfile import Audit, Cloud, Result, Site, State, StateRow
from policy.rulebook import Case, Rules, load_rules
from pse.core.errors import BadInput, Refused
from pse.core.settings import Workspace
from tests.policy.world import DAY, PLACE, SITE, register


@pytest.mark.parametrize(
    ("north", "east", "country", "fits"),
    [
        (90, 180, "XA", True),
        (-90, -180, "XA", True),
        (90.1, 0, "XA", False),
        (-90.1, 0, "XA", False),
        (0, 180.1, "XA", False),
        (0, -180.1, "XA", False),
        (23.5, 60.8, "PK", True),
        (37.2, 78.0, "PK", True),
        (23.4, 70, "PK", False),
        (37.3, 70, "PK", False),
        (30, 60.7, "PK", False),
        (30, 78.1, "PK", False),
        (0, 0, "XA", True),
    ],
)
def test_coordinates_are_on_the_globe_and_of_pakistan_where_it_is_said(
    north: float, east: float, country: str, fits: bool
) -> None:
    if fits:
        assert register(latitude=north, longitude=east, country=country).places
    else:
        with pytest.raises(BadInput):
            register(latitude=north, longitude=east, country=country)


@pytest.mark.parametrize("half", ["latitude", "longitude"])
def test_half_a_coordinate_is_none(half: str) -> None:
    given: dict[str, Any] = {half: 30.0}
    with pytest.raises(BadInput, match="go together"):
        register(**given)


@pytest.mark.parametrize(
    ("port", "fits"),
    [
        ("1", True),
        ("22", True),
        ("65535", True),
        ("00022", True),
        ("000022", False),
        ("0065536", False),
        ("0", False),
        ("65536", False),
        ("", False),
        ("2 2", False),
        ("x" * 50, False),
        ("²", False),
        ("-1", False),
        ("٢٢", False),
        ("22222222222222222222", False),
    ],
)
def test_port_of_ssh(port: str, fits: bool) -> None:
    if fits:
        assert register(options={"ssh_port": port}).places[0].options == {"ssh_port": port}
    else:
        with pytest.raises(BadInput) as refused:
            register(options={"ssh_port": port})
        assert refused.value.message == f"not a port: {port[:40]!r}"


def test_rows_may_end_on_the_day_they_start_and_an_audit_is_due_the_day_after() -> None:
    assert register(state=(StateRow(state=State.APPLIED, start=DAY, end=DAY),)).places
    assert register(audit=(Audit(on=DAY, outcome=Result.PASSED, next_due=DAY + timedelta(days=1)),)).places
    with pytest.raises(BadInput):
        register(audit=(Audit(on=DAY, outcome=Result.PASSED, next_due=DAY),))


def test_csp_that_nobody_knows_has_no_history() -> None:
    known = register(state=(StateRow(state=State.APPLIED, start=DAY),))
    assert known.rows("csp") == known.file.csp[0].state
    assert known.rows("nobody") == ()
    assert known.audits("nobody") == ()
    assert known.place(PLACE) == known.places[0]
    assert known.place("csp") is None
    assert known.hash == "h"


def test_register_may_be_used_on_its_last_day() -> None:
    register().refuse_expired(date(2027, 12, 31))
    with pytest.raises(Refused) as refused:
        register().refuse_expired(date(2028, 1, 1))
    assert refused.value.where == "r"


def test_audit_counts_from_its_day_and_of_several_of_a_day_the_worst() -> None:
    def audit(outcome: Result, day: int, *sites: str) -> Audit:
        return Audit(on=DAY + timedelta(days=day), outcome=outcome, sites=sites)

    passed, failed, early = (audit(o, d) for o, d in ((Result.PASSED, 0), (Result.FAILED, 0), (Result.FAILED, -9)))
    other, later = audit(Result.FAILED, 0, "region/two"), audit(Result.CONDITIONS, 1)
    known = register(audit=(early, passed))
    (place,) = known.places
    assert known.last_audit(place, DAY) == passed
    assert known.last_audit(place, DAY - timedelta(days=1)) == early
    assert known.last_audit(place, DAY - timedelta(days=10)) is None
    assert register(audit=(failed, passed, later)).last_audit(place, DAY) == failed
    two = msgspec.structs.replace(known.file.csp[0], site=(*known.file.csp[0].site, Site(**{**SITE, "site": "two"})))
    both = Register(
        msgspec.structs.replace(known.file, csp=(msgspec.structs.replace(two, audit=(passed, other)),)), hash_=""
    )
    one, second = both.places
    assert (both.last_audit(one, DAY), both.last_audit(second, DAY)) == (passed, other)


def test_signing_gives_the_hash_that_is_read(house: Workspace) -> None:
    assert sign_register(house) == load_register(house).hash


def test_place_says_what_the_register_says_of_it() -> None:
    (place,) = register(name="Sample data centre", evidence="Seen", options={"ssh_port": "22"}).places
    assert (place.id, place.csp, place.region, place.site) == (PLACE, "csp", "region", "site")
    assert (place.site_name, place.evidence, place.country) == ("Sample data centre", "Seen", "PK")
    assert (place.cloud, place.provider, place.endpoint, place.sample) == (Cloud.GOVERNMENT, "lab", "lab:csp", False)


def test_good_and_bad_cases_are_no_part_of_what_rules_say() -> None:
    (bare,) = (rule for rule in load_rules().all if rule.id == "PSE-R003")
    alone = Rules([msgspec.structs.replace(bare, good=(), bad=())], notice="").hash
    for kind in ("good", "bad"):
        without: dict[str, tuple[Case, ...]] = {kind: ()}
        assert Rules([msgspec.structs.replace(bare, **without)], notice="").hash == alone
    assert load_rules().notice.startswith("Not legal advice.")


def test_register_that_expired_is_named_by_its_path(house: Workspace) -> None:
    with pytest.raises(Refused) as refused:
        load_register(house, as_of=date(2028, 1, 1))
    assert refused.value.where == str(house.path("policy", "register.toml"))
