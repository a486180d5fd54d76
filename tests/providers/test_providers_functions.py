"""Functions: the newest image, a shape, a price; behind the gate, with failures like Check's."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_type_hints

import pytest

from providers import sdk
from providers.engine import Engine
from providers.lab import LabProvider
from providers.plugin.package import package_schema
from providers.plugin.wire import UNKNOWN_TEXT
from providers.ports import FindsImages, FixedImages, Target
from pse.core.schema import FUNCTIONS
from tests.providers.house import ABROAD, HERE, UNIT, House, python_path
from tests.providers.plugins import Connection, Plugin, plugin

PRICES = f"""
book = "Test prices"
dated = 2026-01-01
currency = "PKR"
tax_percent = "15"
sample = true
[[offer]]
place = "{HERE}"
kind = "compute"
name = "std-2-8"
unit = "hour"
price = "12.60"
vcpus = 2
memory_mib = 8192
[[offer]]
place = "{HERE}"
kind = "compute"
name = "std-2-4"
unit = "hour"
price = "8.40"
vcpus = 2
memory_mib = 4096
[[offer]]
place = "{HERE}"
kind = "compute"
name = "big"
unit = "hour"
vcpus = 64
memory_mib = 262144
[[offer]]
place = "{HERE}"
kind = "storage"
name = "ssd"
unit = "GiB-month"
price = "24.50"
[[offer]]
place = "{ABROAD}"
kind = "compute"
name = "std-2-4"
unit = "hour"
price = "1"
vcpus = 2
memory_mib = 4096
"""


def priced(house: House) -> House:
    (house.root / "policy" / "prices.toml").write_text(PRICES)
    return house


@pytest.fixture(scope="module")
def running() -> Iterator[Plugin]:
    """One process for all tests; each configures a connection of its own."""
    with plugin({"PYTHONPATH": python_path()}) as running:
        yield running


@pytest.fixture
def asking(house: House, running: Plugin) -> Connection:
    return running.connect().configure(priced(house), unit=UNIT)


def test_schema_has_every_function_and_the_sdk_too() -> None:
    shown = json.loads(package_schema())["functions"]
    assert set(shown) == {"pse:index:getImage", "pse:index:getShape", "pse:index:getPrice"}
    for function, ask in (("getImage", sdk.get_image), ("getShape", sdk.get_shape), ("getPrice", sdk.get_price)):
        declared = FUNCTIONS[function]
        found = shown[declared.token]
        assert set(found["inputs"]["properties"]) == set(declared.input_fields())
        assert set(found["outputs"]["properties"]) == set(declared.output_fields())
        hints = get_type_hints(ask)
        assert hints.pop("return") is declared.outputs
        assert set(hints) - {"opts"} == {field.name for field in declared.input_fields().values()}


def test_image_shape_and_price(asking: Connection) -> None:
    assert asking.invoke("getImage", place=HERE, name="debian-12") == (
        {"image": "debian-12-b", "created": "2026-02-01"},
        {},
    )
    shape, _ = asking.invoke("getShape", place=HERE, vcpus=1, memoryMib=3000)
    assert shape == {"shape": "std-2-4", "vcpus": 2, "memoryMib": 4096, "priced": True}
    price, _ = asking.invoke("getPrice", place=HERE, kind="compute", name="std-2-4")
    assert (price["priced"], price["monthly"], price["currency"]) == (True, "6132.00", "PKR")
    assert (price["taxPercent"], price["dated"], price["sample"], price["note"]) == ("15.00", "2026-01-01", True, "")
    disk, _ = asking.invoke("getPrice", place=HERE, kind="storage", name="ssd", quantity=100)
    assert (disk["monthly"], disk["unit"]) == ("2450.00", "GiB-month")


def test_missing_price_is_said_and_never_nothing(asking: Connection) -> None:
    shape, _ = asking.invoke("getShape", place=HERE, vcpus=32, memoryMib=1)
    assert (shape["shape"], shape["priced"]) == ("big", False)
    price, failures = asking.invoke("getPrice", place=HERE, kind="compute", name="big")
    assert failures == {}
    assert (price["priced"], price["price"], price["monthly"]) == (False, "", "")
    assert "no price: the price book Test prices of 2026-01-01 has none for big" in price["note"]


@pytest.mark.parametrize(
    ("function", "args", "where", "words"),
    [
        ("getImage", {"place": HERE, "name": "beos"}, "name", "no image 'beos'"),
        ("getImage", {"place": HERE}, "name", "is required"),
        ("getImage", {"name": "debian-12"}, "place", "is required"),
        ("getImage", {"place": HERE, "name": 7}, "name", "Expected `str`"),
        ("getImage", {"place": HERE, "name": "debian-12", "owner": "me"}, "owner", "it takes place, name"),
        ("getShape", {"place": HERE, "vcpus": 65, "memoryMib": 1}, "vcpus", "no x86_64 shape"),
        ("getShape", {"place": HERE, "vcpus": 0, "memoryMib": 1}, "vcpus", "is 1 or more"),
        ("getPrice", {"place": HERE, "kind": "compute", "name": "huge"}, "name", "It has big, std-2-4, std-2-8"),
        ("getPrice", {"place": HERE, "kind": "migration", "name": "x"}, "kind", "kind is one of address"),
        ("getMoon", {"place": HERE}, "", "there are pse:index:getImage"),
        ("getImage", {"place": HERE, "name": UNKNOWN_TEXT}, "name", "has to be known"),
    ],
)
def test_what_cannot_be_answered_is_a_failure_with_words(
    asking: Connection, function: str, args: dict[str, Any], where: str, words: str
) -> None:
    answer, failures = asking.invoke(function, **args)
    assert answer == {}
    assert words in failures[where]


@pytest.mark.parametrize("function", FUNCTIONS)
def test_gate_refuses_a_place_before_anything_is_asked(house: House, asking: Connection, function: str) -> None:
    more: dict[str, dict[str, Any]] = {
        "getImage": {"name": "debian-12"},
        "getShape": {"vcpus": 1, "memoryMib": 1},
        "getPrice": {"kind": "compute", "name": "std-2-4"},
    }
    for place, rule in ((ABROAD, "PSE-R003"), ("nowhere/at/all", "PSE-G"), (UNKNOWN_TEXT, "PSE-G")):
        answer, failures = asking.invoke(function, preview=True, place=place, **more[function])
        assert answer == {}
        assert failures["place"].startswith("refused by the gate: ")
        assert rule in failures["place"]
    assert house.calls("image") == []
    assert ("check", "PSE-R003") in house.refusals()


def test_without_a_signed_gate_or_with_anothers_nothing_is_answered(house: House, asking: Connection) -> None:
    (house.root / ".pse" / "gate" / f"{UNIT}.json").unlink()
    _, failures = asking.invoke("getImage", place=HERE, name="debian-12")
    assert "no gate file" in failures["place"]


def test_preview_answers_what_is_not_known_yet_with_what_is_not_known_yet(asking: Connection) -> None:
    answer, failures = asking.invoke("getImage", preview=True, place=HERE, name=UNKNOWN_TEXT)
    assert (answer, failures) == ({"image": UNKNOWN_TEXT, "created": UNKNOWN_TEXT}, {})


def test_who_asks_has_to_be_known(house: House, running: Plugin) -> None:
    connection = running.connect().configure(house)
    assert "which unit asks" in connection.invoke("getImage", place=HERE, name="debian-12")[1][""]


def test_adapters_say_how_they_know_their_images(tmp_path: Path) -> None:
    from providers.aws import AwsProvider
    from providers.openstack import OpenStackProvider

    assert issubclass(OpenStackProvider, FindsImages)
    assert issubclass(AwsProvider, FindsImages)
    lab: Any = LabProvider(Target(place=HERE, country="PK", endpoint="lab:north", workspace=tmp_path))
    assert isinstance(lab, FixedImages)


def test_program_asks_through_the_real_engine(engine_house: House) -> None:
    house = priced(engine_house)
    asked: list[Any] = []

    def program() -> None:
        import pulumi

        asked.append(sdk.get_image(place=HERE, name="debian-12"))
        asked.append(sdk.get_shape(place=HERE, vcpus=2, memory_mib=4096))
        price = sdk.get_price(place=HERE, kind="compute", name=asked[-1].shape)
        pulumi.export("servers", [])
        pulumi.export("outputs", {"monthly": price.monthly})

    house.engine.preview(house.unit(), program, plan="p" * 64)
    assert (asked[0].image, asked[1].shape) == ("debian-12-b", "std-2-4")
    assert house.up(program).outputs == {"monthly": "6132.00"}

    def abroad() -> None:
        sdk.get_image(place=ABROAD, name="debian-12")

    from pse.core.errors import PseError

    with pytest.raises(PseError, match=r"PSE-R003"):
        Engine(house.workspace).preview(house.unit(), abroad, plan="p" * 64)
