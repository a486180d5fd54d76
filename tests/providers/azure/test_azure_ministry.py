"""The sample ministry sent abroad, by commands: what may go goes, and the rest is refused by name."""

import json
from pathlib import Path

import pytest

from tests.fakes.azure.cloud import GROUP
from tests.providers.azure.cloud import Cloud
from tests.providers.azure.ministry import ministry_at
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
    assert cloud.arm.standing() == {}

    pse(root, "up", "--yes", limit_s=LIMIT_S)
    holds = cloud.arm.standing()
    assert {sort: len(names) for sort, names in holds.items()} == {
        "virtualNetworks": 1,
        "subnets": 1,
        "sshPublicKeys": 1,
        # The network's own, and one for each server.
        "networkSecurityGroups": 3,
        "virtualMachines": 2,
        "networkInterfaces": 2,
        # Each server's own disk, and each one's data.
        "disks": 4,
    }
    deployment = json.loads((root / ".pse" / "deployments" / "opendata.json").read_text())
    (built,) = deployment["servers"]
    assert (built["id"].rpartition("/")[2] in holds["virtualMachines"], built["ssh_user"]) == (True, "azureuser")
    assert built["address"].startswith("10.")

    # An entry that leads to another group: what stands is neither taken for gone nor built once more beside it.
    register = root / "policy" / "register.toml"
    right = register.read_text()
    for text in (right.replace(GROUP, "another"), right):
        register.write_text(text)
        pse(root, "register", "sign", limit_s=LIMIT_S)
        pse(root, "plan", "--as-of", AS_OF, rc=1, limit_s=LIMIT_S)
        told = pse(root, "up", "--yes", rc=0 if text == right else 5, limit_s=LIMIT_S)
        assert text == right or "/another would be asked" in told["error"]["message"]
    assert cloud.arm.standing() == holds
    pse(root, "destroy", "--yes", limit_s=LIMIT_S)
    assert cloud.arm.standing() == {}
