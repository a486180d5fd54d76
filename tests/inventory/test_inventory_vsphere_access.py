"""Who is asked and how we are let in: certificates, passwords, addresses, and a connection that is lost."""

import json
import socket
import ssl
import threading
from pathlib import Path
from typing import Self

import pytest
from click.testing import CliRunner

from inventory.importing import Access, import_from
from inventory.store import sightings
from inventory.vsphere import collecting
from inventory.vsphere.connection import connected, pin_of, target_of
from inventory.vsphere.importing import PASSWORD as VARIABLE
from inventory.vsphere.importing import read_vsphere
from pse.cli.main import root
from pse.core.errors import BadInput, Refused, RemoteError, Unreachable, UsageError
from pse.core.settings import Workspace
from tests.inventory.vcsim import MACHINES, PASSWORD, Vcsim


def test_another_certificate_than_the_pinned_one_is_refused(vcsim: Vcsim) -> None:
    with pytest.raises(Refused, match="another one") as caught:
        read_vsphere(target_of(vcsim.url), PASSWORD, pin=bytes(32))
    assert vcsim.pin in caught.value.message


def test_a_certificate_that_nobody_vouches_for_is_refused_and_shown(vcsim: Vcsim) -> None:
    with pytest.raises(Refused, match="cannot be trusted") as caught:
        read_vsphere(target_of(vcsim.url), PASSWORD)
    assert vcsim.pin in caught.value.hint


def test_a_certificate_that_this_machine_trusts_needs_no_pin(vcsim: Vcsim, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(vcsim.certificate))
    assert read_vsphere(target_of(vcsim.url), PASSWORD).rows == MACHINES


def test_nothing_is_sent_where_the_certificate_is_refused(tmp_path: Path, vcsim: Vcsim) -> None:
    with Listening(vcsim.certificate, vcsim.certificate.with_name("key.pem")) as said:
        for pin in (None, bytes(32)):
            with pytest.raises(Refused):
                read_vsphere(target_of(f"vsphere://u@127.0.0.1:{said.port}"), PASSWORD, pin=pin)
    assert said.heard == b""


def test_what_is_no_vsphere_is_said(vcsim: Vcsim) -> None:
    with (
        Listening(vcsim.certificate, vcsim.certificate.with_name("key.pem"), answer=b"HTTP/1.1 404 No\r\n\r\n") as said,
        pytest.raises((RemoteError, Unreachable)) as caught,
    ):
        read_vsphere(target_of(f"vsphere://u@127.0.0.1:{said.port}"), PASSWORD, pin=pin_of(vcsim.pin))
    assert caught.value.exit_code == 5
    assert b"GET " in said.heard
    assert PASSWORD.encode() not in said.heard


class Listening:
    """A server with TLS that notes what it hears, and gives one answer."""

    def __init__(self, certificate: Path, key: Path, *, answer: bytes = b"") -> None:
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(certificate, key)
        self._answer = answer
        self.heard = b""
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._socket.getsockname()[1])
        self._thread = threading.Thread(target=self._serve)

    def _serve(self) -> None:
        while True:
            try:
                plain, _ = self._socket.accept()
            except OSError:
                return
            with plain:
                try:
                    plain.settimeout(10)
                    with self._context.wrap_socket(plain, server_side=True) as link:
                        self.heard += link.recv(65536)
                        if self._answer:
                            link.sendall(self._answer)
                except OSError:
                    continue

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join()


def test_a_wrong_password_is_said_and_not_shown(vcsim: Vcsim) -> None:
    with pytest.raises(RemoteError, match="does not let the account in") as caught:
        read_vsphere(target_of(vcsim.url), "pse-canary-wrong", pin=pin_of(vcsim.pin))
    assert "canary" not in repr(caught.value.as_dict())
    assert caught.value.exit_code == 5


def test_a_connection_that_is_lost_changes_nothing(
    tmp_path: Path, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(collecting, "PAGE", 1)
    server = Vcsim(tmp_path / "vcsim", "-vm", "2")
    try:
        with pytest.raises(Unreachable):
            _stopped_half_way(server)
    finally:
        server.stop()
    with pytest.raises(Unreachable):
        import_from(workspace, server.url, access=Access(pin=server.pin, ask=lambda _: PASSWORD))
    assert sightings(workspace) == ()


def _stopped_half_way(server: Vcsim) -> None:
    with connected(target_of(server.url), PASSWORD, pin=pin_of(server.pin)) as content:
        for _ in collecting.machines(content):
            server.stop()


def test_it_is_kept_and_asked_again(vcsim: Vcsim, workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, PASSWORD)
    first = import_from(workspace, vcsim.url, access=Access(pin=vcsim.pin))
    again = import_from(workspace, vcsim.url, access=Access(pin=vcsim.pin))
    assert (first.importer, first.rows, len(first.estate.servers)) == ("vsphere", MACHINES, MACHINES)
    assert again.estate.manifest.hash == first.estate.manifest.hash
    assert len(sightings(workspace)) == MACHINES
    blocked = [s for s in first.estate.servers if s.blockers]
    assert [s.hostname for s in sorted(blocked, key=lambda s: s.hostname)] == ["DC0_H0_VM0", "DC0_H0_VM3"]
    kept = b"".join(p.read_bytes() for p in workspace.root.rglob("*") if p.is_file())
    assert PASSWORD.encode() not in kept


def test_the_password_is_taken_from_where_it_is_said(vcsim: Vcsim, workspace: Workspace) -> None:
    file = workspace.root / "vsphere.pw"
    file.write_text(PASSWORD + "\n", "utf-8")
    file.chmod(0o644)
    with pytest.raises(BadInput, match="read by others"):
        import_from(workspace, vcsim.url, access=Access(password="file:vsphere.pw", pin=vcsim.pin))
    file.chmod(0o600)
    assert import_from(workspace, vcsim.url, access=Access(password="file:vsphere.pw", pin=vcsim.pin)).rows == MACHINES
    asked: list[str] = []

    def ask(what: str) -> str:
        asked.append(what)
        return PASSWORD

    assert import_from(workspace, vcsim.url, access=Access(pin=vcsim.pin, ask=ask)).rows == MACHINES
    assert asked == [f"Password of reader at 127.0.0.1:{vcsim.port}"]
    with pytest.raises(UsageError, match="no password"):
        import_from(workspace, vcsim.url, access=Access(pin=vcsim.pin, ask=lambda _: ""))


def test_the_command_asks_and_shows_no_secret(
    vcsim: Vcsim, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(workspace.root)
    monkeypatch.setenv(VARIABLE, PASSWORD)
    done = CliRunner().invoke(root, ["import", vcsim.url, "--pin", vcsim.pin, "--json"])
    assert done.exit_code == 1, "findings that block a move"
    said = json.loads(done.stdout)
    assert (said["format"], said["rows"], said["templates"]) == ("vsphere", MACHINES, 1)
    refused = CliRunner().invoke(root, ["import", vcsim.url])
    assert refused.exit_code == 3
    assert vcsim.pin in refused.output.replace("\n", "").replace(" ", "")
    open_ = CliRunner().invoke(root, ["import", f"vsphere://reader:{PASSWORD}@127.0.0.1:{vcsim.port}"])
    assert open_.exit_code == 2
    monkeypatch.delenv(VARIABLE)
    unsaid = CliRunner().invoke(root, ["import", vcsim.url, "--pin", vcsim.pin])
    assert unsaid.exit_code == 2
    for result in (done, refused, open_, unsaid):
        assert PASSWORD not in result.output


@pytest.mark.parametrize(
    "url",
    [
        "vsphere://",
        "vsphere://host",
        "vsphere://user@",
        "vsphere://user@host/path",
        "vsphere://user@host:port",
        "vsphere://user@host?insecure=1",
        "vsphere://user@[::1",
    ],
)
def test_addresses_that_are_none(url: str) -> None:
    with pytest.raises(UsageError, match="no address"):
        target_of(url)


def test_a_password_in_the_address_is_refused_and_not_shown() -> None:
    with pytest.raises(UsageError) as caught:
        target_of("vsphere://user:pse-canary@host")
    assert "canary" not in repr(caught.value.as_dict())


def test_addresses_that_are_some() -> None:
    target = target_of("vsphere://reader%40vsphere.local@vcenter.example.org")
    assert (target.user, target.host, target.port) == ("reader@vsphere.local", "vcenter.example.org", 443)
    assert target.shown == "vcenter.example.org"
    assert target_of("vsphere://u@[2001:db8::5]:8443").shown == "[2001:db8::5]:8443"


@pytest.mark.parametrize("text", ["", "00", "zz" * 32, "00" * 20, "00:" * 32])
def test_pins_that_are_none(text: str) -> None:
    with pytest.raises(UsageError, match="fingerprint"):
        pin_of(text)


def test_options_that_do_not_fit(workspace: Workspace) -> None:
    with pytest.raises(UsageError, match="for files"):
        import_from(workspace, "vsphere://u@h", format_="list")
    with pytest.raises(UsageError, match="for vsphere"):
        import_from(workspace, "servers.csv", access=Access(pin="00" * 32))
