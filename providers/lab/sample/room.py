"""Bringing the old server room up: content, hosts, services, name server; all at once, and only what is missing."""

import http.client
import os
import subprocess
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from providers.lab.files import locked, poll
from providers.lab.hosts import Hosts
from providers.lab.sample import machines, zone
from providers.lab.sample.database import Postgres, postgres
from providers.lab.sample.workspace import NAME_SERVER, ROOM, move_addresses
from providers.lab.sandbox import need, ready
from providers.lab.skeleton import HostSpec
from pse.core import canonical, secrets
from pse.core.errors import MissingTool, PseError, RemoteError
from pse.core.progress import Event, Progress
from pse.core.settings import Workspace
from pse.core.text import counted

PACKAGES = (
    "bubblewrap openssh-server rsync bind9 bind9-dnsutils nginx-light postgresql python3-psycopg2 python3 util-linux"
)
_BOOT_S = 60.0
_ROOM_S = 300.0
_ANSWER_S = 30.0
_WEB = ("portal", "records", "opendata", "learning", "legacy")


def start_room(workspace: Workspace, progress: Progress) -> None:
    """See `providers.lab.sample.start_room`."""
    need("bwrap", "setsid", "sshd", "nginx", "named", "rsync", "setarch", packages=PACKAGES)
    ready()
    _need_psycopg2()
    # Two starts at once would fill the same roots; the second one finds everything done.
    with locked(workspace.private / "lab" / "locks" / "room.lock", timeout_s=_ROOM_S):
        _start(_Room(workspace, postgres()), progress)


def _start(room: "_Room", progress: Progress) -> None:
    began = time.monotonic()
    names = (*ROOM, NAME_SERVER)
    progress(Event("room", "start", message="the old server room", total=len(names), unit="hosts"))
    failed: dict[str, PseError] = {}

    def bring_up(name: str) -> None:
        try:
            room.bring_up(name)
            progress(Event("room", "update", subject=name, message="is up"))
        except PseError as exc:
            failed[name] = exc
            progress(Event("room", "failed", subject=name, message=exc.message))

    with ThreadPoolExecutor(len(names), "lab-room") as pool:
        list(pool.map(bring_up, names))
    if failed:
        name, first = min(failed.items(), key=lambda pair: pair[0])
        raise RemoteError(
            f"{len(failed)} of {counted(len(names), 'host')} did not come up; {name}: {first}", hint=first.hint
        )
    progress(
        Event(
            "room",
            "done",
            message=f"{counted(len(names), 'host')} in {time.monotonic() - began:.1f} s",
            done=len(names),
        )
    )


def _need_psycopg2() -> None:
    try:
        subprocess.run(
            ["/usr/bin/python3", "-I", "-c", "import psycopg2"], check=True, capture_output=True, timeout=30, cwd="/"
        )
    except (OSError, subprocess.SubprocessError) as exc:
        raise MissingTool(
            "the sample portal needs psycopg2 for the system's Python",
            hint="Run `apt-get install python3-psycopg2` as root.",
        ) from exc


class _Room:
    def __init__(self, workspace: Workspace, server: Postgres) -> None:
        self._workspace = workspace
        self._server = server
        self._hosts = Hosts(workspace.root)
        old, new = self._hosts.addresses.renew()
        self._moved = old != new
        if self._moved:
            move_addresses(workspace, old, new)
            self._workspace = Workspace(workspace.root)
        self._addresses = {name: self._hosts.addresses.take(name) for name in (*ROOM, NAME_SERVER)}
        self._keys = (secrets.path_of(workspace.settings.ssh_key, base=workspace.root).with_suffix(".pub"),)
        self._password = self._app_password(workspace.private / "lab" / "app_password")

    @staticmethod
    def _app_password(path: Path) -> str:
        if not path.exists():
            canonical.write_bytes(path, os.urandom(24).hex().encode() + b"\n", mode=0o600)
        return path.read_text(encoding="ascii").strip()

    def bring_up(self, name: str) -> None:
        """Make, fill, start and try one host.

        Raises:
            PseError: It did not come up.
        """
        self._hosts.define(self._spec(name))
        fresh = not self._hosts.get(name).running
        if fresh:
            self._fill(name)
            self._hosts.start(name)
        boot = self._hosts.wait_booted(name, timeout_s=_BOOT_S)
        if boot.boot != 0:
            raise RemoteError(f"its services did not start: {boot.log or 'no answer in time'}", where=name)
        if not fresh:
            return  # What runs is left alone: a service that was stopped for a cut-over stays stopped.
        answers = self._resolves if name == NAME_SERVER else self._answers(name)
        if (name in _WEB or name == NAME_SERVER) and not poll(answers, timeout_s=_ANSWER_S):
            raise RemoteError("its service does not answer", where=name)

    def _spec(self, name: str) -> HostSpec:
        keys = tuple(path.read_text(encoding="ascii").strip() for path in self._keys)
        if name != NAME_SERVER:
            return machines.spec(name, self._addresses, self._server, keys)
        return HostSpec(
            name=name,
            hostname=name,
            role="dns",
            authorized_keys=keys,
            hosts=self._addresses,
            packages=("bind9", "openssh-server"),
            rc_local=zone.RC_LOCAL,
        )

    def _fill(self, name: str) -> None:
        done = self._hosts.folder(name) / "filled"
        if name == NAME_SERVER and (self._moved or not done.exists()):
            settings = self._workspace.settings.migrate.dns
            key = secrets.resolve(settings.key, base=self._workspace.root)
            zone.write(
                self._hosts.inside(name),
                self._addresses,
                port=settings.port,
                key_name=settings.key_name,
                key=key,
            )
        elif not done.exists():
            machines.fill(name, self._hosts.inside(name), self._server, self._password)
        done.touch()

    def _resolves(self) -> bool:
        import dns.exception
        import dns.message
        import dns.query
        import dns.rcode

        settings = self._workspace.settings.migrate.dns
        question = dns.message.make_query(settings.zone, "SOA")
        try:
            answer = dns.query.tcp(question, settings.server, timeout=2, port=settings.port)
        except (OSError, EOFError, dns.exception.DNSException):
            return False
        return answer.rcode() == dns.rcode.NOERROR and bool(answer.answer)

    def _answers(self, name: str) -> Callable[[], bool]:
        def ask() -> bool:
            connection = http.client.HTTPConnection(self._addresses[name], 8080, timeout=3)
            try:
                connection.request("GET", "/health")
                return connection.getresponse().status == 200
            except (OSError, http.client.HTTPException):
                return False
            finally:
                connection.close()

        return ask
