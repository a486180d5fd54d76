"""SSH against a real sshd and against servers that behave badly: it works, and it always ends."""

import getpass
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from inventory import ssh
from inventory.ssh import Endpoint, connect
from pse.core.errors import BadInput, PseError, Refused, Unreachable
from tests.inventory import rude
from tests.inventory.sshd import Sshd, keygen
from tests.require import require

HERE = Path("/")


@pytest.fixture(autouse=True)
def no_thread_left() -> Iterator[None]:
    """No thread of ours or of paramiko's outlives a test by more than a moment."""
    before = set(threading.enumerate())
    yield
    until = time.monotonic() + 5
    left: list[threading.Thread] = []
    while time.monotonic() < until:
        left = [t for t in threading.enumerate() if t not in before and t.is_alive()]
        if not left:
            return
        left[0].join(0.05)
    pytest.fail(f"threads left: {left}")


def test_runs_and_keeps_streams_and_status_apart(sshd: Sshd) -> None:
    with connect(sshd.endpoint(), base=HERE) as link:
        done = link.run("cat; echo bad >&2; exit 7", stdin=b"\x00\xff in", timeout_s=20)
    assert done == ssh.Completed(rc=7, stdout=b"\x00\xff in", stderr=b"bad\n")


def test_a_large_input_and_output_pass_at_once(sshd: Sshd) -> None:
    data = os.urandom(6 * 1024 * 1024)
    with connect(sshd.endpoint(), base=HERE) as link:
        assert link.run("cat", stdin=data, timeout_s=60).stdout == data


def test_input_that_nobody_reads_is_no_error(sshd: Sshd) -> None:
    with connect(sshd.endpoint(), base=HERE) as link:
        assert link.run("exit 3", stdin=b"x" * 5_000_000, timeout_s=20).rc == 3


def test_a_signal_is_minus_one(sshd: Sshd) -> None:
    with connect(sshd.endpoint(), base=HERE) as link:
        assert link.run("kill -9 $$", timeout_s=20).rc == -1


def test_lines_come_while_the_command_runs(sshd: Sshd) -> None:
    lines: list[bytes] = []
    first = threading.Event()

    def take(line: bytes) -> None:
        lines.append(line)
        first.set()

    with connect(sshd.endpoint(), base=HERE) as link, ThreadPoolExecutor(1) as pool:
        work = pool.submit(link.run, "printf 'one\\r 50%%\\rtwo\\n'; read x; printf last", timeout_s=5, on_line=take)
        assert first.wait(4)
        work.result()
    assert lines == [b"one", b" 50%", b"two", b"last"]


def test_several_commands_share_one_connection(sshd: Sshd) -> None:
    with connect(sshd.endpoint(), base=HERE) as link, ThreadPoolExecutor(6) as pool:
        done = list(pool.map(lambda n: link.run(f"echo {n}", timeout_s=20).stdout, range(6)))
    assert done == [f"{n}\n".encode() for n in range(6)]


def test_a_slow_command_ends_at_its_deadline_and_its_connection_goes_on(sshd: Sshd) -> None:
    with connect(sshd.endpoint(), base=HERE) as link:
        start = time.monotonic()
        with pytest.raises(ssh.TimedOut) as caught:
            link.run("echo early; exec sleep 30", timeout_s=0.7)
        assert time.monotonic() - start < 1.6
        assert caught.value.partial == b"early\n"
        assert link.run("echo on", timeout_s=20).stdout == b"on\n"


def test_through_a_jump_host(sshd: Sshd, login_key: Path, tmp_path: Path) -> None:
    inner = Sshd(tmp_path / "inner", key=login_key)
    try:
        endpoint = inner.endpoint(name="inner", jump=sshd.endpoint(name="bastion"))
        with connect(endpoint, base=HERE) as link:
            peer = link.run("echo $SSH_CLIENT", timeout_s=20).stdout
        assert peer.split()[0] == b"127.0.0.1"
        assert b"direct-tcpip" in sshd.log.read_bytes() or b"Connection from" in inner.log.read_bytes()
    finally:
        inner.stop()


def test_a_jump_host_that_may_not_forward_is_named(tmp_path: Path, login_key: Path, sshd: Sshd) -> None:
    closed = Sshd(tmp_path / "closed", "AllowTcpForwarding no", key=login_key)
    try:
        with pytest.raises(Unreachable, match="through bastion"):
            connect(sshd.endpoint(jump=closed.endpoint(name="bastion")), base=HERE)
    finally:
        closed.stop()


def test_the_key_of_a_jump_host_is_not_taken_for_the_one_behind_it(sshd: Sshd) -> None:
    behind = sshd.endpoint(name="records", jump=sshd.endpoint(name="bastion", host_key=""))
    with pytest.raises(Refused, match="the host key of bastion is not known") as caught:
        connect(behind, base=HERE)
    assert "records" not in str(caught.value) + caught.value.hint
    assert "bastion" in caught.value.where
    assert "bastion" in caught.value.hint


def test_a_jump_host_that_lets_nobody_in_is_named(sshd: Sshd) -> None:
    with rude.ssh_server("wrong") as closed:
        behind = sshd.endpoint(name="records", jump=closed.endpoint(str(sshd.key)))
        with pytest.raises(ssh.LoginRefused, match="at jump host rude"):
            connect(behind, base=HERE)


def test_an_unknown_host_key_is_refused_and_pinned_only_when_told(sshd: Sshd, tmp_path: Path) -> None:
    unknown = sshd.endpoint(host_key="")
    before = sshd.log.read_bytes().count(b"Accepted publickey")
    with pytest.raises(Refused) as caught:
        connect(unknown, base=HERE)
    assert ssh.fingerprint(sshd.host_key) in caught.value.message
    assert sshd.log.read_bytes().count(b"Accepted publickey") == before
    connect(unknown, base=HERE, accept_new=lambda name, key: ssh.write_pin(tmp_path, name, key)).close()
    assert ssh.read_pins(tmp_path) == {"host": sshd.host_key}


def test_a_changed_host_key_is_refused_before_login_with_both_fingerprints(
    sshd: Sshd, tmp_path: Path, login_key: Path
) -> None:
    other = keygen(tmp_path / "other")
    before = sshd.log.read_bytes().count(b"Accepted publickey")
    accepted: list[str] = []
    with pytest.raises(Refused) as caught:
        connect(sshd.endpoint(host_key=other), base=HERE, accept_new=lambda name, _: accepted.append(name))
    assert ssh.fingerprint(other) in caught.value.message
    assert ssh.fingerprint(sshd.host_key) in caught.value.message
    assert not accepted, "a pin is never replaced by accepting new hosts"
    assert sshd.log.read_bytes().count(b"Accepted publickey") == before


@pytest.mark.parametrize("kind", ["rsa", "ecdsa"])
def test_a_pin_of_another_kind_is_asked_for(tmp_path: Path, login_key: Path, kind: str) -> None:
    folder = tmp_path / "two"
    folder.mkdir()
    extra = folder / "extra"
    pin = keygen(extra, kind)
    server = Sshd(folder, f"HostKey {extra}", key=login_key)
    try:
        with connect(server.endpoint(host_key=pin), base=HERE) as link:
            assert link.host_key == pin
    finally:
        server.stop()


def test_pins_are_never_replaced_and_a_bad_line_is_named(tmp_path: Path) -> None:
    one, two = keygen(tmp_path / "one"), keygen(tmp_path / "two")
    ssh.write_pin(tmp_path, "a", one)
    ssh.write_pin(tmp_path, "a", one)
    with pytest.raises(BadInput):
        ssh.write_pin(tmp_path, "a", two)
    assert ssh.read_pins(tmp_path) == {"a": one}
    (tmp_path / "known_hosts").write_text(f"a {one}\nb ssh-ed25519\n", encoding="utf-8")
    with pytest.raises(BadInput) as caught:
        ssh.read_pins(tmp_path)
    assert caught.value.where.endswith("known_hosts:2")


def test_only_the_named_key_of_the_agent_is_used(
    sshd: Sshd, tmp_path: Path, login_key: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    require("ssh-agent", "ssh-add")
    other = tmp_path / "other"
    keygen(other)
    sock = tmp_path / "agent"
    agent = subprocess.Popen(["ssh-agent", "-D", "-a", str(sock)], stdout=subprocess.DEVNULL)
    try:
        until = time.monotonic() + 10
        while not sock.exists() and time.monotonic() < until:
            agent.poll()
        monkeypatch.setenv("SSH_AUTH_SOCK", str(sock))
        subprocess.run(["ssh-add", "-q", str(login_key), str(other)], check=True, timeout=20)

        def agent_endpoint(name: str) -> Endpoint:
            plain = sshd.endpoint()
            return Endpoint(
                name="host",
                address=plain.address,
                port=plain.port,
                user=plain.user,
                agent_key=name,
                host_key=sshd.host_key,
            )

        with connect(agent_endpoint("login"), base=HERE) as link:
            assert link.run("echo ${SSH_AUTH_SOCK:-none}", timeout_s=20).stdout == b"none\n"
        with pytest.raises(ssh.LoginRefused):
            connect(agent_endpoint("other"), base=HERE)
        with pytest.raises(BadInput, match="no key"):
            connect(agent_endpoint("nobody"), base=HERE)
    finally:
        agent.send_signal(signal.SIGTERM)
        agent.wait(20)


def test_keys_that_cannot_be_used_say_why_and_never_what_they_hold(sshd: Sshd, tmp_path: Path) -> None:
    locked, open_, junk = tmp_path / "locked", tmp_path / "open", tmp_path / "junk"
    keygen(locked, passphrase="canary-phrase")
    keygen(open_)
    open_.chmod(0o644)
    junk.write_text("canary-secret", encoding="utf-8")
    junk.chmod(0o600)
    for path, words in (
        (locked, "passphrase"),
        (open_, "read by others"),
        (junk, "not a private key"),
        (tmp_path / "no", "cannot be read"),
    ):
        bad = Endpoint(
            name="h",
            address=sshd.address,
            port=sshd.port,
            user=getpass.getuser(),
            key=f"file:{path}",
            host_key=sshd.host_key,
        )
        with pytest.raises(BadInput, match=words) as caught:
            connect(bad, base=HERE)
        assert "canary" not in str(caught.value) + caught.value.hint


def test_a_certificate_beside_the_key_is_shown(tmp_path: Path) -> None:
    authority, key = tmp_path / "authority", tmp_path / "key"
    keygen(authority)
    keygen(key)
    stranger = tmp_path / "stranger"
    keygen(stranger)
    options = (f"TrustedUserCAKeys {authority}.pub", "AuthorizedKeysFile none")
    server = Sshd(tmp_path / "trusting", *options, key=stranger)
    endpoint = Endpoint(
        name="h",
        address=server.address,
        port=server.port,
        user=getpass.getuser(),
        key=f"file:{key}",
        host_key=server.host_key,
    )
    try:
        with pytest.raises(ssh.LoginRefused):
            connect(endpoint, base=HERE)
        sign = ["ssh-keygen", "-q", "-s", str(authority), "-I", "sample", "-n", getpass.getuser(), f"{key}.pub"]
        subprocess.run(sign, check=True, timeout=60)
        with connect(endpoint, base=HERE) as link:
            assert link.run("echo in", timeout_s=20).stdout == b"in\n"
    finally:
        server.stop()


RAW: dict[str, tuple[rude.Talk, tuple[type[PseError], ...]]] = {
    "silent": (rude.silent, (ssh.TimedOut,)),
    "endless banner": (rude.endless_banner, (ssh.TimedOut, ssh.BrokenProtocol)),
    "banner lines": (rude.banner_lines, (ssh.BrokenProtocol,)),
    "tarpit": (rude.tarpit, (ssh.TimedOut,)),
    "garbage": (rude.garbage, (ssh.BrokenProtocol,)),
    "kex stall": (rude.kex_stall, (ssh.TimedOut,)),
    "mail server": (rude.mail_server, (ssh.BrokenProtocol, ssh.TimedOut)),
}


@pytest.mark.parametrize("name", sorted(RAW))
def test_what_does_not_speak_ssh_is_left_in_time(name: str, login_key: Path) -> None:
    talk, kinds = RAW[name]
    with rude.Rude(talk, host_key="ssh-ed25519 AAAA") as server:
        start = time.monotonic()
        with pytest.raises(kinds):
            connect(server.endpoint(str(login_key)), base=HERE, connect_s=1.0)
        assert time.monotonic() - start < 3


@pytest.mark.parametrize(
    ("mode", "kind"),
    [
        ("auth-stall", ssh.TimedOut),
        ("password", ssh.LoginRefused),
        ("wrong", ssh.LoginRefused),
        ("more", ssh.LoginRefused),
    ],
)
def test_logins_that_do_not_work_are_left_in_time(mode: str, kind: type[PseError], login_key: Path) -> None:
    with rude.ssh_server(mode) as server:
        start = time.monotonic()
        with pytest.raises(kind):
            connect(server.endpoint(str(login_key)), base=HERE, connect_s=2.0)
        assert time.monotonic() - start < 4


def test_a_host_that_takes_only_passwords_says_so(login_key: Path) -> None:
    with rude.ssh_server("password") as server, pytest.raises(ssh.LoginRefused, match="takes: password"):
        connect(server.endpoint(str(login_key)), base=HERE)


@pytest.mark.parametrize("mode", ["open-stall", "exec-stall"])
def test_requests_without_an_answer_end_at_the_deadline(mode: str, login_key: Path) -> None:
    with rude.ssh_server(mode) as server, connect(server.endpoint(str(login_key)), base=HERE) as link:
        start = time.monotonic()
        with pytest.raises(ssh.TimedOut):
            link.run("true", timeout_s=0.8)
        assert time.monotonic() - start < 2.5


@pytest.mark.parametrize("mode", ["open-stall", "exec-stall"])
def test_a_command_that_may_take_long_still_has_to_be_accepted_soon(mode: str, login_key: Path) -> None:
    with rude.ssh_server(mode) as server, connect(server.endpoint(str(login_key)), base=HERE) as link:
        link.answer_s = 0.5
        start = time.monotonic()
        with pytest.raises((ssh.TimedOut, ssh.Cut)):
            link.run("true", timeout_s=3600)
        assert time.monotonic() - start < 2.5


@pytest.mark.parametrize(
    ("after", "kind"),
    [
        (rude.say_nothing, ssh.TimedOut),
        (rude.drip, ssh.TimedOut),
        (rude.flood_out, ssh.TooMuch),
        (rude.flood_err, ssh.TimedOut),
        (rude.hang_up, ssh.Cut),
    ],
)
def test_commands_without_an_end_are_ended(
    after: Callable[..., None], kind: type[ssh.Partial], login_key: Path
) -> None:
    with rude.ssh_server("", after) as server, connect(server.endpoint(str(login_key)), base=HERE) as link:
        start = time.monotonic()
        with pytest.raises(kind) as caught:
            link.run("true", timeout_s=1.5, cap=1_000_000)
        assert time.monotonic() - start < 3.5
        assert len(caught.value.partial) <= 1_000_000


def test_nobody_there(login_key: Path) -> None:
    with rude.Rude(rude.silent) as server:
        gone = server.endpoint(str(login_key))
    with pytest.raises(Unreachable, match="no connection"):
        connect(gone, base=HERE)
