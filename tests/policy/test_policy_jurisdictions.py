"""Federal and provincial registers side by side: each serves the entities of its own jurisdiction."""

from datetime import date

import pytest

from policy.explain import Says, explain
from policy.jurisdictions import Status, jurisdictions
from policy.labels import Labels
from policy.load import Policy
from policy.nocs import Noc, Nocs
from policy.registerfile import State, StateRow
from policy.rulebook import load_rules
from policy.verdicts import decide
from pse.core.documents.category import Category
from tests.policy.world import DAY, PLACE, register

EVERYWHERE = tuple(jurisdictions())
UNCLEAR = tuple(name for name, one in jurisdictions().items() if one.status in (Status.PREPARED, Status.IN_CONTACT))


def accredited(*by: str) -> tuple[StateRow, ...]:
    return tuple(StateRow(state=State.ACCREDITED, start=DAY, jurisdiction=name) for name in by)


def law(entity: str, *by: str, nocs: tuple[Noc, ...] = ()) -> Policy:
    return Policy(
        rules=load_rules(),
        register=register(state=accredited(*by)),
        nocs=Nocs(noc=nocs),
        labels=Labels(),
        jurisdiction=entity,
    )


def refused(entity: str, *by: str, nocs: tuple[Noc, ...] = ()) -> dict[str, str]:
    """Rules that refuse Restricted data to an entity, and their words; empty where it is allowed."""
    (verdict,) = decide(law(entity, *by, nocs=nocs), {"w": Category.RESTRICTED}, as_of=DAY).verdicts
    assert verdict.allowed is not bool(verdict.refusals)
    return {refusal.rule: refusal.message for refusal in verdict.refusals}


def test_every_jurisdiction_says_how_far_it_is_and_when_that_was_true() -> None:
    assert len(EVERYWHERE) == 7
    for one in jurisdictions().values():
        assert one.as_of == date(2023, 5, 5)
        assert one.confidence == "A"
        assert one.words == f"{one.name}: {one.text} (as of 2023-05-05, confidence A)"


def test_what_one_jurisdiction_accredits_serves_its_own_entities_only() -> None:
    assert refused("federal", "federal") == {}
    assert refused("sindh", "sindh") == {}
    assert refused("sindh", "federal", "sindh") == {}
    for entity, other in (("federal", "sindh"), ("sindh", "federal")):
        (words,) = refused(entity, other).values()
        assert (
            f"csp is not in the {entity} register for restricted (accredited in the {other} register, which serves "
            f"its own entities only: our stricter default, confidence C) at {PLACE}" in words
        )


def test_nobody_else_is_named_where_nobody_says_anything() -> None:
    assert "serves" not in refused("federal")["PSE-R005"]


@pytest.mark.parametrize("entity", UNCLEAR)
def test_jurisdiction_without_an_approved_framework_is_refused_with_the_reason(entity: str) -> None:
    found = refused(entity, *EVERYWHERE)
    assert list(found) == ["PSE-R008"]
    assert jurisdictions()[entity].words in found["PSE-R008"]
    answers = explain(law(entity, entity), "w", Category.OPEN, as_of=DAY).places[0].rules
    assert next(answer.says for answer in answers if answer.rule == "PSE-R008") is Says.REFUSES


def test_noc_may_lift_what_is_unclear() -> None:
    noc = Noc(reference="N", start=DAY, end=DAY, workloads=("w",), places=("*",), rules=("PSE-R008",))
    assert refused("punjab", "punjab", nocs=(noc,)) == {}
    assert list(refused("punjab", "federal", nocs=(noc,))) == ["PSE-R005"]


def test_register_holds_those_that_its_rows_name_its_own_first() -> None:
    assert register(state=accredited("sindh", "punjab", "federal")).jurisdictions == ("federal", "punjab", "sindh")
    assert register(state=(StateRow(state=State.ACCREDITED, start=DAY),)).jurisdictions == ("federal",)
    assert register().jurisdictions == ("federal",)


def test_all_others_that_say_something_of_the_category_are_named_and_no_others() -> None:
    rows = (
        *accredited("sindh"),
        StateRow(state=State.APPLIED, start=DAY, jurisdiction="punjab", categories=(Category.RESTRICTED,)),
        StateRow(state=State.ACCREDITED, start=DAY, jurisdiction="balochistan", categories=(Category.OPEN,)),
    )
    has = Policy(rules=load_rules(), register=register(state=rows), nocs=Nocs(), labels=Labels())
    (verdict,) = decide(has, {"w": Category.RESTRICTED}, as_of=DAY).verdicts
    (refusal,) = verdict.refusals
    assert "(applied in the punjab register and accredited in the sindh register, which serves" in refusal.message


def test_accreditation_elsewhere_in_general_is_none_where_a_name_is_needed() -> None:
    (verdict,) = decide(law("federal", "sindh"), {"w": Category.SECRET}, as_of=DAY).verdicts
    told = {refusal.rule: refusal.message for refusal in verdict.refusals}
    assert "accredited in the sindh register" in told["PSE-R005"]
    assert "serves" not in told["PSE-R006"]
