"""The sample ministry, end to end on the real engine: moved, killed, resumed, rolled back, moved again, proved."""

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from urllib.request import Request, urlopen

import msgspec
import pytest
from click.testing import CliRunner

import migrate
from blueprints import Bundle, make_plan
from blueprints.provision import destroy, ensure, up
from inventory import discover
from inventory.ssh import Endpoint, endpoint_of
from migrate import checks, steps
from migrate.backward import Backward
from migrate.dns import Dns
from migrate.hosts import Host
from migrate.journal import SqlJournal
from migrate.replicators.psql import Admin
from policy.ledger import Ledger
from policy.signing import verify
from providers.pulumi_cli import find
from pse.cli.main import root
from pse.core import canonical
from pse.core.canonical import digest
from pse.core.database import open_database
from pse.core.documents.campaign import Campaign, MoveState
from pse.core.documents.deployment import Deployment
from pse.core.errors import PseError, Refused, RemoteError
from pse.core.served import served
from pse.core.settings import Workspace
from pse.core.time import today
from tests.require import missing, require

pytestmark = pytest.mark.timeout(900)


@dataclass
class Ministry:
    """A workspace whose server room runs, and its plan."""

    workspace: Workspace
    bundle: Bundle
    plan: Path
    die_at: str = ""

    def url(self, name: str = "portal") -> str:
        """Where the name points now, as a client sees it."""
        address, _ = Dns(self.workspace).lookup(f"{name}.ministry.example")
        return f"http://{address}:8080"

    def pay(self) -> int:
        """Write one row through the service."""
        with urlopen(Request(self.url() + "/pay", data=b"", method="POST"), timeout=10) as answer:
            paid: int = json.load(answer)["id"]
            return paid

    def count(self) -> int:
        """Rows that the service sees."""
        with urlopen(self.url() + "/count", timeout=10) as answer:
            rows: int = json.load(answer)["payments"]
            return rows

    @contextlib.contextmanager
    def freeze(self, *, budget_s: float, grace_s: float) -> Iterator[None]:
        """With another budget, for processes and workspaces that are made meanwhile."""
        path = self.workspace.root / "pse.toml"
        text = path.read_text()
        rest = re.sub(r"^\[migrate\]\n|^freeze_(budget|grace)_s = .*\n", "", text, flags=re.MULTILINE)
        wanted = f"[migrate]\nfreeze_budget_s = {budget_s}\nfreeze_grace_s = {grace_s}\n[migrate.dns]"
        path.write_text(rest.replace("[migrate.dns]", wanted))
        try:
            yield
        finally:
            path.write_text(text)

    def start(self, *workloads: str) -> "subprocess.Popen[str]":
        """Run the campaign in a process of its own."""
        line = [sys.executable, "-m", "tests.migrate.driver", str(self.workspace.root), str(self.plan), *workloads]
        environment = {**os.environ, "DIE_AT": self.die_at}
        return subprocess.Popen(line, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2], env=environment)

    def down(self, name: str) -> bool:
        """The service does not answer."""
        try:
            urlopen(self.url(name) + "/health", timeout=2).close()
        except OSError:
            return True
        return False

    def kill_at(self, moment: str, *workloads: str) -> None:
        """Run it and kill it with -9 as soon as it says ``moment``."""
        self.die_at = moment
        process = self.start(*workloads)
        self.die_at = ""
        assert process.stdout is not None
        seen = [line.strip() for line in process.stdout]
        process.wait(30)
        process.stdout.close()
        assert seen[-1] == moment, seen
        assert process.returncode == -signal.SIGKILL

    def servers(self, name: str) -> tuple[Host, Host]:
        """The new server and the old one of a workload of one server."""
        (built,) = canonical.read(self.workspace.private / "deployments" / f"{name}.json", Deployment).servers
        new = Endpoint(
            name=built.name,
            address=built.address,
            port=built.ssh_port,
            user=built.ssh_user,
            key=self.workspace.settings.ssh_key,
            host_key=built.host_key,
        )
        root = self.workspace.root
        return Host(new, base=root), Host(endpoint_of(self.workspace, name), base=root)

    def payments(self) -> Admin:
        """The old database server."""
        return Admin(Host(endpoint_of(self.workspace, "payments"), base=self.workspace.root), 5432)


@pytest.fixture(scope="module")
def ministry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ministry]:
    """A ministry of this module's own, because moving it changes it."""
    require("bwrap", "sshd", "rsync", "named", "nginx", "ssh", "openssl")
    try:
        find()
    except PseError:
        missing("Pulumi CLI 3.250.0")
    from providers.lab import hosts, sample

    workspace = sample.create(tmp_path_factory.mktemp("migrate") / "workspace")
    try:
        hosts.start_room(workspace)
        discover(workspace, accept_new=True)
        bundle = make_plan(workspace, as_of=today())
        yield Ministry(workspace, bundle, bundle.write(bundle.default_folder(workspace)))
    finally:
        hosts.stop(workspace)


def one(campaign: Campaign | None, workload: str) -> MoveState:
    assert campaign is not None
    return next(progress.state for progress in campaign.workloads if progress.workload == workload)


def test_the_whole_life_of_a_move(ministry: Ministry) -> None:  # noqa: PLR0915 - one life, in order
    workspace, bundle = ministry.workspace, ministry.bundle
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
    closed = [entry.data for entry in entries if entry.kind == "close"]
    assert {"plan": bundle.plan.hash, "workload": "portal", "left": 0} in closed
    assert len(closed) == len({data["workload"] for data in closed}), "closed again, with nothing to do"
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


def bare() -> Campaign:
    return Campaign(plan="", workloads=())


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
    for needle in (bundle.plan.hash, "Refused attempts", "Ed25519", *(one.workload for one in bundle.plan.decisions)):
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
