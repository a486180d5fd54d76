"""Subjects: what of a resource's inputs the gate looks at."""

from collections.abc import Mapping

import pytest

from policy.gate import Value
from policy.subject import Subject, subject_of
from pse.core.schema import Rests
from tests.policy.house import ELSEWHERE, MARKHOR
from tests.policy.resources import UNKNOWN, inputs

ASKED: list[tuple[str, object]] = []


def subject(kind: str, given: Mapping[str, object]) -> Subject:
    ASKED.clear()

    def place_of(wire: str, value: object) -> str | None:
        ASKED.append((wire, value))
        return None if value == UNKNOWN else f"place of {value}"

    return subject_of(kind, given, urn="urn:1", place_of=place_of, unknown=lambda value: value == UNKNOWN)


def test_place_and_references_are_looked_at_with_what_they_have_to_do_with_residency() -> None:
    found = subject("Volume", inputs("Volume", encryptionKey="key-1"))
    assert (found.urn, found.kind, found.workload) == ("urn:1", "Volume", "portal")
    assert Value("place", Rests.PLACE, MARKHOR) in found.values
    assert Value("encryptionKey", Rests.REFERENCE, "place of key-1") in found.values
    assert ("encryptionKey", "key-1") in ASKED


@pytest.mark.parametrize("empty", [None, ""])
def test_what_is_left_out_makes_nothing_and_what_is_needed_is_not_known(empty: object) -> None:
    found = subject("Volume", inputs("Volume", encryptionKey=empty, place=empty))
    assert [v for v in found.values if v.field == "encryptionKey"] == []
    place = Value("place", Rests.PLACE, None if empty is None else "")
    assert [v for v in found.values if v.field == "place"] == [place]


def test_what_is_not_known_yet_is_not_known_and_its_reference_is_followed_once() -> None:
    found = subject("Server", inputs("Server", place=UNKNOWN, image=UNKNOWN, firewalls=UNKNOWN, subnet=UNKNOWN))
    by_field = {value.field: value for value in found.values}
    assert by_field["place"] == Value("place", Rests.PLACE, None)
    assert by_field["image"] == Value("image", Rests.COPY, None)
    assert by_field["firewalls"] == Value("firewalls", Rests.REFERENCE, None)
    assert by_field["subnet"] == Value("subnet", Rests.REFERENCE, None)
    assert ASKED.count(("firewalls", UNKNOWN)) == 1


def test_list_is_looked_at_element_by_element() -> None:
    found = subject("Server", inputs("Server", firewalls=["a", UNKNOWN]))
    assert [v for v in found.values if v.field.startswith("firewalls")] == [
        Value("firewalls[0]", Rests.REFERENCE, "place of a"),
        Value("firewalls[1]", Rests.REFERENCE, None),
    ]


@pytest.mark.parametrize(
    ("image", "place", "text"),
    [
        ("debian-12", MARKHOR, MARKHOR),
        ("debian-12", UNKNOWN, None),
        ("debian-12", 7, None),
        (f"{ELSEWHERE}:debian-12", MARKHOR, ELSEWHERE),
        (ELSEWHERE, MARKHOR, ELSEWHERE),
        ("https://x/debian", MARKHOR, "https://x/debian"),
        (7, MARKHOR, None),
    ],
)
def test_image_takes_its_servers_place_unless_it_names_another(image: object, place: object, text: str | None) -> None:
    found = subject("Server", inputs("Server", image=image, place=place))
    assert [v.text for v in found.values if v.field == "image"] == [text]


@pytest.mark.parametrize("workload", [UNKNOWN, 7, None])
def test_workload_that_is_not_said_is_none(workload: object) -> None:
    assert subject("Volume", inputs("Volume", workload=workload)).workload == ""


def test_kind_that_nobody_declared_has_no_values() -> None:
    assert subject("aws:s3/bucket:Bucket", {"workload": "portal", "place": MARKHOR}).values == ()
