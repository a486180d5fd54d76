"""What the tests that kill share: an operation in the background, and the processes that work for a workspace."""

import contextlib
import os
import signal
import threading
from collections.abc import Callable
from pathlib import Path

from pse.core.errors import PseError
from tests.fakes.hostile import Hold, Hostile, Request
from tests.providers.waiting import parent, wait_for

ALONE_S = 60.0
"""Seconds that a plugin may live without its engine: 6 for its calls, and a loaded machine's to start and end."""


class Background:
    """An operation in a thread, its error kept."""

    def __init__(self, act: Callable[[], object]) -> None:
        self.error: PseError | None = None
        self._defect: Exception | None = None
        self._act = act
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        try:
            self._act()
        except PseError as exc:
            self.error = exc
        except Exception as exc:  # noqa: BLE001  told to who waits for the end, as any defect
            self._defect = exc

    def going(self) -> bool:
        return self._thread.is_alive()

    def end(self, timeout_s: float = 60.0) -> PseError | None:
        self._thread.join(timeout_s)
        assert not self._thread.is_alive()
        if self._defect is not None:
            raise self._defect
        return self.error


def plugins(root: Path) -> set[int]:
    """Process ids of the plugins that work for a workspace."""
    found = set()
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if b"providers.plugin.main" not in (folder / "cmdline").read_bytes():
                continue
            if os.fsencode(f"PSE_WORKSPACE={root}") in (folder / "environ").read_bytes().split(b"\0"):
                found.add(int(folder.name))
    return found


def strike(root: Path, *, engine: bool, signum: int = signal.SIGKILL) -> bool:
    """Kill -9 the plugin that works for a workspace, or its engine; False when there is none any more."""
    struck = False
    for plugin in plugins(root):
        with contextlib.suppress(ProcessLookupError, FileNotFoundError):
            victim = parent(plugin) if engine else plugin
            if not engine or Path(f"/proc/{victim}/comm").read_text(encoding="utf-8").startswith("pulumi"):
                os.kill(victim, signum)
                struck = True
    return struck


def ended(root: Path) -> None:
    """Wait until no plugin works for a workspace: one whose engine was killed ends by itself."""
    wait_for(lambda: not plugins(root), timeout_s=ALONE_S)


def survive(
    root: Path, proxy: Hostile, act: Callable[[], object], calls: tuple[str, ...], *, name_of: Callable[[Request], str]
) -> int:
    """Repeat ``act`` until it gets through, and kill once at each of ``calls`` on the way; returns the kills.

    Plugin or engine by turns, and before or after the call's effect by turns.
    """
    left = set(calls)
    for number in range(len(calls) + 1):
        hold = Hold(after=number % 4 < 2)
        fault = proxy.plant(hold, when=lambda request: name_of(request) in left)
        work = Background(act)
        while not hold.reached.wait(0.05) and work.going():
            pass
        if not hold.reached.is_set():
            fault.left = 0
            assert work.end() is None
            return number
        assert hold.held is not None
        left.discard(name_of(hold.held))
        assert strike(root, engine=number % 2 == 0)
        ended(root)
        hold.release()
        assert isinstance(work.end(), PseError)
    raise AssertionError("it never gets through")
