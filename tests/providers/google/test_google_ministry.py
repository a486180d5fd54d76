"""The sample ministry sent abroad, by commands: what may go goes, and the rest is refused by name."""

import json
from pathlib import Path

import pytest

from tests.providers.google.cloud import Cloud
from tests.providers.google.ministry import ministry_at
from tests.providers.ministry import ABROAD, AS_OF, need_cli, pse

LIMIT_S = 300


@pytest.mark.timeout(3 * LIMIT_S)
def test_open_and_public_go_up_and_away_and_the_others_are_refused_by_name(cloud: Cloud, tmp_path: Path) -> None:
    need_cli()
    root = ministry_at(cloud, tmp_path / "ministry").root
    plan = pse(root, "plan", "--as-of", AS_OF, rc=1, limit_s=LIMIT_S)
    # Open and Public may be outside the country; the portal with its payments and the records may not.
    assert {item["workload"]: item["place"] for item in plan["items"] if item["strategy"] == "rehost"} == {
        "learning": ABROAD,
        "opendata": ABROAD,
    }
    said = [found for found in plan["findings"] if found["code"] == "PSE-B001"]
    assert {found["subject"] for found in said} == {"portal", "records"}
    assert all(ABROAD in found["message"] and "PSE-R003" in found["source"] for found in said)
    bills = {item["workload"]: item["cost"]["monthly"] for item in pse(root, "cost", limit_s=LIMIT_S)["items"]}
    assert (bills["opendata"], bills["learning"], bills["portal"]) == ("116951.55", "7379.55", "0")
    changes = [change for unit in pse(root, "preview", limit_s=LIMIT_S)["items"] for change in unit["changes"]]
    assert {change["op"] for change in changes} == {"create"}
    assert cloud.standing() == {}

    pse(root, "up", "--yes", limit_s=LIMIT_S)
    holds = cloud.standing()
    groups = [name for name in holds["firewalls"] if cloud.raw("firewalls", name).get("denied")]
    assert {sort: len(ids) for sort, ids in holds.items() if sort != "firewalls"} == {
        "networks": 1,
        "subnetworks": 1,
        "keys": 1,
        "instances": 2,
        # Each server's own disk, and each one's data.
        "disks": 4,
    }
    # What closes the network and each server's firewall; the permitted flows are rules beside them.
    assert len(groups) == 3
    deployment = json.loads((root / ".pse" / "deployments" / "opendata.json").read_text())
    (built,) = deployment["servers"]
    assert (built["id"] in holds["instances"], built["ssh_user"]) == (True, "pse")
    assert built["address"].startswith("10.")

    pse(root, "up", "--yes", limit_s=LIMIT_S)
    assert cloud.standing() == holds
    pse(root, "destroy", "--yes", limit_s=LIMIT_S)
    assert cloud.standing() == {}
