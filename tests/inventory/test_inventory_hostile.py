"""Hosts that mean harm or are badly set up: each a login of one real sshd, all asked in one run beside a good one.

The worst of them knows the probe's boundary, since every host is told it, and answers whatever it likes.
"""

import csv
import getpass
import io
import json
import re
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import openpyxl
import paramiko
import pytest
from click.testing import CliRunner

import inventory
from inventory import ssh
from inventory.discovery import Discovery
from inventory.ssh import connect
from pse.cli.main import root
from pse.core.settings import Workspace
from tests.inventory import rude
from tests.inventory.sshd import Sshd, keygen
from tests.require import require

NASTY = "=cmd|'/c calc'!A1<script>alert(1)</script>\x1b]0;owned\x07\u202eevil"
"""A formula, markup, an escape sequence and a character that turns the direction of text."""

LIAR = r"""#!/bin/bash
while IFS= read -r line; do case $line in B=*) B=${line#B=};; main) break;; esac; done
frame() { printf '\n%s S %s\n' "$B" "$1"; printf "$2"; printf '\n%s R 0\n\n%s E %s 0\n' "$B" "$B" "$1"; }
N="=cmd|'/c calc'!A1<script>alert(1)</script>\033]0;owned\007\xe2\x80\xaeevil"
printf '\n%s H 1 5\n' "$B"
frame identity "/proc/sys/kernel/hostname:$N\n/etc/machine-id:0123456789abcdef0123456789abcdee\n"
frame system "Linux $N x86_64\n/etc/os-release:PRETTY_NAME=\"$N\"\n/etc/os-release:ID=debian\n"
frame cpu "processor : 0\nmodel name : $N\n"
frame memory "/proc/meminfo:MemTotal: 99999999999999999999 kB\n/proc/meminfo:MemTotal: 1024 kB\n"
Q="0A 00000000:00000000 00:00000000 00000000     0        0 77 1"
frame sockets "/proc/net/tcp:   0: 00000000:1F90 00000000:0000 $Q\n"
frame owners "/proc/7/fd socket:[77]\n"
frame processes "/proc/7/status:Name:\t$N\n"
frame disks "/sys/block/$N/size:2048\n"
frame mounts "/proc/self/mountinfo:1 0 8:1 / /mnt/$N rw - ext4 $N rw\nstat:\n10 512 5 /mnt/$N\n"
frame nics "/sys/class/net/$N/address:52:54:00:00:00:01\n"
frame devices "/sys/bus/usb/devices/1-1/idVendor:$N\n/sys/bus/usb/devices/1-1/product:$N\n"
frame packages "install ok installed|nginx|$N|amd64\n"
frame nosuchfact "$N\n\0\xff\xfe"
printf '\n%s E identity 999999\n\n%s S\n\n%s K ../../etc\n\n%s Z\n' "$B" "$B" "$B" "$B"
"""

HALF = r"""#!/bin/bash
while IFS= read -r line; do case $line in B=*) B=${line#B=};; main) break;; esac; done
printf '\n%s H 1 5\n\n%s S identity\n/proc/sys/kernel/hostname:rebooting\n' "$B" "$B"
printf '\n%s R 0\n\n%s E identity 0\n' "$B" "$B"
printf '\n%s S system\nLinux 5' "$B"
sleep 0.5
kill -9 $PPID
"""

CASES: dict[str, tuple[str, set[str], str]] = {
    "menu": ("echo '1) shutdown  2) reboot'", {"not-a-shell"}, "shutdown"),
    "nologin": ("echo This account is currently not available.; exit 1", {"not-a-shell"}, "not available"),
    "restricted": ('exec bash -r -c "$SSH_ORIGINAL_COMMAND"', {"not-a-shell"}, "restricted"),
    "files-only": ("internal-sftp", {"not-a-shell"}, ""),
    "expired": ("echo 'You must change your password now'; read answer; exit 1", {"not-a-shell"}, "change your"),
    "colours": ("printf '\\033[31mred\\033]0;title\\007\\n'; exit 1", {"not-a-shell"}, "red"),
    "sleeper": ("exec sleep 60", {"deadline"}, ""),
    "reader": ("exec cat", {"not-a-shell"}, ""),
    "flood": ("exec cat /dev/zero", {"oversize", "deadline"}, ""),
    "complaints": ("cat /dev/zero >&2", {"deadline", "not-a-shell"}, ""),
    "greeter": ('echo Welcome; read one; exec sh -c "$SSH_ORIGINAL_COMMAND"', {"ok"}, ""),
    "eater": ("while read x; do case $x in B=*) break;; esac; done; exec sh -s", {"noise"}, ""),
    "liar": ("{folder}/liar", {"partial"}, ""),
    "rebooting": ("{folder}/half", {"partial"}, "ended"),
}


@pytest.fixture(scope="module")
def met(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, Discovery, float]]:
    """The workspace, what one run over all of them and a good host found, and how long it took."""
    require("bash", "sshd")
    folder = tmp_path_factory.mktemp("hostile")
    for name, text in (("liar", LIAR), ("half", HALF)):
        (folder / name).write_text(text, encoding="utf-8")
        (folder / name).chmod(0o755)
    (folder / "pse.toml").write_text(
        'entity = "Test"\n[discovery]\ndeadline_s = 8\nconnect_s = 6\nretries = 0\n', encoding="utf-8"
    )
    allowed, hosts = "", ""
    for name in (*CASES, "good"):
        public = keygen(folder / f"key-{name}")
        forced = CASES[name][0].replace("{folder}", str(folder)).replace('"', '\\"') if name in CASES else ""
        allowed += f'command="{forced}" {public}\n' if forced else f"{public}\n"
        hosts += f'[[host]]\nname = "{name}"\nkey = "file:{folder}/key-{name}"\n'
    (folder / "allowed").write_text(allowed, encoding="utf-8")
    server = Sshd(folder / "sshd", f"AuthorizedKeysFile {folder / 'allowed'}", key=folder / "key-good")
    hosts = hosts.replace("key =", f'address = "{server.address}"\nport = {server.port}\nkey =')
    (folder / "hosts.toml").write_text(f'[defaults]\nuser = "{getpass.getuser()}"\n{hosts}', encoding="utf-8")
    began = time.monotonic()
    found = inventory.discover(Workspace(folder), accept_new=True)
    yield folder, found, time.monotonic() - began
    server.stop()


@pytest.mark.parametrize("name", sorted(CASES))
def test_a_hostile_host_has_a_status_and_says_what_it_did(met: tuple[Path, Discovery, float], name: str) -> None:
    (result,) = (r for r in met[1].hosts if r.host == name)
    _, statuses, words = CASES[name]
    assert result.status in statuses, result
    assert words in result.message
    assert result.message.isprintable()
    assert result.hint or result.status == "ok"


def test_the_good_host_among_them_is_read_and_nobody_hangs(met: tuple[Path, Discovery, float]) -> None:
    _, found, seconds = met
    assert {r.status for r in found.hosts if r.host == "good"} == {"ok"}
    assert seconds < 30
    assert max(r.seconds for r in found.hosts) < 20
    assert not [t for t in threading.enumerate() if t.name.startswith(("discover", "ssh-watch"))]


def test_a_host_that_reboots_keeps_what_was_complete(met: tuple[Path, Discovery, float]) -> None:
    (server,) = (s for s in met[1].estate.servers if "ssh:rebooting" in s.sources or s.hostname == "rebooting")
    assert server.kernel != "5", "half a section is not taken for a whole one"


def _shown(folder: Path, *words: str) -> str:
    done = CliRunner(env={"PSE_WORKSPACE": str(folder)}).invoke(root, list(words))
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done.output


def test_no_escape_code_reaches_the_terminal(met: tuple[Path, Discovery, float]) -> None:
    folder, found, _ = met
    (server,) = (s for s in found.estate.servers if "ssh:liar" in s.sources)
    assert "calc" in server.hostname, "the name arrived, and is kept as it is"
    for words in (
        ("inventory", "list"),
        ("inventory", "show", server.id),
        ("inventory", "history"),
        ("graph", "--level", "servers"),
        ("discover", "--only", "liar", "--fail-on", "never"),
    ):
        text = _shown(folder, *words)
        assert "\x1b" not in text
        assert "\x07" not in text
        assert "\u202e" not in text
    assert "calc" in _shown(folder, "inventory", "list")


def test_no_formula_or_markup_reaches_an_export(met: tuple[Path, Discovery, float], tmp_path: Path) -> None:
    folder, _, _ = met
    for suffix in ("csv", "json", "parquet", "xlsx"):
        _shown(folder, "inventory", "export", str(tmp_path / f"out.{suffix}"))
    for row in csv.reader(io.StringIO((tmp_path / "out.csv").read_text(encoding="utf-8-sig"))):
        assert not [cell for cell in row if cell[:1] in set("=+-@\t\r") and not re.fullmatch(r"-?[\d.]+", cell)]
    assert json.loads((tmp_path / "out.json").read_text(encoding="utf-8"))
    book = openpyxl.load_workbook(tmp_path / "out.xlsx")
    assert not [c for sheet in book for row in sheet.iter_rows() for c in row if c.data_type == "f"]
    for suffix in ("svg", "dot", "graphml", "json"):
        _shown(folder, "graph", str(tmp_path / f"graph.{suffix}"), "--level", "servers")
        text = (tmp_path / f"graph.{suffix}").read_text(encoding="utf-8")
        assert "\x1b" not in text
        assert suffix in {"json", "dot"} or "<script" not in text


def test_files_are_never_named_by_a_host(met: tuple[Path, Discovery, float]) -> None:
    assert not [path for path in met[0].rglob("*") if "calc" in path.name or "script>" in path.name]


@pytest.mark.parametrize("kind", ["auth-agent@openssh.com", "x11", "forwarded-tcpip", "session"])
def test_channels_that_a_host_opens_are_refused(login_key: Path, kind: str) -> None:
    opened: list[str] = []

    def ask(channel: paramiko.Channel, stop: threading.Event) -> None:
        try:
            where = ("127.0.0.1", 1)
            channel.get_transport().open_channel(kind, where, where, timeout=3)
            opened.append(kind)
        except paramiko.SSHException:
            channel.sendall(b"refused")
        channel.send_exit_status(0)
        channel.close()
        stop.wait(2)

    with (
        rude.ssh_server("", ask) as server,
        connect(server.endpoint(str(login_key)), base=Path("/")) as link,
    ):
        assert link.run("true", timeout_s=6).stdout == b"refused"
    assert not opened


def test_nothing_that_is_compressed_is_taken(login_key: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Pressed(paramiko.Transport):
        """A server that speaks compressed or not at all."""

        _preferred_compression = ("zlib", "zlib@openssh.com")

    monkeypatch.setattr(rude, "SERVER", Pressed)
    with rude.ssh_server("") as server, pytest.raises(ssh.BrokenProtocol):
        connect(server.endpoint(str(login_key)), base=Path("/"), connect_s=5)
