"""Price sheets as sellers hand them over: the same offers from CSV, xlsx and TOML, and every bad row by its name."""

from collections.abc import Callable, Sequence
from datetime import date
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import openpyxl
import pytest

from providers.catalog import load_offers
from pse.core.documents.offers import Offer, OfferKind, Offers
from pse.core.errors import BadInput
from pse.core.settings import Workspace

HEAD = ("Type", "Shape", "Per", "Unit price", "vCPU", "RAM GiB", "Above GiB", "OS family", "OS version", "Remarks")
ROWS: tuple[Sequence[object], ...] = (
    ("VM", "std-2-4", "hr", 0.1, 2, 4, None, None, None, "x"),
    ("VM", "std-4-8", "hr", "1,250.50", 4, 8, None, None, None, None),
    ("Disk", "ssd", "GB-month", 0.3, None, None, None, None, None, None),
    ("Backup", "vault", "GiB-month", "on request", None, None, None, None, None, None),
    ("Internet egress", "out", "GB", 0, None, None, None, None, None, None),
    ("Internet egress", "out", "GB", 9, None, None, 100, None, None, None),
    ("Support", "desk", "%", 4, None, None, None, None, None, None),
    ("OS image", "debian-12", "month", 0, None, None, None, "debian", "12", None),
)
BOOK = (
    'book = "b"\ndated = 2026-01-01\ncurrency = "PKR"\ntax_percent = "15"\nsample = true\n'
    '[[rate]]\ncurrency = "USD"\nrate = "280"\ndated = 2026-01-01\nsource = "Sample"\n'
    '[[sheet]]\nfile = "{file}"\nplace = "a/b/c"\ncurrency = "USD"\ndated = 2026-02-01\ndiscount_percent = "10"\n'
    'quality = "quoted"\n'
)


def workspace(folder: Path, file: str, book: str = BOOK) -> Workspace:
    folder.joinpath("pse.toml").write_text('entity = "Test"\n')
    folder.joinpath("policy").mkdir(exist_ok=True)
    folder.joinpath("policy", "prices.toml").write_text(book.replace("{file}", file))
    return Workspace(folder)


def comma(folder: Path, rows: Sequence[Sequence[object]]) -> str:
    lines: list[list[object]] = [["Sample price sheet"], [], list(HEAD)]
    lines += [["" if cell is None else cell for cell in row] for row in rows]
    text = "\n".join(",".join(f'"{cell}"' for cell in line) for line in lines)
    folder.joinpath("sheet.csv").write_text(text + "\n")
    return "sheet.csv"


def xlsx(folder: Path, rows: Sequence[Sequence[object]]) -> str:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(["Sample price sheet"])
    sheet.append([])
    sheet.append(list(HEAD))
    for row in rows:
        sheet.append(list(row))
    book.save(folder / "sheet.xlsx")
    return "sheet.xlsx"


def toml(folder: Path, rows: Sequence[Sequence[object]]) -> str:
    """The same rows as a price book writes them."""
    kinds = {"VM": "compute", "Disk": "storage", "Internet egress": "egress", "OS image": "image"}
    units = {"hr": "hour", "GB-month": "GiB-month", "GB": "GiB", "%": "percent"}
    text = ""
    for kind, name, unit, price, vcpus, gib, above, family, version, _ in rows:
        text += f'[[offer]]\nkind = "{kinds.get(str(kind), str(kind).lower())}"\nname = "{name}"\n'
        text += f'unit = "{units.get(str(unit), unit)}"\n'
        text += "" if price == "on request" else f'price = "{str(price).replace(",", "")}"\n'
        text += f"vcpus = {vcpus}\nmemory_mib = {int(str(gib)) * 1024}\n" if vcpus else ""
        text += f'above = "{above}"\n' if above else ""
        text += f'os_family = "{family}"\nos_version = "{version}"\n' if family else ""
    folder.joinpath("sheet.toml").write_text(text)
    return "sheet.toml"


def loaded(folder: Path, writes: Callable[[Path, Sequence[Sequence[object]]], str]) -> Offers:
    return load_offers(workspace(folder, writes(folder, ROWS)))


def test_a_sheet_gives_the_same_offers_whatever_it_is_written_in(tmp_path: Path) -> None:
    def said(offers: Offers) -> list[tuple[object, ...]]:
        return [tuple(getattr(o, f) for f in Offer.__struct_fields__ if f != "source") for o in offers.offers]

    made = [loaded(tmp_path, writes) for writes in (comma, xlsx, toml)]
    assert [offers.findings for offers in made] == [(), (), ()]
    assert said(made[0]) == said(made[1]) == said(made[2])
    found = {offer.id: offer for offer in made[1].offers}
    assert len(found) == len(ROWS)
    shape = found["a/b/c:compute:std-4-8"]
    assert Fraction(shape.price or 0) == Fraction("1250.50") * Fraction(9, 10) * 280
    assert (shape.vcpus, shape.memory_mib, shape.listed) == (4, 8192, "1250.50 USD less 10 %")
    assert (shape.dated, shape.quality, shape.source) == (date(2026, 2, 1), "quoted", "sheet.xlsx")
    assert found["a/b/c:compute:std-2-4"].price == Decimal("25.2")  # 0.1, which no binary fraction is
    assert found["a/b/c:backup:vault"].price is None
    assert found["a/b/c:egress:out above 100"].above == 100
    assert found["a/b/c:support:desk"].price == Decimal("3.6")  # percent: discounted, and in no currency


def test_the_order_of_rows_changes_nothing(tmp_path: Path) -> None:
    first = load_offers(workspace(tmp_path, comma(tmp_path, ROWS)))
    assert load_offers(workspace(tmp_path, comma(tmp_path, ROWS[::-1]))).hash == first.hash


BAD: tuple[tuple[Sequence[object], str], ...] = (
    (("VM", "a", "hr", "cheap", 1, 1, None, None, None, None), "price is not a number"),
    (("VM", "b", "hr", -1, 1, 1, None, None, None, None), "price has to be a finite number, 0 or more"),
    (("VM", "c", "hr", 1, 1.5, 1, None, None, None, None), "vcpus is no whole number"),
    (("VM", "d", "year", 1, 1, 1, None, None, None, None), "per hour, not per"),
    (("Car", "e", "hr", 1, 1, 1, None, None, None, None), "kind is none of compute, "),
    (("VM", "n", "hr", 1, "1e999999", 1, None, None, None, None), "vcpus is beyond every price and size"),
    (("VM", "o", "hr", 1, 1, "1" * 400 + ".0000000000001", None, None, None, None), "memory_gib is beyond every"),
    (("VM", "p", "hr", "15%", 1, 1, None, None, None, None), "price is a share, '15%', and its unit is not percent"),
    (("VM", None, "hr", 1, 1, 1, None, None, None, None), "missing required field `name`"),
    (("VM", "g", "hr", 1, None, None, None, None, None, None), "needs vcpus and memory_mib"),
    (("OS image", "h", "month", 1, None, None, None, None, None, None), "needs os_family"),
)


@pytest.mark.parametrize("writes", [comma, xlsx])
def test_a_bad_row_is_told_by_file_and_row_and_the_others_count(
    tmp_path: Path, writes: Callable[[Path, Sequence[Sequence[object]]], str]
) -> None:
    file = writes(tmp_path, [*(row for row, _ in BAD), *ROWS])
    found = load_offers(workspace(tmp_path, file))
    assert len(found.offers) == len(ROWS)
    said = {finding.subject: finding for finding in found.findings}
    assert set(said) == {f"{file}, row {number}" for number in range(4, 4 + len(BAD))}
    for number, (_, words) in enumerate(BAD, start=4):
        assert words in said[f"{file}, row {number}"].message
        assert said[f"{file}, row {number}"].code == "PSE-P303"


@pytest.mark.parametrize(
    ("cell", "price"),
    [
        ("0.10000000000000001", "0.1"),
        ("12,345.5", "12345.5"),
        ("1,14,266.30", "114266.30"),  # a lakh and more
        ("1E-3", "0.001"),
        ("7", "7"),
    ],
)
def test_a_price_is_the_number_that_was_typed(tmp_path: Path, cell: str, price: str) -> None:
    plain = BOOK.replace('currency = "USD"\ndated = 2026-02-01\ndiscount_percent = "10"\n', "")
    tmp_path.joinpath("s.csv").write_text(f'kind,name,unit,price,dated\naddress,ip,month,"{cell}",46054\n')
    (offer,) = load_offers(workspace(tmp_path, "s.csv", plain)).offers
    assert offer.price == Decimal(price)
    assert offer.dated == date(2026, 2, 1)


SIZES = "name;unit;price;vcpus;memory gib\n"


@pytest.mark.parametrize(
    ("rows", "prices"),
    [
        ("a;hour;1,5;2;4\nb;hour;1.234;2;4\nc;hour;2.000,5;2;4\n", {"a": "1.5", "b": "1234", "c": "2000.5"}),
        ("a;hour;1.50;2;4\nb;hour;1.234;2;4\n", {"a": "1.5", "b": "1.234"}),
        ("a;hour;1.234;2;4\nb;hour;7;2;4\n", {"b": "7"}),  # nobody knows what 1.234 is
    ],
)
def test_semicolons_and_commas_make_no_price_a_thousandth(tmp_path: Path, rows: str, prices: dict[str, str]) -> None:
    plain = BOOK.replace('currency = "USD"\ndated = 2026-02-01\ndiscount_percent = "10"\n', 'kind = "compute"\n')
    tmp_path.joinpath("s.csv").write_text(SIZES + rows)
    found = load_offers(workspace(tmp_path, "s.csv", plain))
    assert {offer.name: offer.price for offer in found.offers} == {k: Decimal(v) for k, v in prices.items()}
    doubtful = [finding.message for finding in found.findings]
    assert doubtful == [] if "a" in prices else "price may be 1234 or 1.234" in doubtful[0]


def test_words_that_sheets_use_are_understood_and_blanks_by_any_sign(tmp_path: Path) -> None:
    tmp_path.joinpath("s.csv").write_text(
        "kind,name,rate,price,unit,vcpu,ram gb,size gb,currency\n"
        "vm,a,99,1,per Hour,2,4,-,usd\nDisk,b,99,2,/GB-month,-,n/a,–,\nip,c,99,-,Months,,,,\n"
    )
    found = load_offers(workspace(tmp_path, "s.csv", BOOK.replace('discount_percent = "10"\n', "")))
    assert [finding.message for finding in found.findings] == []
    # The heading of a field's own name counts before a common word for it.
    assert [(o.name, o.price, o.unit) for o in found.offers] == [
        ("c", None, "month"),
        ("a", 280, "hour"),
        ("b", 560, "GiB-month"),
    ]


def test_two_columns_of_prices_are_refused(tmp_path: Path) -> None:
    tmp_path.joinpath("s.csv").write_text("name,unit,Unit price,Rate\na,hour,1,2\n")
    with pytest.raises(BadInput, match="'Unit price' and 'Rate' in sheet s are both price"):
        load_offers(workspace(tmp_path, "s.csv"))


def test_one_price_for_two_sizes_is_none_in_whatever_order(tmp_path: Path) -> None:
    larger = (*ROWS[0][:4], 8, 16, *ROWS[0][6:])
    one, other = (
        load_offers(workspace(tmp_path, comma(tmp_path, rows))) for rows in ([ROWS[0], larger], [larger, ROWS[0]])
    )
    assert one.offers == other.offers
    assert [offer.price for offer in one.offers] == [None]
    assert "another size or system than sheet.csv, row 4" in one.findings[0].message


def test_two_prices_for_one_thing_are_none(tmp_path: Path) -> None:
    again = (*ROWS[2][:3], 0.4, *ROWS[2][4:])
    found = load_offers(workspace(tmp_path, comma(tmp_path, [*ROWS, ROWS[0], again])))
    (said,) = found.findings
    assert said.subject == f"sheet.csv, row {4 + len(ROWS) + 1}"
    prices = {offer.id: offer.price for offer in found.offers}
    assert prices["a/b/c:storage:ssd"] is None
    assert prices["a/b/c:compute:std-2-4"] is not None


def test_a_sheet_full_of_bad_rows_is_told_in_short(tmp_path: Path) -> None:
    found = load_offers(workspace(tmp_path, comma(tmp_path, [BAD[0][0]] * 500)))
    assert len(found.findings) == 51
    assert any("450 more rows" in finding.message for finding in found.findings)


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("a.csv", "product,cost\nx,1\n", "no row of prices in it"),
        ("a.csv", "", "empty"),
        ("a.csv", "\x00\x01\x02\x03" * 50, "neither a workbook nor CSV"),
        ("a.toml", "offer = 1", "cannot be used"),
        ("b.csv", None, "cannot be read"),
    ],
)
def test_a_file_that_is_no_sheet_is_refused(tmp_path: Path, name: str, text: str | None, words: str) -> None:
    if text is not None:
        tmp_path.joinpath(name).write_text(text)
    with pytest.raises(BadInput, match=words) as caught:
        load_offers(workspace(tmp_path, name))
    assert caught.value.where.endswith(name)


def test_a_share_that_a_workbook_keeps_as_a_fraction_is_told(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(["Kind", "Name", "Unit", "Price", "Discount"])
    for row in (
        ["address", "ten", "month", 10, 0.1],  # 10 % in the eyes of who typed it
        ["address", "text", "month", 10, "0.1%"],
        ["address", "whole", "month", 10, 10],
        ["support", "desk", "percent", 0.04, None],
        ["address", "small", "month", 0.04, None],  # money may be small
    ):
        sheet.append(row)
    sheet["E2"].number_format = "0%"
    book.save(tmp_path / "shares.xlsx")
    plain = BOOK.replace('discount_percent = "10"\n', "").replace('"USD"\ndated = 2026-02', '"PKR"\ndated = 2026-02')
    found = load_offers(workspace(tmp_path, "shares.xlsx", plain))
    prices = {offer.name: offer.price for offer in found.offers}
    assert prices == {"text": Decimal("9.99"), "whole": Decimal(9), "small": Decimal("0.04")}
    said = {finding.subject.rpartition(" ")[2]: finding.message for finding in found.findings}
    assert "keeps for 10 %" in said["2"]
    assert "keeps for 4 %" in said["5"]


def test_of_a_workbook_the_named_sheet_counts(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    first = book.active
    assert first is not None
    for sheet, price in ((first, 1), (book.create_sheet("Prices"), 2)):
        sheet.append(["Kind", "Name", "Unit", "Price"])
        sheet.append(["address", "ip", "month", price])
    book.save(tmp_path / "two.xlsx")
    plain = BOOK.replace('discount_percent = "10"\n', "").replace('"USD"\ndated = 2026-02', '"PKR"\ndated = 2026-02')
    named = workspace(tmp_path, "two.xlsx", plain.replace('"{file}"', '"{file}"\ntable = "prices"'))
    assert [(o.kind, o.price) for o in load_offers(named).offers] == [(OfferKind.ADDRESS, Decimal(2))]
    both = load_offers(workspace(tmp_path, "two.xlsx", plain))
    assert both.offers[0].price is None
    assert both.findings[0].subject == "two.xlsx, Prices row 2"
