"""One host asked: connect, one round trip, and what became of it as a status with a hint."""

import time
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from types import MappingProxyType

import msgspec

from inventory import ssh
from inventory.answer import Answer
from inventory.facts import TABLE
from inventory.hosts import HostEntry
from inventory.probe import COMMAND, DEADLINE_S, boundary, script
from inventory.sighting import sighting_of
from pse.core.documents.snapshot import Sighting
from pse.core.errors import BadInput, PseError, RemoteError, Unreachable
from pse.core.settings import Workspace
from pse.core.text import printable
from pse.core.time import now

_CAP = 32 * 1024 * 1024


class HostResult(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one host.

    Attributes:
        host: Name in ``hosts.toml``.
        status: ``ok``; ``fresh`` (seen within ``max_age``, so it was not asked);
            ``partial`` (some facts are missing, the rest is kept); ``unreachable``; ``auth`` (not let in);
            ``key`` (the private key here cannot be used, so nothing was tried); ``hostkey`` (unknown or changed);
            ``not-a-shell`` (something else ran than a shell); ``noise`` (the script was eaten on its way);
            ``deadline``; ``oversize``; ``protocol`` (not SSH as it should be).
        message: In words; empty when ok.
        hint: What to do about it.
        seconds: Time taken.
        failed: Facts without a value, as ``name: reason``.
    """

    host: str
    status: str
    message: str = ""
    hint: str = ""
    seconds: float = 0.0
    failed: tuple[str, ...] = ()


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """A host's result, and what was seen of it if it answered.

    Attributes:
        result: What became of it.
        sighting: What was seen of it; None when it did not answer.
        again: Another attempt may end better: the connection failed or broke off, and neither a login nor a deadline
            was in the way; the one locks accounts, the other has cost enough.
    """

    result: HostResult
    sighting: Sighting | None = None
    again: bool = False


class Asker:
    """Asks one host at a time, in as many threads as call it."""

    def __init__(
        self, workspace: Workspace, entries: dict[str, HostEntry], *, accept_new: bool, facts: Sequence[str] = ()
    ) -> None:
        """Read the pins; ``facts`` are the ones to read, all when empty."""
        self._settings = workspace.settings.discovery
        self._root: Path = workspace.root
        self._private = workspace.private
        self._entries = entries
        self._pins = ssh.read_pins(workspace.private)
        self._accept = self._pin if accept_new else None
        self._facts = tuple(fact for fact in TABLE if not facts or fact in facts)

    def _pin(self, name: str, key: str) -> None:
        ssh.write_pin(self._private, name, key)

    def ask(self, entry: HostEntry) -> Asked:
        """The result of one host; never raises."""
        began = time.monotonic()
        try:
            asked = self._ask(entry, began + self._settings.deadline_s)
        except PseError as exc:
            words = str(exc) if isinstance(exc, BadInput) else exc.message  # which file it is stands in its place
            result = HostResult(host=entry.name, status=_status(exc), message=words, hint=exc.hint)
            asked = Asked(result=result, again=_may_go_better(exc))
        except Exception as exc:  # noqa: BLE001 - a defect of ours met by one host must not cost the others
            message = f"a defect of this program: {type(exc).__name__}: {printable(str(exc))[:200]}"
            asked = Asked(result=HostResult(host=entry.name, status="protocol", message=message))
        result = msgspec.structs.replace(
            asked.result,
            seconds=round(time.monotonic() - began, 3),
            hint=asked.result.hint or HINTS.get(asked.result.status, ""),
        )
        return msgspec.structs.replace(asked, result=result)

    def _ask(self, entry: HostEntry, until: float) -> Asked:
        endpoint = ssh.endpoint_from(self._entries, self._pins, entry.name)
        mark = boundary()
        with self._connect(endpoint, until) as link:
            left = max(1.0, until - time.monotonic())
            # The script ends a little earlier than we give up, so that a slow host still gives what it has.
            text = script(mark, facts=self._facts, deadline_s=int(max(1, min(DEADLINE_S, left - min(5.0, left / 4)))))
            began = now()
            try:
                done = link.run(COMMAND, stdin=text, timeout_s=left, cap=_CAP)
            except ssh.Partial as exc:
                return self._partial(entry, Answer(exc.partial, mark), exc, (link.host_key, began))
            answer = Answer(done.stdout, mark)
            if not answer.began:
                return Asked(result=_no_shell(entry, done))
            return self._complete(entry, answer, link.host_key, began)

    def _connect(self, endpoint: ssh.Endpoint, until: float) -> ssh.Connection:
        seconds = min(self._settings.connect_s, max(0.1, until - time.monotonic()))
        return ssh.connect(endpoint, base=self._root, connect_s=seconds, accept_new=self._accept)

    def _complete(self, entry: HostEntry, answer: Answer, host_key: str, began: datetime) -> Asked:
        readings = {name: TABLE[name].read(answer.frames.get(name)) for name in self._facts}
        failed = tuple(f"{name}: {printable(r.reason)}" for name, r in readings.items() if r.outcome == "failed")
        status, message = "ok", ""
        if not answer.complete:
            status, message = "partial", "the answer ended before its end"
        elif failed:
            status, message = "partial", "not known: " + ", ".join(f.partition(":")[0] for f in failed)
        return Asked(
            result=HostResult(host=entry.name, status=status, message=message, failed=failed),
            sighting=sighting_of(entry, readings, host_key=host_key, seen=now(), began=began),
        )

    def _partial(self, entry: HostEntry, answer: Answer, exc: ssh.Partial, asked: tuple[str, datetime]) -> Asked:
        """Keep what is complete of an answer that never ended, when it says at least who the host is."""
        kept = self._complete(entry, answer, *asked) if "identity" in answer.frames else None
        status = _status(exc) if kept is None or not isinstance(exc, ssh.Cut) else "partial"
        return Asked(
            result=HostResult(
                host=entry.name,
                status=status,
                message=exc.message,
                hint=exc.hint,
                failed=kept.result.failed if kept else (),
            ),
            sighting=kept.sighting if kept else None,
            again=kept is None and _may_go_better(exc),
        )


HINTS = MappingProxyType(
    {
        "partial": "Ask again; give the account more rights, or [discovery] deadline_s in pse.toml more seconds, "
        "if the reason says so.",
        "unreachable": "See that the host is up and that its address, port and jump host in hosts.toml are right.",
        "auth": "Put the public key into the account's authorized_keys, and name user and key in hosts.toml.",
        "key": "Let `key` in hosts.toml name a private key file, relative to the workspace and readable by you alone; "
        "or `agent_key` a key of ssh-agent.",
        "hostkey": "Compare the fingerprint with the one on the host's console before anything is pinned.",
        "not-a-shell": "Use an account with a plain shell and without a forced command.",
        "noise": "Let the account's start-up files be silent and read nothing when there is no terminal.",
        "deadline": "Log in by hand and see what hangs: a forced command, a start-up file or a dead mount. If the host "
        "is only slow, raise deadline_s or connect_s under [discovery] in pse.toml.",
        "oversize": "The account pours out text without an end: look for a forced command or a start-up file that "
        "loops, or use an account with a plain shell.",
        "protocol": "See that sshd answers at this address and port, and read its log on the host.",
    }
)
"""What to do about a status, where the error itself says nothing better."""

_STATUS: tuple[tuple[type[PseError], str], ...] = (
    (ssh.HostKeyRefused, "hostkey"),
    (ssh.LoginRefused, "auth"),
    (BadInput, "key"),
    (ssh.TooMuch, "oversize"),
    (ssh.TimedOut, "deadline"),
    (ssh.BrokenProtocol, "protocol"),
    (Unreachable, "unreachable"),
    (RemoteError, "protocol"),
)
"""Most specific first."""


def _status(exc: PseError) -> str:
    return next((status for kind, status in _STATUS if isinstance(exc, kind)), "protocol")


def _may_go_better(exc: PseError) -> bool:
    return isinstance(exc, Unreachable | ssh.BrokenProtocol) and not isinstance(exc, ssh.TimedOut)


def _no_shell(entry: HostEntry, done: ssh.Completed) -> HostResult:
    said = printable((done.stdout + done.stderr)[:200].decode("utf-8", "backslashreplace")).strip()
    if done.rc == 3:
        return HostResult(
            host=entry.name,
            status="noise",
            message="the login shell took the script's beginning for itself",
        )
    return HostResult(
        host=entry.name,
        status="not-a-shell",
        message=f"it ran something else than a shell (exit status {done.rc}): {said or 'no output'}",
    )
