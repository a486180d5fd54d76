"""What the tests that kill share: an operation in the background, and the processes that work for a workspace."""

import contextlib
import os
import signal
import threading
from collections.abc import Callable, Collection, Sequence
from pathlib import Path

from pse.core.errors import PseError
from tests.fakes.hostile import Answer, Forward, Hold, Hostile, Planted, Request
from tests.providers.waiting import parent, wait_for

ALONE_S = 60.0
"""Seconds that a plugin may live without its engine: 6 for its calls, and a loaded machine's to start and end."""

QUIET_S = 0.3
"""Seconds without a further call after which those that came are taken for all that come together."""
MANY = 1_000_000


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

    def rest(self, seconds: float) -> None:
        """Let it work, for so long at most."""
        self._thread.join(seconds)

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


class _Grip:
    """Holds each of some calls the first time that it comes: before its effect or after it, by turns."""

    def __init__(self, wanted: Collection[str], name_of: Callable[[Request], str], *, after: bool) -> None:
        self._wanted = wanted
        self._name_of = name_of
        self._after = after
        self._lock = threading.Lock()
        self._holds: dict[str, Hold] = {}

    def __call__(self, request: Request, forward: Forward) -> Answer | None:
        name = self._name_of(request)
        with self._lock:
            if name not in self._wanted or name in self._holds:
                hold = None
            else:
                hold = self._holds[name] = Hold(after=self._after == (len(self._holds) % 2 == 0))
        return hold(request, forward) if hold else forward(request)

    def held(self) -> set[str]:
        """Names of the calls that it has, or had, each on the side of its effect where it is to be."""
        with self._lock:
            return {name for name, hold in self._holds.items() if hold.reached.is_set()}

    def met(self) -> set[str]:
        """The same, and those that are on their way there."""
        with self._lock:
            return set(self._holds)

    def release(self) -> None:
        """Let all of them go on."""
        with self._lock:
            for hold in self._holds.values():
                hold.release()


def survive(
    root: Path,
    proxies: Sequence[Hostile],
    act: Callable[[], object],
    calls: tuple[str, ...],
    *,
    name_of: Callable[[Request], str],
) -> int:
    """Repeat ``act`` until it gets through, and kill once at each of ``calls`` on the way; returns the kills.

    What comes at the same time is held together, and one kill hits all of it: each run starts an engine, and that takes
    seconds. Plugin or engine by turns, and before or after the call's effect by turns.
    """
    left = set(calls)
    for number in range(len(calls) + 1):
        grip = _Grip(frozenset(left), name_of, after=number % 4 < 2)
        faults = [proxy.plant(grip, times=MANY) for proxy in proxies]
        work = Background(act)
        held: set[str] = set()
        while work.going() and (not held or held != grip.held()):
            held = grip.held()
            work.rest(QUIET_S)
        if not grip.held():
            assert work.end() is None
            _over(faults)
            assert not left, f"these calls never came: {sorted(left)}"
            return number
        assert strike(root, engine=number % 2 == 0)
        ended(root)
        left -= grip.met()
        _over(faults)
        grip.release()
        assert isinstance(work.end(), PseError)
    raise AssertionError("it never gets through")


def _over(faults: Sequence[Planted]) -> None:
    for fault in faults:
        fault.left = 0
