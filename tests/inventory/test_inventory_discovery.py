"""Discovery against real sshds, good and bad ones together."""

import getpass
import re
import shutil
import socket
import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest

import inventory
from inventory.asking import HINTS, HostResult
from inventory.discovery import Discovery
from inventory.store import record
from pse.core.documents.snapshot import Server, Sighting
from pse.core.errors import BadInput, UsageError
from pse.core.progress import Event
from pse.core.settings import Workspace
from pse.core.time import now
from tests.inventory import rude
from tests.inventory.sshd import Sshd
from tests.require import require


class Room:
    """A workspace with hosts of its own."""

    def __init__(self, root: Path, key: Path) -> None:
        self.root = root
        self.key = key
        self.hosts: list[str] = []
        (root / "pse.toml").write_text(
            'entity = "Test"\n[discovery]\nparallel = 8\ndeadline_s = 6\nconnect_s = 2\nbackoff_s = 0.05\n',
            encoding="utf-8",
        )

    def add(self, name: str, address: str, port: int, **extra: str) -> None:
        """One more host."""
        more = "".join(f"{k} = {v}\n" for k, v in extra.items())
        self.hosts.append(f'[[host]]\nname = "{name}"\naddress = "{address}"\nport = {port}\n{more}')

    def workspace(self) -> Workspace:
        """The workspace as it stands."""
        head = f'[defaults]\nuser = "{getpass.getuser()}"\nkey = "file:{self.key}"\n'
        (self.root / "hosts.toml").write_text(head + "".join(self.hosts), encoding="utf-8")
        return Workspace(self.root)

    def discover(self, *, only: tuple[str, ...] = ()) -> Discovery:
        """Ask, accepting new hosts."""
        return inventory.discover(self.workspace(), accept_new=True, only=only)


@pytest.fixture
def room(tmp_path: Path, login_key: Path) -> Room:
    return Room(tmp_path, login_key)


@pytest.fixture
def odd_sshd(tmp_path: Path, login_key: Path) -> Iterator[Callable[..., Sshd]]:
    """Makes sshds with options."""
    made: list[Sshd] = []

    def make(*options: str) -> Sshd:
        made.append(Sshd(tmp_path / f"odd{len(made)}", *options, key=login_key))
        return made[-1]

    yield make
    for server in made:
        server.stop()


def test_a_host_is_read_in_one_round_trip_and_kept(room: Room, sshd: Sshd) -> None:
    room.add("one", sshd.address, sshd.port, tags='["owner=Director Records"]')
    before = sshd.log.read_bytes()
    found = room.discover()
    assert [(r.host, r.status, r.message) for r in found.hosts] == [("one", "ok", "")]
    (server,) = found.estate.servers
    assert server.vcpus
    assert server.memory_mib
    assert server.os_family
    assert server.addresses == (sshd.address,)
    assert server.tags == ("owner=Director Records",)
    assert {row.server for row in found.estate.configuration} == {server.id}, "at least root's groups are known"
    assert "PSE-I138" not in {f.code for f in found.estate.manifest.findings}, "both ends have one clock"
    assert inventory.load_estate(room.workspace()) == found.estate
    log = sshd.log.read_bytes()[len(before) :]
    assert log.count(b"Starting session: command") == 1


def test_unknown_hosts_are_refused_and_pinned_only_on_request(room: Room, sshd: Sshd) -> None:
    room.add("one", sshd.address, sshd.port)
    refused = inventory.discover(room.workspace())
    assert [r.status for r in refused.hosts] == ["hostkey"]
    assert [f.code for f in refused.findings] == ["PSE-I001"]
    assert refused.estate.servers == ()
    room.discover()
    assert inventory.discover(room.workspace()).hosts[0].status == "ok"


def test_a_changed_key_is_refused_even_when_new_ones_are_accepted(
    room: Room, sshd: Sshd, odd_sshd: Callable[..., Sshd]
) -> None:
    other = odd_sshd()
    room.add("one", sshd.address, sshd.port)
    room.discover()
    room.hosts.clear()
    room.add("one", other.address, other.port)
    assert room.discover().hosts[0].status == "hostkey"


def test_one_host_at_two_addresses_is_one_server_with_both_sightings(
    room: Room, sshd: Sshd, odd_sshd: Callable[..., Sshd]
) -> None:
    other = odd_sshd()
    room.add("one", sshd.address, sshd.port)
    room.add("two", other.address, other.port)
    (server,) = room.discover().estate.servers
    assert server.sources == ("ssh:one", "ssh:two")


def test_ids_stay_when_a_host_is_asked_again(room: Room, sshd: Sshd) -> None:
    room.add("one", sshd.address, sshd.port)
    first: Server = room.discover().estate.servers[0]
    assert room.discover().estate.servers[0].id == first.id


def test_bad_hosts_never_delay_or_stop_the_good_one(
    room: Room, sshd: Sshd, odd_sshd: Callable[..., Sshd], login_key: Path
) -> None:
    forced = odd_sshd("ForceCommand echo This is a menu")
    quiet = odd_sshd("ForceCommand exec sleep 60")
    noisy = odd_sshd("ForceCommand exec cat /dev/zero")
    events: list[Event] = []
    with (
        rude.Rude(rude.silent) as silent,
        rude.Rude(rude.banner_lines) as lines,
        rude.ssh_server("password") as password,
    ):
        room.add("menu", forced.address, forced.port)
        room.add("sleeper", quiet.address, quiet.port)
        room.add("flood", noisy.address, noisy.port)
        room.add("silent", silent.address, silent.port)
        room.add("lines", lines.address, lines.port)
        room.add("password", password.address, password.port)
        room.add("gone", silent.address, 1)
        room.add("good", sshd.address, sshd.port)
        started = time.monotonic()
        good_after: list[float] = []

        def listen(event: Event) -> None:
            events.append(event)
            if event.subject == "good":
                good_after.append(time.monotonic() - started)

        found = inventory.discover(room.workspace(), accept_new=True, progress=listen)
    assert time.monotonic() - started < 14
    assert good_after[0] < 5
    status = {r.host: r.status for r in found.hosts}
    assert status.pop("flood") in {"oversize", "not-a-shell", "deadline"}
    assert status == {
        "menu": "not-a-shell",
        "sleeper": "deadline",
        "silent": "deadline",
        "lines": "protocol",
        "password": "auth",
        "gone": "unreachable",
        "good": "ok",
    }
    assert len(found.estate.servers) == 1
    assert all(f.remedy for f in found.findings), "a host that could not be asked says what to do"
    assert {f.subject for f in found.findings} == {r.host for r in found.hosts} - {"good"}
    updates = [e for e in events if e.subject]
    assert [e.done for e in updates] == list(range(1, 9))
    assert not [t for t in threading.enumerate() if t.name.startswith(("discover", "ssh-watch"))]


@pytest.mark.parametrize(
    ("rc_text", "status"),
    [
        ("echo Welcome; printf '\\033[31m'; read x", "ok"),
        ("cat >/dev/null", "not-a-shell"),
        ("while read x; do case $x in B=*) break;; esac; done", "noise"),
    ],
)
def test_login_shells_that_talk_and_eat(
    room: Room, odd_sshd: Callable[..., Sshd], tmp_path: Path, rc_text: str, status: str
) -> None:
    require("bash")
    start = tmp_path / "start.sh"
    start.write_text(f'{rc_text}\nexec /bin/sh -c "$SSH_ORIGINAL_COMMAND"\n', encoding="utf-8")
    server = odd_sshd(f"ForceCommand {shutil.which('bash')} {start}")
    room.add("odd", server.address, server.port)
    (result,) = room.discover().hosts
    assert result.status == status
    assert "\x1b" not in result.message


def test_what_was_seen_lately_is_not_asked_again(room: Room, sshd: Sshd) -> None:
    room.add("one", sshd.address, sshd.port)
    first = room.discover()
    room.hosts[0] = room.hosts[0].replace(f"port = {sshd.port}", "port = 1")
    room.add("two", sshd.address, sshd.port)
    again = inventory.discover(room.workspace(), accept_new=True, max_age=timedelta(hours=1))
    assert [r.status for r in again.hosts] == ["fresh", "ok"]
    assert not again.findings
    assert set(again.estate.servers[0].sources) >= set(first.estate.servers[0].sources)
    old = inventory.discover(room.workspace(), max_age=timedelta(0), only=("one",))
    assert [r.status for r in old.hosts] == ["unreachable"]


def test_an_interrupted_run_keeps_what_is_finished(room: Room, sshd: Sshd) -> None:
    room.add("good", sshd.address, sshd.port)
    with rude.Rude(rude.silent) as silent:
        room.add("silent", silent.address, silent.port)

        def interrupt(event: Event) -> None:
            if event.subject == "good":
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            inventory.discover(room.workspace(), accept_new=True, progress=interrupt)
        rest = inventory.discover(room.workspace(), accept_new=True, max_age=timedelta(hours=1))
    assert [r.status for r in rest.hosts] == ["fresh", "deadline"]
    assert [s.sources for s in rest.estate.servers] == [("ssh:good",)]


def test_a_host_that_was_away_for_a_moment_is_asked_again(room: Room, sshd: Sshd) -> None:
    """The first connections are closed at once, the last one is passed on to a real sshd."""
    turned_away = 0

    def busy(sock: socket.socket, stop: threading.Event) -> None:
        nonlocal turned_away
        if turned_away < 2:
            turned_away += 1
            return sock.close()
        return rude.pass_on(sock, (sshd.address, sshd.port))

    with rude.Rude(busy) as door:
        room.add("busy", door.address, door.port)
        text = (room.root / "pse.toml").read_text(encoding="utf-8")
        (room.root / "pse.toml").write_text(f"{text}retries = 2\n", encoding="utf-8")
        assert [r.status for r in room.discover().hosts] == ["ok"]
    assert turned_away == 2


def test_what_is_kept_on_the_way_is_in_the_snapshot(room: Room, sshd: Sshd, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("inventory.discovery._KEEP_EVERY", 2)
    for name in ("one", "two", "three", "four", "five"):
        room.add(name, sshd.address, sshd.port)
    found = room.discover()
    assert {r.status for r in found.hosts} == {"ok"}
    (server,) = found.estate.servers
    assert server.sources == tuple(sorted(f"ssh:{name}" for name in ("one", "two", "three", "four", "five")))
    assert room.discover().estate.servers == found.estate.servers


def test_many_hosts_are_told_of_together(room: Room, sshd: Sshd, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("inventory.discovery._TELL_EACH", 1)
    for name in ("one", "two", "three"):
        room.add(name, sshd.address, sshd.port)
    room.add("gone", sshd.address, 1)
    events: list[Event] = []

    def listen(event: Event) -> None:
        events.append(event)

    inventory.discover(room.workspace(), accept_new=True, progress=listen)
    assert {e.subject for e in events} == {"", "gone"}
    assert any("hosts a second, about 0 s left" in e.message for e in events)


def test_only_the_named_hosts_are_asked(room: Room, sshd: Sshd) -> None:
    room.add("one", sshd.address, sshd.port)
    room.add("two", sshd.address, 1)
    assert [r.host for r in room.discover(only=("one",)).hosts] == ["one"]
    with pytest.raises(UsageError, match="three"):
        room.discover(only=("three",))


def test_patterns_name_hosts(room: Room, sshd: Sshd) -> None:
    for name in ("portal", "portal2", "records"):
        room.add(name, sshd.address, 1)
    asked = [[r.host for r in room.discover(only=only).hosts] for only in (("POR*",), ("records", "*2"), ("*",))]
    assert asked == [["portal", "portal2"], ["portal2", "records"], ["portal", "portal2", "records"]]
    with pytest.raises(UsageError, match=r"no host 'x\*'") as caught:
        room.discover(only=("portal", "x*"))
    assert "records" in caught.value.hint


def test_the_key_of_a_jump_host_is_named_as_its_own(room: Room, sshd: Sshd) -> None:
    room.add("bastion", sshd.address, sshd.port)
    room.add("records", sshd.address, sshd.port, jump='"bastion"')
    found = inventory.discover(room.workspace(), only=("records",))
    (finding,) = found.findings
    assert finding.subject == "records"
    assert "host key of bastion is not known" in finding.message
    assert "console of bastion" in finding.remedy


def test_what_is_wrong_here_is_not_looked_for_on_the_host(room: Room, sshd: Sshd) -> None:
    room.add("misspelt", "recrods.invalid", 22)
    room.add("keyless", sshd.address, sshd.port, key='"file:../nokey"')
    keyless, misspelt = sorted(inventory.discover(room.workspace(), accept_new=True).findings)
    assert (keyless.subject, misspelt.subject) == ("keyless", "misspelt")
    assert keyless.message.startswith("key: ")
    assert "nokey" in keyless.message
    assert "hosts.toml" in keyless.remedy
    assert "authorized_keys" not in keyless.remedy
    assert "'recrods.invalid' is not known" in misspelt.message
    assert "`address` in hosts.toml" in misspelt.remedy


def test_a_list_without_hosts_says_how_to_write_one(room: Room) -> None:
    with pytest.raises(BadInput, match="names no host") as caught:
        room.discover()
    assert "[[host]]" in caught.value.hint


def test_every_status_has_a_hint() -> None:
    words = re.search(r"status: (.*?)\n        message:", HostResult.__doc__ or "", re.DOTALL)
    assert words
    assert set(HINTS) | {"ok", "fresh"} == set(re.findall(r"``([a-z-]+)``", words[1]))


def test_what_was_not_seen_this_time_is_said(room: Room, sshd: Sshd) -> None:
    app = Server(id="", hostname="portal", sources=("ssh:portal",))
    base = Sighting(source="ssh:portal", seen=now(), identity={"machine_id": "a"}, server=app)
    socket = ("tcp", "10.0.0.1", 40000, "10.0.0.2", 5432, "app")
    record(room.workspace(), [msgspec.structs.replace(base, sockets=(socket,))])
    record(room.workspace(), [base])
    room.add("one", sshd.address, sshd.port)
    assert [f.code for f in room.discover().findings] == ["PSE-I130"]


def test_nothing_known_yet(room: Room) -> None:
    with pytest.raises(BadInput, match="nothing is known"):
        inventory.load_estate(room.workspace())
