"""The sample ministry's whole plan at OpenStack, by the commands that a person types: one journey."""

import json
from pathlib import Path

from tests.providers.ministry import AS_OF, need_cli, pse
from tests.providers.openstack.accounts import Project
from tests.providers.openstack.ministry import ministry_at

SERVERS = ["analytics-database", "analytics-web", "opendata", "payments", "portal", "records"]
LIMIT_S = 900


def test_plan_goes_up_and_away_again(signed_in: Project, tmp_path: Path) -> None:
    need_cli()
    root = ministry_at(tmp_path / "ministry").root
    pse(root, "plan", "--as-of", AS_OF, limit_s=LIMIT_S)
    bills = {item["workload"]: item["cost"]["monthly"] for item in pse(root, "cost", limit_s=LIMIT_S)["items"]}
    assert bills["portal"] == "16118.40"
    preview = pse(root, "preview", limit_s=LIMIT_S)
    assert {operation for operation, count in preview["operations"].items() if count} == {"create"}
    assert preview["cost"]["monthly"] == "67909.80"  # all but what becomes a service
    assert signed_in.holds() == {}

    pse(root, "up", "--yes", limit_s=LIMIT_S)
    holds = signed_in.holds()
    assert holds["server"] == SERVERS
    assert {sort: len(names) for sort, names in holds.items()} == {
        "network": 1,
        "subnet": 1,
        "key": 1,
        "security_group": 6,
        "port": 6,
        "server": 6,
        "volume": 5,
    }
    deployment = json.loads((root / ".pse" / "deployments" / "portal.json").read_text())
    assert {built["name"] for built in deployment["servers"]} == {"payments", "portal"}
    assert all(built["address"].startswith("10.") for built in deployment["servers"])
    assert all(built["ssh_user"] == "debian" for built in deployment["servers"])

    pse(root, "up", "--yes", limit_s=LIMIT_S)
    assert signed_in.holds() == holds

    pse(root, "destroy", "--yes", limit_s=LIMIT_S)
    assert signed_in.holds() == {}
    state = b"".join(path.read_bytes() for path in (root / ".pse").rglob("*") if path.is_file())
    assert signed_in.password.encode() not in state
