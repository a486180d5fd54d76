"""The price book is read strictly, and what has no price stays without one."""

from decimal import Decimal
from pathlib import Path

import pytest

from blueprints.planning.making import draft_plan
from providers.catalog import check_places, load_offers
from pse.core.errors import BadInput
from pse.core.settings import Workspace
from tests.blueprints.estates import inputs, ministry_estate

ROW = """
[[offer]]
place = "a/b/c"
kind = "compute"
name = "std-2-4"
unit = "hour"
price = "1.50"
vcpus = 2
memory_mib = 4096
"""


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    (tmp_path / "pse.toml").write_text('entity = "Test"\n')
    return Workspace(tmp_path)


def book(workspace: Workspace, rows: str, head: str = 'tax_percent = "16"') -> None:
    path = workspace.path("policy", "prices.toml")
    path.parent.mkdir(exist_ok=True)
    path.write_text(f'book = "b"\ndated = 2026-01-01\ncurrency = "PKR"\n{head}\n{rows}')


def test_a_price_is_the_decimal_that_is_written(workspace: Workspace) -> None:
    book(workspace, ROW)
    (offer,) = load_offers(workspace).offers
    assert offer.price == Decimal("1.50")
    assert offer.id == "a/b/c:compute:std-2-4"
    assert load_offers(workspace).tax_percent == 16


def test_a_missing_price_is_none_and_not_free(workspace: Workspace) -> None:
    book(workspace, ROW.replace('price = "1.50"\n', ""))
    assert load_offers(workspace).offers[0].price is None


def test_the_hash_follows_the_content_and_not_the_layout(workspace: Workspace) -> None:
    other = ROW.replace("std-2-4", "std-2-5")
    book(workspace, ROW + other)
    first = load_offers(workspace).hash
    book(workspace, "# a remark\n" + other + ROW)
    assert load_offers(workspace).hash == first
    for spelled in ("1.5", "1.500", "15e-1"):
        book(workspace, ROW.replace("1.50", spelled) + other, head='tax_percent = "16.0"')
        assert load_offers(workspace).hash == first
    book(workspace, ROW + other.replace("1.50", "1.51"))
    assert load_offers(workspace).hash != first


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        (ROW.replace('"1.50"', '"-1"'), "row 1: price has to be a finite number, 0 or more"),
        (ROW.replace('"1.50"', '"NaN"'), "row 1: price"),
        (ROW.replace('"1.50"', '"Infinity"'), "row 1: price"),
        (ROW.replace('"1.50"', '"dear"'), "row 1: price is not a number"),
        (ROW.replace('"1.50"', "1.5"), r"offer\[0\].price"),
        (ROW + ROW, "row 2: .* there twice"),
        (ROW.replace('"hour"', '"year"'), "per hour, not per 'year'"),
        (ROW.replace("vcpus = 2", "vcpus = 0"), "needs vcpus"),
        (ROW.replace("vcpus", "cpus"), "cpus"),
        (ROW.replace('"compute"', '"computer"'), "computer"),
        (ROW.replace('"compute"', '"saas"').replace('"hour"', '"month"'), "capability"),
        (ROW.replace('"compute"', '"image"'), "os_family"),
        (ROW.replace('"a/b/c"', '" "'), "place is empty"),
        ("[[offer]\n", "not TOML"),
    ],
)
def test_what_cannot_be_used_names_file_and_row(workspace: Workspace, rows: str, words: str) -> None:
    book(workspace, rows)
    with pytest.raises(BadInput, match=words) as caught:
        load_offers(workspace)
    assert caught.value.where.endswith("prices.toml")


def test_a_missing_book_is_bad_input(workspace: Workspace) -> None:
    with pytest.raises(BadInput, match="cannot be read"):
        load_offers(workspace)


def test_a_place_that_the_register_does_not_know_is_a_finding(workspace: Workspace) -> None:
    book(workspace, ROW)
    (finding,) = check_places(load_offers(workspace), ["x/y/z"], where="prices.toml")
    assert (finding.code, finding.subject) == ("PSE-P301", "a/b/c")
    assert check_places(load_offers(workspace), ["a/b/c"], where="prices.toml") == ()


def test_a_book_in_another_currency_or_without_tax_is_said(planned: Workspace) -> None:
    path = planned.path("policy", "prices.toml")
    path.write_text(
        path.read_text().replace('currency = "PKR"', 'currency = "USD"').replace('tax_percent = "15"\n', "")
    )
    made = draft_plan(inputs(planned, ministry_estate()))
    assert {"PSE-B016", "PSE-B017"} <= {f.code for f in made.findings}
    assert all(line.kind != "tax" for unit in made.units.values() for line in unit.costs)


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ("max_nics = -1", "max_nics is negative"),
        ("gpus = 99999999999", "gpus is more than any machine has"),
        ('performance = "1.4"', "performance needs the source"),
        ('performance = "0"\nsource = "x"', "performance is 0"),
        ('boot = "floppy"', "boot"),
    ],
)
def test_what_a_shape_cannot_have_is_refused(workspace: Workspace, row: str, words: str) -> None:
    book(workspace, f"{ROW}{row}\n")
    with pytest.raises(BadInput, match=words):
        load_offers(workspace)
