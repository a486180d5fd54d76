"""The sample ministry: six servers and a name server that answer as the estate says."""

import http.client
import json
import os
import stat
import time
from pathlib import Path

import dns.message
import dns.query
import dns.rcode
import dns.resolver
import dns.tsigkeyring
import dns.update
import pytest

from providers.lab import hosts
from providers.lab.addresses import _leases
from providers.lab.hosts import Hosts, LabHost
from providers.lab.sample import create, files
from providers.lab.sample.database import ROWS
from pse.core import secrets
from pse.core.errors import UsageError
from pse.core.progress import Event
from pse.core.settings import Workspace
from tests.lab.machines import eventually, login

SQL = "psql -XAtq -h /var/run/postgresql -U postgres -d payments"
COUNT = (
    "select sum((xpath('/row/c/text()', query_to_xml(format('select count(*) as c from %I.%I', schemaname, tablename), "
    "false, true, '')))[1]::text::int) from pg_tables where schemaname = 'public'"
)
PAID = "select count(*) from payments where reference like 'PORTAL-%'"
KEYLESS = (
    "select count(*) from pg_class c where relkind = 'r' and relnamespace = 'public'::regnamespace "
    "and not exists (select from pg_index i where i.indrelid = c.oid and i.indisprimary)"
)


def host(ministry: Workspace, name: str) -> LabHost:
    return next(h for h in hosts.status(ministry) if h.name == name)


def run(ministry: Workspace, name: str, command: str) -> str:
    return login(host(ministry, name), ministry.private / "ssh_key", command)


def ask(ministry: Workspace, name: str, path: str, *, method: str = "GET", port: int = 8080) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection(host(ministry, name).address, port, timeout=10)
    try:
        connection.request(method, path)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def test_six_servers_and_a_name_server_run(ministry: Workspace) -> None:
    found = hosts.status(ministry)
    names = {h.name for h in found if h.role == "room"}
    assert names == {"portal", "payments", "records", "opendata", "learning", "legacy"}
    assert [h.name for h in found if h.role == "dns"] == ["dns"]
    assert all(h.running for h in found)
    assert len({h.address for h in found}) == 7


@pytest.mark.parametrize("name", ["portal", "records", "opendata", "learning", "legacy"])
def test_every_service_is_healthy_on_its_own_address_only(ministry: Workspace, name: str) -> None:
    assert ask(ministry, name, "/health")[0] == 200
    everywhere = f"00000000:{8080:04X}"
    rows = [line.split() for line in run(ministry, name, "cat /proc/net/tcp").splitlines()]
    assert len(rows) > 5
    assert not [row for row in rows if row[1] == everywhere and row[3] == "0A"]


def test_the_database_holds_fifty_thousand_rows_and_its_odd_things(ministry: Workspace) -> None:
    def one(sql: str) -> str:
        return run(ministry, "payments", f'{SQL} -c "{sql}"').strip()

    assert int(one(COUNT)) == ROWS + int(one(PAID))
    assert one("show wal_level") == "logical"
    assert one("select count(*) from pg_largeobject_metadata") == "2"
    assert one("select count(*) > 100 from daily_collection") == "t"
    assert one(KEYLESS) == "1"
    assert one("select count(*) > 5 from pg_constraint where contype = 'f'") == "t"
    assert one("select count(*) > 5 from pg_sequences") == "t"


def test_the_portal_takes_a_payment_and_counts_it(ministry: Workspace) -> None:
    before = json.loads(ask(ministry, "portal", "/count")[1])["payments"]
    status, body = ask(ministry, "portal", "/pay", method="POST")
    assert status == 201
    assert json.loads(body)["id"] > 0
    assert json.loads(ask(ministry, "portal", "/count")[1])["payments"] == before + 1


def test_services_call_each_other_from_their_own_addresses(ministry: Workspace) -> None:
    asked = "select distinct host(client_addr) from pg_stat_activity where usename = 'portal'"
    shown = run(ministry, "payments", f'{SQL} -c "{asked}"')
    assert shown.split() == [host(ministry, "portal").address]


def test_the_database_lets_nobody_in_over_the_network_without_the_password(ministry: Workspace) -> None:
    refused = run(
        ministry,
        "learning",
        "for u in portal postgres; do psql -wXAtq -h payments -U $u -d payments -c 'select 1' 2>&1; done; true",
    )
    assert refused.count("no password supplied") == 2


def test_services_start_and_stop_twice_by_the_commands_of_the_file(ministry: Workspace) -> None:
    from pse.core.documents.workloads import load_workloads

    declared = load_workloads(ministry)
    services = declared.workload["portal"].service
    for service in reversed(services):
        run(ministry, service.host, f"{service.stop} && {service.stop}")
    with pytest.raises(OSError, match="refused"):
        ask(ministry, "portal", "/health")
    for service in services:
        run(ministry, service.host, f"{service.start} && {service.start}")
    assert eventually(lambda: ask(ministry, "portal", "/health")[0] == 200)
    for workload in declared.workload.values():
        for service in workload.service:
            for check in service.check:
                port, _, path = check.http.partition("/")
                assert ask(ministry, service.host, f"/{path}", port=int(port))[0] == 200


def test_the_records_are_as_awkward_as_promised(ministry: Workspace) -> None:
    root = Hosts(ministry.root).inside("records") / "srv/records"
    awkward = root / "awkward"
    names = {os.fsencode(path.name) for path in awkward.iterdir()}
    assert {b"two\nlines.txt", b"not-utf8-\xff\xfe\xe9.txt", b"name with  spaces .txt", b"empty"} <= names
    assert (awkward / "hard-1").stat().st_nlink == 3
    assert str((awkward / "link").readlink()) == "name with  spaces .txt"
    assert not (awkward / "link-nowhere").exists()
    assert (awkward / "empty").stat().st_size == 0
    sparse = (awkward / "sparse.img").stat()
    assert sparse.st_size == files.SPARSE_MIB * 2**20
    assert sparse.st_blocks * 512 < 2**20
    big = (root / "scans/archive-1998.img").stat()
    assert big.st_size == files.BIG_MIB * 2**20 <= big.st_blocks * 512
    small = sum(len(found) for _, _, found in os.walk(root / "files"))
    assert small == files.SMALL


def test_the_records_are_the_same_at_every_making(tmp_path: Path, ministry: Workspace) -> None:
    files._awkward(os.fsencode(tmp_path / "awkward"))
    there = Hosts(ministry.root).inside("records") / "srv/records/awkward"
    for path in sorted((tmp_path / "awkward").rglob("*")):
        twin = there / path.relative_to(tmp_path / "awkward")
        one, two = path.lstat(), twin.lstat()
        assert (one.st_mode, one.st_size) == (two.st_mode, two.st_size)
        if stat.S_ISREG(one.st_mode):
            assert one.st_mtime_ns == two.st_mtime_ns
            assert path.read_bytes() == twin.read_bytes()


def test_learning_lives_on_the_open_data(ministry: Workspace) -> None:
    assert eventually(lambda: json.loads(ask(ministry, "learning", "/health")[1])["datasets"] == 60)


def test_the_legacy_host_is_of_another_age(ministry: Workspace) -> None:
    shown = run(ministry, "legacy", "uname -m; . /etc/os-release; echo $VERSION_ID; grep -c ocfs2 /etc/fstab")
    assert shown.split() == ["i686", "5.11", "1"]


def test_hosts_know_each_other_by_name(ministry: Workspace) -> None:
    shown = run(ministry, "portal", "getent hosts payments | cut -d' ' -f1; hostname -i").split()
    assert shown == [host(ministry, "payments").address, host(ministry, "portal").address]


def test_names_are_answered_and_updated_with_the_key_and_with_no_other(ministry: Workspace) -> None:
    settings = ministry.settings.migrate.dns

    def address(name: str) -> str:
        question = dns.message.make_query(f"{name}.{settings.zone}", "A")
        answer = dns.query.udp(question, settings.server, port=settings.port, timeout=5)
        return str(answer.answer[0][0]) if answer.answer else ""

    def update(key: str, name: str, to: str) -> dns.rcode.Rcode:
        ring = dns.tsigkeyring.from_text({settings.key_name: key})
        change = dns.update.UpdateMessage(settings.zone, keyring=ring, keyalgorithm=settings.algorithm)
        change.replace(name, 5, "A", to)
        return dns.query.tcp(change, settings.server, port=settings.port, timeout=5).rcode()

    for name in ("portal", "records", "opendata", "learning"):
        assert address(name) == host(ministry, name).address
    key = secrets.resolve(settings.key, base=ministry.root)
    assert update(key, "learning", "127.9.9.9") == dns.rcode.NOERROR
    assert address("learning") == "127.9.9.9"
    assert update(key, "learning", host(ministry, "learning").address) == dns.rcode.NOERROR
    assert address("learning") == host(ministry, "learning").address
    with pytest.raises((dns.tsig.PeerBadSignature, dns.tsig.PeerBadKey)):
        update("c2VjcmV0IG9mIG5vYm9keQ==", "learning", "127.9.9.9")
    assert address("learning") == host(ministry, "learning").address


def test_starting_again_leaves_what_runs_alone_and_is_quick(ministry: Workspace) -> None:
    before = {h.name: h.pid for h in hosts.status(ministry)}
    began = time.monotonic()
    hosts.start_room(ministry)
    assert time.monotonic() - began < 8
    assert {h.name: h.pid for h in hosts.status(ministry)} == before


def test_a_stopped_room_comes_back_with_its_data_even_at_other_addresses(
    ministry: Workspace, sample: Workspace
) -> None:
    events: list[Event] = []

    def listen(event: Event) -> None:
        events.append(event)

    hosts.start_room(sample, listen)
    assert {e.subject for e in events if e.state == "update"} == {h.name for h in hosts.status(sample)}
    status, _ = ask(sample, "portal", "/pay", method="POST")
    assert status == 201
    paid = json.loads(ask(sample, "portal", "/count")[1])
    assert {h.name for h in hosts.stop(sample, ["learning"])} == {"learning"}
    assert len(hosts.stop(sample)) == 6
    assert not any(h.running for h in hosts.status(sample))
    assert hosts.stop(sample) == ()
    # Meanwhile another workspace got the range: the room moves, and its files say so.
    old = Hosts(sample.root).addresses.range()
    other = sample.root.parent / "other"
    other.mkdir()
    with _leases() as leases:
        leases.ranges[old] = str(other)
    hosts.start_room(sample)
    moved = Workspace(sample.root)
    found = {h.name: h.address for h in hosts.status(moved)}
    assert not any(address.startswith(old + ".") for address in found.values())
    text = sample.path("hosts.toml").read_text(encoding="utf-8")
    assert all(found[name] in text for name in ("portal", "payments", "records", "legacy"))
    assert moved.settings.migrate.dns.port != sample.settings.migrate.dns.port
    assert json.loads(ask(moved, "portal", "/count")[1]) == paid
    question = dns.message.make_query("portal.ministry.example", "A")
    settings = moved.settings.migrate.dns
    answer = dns.query.udp(question, settings.server, port=settings.port, timeout=5)
    assert str(answer.answer[0][0]) == found["portal"]


def test_the_sample_is_marked_and_its_policy_holds(sample: Workspace) -> None:
    from datetime import date

    from policy import load_policy
    from providers.catalog import load_offers

    policy = load_policy(sample, as_of=date(2026, 11, 25))
    assert sample.settings.sample
    assert policy.sample
    assert {place.id: place.country for place in policy.register.places} == {
        "sample-markhor/islamabad/ict-1": "PK",
        "sample-ibex/karachi/khi-1": "PK",
        "sample-elsewhere/abroad/abr-1": "XA",
    }
    offers = load_offers(sample)
    assert offers.sample
    assert [o.id for o in offers.offers if o.price is None and "markhor" in o.place] == [
        "sample-markhor/islamabad/ict-1:support:business-hours"
    ]
    assert {offer.place for offer in offers.offers} == {place.id for place in policy.register.places}


def test_keys_are_private_and_a_workspace_is_made_once(sample: Workspace) -> None:
    for name in ("signing_key", "ssh_key", "passphrase", "tsig"):
        assert stat.S_IMODE((sample.private / name).stat().st_mode) == 0o600
    before = sample.path("pse.toml").read_bytes()
    with pytest.raises(UsageError):
        create(sample.root)
    assert sample.path("pse.toml").read_bytes() == before
