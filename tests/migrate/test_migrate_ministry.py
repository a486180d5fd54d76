"""The sample ministry, end to end on the real engine: moved, killed, resumed, rolled back, moved again, proved."""

import json
import re
import signal
from datetime import timedelta
from urllib.request import urlopen

import msgspec
import pytest
from click.testing import CliRunner

import migrate
from blueprints import Bundle, make_plan
from blueprints.building.provision import destroy, ensure, up
from inventory.ssh import endpoint_of
from migrate import checks, steps
from migrate.backward import Backward
from migrate.dns import Dns
from migrate.journal import SqlJournal
from policy.ledger import Ledger
from policy.signing import verify
from pse.cli.main import root
from pse.core.canonical import digest
from pse.core.database import open_database
from pse.core.documents.campaign import MoveState
from pse.core.errors import Refused, RemoteError
from pse.core.served import served
from pse.core.settings import Workspace
from pse.core.time import today
from tests.migrate.ministry import Ministry, bare, ministry, one

__all__ = ["ministry"]
pytestmark = pytest.mark.timeout(900)


def test_the_whole_life_of_a_move(ministry: Ministry) -> None:  # noqa: PLR0915 - one life, in order
    workspace, bundle = ministry.workspace, ministry.bundle
    assert migrate.status(workspace, bundle) is None
    # A plan of yesterday's labels: refused before anything is begun.
    labels = workspace.path("policy/labels.toml")
    before_change = labels.read_text()
    labels.write_text(before_change.replace('owner = "', 'owner = "Acting ', 1))
    try:
        with pytest.raises(Refused, match="labels changed since the plan was made"):
            migrate.run(workspace, bundle)
    finally:
        labels.write_text(before_change)
    assert migrate.status(workspace, bundle) is None
    paid = [ministry.pay()]

    # Killed while it copies, then while writers are stopped: it says so, and goes on.
    ministry.kill_at("portal seed start", "portal")
    assert one(migrate.status(workspace), "portal") is MoveState.SEEDING
    paid.append(ministry.pay())
    ministry.kill_at("portal finish start", "portal")
    frozen = migrate.status(workspace, bundle)
    assert frozen is not None
    assert one(frozen, "portal") is MoveState.FROZEN
    assert "PSE-M003" in {finding.code for finding in frozen.findings}
    process = ministry.start("portal")
    assert process.stdout is not None
    process.stdout.readline()
    with pytest.raises(Refused, match=str(process.pid)):
        migrate.run(workspace, bundle, workloads=["portal"])
    last = process.communicate(timeout=120)[0].splitlines()[-1]
    assert "verified" in last
    moved = migrate.status(workspace, bundle)
    assert moved is not None
    (portal,) = [progress for progress in moved.workloads if progress.workload == "portal"]
    assert portal.state is MoveState.VERIFIED
    assert portal.mismatches == 0
    assert portal.bytes_moved > 1_000_000
    assert portal.downtime_s is not None
    assert portal.downtime_s > 0.02
    assert all(check.equal and check.items > 0 for check in portal.checks)
    assert any("citizen" in check.subject or "payment" in check.subject for check in portal.checks)

    # The service is the new one, with every row once.
    old = ministry.payments()
    where = ministry.url()
    assert where != f"http://{endpoint_of(workspace, 'portal').address}:8080"
    before = ministry.count()
    paid.append(ministry.pay())
    assert paid == sorted(set(paid))
    assert ministry.count() == before + 1
    tables = "select count(*) from pg_replication_slots where slot_name like 'pse_%'"
    assert old.one("postgres", tables) == "0"

    # Back, with the row that was written on the new side.
    back = migrate.rollback(workspace, bundle, "portal")
    assert one(back, "portal") is MoveState.ROLLED_BACK
    assert ministry.url() == f"http://{endpoint_of(workspace, 'portal').address}:8080"
    assert ministry.count() == before + 1
    paid.append(ministry.pay())
    with pytest.raises(Refused, match="nothing to roll back"):
        migrate.rollback(workspace, bundle, "portal")

    # And over again.
    again = migrate.run(workspace, bundle, workloads=["portal"])
    assert one(again, "portal") is MoveState.VERIFIED
    assert ministry.url() == where
    assert ministry.count() == before + 2
    paid.append(ministry.pay())
    assert paid == sorted(set(paid))
    # What is done is not done again.
    steps = next(len(progress.steps) for progress in again.workloads if progress.workload == "portal")
    same = migrate.run(workspace, bundle, workloads=["portal"])
    assert next(len(progress.steps) for progress in same.workloads if progress.workload == "portal") == steps

    assert migrate.cleanup(workspace, bundle) == ()
    left = "select subname from pg_subscription union all select slot_name from pg_replication_slots"
    assert old.rows("postgres", left) == []
    old.host.close()
    assert migrate.cleanup(workspace, bundle) == ()
    entries = Ledger(workspace).entries()
    told = [entry.data for entry in entries if entry.kind == "close"]
    assert {"plan": bundle.plan.hash, "workload": "portal", "left": 0} in told
    assert len(told) == len({data["workload"] for data in told}), "closed again, with nothing to do"
    # Closed: refused before anything is looked at, and nothing is changed by it.
    closed = migrate.status(workspace, bundle)
    with pytest.raises(Refused, match="ended by `pse close`"):
        migrate.rollback(workspace, bundle, "portal")
    assert migrate.status(workspace, bundle) == closed
    assert closed is not None
    assert {progress.workload for progress in closed.workloads if progress.closed} == {"portal"}
    kinds = [entry.kind for entry in entries]
    assert kinds.count("cut-over") == 2
    assert kinds.count("rollback") == 1


def test_what_users_are_on_is_neither_moved_over_nor_destroyed(ministry: Ministry) -> None:
    workspace = ministry.workspace
    assert served(workspace) == {"portal": ministry.bundle.plan.hash}
    later = make_plan(workspace, as_of=today() + timedelta(days=1))
    assert later.plan.hash != ministry.bundle.plan.hash
    with pytest.raises(Refused, match=r"portal: moved already, by plan " + ministry.bundle.plan.hash[:12]):
        migrate.run(workspace, later)
    moved = msgspec.structs.replace(later.units["portal"], servers=later.units["portal"].servers[:1])
    units = {**later.units, "portal": moved}
    other = Bundle.sealed(workspace, later.plan, units=units, gates=later.gates, verdicts=later.verdicts)
    with pytest.raises(Refused, match="users are on it since plan"):
        up(workspace, other, units=["portal"])
    with pytest.raises(Refused, match="users are on it since plan"):
        ensure(workspace, other, "portal")
    with pytest.raises(Refused, match="users are on the new side"):
        destroy(workspace, ["portal"])
    asked = CliRunner().invoke(root, ["destroy", "--yes", "--json", "--workspace", str(workspace.root)])
    assert asked.exit_code == 3
    assert "--with-moved-data" in asked.stderr
    assert ministry.count() > 0


def test_an_interrupt_stops_at_a_step_and_a_rollback_before_the_switch_unfreezes(ministry: Ministry) -> None:
    workspace, bundle = ministry.workspace, ministry.bundle
    process = ministry.start("opendata")
    assert process.stdout is not None
    for line in process.stdout:
        if line.strip() == "opendata seed start":
            process.send_signal(signal.SIGINT)
            break
    process.communicate(timeout=60)
    assert process.returncode not in (0, -signal.SIGKILL)
    assert one(migrate.status(workspace), "opendata") is MoveState.SEEDING
    ministry.kill_at("opendata verify start", "opendata")
    assert ministry.down("opendata")
    back = migrate.rollback(workspace, bundle, "opendata")
    assert one(back, "opendata") is MoveState.ROLLED_BACK
    assert [finding.code for finding in back.findings if finding.subject == "opendata"] == []
    with urlopen(ministry.url("opendata") + "/health", timeout=5) as answer:
        assert answer.status == 200


def test_a_controller_that_was_gone_too_long_gives_back_and_begins_again(
    ministry: Ministry, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace, bundle = ministry.workspace, ministry.bundle
    ministry.kill_at("opendata verify start", "opendata")
    engine = open_database(workspace)
    journal = SqlJournal(engine)
    key = f"{bundle.plan.hash[:16]}/opendata/a2/frozen"
    assert journal.find(key) is not None
    journal.done(key, {"at": 0.0})
    engine.dispose()
    assert one(migrate.run(workspace, bundle, workloads=["opendata"]), "opendata") is MoveState.VERIFIED
    (steps,) = [p.steps for p in (migrate.status(workspace) or bare()).workloads if p.workload == "opendata"]
    assert [step.step for step in steps].count("thaw") == 1
    given_back_by_the_next_rollback(ministry, monkeypatch)
    # A rollback that fails after everything was brought back goes on from there, and keeps what was written.
    new, old = ministry.servers("opendata")
    new.text("echo kept >/srv/opendata/new-side.txt")
    old.text("echo late >/srv/opendata/old-side.txt")

    def broken(_self: Backward) -> str:
        raise RemoteError("the name server is gone")

    with monkeypatch.context() as patch:
        patch.setattr(Backward, "switch_back", broken)
        with pytest.raises(RemoteError, match="name server is gone"):
            migrate.rollback(workspace, bundle, "opendata")
    assert one(migrate.status(workspace), "opendata") is MoveState.VERIFIED
    assert ministry.down("opendata")
    back = migrate.rollback(workspace, bundle, "opendata")
    assert one(back, "opendata") is MoveState.ROLLED_BACK
    assert old.text("cat /srv/opendata/new-side.txt") == "kept\n"
    # What somebody wrote at the old side meanwhile is kept beside the tree, and said.
    (late,) = [finding.message for finding in back.findings if finding.code == "PSE-M019"]
    assert late.endswith("old-side.txt")
    assert old.text("cat /srv/.pse-kept-*/old-side.txt") == "late\n"
    new.close()
    old.close()


def given_back_by_the_next_rollback(ministry: Ministry, monkeypatch: pytest.MonkeyPatch) -> None:
    """A rollback failed with the target stopped, and the next one is refused: its users get the target again."""
    workspace, bundle = ministry.workspace, ministry.bundle

    def codes() -> set[str]:
        said = migrate.status(workspace, bundle)
        return {finding.code for finding in said.findings if finding.subject == "opendata"} if said else set()

    def broken(_self: Backward) -> str:
        raise RemoteError("the source is gone")

    with monkeypatch.context() as patch:
        for name in ("catch_up", "thaw_target"):
            patch.setattr(Backward, name, broken)
        with pytest.raises(RemoteError, match="source is gone"):
            migrate.rollback(workspace, bundle, "opendata")
    assert ministry.down("opendata")
    assert "PSE-M008" in codes()
    for refused in (migrate.run, migrate.cleanup):
        with pytest.raises(Refused, match="half-way"):
            refused(workspace, bundle, workloads=["opendata"])
    with monkeypatch.context() as patch:
        patch.setattr(Backward, "look_back", broken)
        with pytest.raises(RemoteError, match="source is gone"):
            migrate.rollback(workspace, bundle, "opendata")
    assert not ministry.down("opendata")
    assert codes() & {"PSE-M008", "PSE-M009"} == {"PSE-M009"}
    assert one(migrate.run(workspace, bundle, workloads=["opendata"]), "opendata") is MoveState.VERIFIED


def test_the_freeze_budget_is_kept(ministry: Ministry) -> None:
    with ministry.freeze(budget_s=0.05, grace_s=10):
        failed = migrate.run(Workspace(ministry.workspace.root), ministry.bundle, workloads=["opendata"])
    assert one(failed, "opendata") is MoveState.FAILED
    (reason,) = [finding for finding in failed.findings if finding.code == "PSE-M001"]
    assert "writers were stopped for" in reason.message
    with urlopen(ministry.url("opendata") + "/health", timeout=5) as answer:
        assert answer.status == 200


def test_a_record_that_somebody_changed_is_left_alone(ministry: Ministry) -> None:
    dns = Dns(ministry.workspace)
    name = "records.ministry.example"
    address, ttl = dns.lookup(name)
    with pytest.raises(Refused, match="neither at"):
        dns.swap(name, old="192.0.2.1", new="192.0.2.2", ttl=1)
    assert dns.lookup(name) == (address, ttl)
    dns.swap(name, old="192.0.2.1", new=address, ttl=1)  # a replayed step: it is there already


def test_a_failed_check_gives_the_source_back(ministry: Ministry, monkeypatch: pytest.MonkeyPatch) -> None:
    workspace, bundle = ministry.workspace, ministry.bundle
    old = f"http://{endpoint_of(workspace, 'opendata').address}:8080"
    monkeypatch.setattr(steps, "CHECK_S", 0.3)
    real = checks.http_get

    def broken(address: str, check: str, *, host: str = "", timeout_s: float = 5.0) -> int:
        return 500 if f"http://{address}:8080" != old else real(address, check, host=host, timeout_s=timeout_s)

    monkeypatch.setattr(checks, "http_get", broken)
    failed = migrate.run(workspace, bundle, workloads=["opendata"])
    assert one(failed, "opendata") is MoveState.FAILED
    (reason,) = [finding for finding in failed.findings if finding.code == "PSE-M001"]
    assert "HTTP 500" in reason.message
    assert ministry.url("opendata") == old
    with urlopen(f"{old}/health", timeout=5) as answer:
        assert answer.status == 200
    monkeypatch.undo()
    assert one(migrate.run(workspace, bundle, workloads=["opendata"]), "opendata") is MoveState.VERIFIED


def test_the_report_stands_alone_and_is_signed(ministry: Ministry) -> None:
    workspace, bundle = ministry.workspace, ministry.bundle
    path = migrate.write_report(workspace, bundle)
    page = path.read_text()
    assert "SAMPLE" in page
    for needle in (bundle.plan.hash, "Refused attempts", "Ed25519", *(made.workload for made in bundle.plan.decisions)):
        assert needle in page
    assert not re.findall(r"""(?:src|href)\s*=|url\(|@import|<script""", page)
    data = path.with_suffix(".json").read_bytes()
    verify(workspace.settings.signer, data, path.with_suffix(".json.sig").read_text().strip())
    assert digest(data) in page
    refusals = [refusal for one in bundle.plan.decisions for option in one.options for refusal in option.refusals]
    assert refusals
    assert all(refusal.rule in page for refusal in refusals)


def test_no_secret_reaches_a_store(ministry: Ministry) -> None:
    private = ministry.workspace.private
    canaries = [(private / name).read_text().strip() for name in ("tsig", "passphrase")]
    canaries += [line for line in (private / "ssh_key").read_text().splitlines() if len(line) > 40]
    open_database(ministry.workspace).dispose()
    stores = [path for path in private.iterdir() if path.name.startswith(("pse.db", "dbos.db", "ledger"))]
    stores += list((private / "reports").iterdir())
    assert len(stores) >= 3
    for path in stores:
        data = path.read_bytes()
        assert not [canary for canary in canaries if canary.encode() in data], path.name


def test_a_new_side_that_was_destroyed_is_said_and_not_moved_to_again(ministry: Ministry) -> None:
    workspace, bundle = ministry.workspace, ministry.bundle
    assert served(workspace)["portal"] == bundle.plan.hash
    destroy(workspace, ["portal"], with_moved_data=True)
    assert "portal" not in served(workspace)
    assert one(migrate.status(workspace, bundle), "portal") is MoveState.REMOVED
    with pytest.raises(Refused, match="its new side was destroyed"):
        migrate.run(workspace, bundle, workloads=["portal"])
    with pytest.raises(Refused, match="its new side was destroyed"):
        migrate.rollback(workspace, bundle, "portal")
    (said,) = [finding for finding in (migrate.status(workspace, bundle) or bare()).findings if "M004" in finding.code]
    for part in ("database", "payments on payments", "portal.ministry.example", "web on portal"):
        assert part in said.message
    # What was destroyed with its server is gone; the old side is cleaned.
    asked = ["close", "--workload", "portal", "--yes", "--json", "--workspace", str(workspace.root)]
    closed = CliRunner().invoke(root, asked)
    assert closed.exit_code == 0, closed.output
    assert {item["code"] for item in json.loads(closed.stdout)["items"]} == {"PSE-M007"}
