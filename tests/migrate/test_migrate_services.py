"""Start and stop commands on real hosts: what hangs is ended there, and a stop is not believed but looked at."""

from types import SimpleNamespace
from typing import Any, cast

import pytest

from migrate import boot, steps
from migrate.steps import Steps
from migrate.work import Work
from pse.core.documents.plan import Check, Service
from pse.core.errors import RemoteError
from pse.core.journal import FileJournal
from tests.migrate.rig import Rig, wait_for
from tests.migrate.test_migrate_files import MOVE


def of(rig: Rig, service: Service) -> Steps:
    """The steps of a workload of one service; nothing is frozen."""
    settings = SimpleNamespace(migrate=SimpleNamespace(freeze_budget_s=60))
    runtime = SimpleNamespace(
        journal=FileJournal(rig.base / "journal.jsonl"), plan="plan", workspace=SimpleNamespace(settings=settings)
    )
    unit = SimpleNamespace(services=(service,))
    return Steps(runtime=cast("Any", runtime), work=Work(workload="w", units=cast("Any", (unit,))), key="a1")


def test_a_start_command_that_hangs_is_ended_on_the_host(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(steps, "COMMAND_S", 1.0)
    host = rig.task(MOVE).target
    service = Service(name="app", server="new", start="echo begun >/tmp/b; sleep 4321 & sleep 4322", stop="true")
    with pytest.raises(RemoteError, match=r"start app failed .* it did not end within 1 s, so it was ended"):
        of(rig, service).start_services(lambda _: host, "target")
    assert host.text("cat /tmp/b") == "begun\n"
    wait_for(lambda: b"sleep" not in host.run("cat /proc/[0-9]*/comm 2>/dev/null").stdout, 10)


def test_a_daemon_that_keeps_its_output_holds_nobody_up(rig: Rig) -> None:
    host = rig.task(MOVE).target
    service = Service(name="app", server="new", start="sleep 60 &", stop="true")
    of(rig, service).start_services(lambda _: host, "target")
    assert b"sleep" in host.run("cat /proc/[0-9]*/comm 2>/dev/null").stdout


def test_a_stop_command_is_not_believed(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(steps, "CHECK_S", 5.0)
    host = rig.task(MOVE).source
    run = f"setsid python3 -m http.server 8000 --bind {host.endpoint.address} --directory /srv & echo $! >/tmp/web"
    check = Check(name="web-answers", http="8000/")
    lies = Service(name="web", server="s", start=run, stop="true", checks=(check,))
    of(rig, lies).start_services(lambda _: host, "source")
    monkeypatch.setattr(steps, "CHECK_S", 0.3)
    with pytest.raises(RemoteError, match=r"still answers after its stop command \(web-answers: HTTP 200\)"):
        of(rig, lies).stop_services(lambda _: host, "lies", proved=True)
    honest = Service(name="web", server="s", start=run, stop="kill $(cat /tmp/web)", checks=(check,))
    of(rig, honest).stop_services(lambda _: host, "honest", proved=True)


SYSTEMCTL = """#!/bin/sh
cd /home/admin/units || exit 1
case $1 in
  is-enabled) [ -e "$3" ] && echo enabled || { echo disabled; exit 1; };;
  disable) shift 2; rm -f -- "$@";;
  enable) shift 2; touch -- "$@";;
  *) exit 64;;
esac
"""


def test_what_a_host_starts_by_itself_is_kept_from_it_and_given_back(rig: Rig) -> None:
    home = rig.source.root / "home/admin"
    (home / "bin").mkdir()
    (home / "bin/systemctl").write_text(SYSTEMCTL)
    (home / "bin/systemctl").chmod(0o755)
    (home / "units").mkdir()
    (home / "units/app.service").touch()
    host, call = rig.task(MOVE).source, "/home/admin/bin/systemctl"
    service = Service(name="app", server="s", start=f"{call} start app", stop=f"{call} stop app.service helper.service")
    seen = boot.enabled(host, service)
    assert seen == {"units": ["app.service"]}
    for _ in range(2):
        boot.switch(host, service, seen["units"], "disable")
        assert boot.enabled(host, service) == {"units": []}
    # What was off before stays off.
    boot.switch(host, service, seen["units"], "enable")
    assert [path.name for path in (home / "units").iterdir()] == ["app.service"]


@pytest.mark.parametrize(
    ("stop", "units"),
    [
        ("systemctl stop nginx", ("nginx",)),
        ("sudo -n systemctl stop app@1.service web", ("app@1.service", "web")),
        ("systemctl stop nginx && rm -rf /x", ()),
        ("systemctl stop $(cat unit)", ()),
        ("/etc/init.d/nginx stop", ()),
        ("kill $(cat /tmp/web)", ()),
    ],
)
def test_only_what_is_plainly_a_unit_is_taken_for_one(stop: str, units: tuple[str, ...]) -> None:
    assert boot.units_of(Service(name="app", server="s", start="true", stop=stop))[1] == units
