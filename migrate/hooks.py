"""Commands around steps, as `[[migrate.hook]]` names them."""

import contextlib
import os
import signal
import subprocess
import tempfile
from collections.abc import Callable, Iterator

from migrate.hosts import Host, last_line
from migrate.jobs import bounded
from pse.core.errors import RemoteError
from pse.core.moving import Hook, When, is_for
from pse.core.settings import MigrateSettings

_ENDED_S = 5.0
"""Seconds that a command may take to be gone after SIGKILL."""
_SAID = 2000
"""Bytes of what a command said that are looked at, from the end."""


def hooks_of(settings: MigrateSettings, workload: str, step: str, when: When) -> Iterator[tuple[int, Hook]]:
    """Hooks on one side of a step, with their number in the settings, in that order."""
    for number, hook in enumerate(settings.hook):
        if (hook.step, hook.when) == (step, when) and is_for(hook.workloads, workload):
            yield number, hook


def run(hook: Hook, about: dict[str, str], *, within_s: float, host: Callable[[str], Host]) -> None:
    """Run one, here or on a host of the old room.

    Args:
        hook: Which.
        about: Variables that it sees: ``PSE_PLAN``, ``PSE_WORKLOAD``, ``PSE_STEP``, ``PSE_WHEN``.
        within_s: Seconds at most, beside its own.
        host: A host by its name.

    Raises:
        RemoteError: It cannot be run, failed, or did not end in time; with the last line that it said.
    """
    seconds = max(1.0, min(hook.timeout_s, within_s))
    what, where = f"the hook {about['PSE_WHEN']} {about['PSE_STEP']}", hook.command[:200]
    if hook.host:
        named = "".join(f"export {name}='{value}'; " for name, value in about.items())
        host(hook.host).text(bounded(named + hook.command, seconds), timeout_s=seconds + 10, what=what)
        return
    try:
        code, said = _here(hook.command, {**os.environ, **about}, seconds)
    except (OSError, ValueError) as exc:
        raise RemoteError(f"{what} cannot be run: {exc}", where=where) from exc
    if code is None:
        text = f"{what} did not end within {seconds:.0f} s, so it was ended"
        raise RemoteError(f"{text}; it said last: {last_line(said)}" if said.strip() else text, where=where)
    if code != 0:
        raise RemoteError(f"{what} failed (exit {code}): {last_line(said)}", where=where)


def _here(command: str, environment: dict[str, str], seconds: float) -> tuple[int | None, bytes]:
    """Run a command on this machine; its exit status (None when it had to be ended) and the last that it said.

    It speaks to a file: what it leaves running may keep that open for as long as it likes.

    Raises:
        OSError: It cannot be started, or there is no room for what it says.
        ValueError: Its text cannot be a command.
    """
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(
            ["/bin/bash", "-c", command],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        code: int | None
        try:
            code = process.wait(seconds)
        except subprocess.TimeoutExpired:
            code = None
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            with contextlib.suppress(subprocess.TimeoutExpired):
                # One that waits for a device which is gone cannot be ended; nobody waits for it.
                process.wait(_ENDED_S)
        except BaseException:
            # Whoever is interrupted here leaves nothing behind that goes on by itself.
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            raise
        size = output.seek(0, os.SEEK_END)
        output.seek(max(0, size - _SAID))
        return code, output.read(_SAID)
