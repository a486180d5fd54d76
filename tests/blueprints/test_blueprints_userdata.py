"""First-boot scripts: POSIX shell, safe against odd names, and true on a real server of the lab."""

import subprocess

import pytest

from blueprints.building.userdata import names_of, script
from pse.core.documents.plan import PlannedServer
from pse.core.errors import BadInput
from tests.require import require


def server(**words: object) -> PlannedServer:
    usual: dict[str, object] = {"name": "a", "role": "web", "shape": "s", "image": "i"}
    return PlannedServer(**{**usual, **words})  # type: ignore[arg-type]


def test_a_server_that_needs_nothing_gets_no_script() -> None:
    assert script(server(), {}) == ""


@pytest.mark.parametrize("role", ["web", "database"])
def test_scripts_are_plain_shell(role: str) -> None:
    require("dash")
    text = script(server(role=role, packages=("postgresql-15", "rsync")), {"db": "10.0.0.1"})
    done = subprocess.run(["dash", "-n"], input=text.encode(), capture_output=True, timeout=30, check=False)
    assert done.returncode == 0, done.stderr
    boot = text.split("PSE_BOOT'\n", 1)[1].split("\nPSE_BOOT\n")[0]
    done = subprocess.run(["dash", "-n"], input=boot.encode(), capture_output=True, timeout=30, check=False)
    assert done.returncode == 0, done.stderr
    assert ("initdb" in boot) == (role == "database")


def test_a_mariadb_server_is_made_by_plain_shell() -> None:
    require("dash")
    text = script(server(role="database", packages=("mariadb-server",)), {})
    boot = text.split("PSE_BOOT'\n", 1)[1].split("\nPSE_BOOT\n")[0]
    for part in (text, boot):
        done = subprocess.run(["dash", "-n"], input=part.encode(), capture_output=True, timeout=30, check=False)
        assert done.returncode == 0, done.stderr
    assert "mariadb-install-db" in boot
    assert "initdb" not in boot


@pytest.mark.parametrize(
    ("packages", "known"),
    [
        (("rsync; reboot",), {}),
        (("$(reboot)",), {}),
        (("-y",), {}),
        (("",), {}),
        ((), {"db\nreboot": "10.0.0.1"}),
        ((), {"db": "10.0.0.1; reboot"}),
        ((), {"db": "::1"}),
        ((), {"$(reboot)": "10.0.0.1"}),
    ],
)
def test_what_is_no_name_or_address_never_reaches_a_shell(packages: tuple[str, ...], known: dict[str, str]) -> None:
    with pytest.raises(BadInput):
        script(server(packages=packages), known)


def test_a_host_name_that_is_none_is_left_out() -> None:
    assert names_of([server(name="vm-01", source_host="VM 01 (old)")]) == {"vm-01": ("vm-01",)}
    assert names_of([server(name="db", source_host="db.example")]) == {"db": ("db.example", "db")}
