"""What a killed run leaves, and how the next one clears it: locks, pending operations, objects that no state knows."""

import contextlib
import fcntl
import os
import re
import socket
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

from policy.succession import first_signer
from providers.identity import PROJECT, parse_urn, stack_tag
from providers.kit.waiting import poll
from providers.known import intents_of
from providers.places import Places
from providers.ports import Made, PortError, Store, settle_s
from pse.core.errors import RemoteError
from pse.core.journal import FileJournal, Intent
from pse.core.schema import DELETE_ORDER
from pse.core.settings import Workspace

_OWNER = re.compile(r"created by (\S+)@(\S+) \(pid (\d+)\)")


@contextlib.contextmanager
def one_driver(private: Path, stack: str) -> Iterator[None]:
    """Hold the stack against other drivers on this machine; the kernel lets go when we die.

    Raises:
        RemoteError: Another one is at work on it.
    """
    path = private / "locks" / stack
    path.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as exc:
            raise RemoteError(
                "another run is at work on this stack", where=stack, hint="Wait until it has ended, then run again."
            ) from exc
        yield
    finally:
        os.close(handle)


def owners(message: str) -> tuple[tuple[str, int], ...]:
    """Host and process id of each lock that the engine's message names."""
    return tuple((host, int(pid)) for _, host, pid in _OWNER.findall(message))


def all_gone(found: Iterable[tuple[str, int]], *, wait_s: float) -> bool:
    """Whether every owner was a process of this host and is gone.

    Args:
        found: Host and process id.
        wait_s: Seconds to wait for those that still live: an engine whose driver was killed ends by itself.
    """
    mine = list(found)
    if not mine or any(host != socket.gethostname() for host, _ in mine):
        return False
    deadline = time.monotonic() + wait_s
    while any(_is_engine(pid) for _, pid in mine):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.1)
    return True


def _is_engine(pid: int) -> bool:
    # The number may have been given to another program since.
    try:
        command = Path(f"/proc/{pid}/comm").read_text(encoding="utf-8").strip()
        state = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    except OSError:
        return True
    return command.startswith("pulumi") and state != "Z"


def clear_intents(workspace: Workspace, stack: str, ids: frozenset[str]) -> tuple[str, ...]:
    """After a good run: close intents that nobody wants any more, and delete what they made.

    An intent is still open when the program that wanted it was changed after a crash. What carries its very token and
    is in no state was never used by anyone.

    Args:
        workspace: Where the journal is.
        stack: Stack name.
        ids: Ids in the state.

    Returns:
        Ids of the objects that were deleted.
    """
    journal = FileJournal(intents_of(workspace.private, PROJECT, stack))
    places = Places(workspace)
    gone: list[str] = []
    begun = time.monotonic()
    pending = sorted(journal.pending(), key=lambda intent: DELETE_ORDER.index(intent.detail["kind"]))
    for intent in pending:
        urn = parse_urn(intent.detail["urn"])
        store = places.store(intent.detail["place"], intent.detail["kind"])
        tag = stack_tag(first_signer(workspace), urn.project, urn.stack)
        for made in _settled(store, tag, intent, since=begun):
            if made.id not in ids and made.identity is not None and made.identity.op == intent.token:
                _delete(store, made)
                gone.append(made.id)
        journal.forget(intent.key)
    places.close()
    return tuple(gone)


def clear_leftovers(
    workspace: Workspace, project: str, stack: str, at: Iterable[str], *, keep: frozenset[str]
) -> tuple[str, ...]:
    """Before a stack is destroyed: delete what carries its tag and no state knows, in the order that clouds want.

    Before, because what is left over may hold what the state knows: a server its subnet.

    Args:
        workspace: Whose adapters are asked.
        project: Pulumi project.
        stack: Stack name.
        at: Places that it has objects at, as far as known; those of open intents are added.
        keep: Ids in the state, which the engine deletes itself.

    Returns:
        Ids of the objects that were deleted.

    Raises:
        RemoteError: A cloud could not be asked; running again goes on.
    """
    journal = FileJournal(intents_of(workspace.private, project, stack))
    pending = journal.pending()
    tag = stack_tag(first_signer(workspace), project, stack)
    places = Places(workspace)
    gone: list[str] = []
    begun = time.monotonic()
    for intent in pending:
        _settled(places.store(intent.detail["place"], intent.detail["kind"]), tag, intent, since=begun)
    for place in sorted({*at, *(str(intent.detail["place"]) for intent in pending)}):
        provider = places.provider(place)
        for kind in DELETE_ORDER:
            if kind not in provider.kinds:
                continue
            store = provider.store(kind)
            for made in store.list():
                if made.id not in keep and made.identity is not None and made.identity.stack == tag:
                    _delete(store, made)
                    gone.append(made.id)
    for intent in pending:
        journal.forget(intent.key)
    places.close()
    return tuple(gone)


def _settled(store: Store, tag: str, intent: Intent, *, since: float) -> tuple[Made, ...]:
    """What carries the tags of an intent without an answer, once it must have come to be, if ever."""
    urn = parse_urn(intent.detail["urn"])
    found: tuple[Made, ...] = ()

    def look() -> bool | None:
        nonlocal found
        found = store.find(tag, urn.hash)
        return any(made.identity is not None and made.identity.op == intent.token for made in found) or None

    poll(look, within_s=settle_s(store) - (time.monotonic() - since))
    return found


def _delete(store: Store, made: Made, *, attempts: int = 10) -> None:
    for attempt in range(1, attempts + 1):
        try:
            store.delete(made.id)
        except PortError as exc:
            if exc.reason not in {"in-use", "transient", "throttle"} or attempt == attempts:
                raise
            time.sleep(min(0.2 * 2**attempt, 3.0))
        else:
            return
