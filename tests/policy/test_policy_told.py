"""What a person is told when gate, rules or register refuse: what is wrong, where, and what to do about it."""

import tomllib
from pathlib import Path

import pytest

from pse.core.errors import PseError
from pse.core.settings import Workspace
from pse.core.time import today
from tests.policy import told_gates
from tests.policy.told import ACTS

TOLD = tomllib.loads(Path(__file__).with_suffix(".toml").with_stem("told").read_text(encoding="utf-8"))


def test_every_refusal_has_its_words() -> None:
    assert TOLD.keys() == ACTS.keys()
    assert told_gates.SERVERS, "its refusals are in the table too"


@pytest.mark.parametrize("name", ACTS)
def test_refusal_says_what_is_wrong_and_where_and_what_to_do(house: Workspace, name: str) -> None:
    with pytest.raises(PseError) as refused:
        ACTS[name](house)
    error = refused.value
    said = {"message": error.message.replace(str(today()), "TODAY"), "where": error.where, "hint": error.hint}
    if said["message"].startswith("not TOML: "):
        said["message"] = "not TOML"  # the rest is the parser's
    here = {key: text.replace(f"{house.root}/", "") for key, text in said.items()}
    assert {"error": type(error).__name__, **here} == TOLD[name]
