"""Errors: the drawn tree is the real one, they survive pickle, and documents name their codes."""

import importlib
import pickle
import pkgutil
import re
from pathlib import Path

import pytest

from pse.core import errors
from pse.core.errors import PseError

ROOT = Path(__file__).parents[2]
ROOMS = ("pse", "policy", "inventory", "providers", "blueprints", "migrate")


def classes(root: type[PseError]) -> list[type[PseError]]:
    return [root, *(found for child in root.__subclasses__() for found in classes(child))]


def core() -> list[type[PseError]]:
    return [found for found in classes(PseError) if found.__module__ == "pse.core.errors"]


def test_the_drawn_tree_is_the_real_one() -> None:
    drawn: dict[str, tuple[int, int]] = {}
    for line in (errors.__doc__ or "").splitlines():
        if match := re.match(r"^ {4}([│ ├└─]*)([A-Z]\w+) +(\d+) ", line):
            drawn[match[2]] = (len(match[1]) // 4, int(match[3]))
    real = {found.__name__: (len(found.__mro__) - PseError.__mro__.__len__(), found.exit_code) for found in core()}
    assert drawn == real


def test_every_error_has_its_row_in_the_exit_codes() -> None:
    text = (ROOT / "docs" / "exit-codes.md").read_text(encoding="utf-8")
    rows = {(m[2], int(m[1]), m[3]) for m in re.finditer(r"^\| (\d+) \| `(\w+)` \| ([\w-]+) \|", text, re.MULTILINE)}
    assert rows == {(found.__name__, found.exit_code, found.code) for found in core()}


@pytest.mark.parametrize("kind", core(), ids=lambda kind: kind.__name__)
def test_pickle_keeps_words_hint_and_place(kind: type[PseError]) -> None:
    error = pickle.loads(pickle.dumps(kind("words", hint="do this", where="hosts.toml, row 3")))
    assert type(error) is kind
    assert error.as_dict() == kind("words", hint="do this", where="hosts.toml, row 3").as_dict()


def test_errors_of_the_rooms_survive_pickle_by_their_own_way() -> None:
    for room in ROOMS:
        package = importlib.import_module(room)
        for module in pkgutil.walk_packages(package.__path__, f"{room}."):
            if module.name.rpartition(".")[2] in ("errors", "ports"):
                importlib.import_module(module.name)
    simple = [found for found in classes(PseError) if "__init__" not in vars(found)]
    for kind in simple:
        assert type(pickle.loads(pickle.dumps(kind("words")))) is kind


def test_exit_codes_are_those_of_the_table() -> None:
    assert {found.exit_code for found in classes(PseError)} <= {2, 3, 4, 5, 6, 7, 70}


def test_place_stands_before_the_message() -> None:
    assert str(PseError("is down", where="portal")) == "portal: is down"
    assert str(PseError("is down")) == "is down"
