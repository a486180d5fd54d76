"""Values that make no sense are refused by file and key, before anything is planned with them."""

from pathlib import Path

import pytest

from policy.register import sign_register
from pse.core.settings import Workspace
from tests.cli.conftest import Run
from tests.cli.test_cli_rooms import DAY, ministry, told

__all__ = ["ministry"]


@pytest.mark.parametrize(
    ("file", "old", "new", "said"),
    [
        ("policy/prices.toml", 'tax_percent = "15"', 'tax_percent = "1e30"', ["tax_percent", "at most 100"]),
        ("policy/prices.toml", 'price = "8.40"', 'price = "1e999999999"', ["price", "at most 1,000,000,000,000"]),
        ("policy/prices.toml", 'price = "8.40"', 'price = "1e-99999"', ["price", "9 decimals"]),
        ("policy/register.toml", "evidence =", 'options = { ssh_port = "abc" }\nevidence =', ["options.ssh_port"]),
        ("policy/register.toml", "evidence =", 'options = { ssh_port = "70000" }\nevidence =', ["options.ssh_port"]),
        ("policy/prices.toml", 'price = "8.40"', 'price = "1_000"', ["price", "digits 0 to 9"]),
        ("policy/prices.toml", 'price = "8.40"', 'price = "٣"', ["price", "digits 0 to 9"]),
        ("policy/prices.toml", 'currency = "PKR"', 'currency = ""', ["currency", "ISO 4217"]),
        ("policy/prices.toml", "vcpus = 2", f"vcpus = {'9' * 18}", ["vcpus", "more than any machine"]),
        ("policy/prices.toml", "vcpus = 2", f"vcpus = {'9' * 23}", ["vcpus"]),
        ("policy/register.toml", "sample = true", f"sample = {'9' * 5000}", ["a number that is too large"]),
        ("environments/analytics.toml", '"/var/lib/postgresql"', '"/etc"', ["mount /etc", "$.servers.mount"]),
        ("environments/analytics.toml", '"/var/lib/postgresql"', '"/usr/lib"', ["mount /usr/lib"]),
        ("environments/analytics.toml", "category =", 'blueprint = "landing"\ncategory =', ["$.blueprint"]),
    ],
)
def test_an_odd_value_is_bad_input_by_file_and_key(
    run: Run, ministry: Path, file: str, old: str, new: str, said: list[str]
) -> None:
    path = ministry / file
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    if file == "policy/register.toml":
        path.with_name("register.toml.sig").write_text("")
        assert run("register", "sign").exit_code == 4
        return_of = run("register", "sign")
    else:
        return_of = run("plan", "--as-of", DAY)
    assert return_of.exit_code == 4, return_of.stderr
    for word in (path.name, *said):
        assert word in return_of.stderr


def test_a_plan_whose_name_is_longer_than_any_file_is_no_plan(run: Run, ministry: Path) -> None:
    assert ministry.is_dir()
    done = run("cost", "x" * 5000)
    assert (done.exit_code, "no plan there" in done.stderr) == (2, True)


def test_the_largest_egress_has_a_cost_in_every_format(run: Run, ministry: Path) -> None:
    path = ministry / "policy" / "prices.toml"
    path.write_text(path.read_text().replace('price = "2.40"', 'price = "1000000000000"'))
    path = ministry / "environments" / "analytics.toml"
    kept = [line for line in path.read_text().splitlines() if not line.startswith("egress_gib")]
    path.write_text("egress_gib = 1000000000\n" + "\n".join(kept) + "\n")
    sign_register(Workspace(ministry))
    plan = told(run, "plan", "--as-of", DAY, code=0)
    assert run("cost", plan["path"], "--format", "infracost").exit_code == 0
    assert run("cost", plan["path"]).exit_code == 0
    assert run("preview", plan["path"], "--offline").exit_code == 0
