"""How the clouds that are files of this machine misbehave: the file cloud by its fault points, the lab by its lock."""

import fcntl
import os
from collections.abc import Callable, Collection
from contextlib import suppress
from pathlib import Path
from typing import ClassVar

from pse.core.journal import FileJournal
from pse.core.settings import Workspace

WORDS = {"hang": "hang", "stuck": "late", "lost": "lost", "quota": "quota"}
"""The suite's words for what a create does, and the file cloud's."""
SETTLE_S = 10
"""Seconds that the file cloud says it takes to settle while its lists lag."""


class FileTrouble:
    """See `providers.conformance.hostile.Trouble`; what lags is what is lost, so that is planted first.

    Args:
        faults: Folder of the file cloud's fault points.
    """

    knows: ClassVar[Collection[str]] = {*WORDS, "late"}

    def __init__(self, faults: Path) -> None:
        self._faults = faults

    def plant(self, what: str, kind: str, *, making: bool, times: int = 1) -> Callable[[], int]:
        """Misbehave at the next create of a kind; tells how often it did."""
        del making, times
        path = self._faults / f"create-{kind}-any"
        path.with_suffix(".used").unlink(missing_ok=True)
        if what == "late":
            (self._faults / "settle").write_text(str(SETTLE_S))
            path.write_text("lost-late")
            # It is the third look that sees it.
            return lambda: 2 * path.with_suffix(".used").exists()
        path.write_text(WORDS[what])
        if WORDS[what] in {"hang", "late"}:
            return lambda: len(list(self._faults.glob(f"create-{kind}-*.hung")))
        return lambda: int(path.with_suffix(".used").exists())

    def calm(self) -> None:
        """Take all of it away."""
        for path in (*self._faults.glob("create-*"), self._faults / "settle"):
            path.unlink(missing_ok=True)


class LabQuotas:
    """See `providers.conformance.hostile.Trouble`; the lab reads its quotas when they count.

    Args:
        options: Those of the lab's place.
    """

    knows: ClassVar[Collection[str]] = {"quota"}

    def __init__(self, options: dict[str, str]) -> None:
        self._options = options

    def plant(self, what: str, kind: str, *, making: bool, times: int = 1) -> Callable[[], int]:
        """Allow none of a kind; that it is refused once is the only thing that can happen."""
        del making, times
        self._options[f"{what}_{kind.lower()}"] = "0"
        return lambda: 1

    def calm(self) -> None:
        """Allow as many as before."""
        self._options.clear()


class LabTrouble:
    """See `providers.conformance.hostile.Trouble`; a create hangs while somebody keeps the account's lock.

    Args:
        workspace: Where the lab is.
        place: Whose account.
        unit: Who creates; its journal tells when it has begun.
    """

    knows: ClassVar[Collection[str]] = {"hang"}

    def __init__(self, workspace: Workspace, place: str, unit: str) -> None:
        self._lock = workspace.private / "lab" / "places" / place.replace("/", "+") / "lock"
        self._intents = workspace.private / "intents" / f"{unit}.jsonl"
        self._held: int | None = None

    def plant(self, what: str, kind: str, *, making: bool, times: int = 1) -> Callable[[], int]:
        """Keep the lock; tells how many creates of a kind are without an answer."""
        del what, making, times
        self._held = os.open(self._lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        fcntl.flock(self._held, fcntl.LOCK_EX)
        intents = FileJournal(self._intents)
        return lambda: sum(intent.detail.get("kind") == kind for intent in intents.pending())

    def calm(self) -> None:
        """Let go."""
        if self._held is not None:
            with suppress(OSError):
                os.close(self._held)
            self._held = None
