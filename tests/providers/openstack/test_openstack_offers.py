"""What the real control plane offers, as a sheet for a price book."""

import csv
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from policy.register import load_register
from providers.catalog.live import __main__ as live
from tests.providers.openstack.accounts import SHAPES, Cloud, Project
from tests.providers.openstack.ministry import ministry_at


@pytest.fixture
def flavour(admin: Cloud) -> Iterator[Callable[..., str]]:
    """Makes a flavour with extra specs; taken away at the end."""
    made: list[str] = []

    def make(specs: dict[str, str], **words: Any) -> str:
        name = f"offer-{uuid4().hex[:8]}"
        size = {"name": name, "vcpus": 3, "ram": 1536, "disk": 1, **words}
        made.append(admin.call("compute", "POST", "/flavors", json={"flavor": size})["flavor"]["id"])
        if specs:
            admin.call("compute", "POST", f"/flavors/{made[-1]}/os-extra_specs", json={"extra_specs": specs})
        return name

    yield make
    for one in made:
        admin.call("compute", "DELETE", f"/flavors/{one}")


def test_flavours_and_volume_types_make_a_sheet_without_prices(
    signed_in: Project,
    flavour: Callable[..., str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    arm = flavour({"capabilities:cpu_info:arch": "s== aarch64", "pci_passthrough:alias": "a:2,b:1"})
    hidden = flavour({}, **{"os-flavor-access:is_public": False})
    workspace, out = ministry_at(tmp_path / "ministry"), tmp_path / "sheet.csv"
    place = next(place.id for place in load_register(workspace).places if place.provider == "openstack")
    monkeypatch.setattr(sys, "argv", ["live", "place", place, str(out), "--workspace", str(workspace.root)])
    assert live.main() == 0
    rows = list(csv.DictReader(out.read_text().splitlines()))
    assert json.loads(capsys.readouterr().out)["rows"] == len(rows)
    assert {row["price"] for row in rows} == {""}
    assert {row["source"] for row in rows} == {place}
    shapes = {row["name"]: row for row in rows if row["kind"] == "compute"}
    for name, (vcpus, gib) in SHAPES.items():
        assert (shapes[name]["vcpus"], float(shapes[name]["memory gib"])) == (str(vcpus), gib), name
    assert [shapes[arm][key] for key in ("vcpus", "memory gib", "gpus", "architecture")] == ["3", "1.5", "3", "aarch64"]
    assert hidden not in shapes
    assert {"ssd", "hdd"} <= {row["name"] for row in rows if row["kind"] == "storage"}
