"""One person is one, however the name is spelt; a name that cannot be told apart is nobody's."""

import pytest

from policy.approvals import approve, require_approvals
from policy.labels import Label
from policy.people import person
from pse.core.documents.category import Category
from pse.core.errors import UsageError, Waiting
from pse.core.settings import Workspace
from tests.policy.test_policy_approvals import DAY, PLAN, asking

NAME = "Director Records"
SAME = (
    "director  RECORDS",
    "Director\u00a0Records",
    "Director Records\u200b",
    "Director, Records.",
    "Ｄirector Rëcords",
)


@pytest.mark.parametrize("spelling", SAME)
def test_another_spelling_is_no_second_person(house: Workspace, spelling: str) -> None:
    label = Label(category=Category.OPEN, hosts=("db",), owner=NAME, agreed_by=spelling, reason="why")
    assert not label.agreed
    asking(house)
    for by in (NAME, spelling):
        approve(house, PLAN, by=by, reference="Letter 7", on=DAY)
    with pytest.raises(Waiting, match="1 of 2 approvals"):
        require_approvals(house, PLAN, (Category.RESTRICTED,), day=DAY)


@pytest.mark.parametrize(
    "lookalike", ["D\u0456rector Records", "D\u0131rector Records", "\u0394irector", "\u200b", "-"]
)
def test_a_name_that_looks_like_another_or_is_none_is_nobody(house: Workspace, lookalike: str) -> None:
    assert person(lookalike) == ""
    assert not Label(category=Category.OPEN, hosts=("db",), owner=NAME, agreed_by=lookalike, reason="why").agreed
    with pytest.raises(UsageError, match="a name that another may look like"):
        approve(house, PLAN, by=lookalike, reference="Letter 7", on=DAY)


def test_urdu_names_are_people_too_whatever_the_keyboard() -> None:
    assert person("\u0639\u0644\u064a \u062e\u0627\u0646") == person("\u0639\u0644\u06cc \u062e\u0627\u0646") != ""
    assert person("\u0639\u0644\u06cc \u062e\u0627\u0646") != person("\u0639\u0644\u06cc")
    assert person("Officer 1") == person("officer \u06f1") != person("Officer 2")
