"""Entries of the ledger about what was done, and about commands that were refused as a whole.

What is done stands, whether or not it can be written down: a ledger that takes no entry, as on a runner without the
workspace's key, is told to the person and stops nothing.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from policy.ledger import Ledger
from pse.core.errors import PseError, Refused
from pse.core.progress import Event, Progress, silent
from pse.core.settings import Workspace

REFUSED = "refused"
"""Kind of the entry about a command that was refused."""
NOC = "noc"
"""Kind of the entry about NOCs without which a unit could not be at its place."""


def note(workspace: Workspace, kind: str, data: Mapping[str, Any], progress: Progress = silent) -> bool:
    """Write one entry, or say that it could not be written.

    Args:
        workspace: Whose ledger.
        kind: What was done: ``up``, ``destroy``, ``close``, ``audit``, `NOC` or `REFUSED`.
        data: Plain data without secrets.
        progress: Told when the ledger takes no entry.

    Returns:
        Whether it was written.
    """
    try:
        Ledger(workspace).record(kind, dict(data))
    except PseError as exc:
        about = str(data.get("unit") or data.get("workload") or "")
        words = f"this {kind} is NOT in the ledger: {exc.message}. {exc.hint}".rstrip()
        progress(Event("ledger", "failed", subject=about, message=words))
        return False
    return True


@contextmanager
def noting_refusal(
    workspace: Workspace, verb: str, data: Mapping[str, Any], progress: Progress = silent
) -> Iterator[None]:
    """Write an entry `REFUSED` when the body is refused, and let the refusal go on.

    Args:
        workspace: Whose ledger.
        verb: What was asked for: ``up`` or ``destroy``.
        data: What it was asked of; where and why are added.
        progress: Told when the ledger takes no entry.
    """
    try:
        yield
    except Refused as exc:
        where = exc.where.replace(f"{workspace.root}/", "")  # the ledger outlives this machine's folders
        note(workspace, REFUSED, {"verb": verb, **data, "where": where, "why": exc.message}, progress)
        raise
