"""Prices in other currencies, discounts, taxes by jurisdiction, steps and terms, as a price book writes them."""

from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pytest

from providers.catalog import load_offers
from providers.catalog.questions import monthly, offer_at, worth_having
from pse.core.documents.offers import OfferKind
from pse.core.errors import BadInput
from pse.core.settings import Workspace

RATE = '[[rate]]\ncurrency = "USD"\nrate = "281.4567"\ndated = 2026-01-02\nsource = "Sample rate"\n'
ROW = '[[offer]]\nplace = "a/b/c"\nkind = "egress"\nname = "e"\nunit = "GiB"\nprice = "0.0875"\n'
TAXES = "".join(
    f'[[tax]]\njurisdiction = "{name}"\npercent = "{percent}"\ndated = 2026-07-01\nsource = "Sample tax"\n'
    for name, percent in (("punjab", "16"), ("sindh", "15"))
)


def workspace(folder: Path, rows: str, *, currency: str = "USD", head: str = "", settings: str = "") -> Workspace:
    """A workspace with a price book of ``rows``."""
    folder.joinpath("pse.toml").write_text(f'entity = "Test"\n{settings}')
    folder.joinpath("policy").mkdir(exist_ok=True)
    text = f'book = "b"\ndated = 2026-01-01\ncurrency = "{currency}"\n{head}\n{rows}'
    folder.joinpath("policy", "prices.toml").write_text(text)
    return Workspace(folder)


def test_dollars_become_rupees_by_a_dated_rate_exactly(tmp_path: Path) -> None:
    found = load_offers(workspace(tmp_path, RATE + ROW + 'discount_percent = "12.5"\n'))
    (offer,) = found.offers
    assert found.currency == "PKR"
    assert Fraction(offer.price or 0) == Fraction("0.0875") * Fraction("0.875") * Fraction("281.4567")
    assert offer.listed == "0.0875 USD less 12.5 %"
    assert [(r.currency, r.rate, r.dated.isoformat(), r.source) for r in found.rates] == [
        ("USD", Decimal("281.4567"), "2026-01-02", "Sample rate")
    ]


def test_the_rate_is_part_of_the_book_and_of_its_hash(tmp_path: Path) -> None:
    hashes = set()
    for change in ("281.4567", "281.4568"):
        hashes.add(load_offers(workspace(tmp_path, RATE.replace("281.4567", change) + ROW)).hash)
    hashes.add(load_offers(workspace(tmp_path, RATE.replace("01-02", "01-03") + ROW)).hash)
    assert len(hashes) == 3
    assert load_offers(workspace(tmp_path, ROW)).rates == ()


def test_a_row_may_be_in_a_currency_of_its_own(tmp_path: Path) -> None:
    rows = ROW + ROW.replace('"e"', '"f"') + 'currency = "USD"\n'
    found = load_offers(workspace(tmp_path, RATE + rows, currency="PKR"))
    assert [offer.price for offer in found.offers] == [Decimal("0.0875"), Decimal("0.0875") * Decimal("281.4567")]
    assert found.findings == ()


def test_without_a_rate_there_is_no_price_and_a_finding(tmp_path: Path) -> None:
    found = load_offers(workspace(tmp_path, ROW + 'currency = "EUR"\n', currency="PKR"))
    assert found.offers[0].price is None
    (said,) = found.findings
    assert (said.code, "EUR" in said.message) == ("PSE-P302", True)
    plain = load_offers(workspace(tmp_path, ROW))  # nothing is converted, and PSE-B017 says so
    assert (plain.currency, plain.offers[0].price) == ("USD", Decimal("0.0875"))


@pytest.mark.parametrize(
    ("jurisdiction", "head", "percent"),
    [("punjab", "", 16), ("sindh", "", 15), ("sindh", "tax_percent = 5", 15), ("federal", "tax_percent = 5", 5)],
)
def test_the_tax_is_that_of_the_entity_s_jurisdiction(
    tmp_path: Path, jurisdiction: str, head: str, percent: int
) -> None:
    made = workspace(tmp_path, TAXES + ROW, head=head, settings=f'jurisdiction = "{jurisdiction}"\n')
    assert load_offers(made).tax_percent == percent
    if not head:
        assert load_offers(workspace(tmp_path, TAXES + ROW)).tax_percent is None


def test_steps_and_terms_are_rows_of_their_own(tmp_path: Path) -> None:
    compute = ROW.replace("egress", "compute").replace('"GiB"', '"hour"') + "vcpus = 1\nmemory_mib = 1024\n"
    term = compute + 'term_months = 36\nupfront = "120"\n'
    support = '[[offer]]\nplace = "a/b/c"\nkind = "support"\nname = "s"\nunit = "percent"\nprice = "10"\n'
    rows = (
        ROW + ROW + 'above = "1024"\n' + compute + term + support + 'minimum = "29"\n' + support + 'above = "10000"\n'
    )
    offers = load_offers(workspace(tmp_path, RATE + rows))
    found = {offer.id: offer for offer in offers.offers}
    assert set(found) == {
        "a/b/c:egress:e",
        "a/b/c:egress:e above 1024",
        "a/b/c:compute:e",
        "a/b/c:compute:e 36 months",
        "a/b/c:support:s",
        "a/b/c:support:s above 2814567",
    }
    assert found["a/b/c:compute:e 36 months"].upfront == 120 * Decimal("281.4567")
    # A share of the spend is no money: the rate changes its bounds and its least amount, and not the share.
    assert found["a/b/c:support:s"].price == 10
    assert found["a/b/c:support:s"].minimum == 29 * Decimal("281.4567")
    assert [shape.id for shape in worth_having(offers.offers)] == ["a/b/c:compute:e"]
    assert offer_at(offers, "a/b/c", OfferKind.COMPUTE, "e").term_months == 0
    with pytest.raises(BadInput, match="has 2 prices, by quantity"):
        offer_at(offers, "a/b/c", OfferKind.EGRESS, "e")
    with pytest.raises(BadInput, match="a share of what is spent"):
        monthly(found["a/b/c:support:s"], 1)


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        (RATE + RATE + ROW, "rate row 2: a rate is above 0, into another currency, and there once"),
        (RATE.replace("281.4567", "0") + ROW, "rate row 1"),
        (RATE.replace("USD", "usd") + ROW, "rate row 1: currency is no code"),
        (ROW + 'currency = "Rs"\n', "offer row 1: currency is no code"),
        (ROW + 'discount_percent = "101"\n', "offer row 1: discount_percent has to be at most 100"),
        (ROW + 'above = "-1"\n', "offer row 1: above has to be"),
        (ROW + "term_months = 12\n", "term_months is 12 or 36, of a compute offer"),
        (ROW + 'upfront = "1"\n', "paid upfront needs term_months"),
        (ROW + 'minimum = "1"\n', "minimum belongs to"),
        (ROW.replace("egress", "address").replace("GiB", "month") + 'above = "1"\n', "has no steps"),
        (ROW.replace("egress", "storage").replace("GiB", "month"), "needs disk_gib"),
        (TAXES + TAXES + ROW, "tax row 3: punjab is there twice"),
        (TAXES.replace("punjab", "pinjab") + ROW, "no such jurisdiction"),
    ],
)
def test_what_makes_no_sense_names_its_row(tmp_path: Path, rows: str, words: str) -> None:
    with pytest.raises(BadInput, match=words):
        load_offers(workspace(tmp_path, rows))


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ("hours_per_month = 0", "hours_per_month has to be"),
        ('commitment = "2y"', "commitment"),
        ('keep = [{kind = "tape", copies = 1}]', "kind"),
        ('keep = [{kind = "backup", copies = 1, change_percent = 101}]', "change_percent"),
        ("move = {link_hour = 5}", "set together"),
        ("move = {person_hour = 5}", "set together"),
        ('move = {egress_gib = "-1"}', "egress_gib has to be"),
    ],
)
def test_settings_of_the_bill_that_make_no_sense_are_refused(tmp_path: Path, table: str, words: str) -> None:
    with pytest.raises(BadInput, match=words):
        workspace(tmp_path, ROW, settings=f"[plan.cost]\n{table}\n")
