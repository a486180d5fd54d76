"""Clues: names that say what kind of data lies behind them."""

from pathlib import Path

import pytest

from policy.clues import Clue, Confidence, Look, Seen, clues_in, failures, load_clues, words_of
from pse.core.documents.category import Category
from pse.core.errors import BadInput

CLUES = load_clues()
NAMES = [
    pytest.param(clue, name, wanted, id=f"{clue.id}-{name}")
    for clue in CLUES
    for names, wanted in ((clue.good, True), (clue.bad, False))
    for name in names
]
OWN = """\
[[clue]]
id = "MINISTRY-FILE"
text = "numbers of files"
category = "restricted"
confidence = "low"
looks_at = ["column"]
words = ["file no"]
source = "Ministry"
good = ["file_no"]
bad = ["profile"]
"""


@pytest.mark.parametrize(("clue", "name", "wanted"), NAMES)
def test_case_beside_a_clue_comes_out_as_written(clue: Clue, name: str, wanted: bool) -> None:
    assert clue.fits(name) is wanted


@pytest.mark.parametrize("clue", CLUES, ids=lambda clue: clue.id)
def test_shipped_clue_has_cases_of_both_kinds_and_says_how_sure_its_category_is(clue: Clue) -> None:
    assert clue.good
    assert clue.bad
    assert "confidence C" in clue.source


def test_data_of_people_is_looked_for_under_its_usual_names() -> None:
    wanted = {"CNIC", "NTN", "PASSPORT", "FIR", "BIOMETRIC", "SALARY"}
    assert wanted <= {clue.id for clue in CLUES}


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("fatherName", ["father", "name"]),
        ("FATHER_NAME", ["father", "name"]),
        ("father-name", ["father", "name"]),
        ("NTNNumber", ["ntn", "number"]),
        ("cnic2", ["cnic", "2"]),
        ("public.citizen.CNIC No", ["public", "citizen", "cnic", "no"]),
        ("شناختی", ["شناختی"]),
        ("", []),
    ],
)
def test_name_is_cut_into_words(name: str, words: list[str]) -> None:
    assert words_of(name) == words


def test_clue_looks_only_at_what_it_says() -> None:
    at = {look: {clue.id for clue in clues_in(CLUES, Seen(server="s", look=look, name="father_name"))} for look in Look}
    assert at.pop(Look.COLUMN) == {"PERSON"}
    assert not any(at.values())


def test_own_clue_is_added_and_its_wrong_case_is_a_finding(tmp_path: Path) -> None:
    (tmp_path / "own.toml").write_text(OWN)
    own = load_clues(tmp_path)
    assert {clue.id for clue in own} - {clue.id for clue in CLUES} == {"MINISTRY-FILE"}
    assert [clue.id for clue in own] == sorted(clue.id for clue in own)
    assert list(failures(own)) == []
    (tmp_path / "own.toml").write_text(OWN.replace('["profile"]', '["fileNo"]').replace('["file_no"]', '["folder"]'))
    found = list(failures(load_clues(tmp_path)))
    assert [(one.code, one.subject, one.message) for one in found] == [
        ("PSE-R112", "MINISTRY-FILE", "good case 'folder' is not found"),
        ("PSE-R112", "MINISTRY-FILE", "bad case 'fileNo' is found"),
    ]


@pytest.mark.parametrize(
    ("old", "new", "where", "message"),
    [
        ('"MINISTRY-FILE"', '"CNIC"', r"\$\.clue\[0\]\.id", "there already"),
        ('"MINISTRY-FILE"', '"x"', r"\$\.clue\[0\]\.id", "not an id: 'x'"),
        ('["file no"]', "[]", r"\$\.clue\[0\]\.words", "what it looks for"),
        ('["file no"]', '[""]', r"\$\.clue\[0\]\.words", "what it looks for"),
        ('["column"]', "[]", r"\$\.clue\[0\]\.looks_at", "what it looks for"),
        ('["column"]', '["face"]', "own.toml", "face"),
    ],
)
def test_broken_clue_is_named(tmp_path: Path, old: str, new: str, where: str, message: str) -> None:
    (tmp_path / "own.toml").write_text(OWN.replace(old, new))
    with pytest.raises(BadInput, match=message) as refused:
        load_clues(tmp_path)
    assert refused.match(message)
    import re

    assert re.search(where, refused.value.where)


def test_confidence_and_category_are_ordered() -> None:
    assert [one.rank for one in Confidence] == [0, 1, 2]
    assert max(CLUES, key=lambda clue: clue.category.rank).category is Category.SECRET
