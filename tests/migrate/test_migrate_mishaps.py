"""Controllers, hosts and name servers that go away at the worst moment: nothing that was paid is lost."""

import json
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from urllib.request import Request, urlopen

import pytest

import migrate
from migrate.dns import Dns
from migrate.replicators.ports import Task
from migrate.replicators.postgresql import access
from migrate.replicators.postgresql.psql import Admin
from providers.lab import hosts
from pse.core.documents.campaign import MoveState
from pse.core.errors import PseError, Refused, RemoteError, UsageError
from pse.core.progress import Event
from tests.migrate.ministry import Ministry, ministry, one
from tests.migrate.rig import wait_for

__all__ = ["ministry"]
pytestmark = pytest.mark.timeout(900)


def frozen(ministry: Ministry) -> str:
    """What is said of the portal's freeze."""
    said = migrate.status(ministry.workspace, ministry.bundle)
    assert said is not None
    (message,) = [one.message for one in said.findings if one.subject == "portal" and one.code == "PSE-M003"]
    return message


def address_of(ministry: Ministry, name: str) -> str:
    """Of a new server."""
    (address,) = [server.address for server in ministry.built(name) if server.name == name]
    return address


def test_a_source_whose_controller_died_gives_itself_back(ministry: Ministry) -> None:
    """Killed with everything ready, just before it would have decided to switch."""
    workspace, bundle = ministry.workspace, ministry.bundle
    before = ministry.count()
    with ministry.freeze(budget_s=12, grace_s=1):
        ministry.kill_at("portal switch start", "portal")
    assert ministry.down("portal")
    found = re.search(r"the source gives itself back in (\d+) s", frozen(ministry))
    assert found is not None
    wait_for(lambda: not ministry.down("portal"), int(found[1]) + 5)
    paid = [ministry.pay() for _ in range(3)]
    assert ministry.count() == before + 3
    # The new side runs, too: what is written there does not come over, it is said, and it is kept.
    new = address_of(ministry, "portal")
    with urlopen(Request(f"http://{new}:8080/pay", data=b"", method="POST"), timeout=10) as answer:
        astray = json.load(answer)["id"]
    old = ministry.payments()
    assert old.rows("payments", "select subenabled from pg_subscription where subname like 'pse%rev'") == [["f"]]
    wait_for(lambda: "The new side runs, too" in frozen(ministry), 5)
    assert ministry.count() == before + 3
    # The budget is longer now: that the source served meanwhile is known from its guards, not from the clock.
    again = migrate.run(workspace, bundle, workloads=["portal"])
    assert one(again, "portal") is MoveState.VERIFIED
    assert ministry.count() == before + 3
    assert ministry.pay() > max(paid)
    (kept,) = [one.message for one in again.findings if one.code == "PSE-M019"]
    fresh = Admin(ministry.host(next(one for one in ministry.built("portal") if one.name == "payments")), 5432)
    rows = f"select count(*) from public.payments where id = {astray}"
    assert fresh.one(kept.rsplit(" ", 1)[1], rows) == "1"
    wait_for(lambda: old.one("payments", "select subenabled from pg_subscription") == "t", 10)
    fresh.host.close()
    old.host.close()
    assert one(migrate.rollback(workspace, bundle, "portal"), "portal") is MoveState.ROLLED_BACK
    assert ministry.count() == before + 4


def test_a_source_that_was_about_to_be_switched_stays_stopped(ministry: Ministry) -> None:
    """Killed between the decision and the update of the record."""
    workspace, bundle = ministry.workspace, ministry.bundle
    before, since = ministry.count(), time.monotonic()
    with ministry.freeze(budget_s=10, grace_s=1):
        ministry.kill_at("portal switch update", "portal")
    assert "stays stopped until somebody runs this" in frozen(ministry)
    host = ministry.payments().host
    ended = "for f in /run/pse-*/guard-a*.pid; do ! kill -0 $(cat $f) 2>/dev/null || exit 1; done"
    assert host.text("ls /run/pse-*/guard-a*.pid").strip()
    wait_for(lambda: host.run(ended).rc == 0, 60)
    assert time.monotonic() - since > 10
    host.close()
    assert ministry.down("portal")
    assert one(migrate.run(workspace, bundle, workloads=["portal"]), "portal") is MoveState.VERIFIED
    assert ministry.count() == before
    ministry.pay()
    # A rollback that cannot work is refused before anything is stopped for it.
    pins = workspace.private / "known_hosts"
    known = pins.read_text()
    lines = [line.split() for line in known.splitlines()]
    other = next(line[2] for line in lines if line[0] == "records")
    pins.write_text("".join(f"{n} {t} {other if n == 'payments' else key}\n" for n, t, key in lines))
    try:
        with serving(ministry), pytest.raises(PseError, match="key"):
            migrate.rollback(workspace, bundle, "portal")
    finally:
        pins.write_text(known)
    said = migrate.status(workspace, bundle)
    assert one(said, "portal") is MoveState.VERIFIED
    assert said is not None
    assert "PSE-M008" not in {finding.code for finding in said.findings}
    assert one(migrate.rollback(workspace, bundle, "portal"), "portal") is MoveState.ROLLED_BACK
    assert ministry.count() == before + 1


def test_what_changes_before_the_switch_gives_the_source_back(ministry: Ministry) -> None:
    """Somebody points the record elsewhere; the target loses its power. Afterwards names are remembered as before."""
    workspace, bundle = ministry.workspace, ministry.bundle
    dns, name = Dns(workspace), "opendata.ministry.example"
    address, ttl = dns.lookup(name)

    def run_and(act: Callable[[], object], *, at: str) -> str:
        def tell(event: Event) -> None:
            if (event.subject, event.step, event.state) == ("opendata", at, "start"):
                act()

        failed = migrate.run(workspace, bundle, workloads=["opendata"], progress=tell)
        assert one(failed, "opendata") is MoveState.FAILED
        with urlopen(f"http://{address}:8080/health", timeout=5) as answer:
            assert answer.status == 200
        assert "PSE-M003" not in {finding.code for finding in failed.findings}
        (reason,) = [finding.message for finding in failed.findings if finding.code == "PSE-M001"]
        return reason

    assert "neither at" in run_and(lambda: dns.swap(name, old=address, new="192.0.2.9", ttl=1), at="start")
    assert dns.lookup(name) == ("192.0.2.9", 1)
    dns.swap(name, old="192.0.2.9", new=address, ttl=1)
    new, old = ministry.servers("opendata")
    (server,) = [host.name for host in hosts.status(workspace) if host.address == new.endpoint.address]
    assert "opendata" in run_and(lambda: hosts.stop(workspace, [server]), at="verify")
    hosts.Hosts(workspace.root).start(server)
    assert migrate.cleanup(workspace, bundle, workloads=["opendata"]) == ()
    for host in (new, old):
        assert host.text("ls /run | grep -c pse- || true").strip() == "0"
        host.close()
    assert dns.lookup(name) == (address, ttl)


def test_an_update_without_an_answer_neither_comes_late_nor_is_forgotten(
    ministry: Ministry, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace, bundle = ministry.workspace, ministry.bundle
    dns, name, swap, held = Dns(workspace), "opendata.ministry.example", Dns.swap, []
    address, _ = dns.lookup(name)

    def stuck(self: Dns, name: str, *, old: str, new: str, ttl: int, ticket: str = "") -> None:
        if not ticket:
            return swap(self, name, old=old, new=new, ttl=ttl)
        held.append(lambda: swap(self, name, old=old, new=new, ttl=ttl, ticket=ticket))
        raise RemoteError("no answer", where="dns")

    def dark(_self: Dns, _name: str) -> None:
        raise RemoteError("no answer", where="dns")

    # It is still on its way when the source is given back, and arrives then.
    with monkeypatch.context() as patch:
        patch.setattr(Dns, "swap", stuck)
        failed = migrate.run(workspace, bundle, workloads=["opendata"])
    assert one(failed, "opendata") is MoveState.FAILED
    assert not ministry.down("opendata")
    with pytest.raises(Refused, match="called off"):
        held[0]()
    assert dns.lookup(name)[0] == address
    # The name server is gone: nobody can tell, so the source stays stopped, and the next run completes the switch.
    with monkeypatch.context() as patch:
        patch.setattr(Dns, "swap", stuck)
        patch.setattr(Dns, "withdraw", dark)
        stopped = migrate.run(workspace, bundle, workloads=["opendata"])
    assert one(stopped, "opendata") is MoveState.SWITCHED
    (said,) = [one for one in stopped.findings if one.code == "PSE-M002" and one.subject == "opendata"]
    assert "the source stays stopped" in said.message
    assert "completes the switch" in said.remedy
    assert ministry.down("opendata")
    with pytest.raises(Refused, match="not known whether its record was switched"):
        migrate.cleanup(workspace, bundle, workloads=["opendata"])
    assert one(migrate.run(workspace, bundle, workloads=["opendata"]), "opendata") is MoveState.VERIFIED
    assert dns.lookup(name)[0] == address_of(ministry, "opendata")
    assert not ministry.down("opendata")
    assert one(migrate.rollback(workspace, bundle, "opendata"), "opendata") is MoveState.ROLLED_BACK
    with pytest.raises(Refused, match="called off"):
        held[1]()
    # A record that names the new side with nobody having switched it.
    new = address_of(ministry, "opendata")
    dns.swap(name, old=address, new=new, ttl=1)
    astray = migrate.run(workspace, bundle, workloads=["opendata"])
    assert one(astray, "opendata") is MoveState.FAILED
    assert "PSE-M033" in {one.code for one in astray.findings}
    dns.swap(name, old=new, new=address, ttl=1)


@contextmanager
def serving(ministry: Ministry) -> Iterator[None]:
    """The portal is asked all the while, and always answers."""
    over, failed = threading.Event(), []

    def ask() -> None:
        while not over.is_set():
            if ministry.down("portal"):
                failed.append(time.monotonic())

    thread = threading.Thread(target=ask)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
    assert failed == []


def test_a_lost_answer_of_the_name_server_loses_no_payment(ministry: Ministry, monkeypatch: pytest.MonkeyPatch) -> None:
    """The switch took place, its answer was lost, and nothing is known of the record for a while."""
    workspace, bundle = ministry.workspace, ministry.bundle
    before = ministry.count()
    known = migrate.status(workspace, bundle)
    assert known is not None
    kept = [finding for finding in known.findings if finding.code == "PSE-M019"]
    swap, lookup = Dns.swap, Dns.lookup
    silent = []

    def lost(self: Dns, name: str, *, old: str, new: str, ttl: int, ticket: str = "") -> None:
        swap(self, name, old=old, new=new, ttl=ttl, ticket=ticket)
        if old != new:
            silent.append(name)
            raise RemoteError("no answer", where="dns")

    def dark(self: Dns, name: str) -> tuple[str, int]:
        if silent:
            raise RemoteError("no answer", where="dns")
        return lookup(self, name)

    monkeypatch.setattr(Dns, "swap", lost)
    monkeypatch.setattr(Dns, "lookup", dark)
    stuck = migrate.run(workspace, bundle, workloads=["portal"])
    monkeypatch.undo()
    assert one(stuck, "portal") is MoveState.SWITCHED
    said = [finding for finding in stuck.findings if finding.subject == "portal"]
    # What an earlier test left aside at the new side stays said until somebody has looked at it.
    assert {finding.code for finding in said if finding not in kept} == {"PSE-M002"}
    paid = [ministry.pay() for _ in range(3)]
    assert ministry.count() == before + 3
    back = migrate.rollback(workspace, bundle, "portal")
    assert one(back, "portal") is MoveState.ROLLED_BACK
    assert ministry.count() == before + 3
    assert ministry.pay() > max(paid)
    again = migrate.run(workspace, bundle, workloads=["portal"])
    assert one(again, "portal") is MoveState.VERIFIED
    assert ministry.count() == before + 4


def test_a_rollback_killed_half_way_is_said_and_goes_first(ministry: Ministry) -> None:
    workspace, bundle = ministry.workspace, ministry.bundle
    ministry.kill_at("portal switch-back start", "back", "portal")
    said = migrate.status(workspace, bundle)
    assert said is not None
    assert "PSE-M008" in {finding.code for finding in said.findings if finding.subject == "portal"}
    with pytest.raises(Refused, match="interrupted half-way"):
        migrate.run(workspace, bundle, workloads=["portal"])
    with pytest.raises(Refused, match="interrupted half-way"):
        migrate.cleanup(workspace, bundle, workloads=["portal"])
    # A worker needs nobody to ask it.
    migrate.take_part(workspace, until_idle=True)
    assert one(migrate.status(workspace, bundle), "portal") is MoveState.ROLLED_BACK
    assert one(migrate.run(workspace, bundle, workloads=["portal"]), "portal") is MoveState.VERIFIED


def test_a_close_that_was_killed_is_ended_by_close(ministry: Ministry, monkeypatch: pytest.MonkeyPatch) -> None:
    workspace, bundle = ministry.workspace, ministry.bundle
    real = access.hand_over

    class Killed(BaseException):
        pass

    def killed(task: Task, source: Admin, target: Admin) -> None:
        real(task, source, target)
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(access, "hand_over", killed)
        with pytest.raises(Killed):
            migrate.cleanup(workspace, bundle, workloads=["portal"])
    with pytest.raises(Refused, match="ended by `pse close`"):
        migrate.rollback(workspace, bundle, "portal")
    assert migrate.cleanup(workspace, bundle, workloads=["portal"]) == ()


def test_what_does_not_exist_is_refused(ministry: Ministry) -> None:
    with pytest.raises(UsageError, match="does not move"):
        migrate.run(ministry.workspace, ministry.bundle, workloads=["legacy"])
    with pytest.raises(UsageError, match="no wave 9"):
        migrate.run(ministry.workspace, ministry.bundle, waves=[9])
    with pytest.raises(Refused, match="nothing to roll back"):
        migrate.rollback(ministry.workspace, ministry.bundle, "records")
