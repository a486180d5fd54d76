"""Private keys for SSH: one file, or one named key of ssh-agent; never all keys that happen to be there."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from pse.core import secrets
from pse.core.errors import BadInput
from pse.core.text import printable

if TYPE_CHECKING:
    import paramiko


def load_key(reference: str, agent_key: str, *, base: Path, where: str) -> "tuple[paramiko.PKey, Callable[[], None]]":
    """The key to log in with, and what to call when it was used.

    Args:
        reference: ``file:PATH`` of a private key without a passphrase. A certificate ``PATH-cert.pub`` beside it is
            shown with it, as ssh does.
        agent_key: Comment or ``SHA256:`` fingerprint of a key of ssh-agent; wins over ``reference``.
        base: Folder that relative paths start from.
        where: The host, for messages.

    Raises:
        BadInput: No key, not a private key, one with a passphrase, readable by others, or not exactly one in the agent.
    """
    if agent_key:
        return _from_agent(agent_key, where)
    if not reference:
        raise BadInput("no key to log in with", where=where, hint='Write `key = "file:PATH"` or `agent_key`.')
    path = secrets.path_of(reference, base=base)
    return _from_file(path), _nothing


def preferred_types(known: Iterable[str], pinned: str) -> tuple[str, ...]:
    """Host key algorithms with those of the pinned key first: a host with several keys then shows the pinned one.

    The others stay: a host that lost the pinned one has to show what it has, so that both can be named.
    """
    kind = pinned.split(" ", maxsplit=1)[0]
    wanted = ("rsa-sha2-512", "rsa-sha2-256") if kind == "ssh-rsa" else (kind,)
    every = tuple(known)
    return (*(k for k in wanted if k in every), *(k for k in every if k not in wanted))


def _nothing() -> None:
    pass


def _from_file(path: Path) -> "paramiko.PKey":
    import paramiko

    certificate = path.with_name(f"{path.name}-cert.pub")
    try:
        key = paramiko.PKey.from_path(path)
        if certificate.is_file() and key.public_blob is None:
            key.load_certificate(str(certificate))
    except (paramiko.PasswordRequiredException, TypeError) as exc:
        raise BadInput(
            "the private key has a passphrase",
            where=str(path),
            hint="Load it into ssh-agent and name it as `agent_key`.",
        ) from exc
    except (paramiko.SSHException, ValueError, OSError, IndexError) as exc:
        # The message may not hold what was read: it is a key, or something just as private.
        raise BadInput("not a private key that can be used", where=str(path)) from exc
    return key


def _from_agent(name: str, where: str) -> "tuple[paramiko.PKey, Callable[[], None]]":
    import paramiko

    try:
        agent = paramiko.Agent()
    except (paramiko.SSHException, OSError) as exc:
        raise BadInput(f"ssh-agent does not answer: {printable(str(exc))}", where=where) from exc
    found = [key for key in agent.get_keys() if name in (key.comment, key.fingerprint)]
    if len(found) != 1:
        agent.close()
        many = "no key" if not found else f"{len(found)} keys"
        raise BadInput(
            f"ssh-agent has {many} called {name!r}", where=where, hint="`ssh-add -l` lists comments and fingerprints."
        )
    return found[0], agent.close
