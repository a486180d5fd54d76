"""Commands around steps, as `[[migrate.hook]]` names them."""

import os
import signal
import subprocess
from collections.abc import Callable, Iterator

from migrate.hosts import Host, last_line
from migrate.jobs import bounded
from pse.core.errors import RemoteError
from pse.core.moving import Hook, When, is_for
from pse.core.settings import MigrateSettings


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
        RemoteError: It failed, or did not end in time.
    """
    seconds = max(1.0, min(hook.timeout_s, within_s))
    what = f"the hook {about['PSE_WHEN']} {about['PSE_STEP']}"
    if hook.host:
        named = "".join(f"export {name}='{value}'; " for name, value in about.items())
        host(hook.host).text(bounded(named + hook.command, seconds), timeout_s=seconds + 10, what=what)
        return
    process = subprocess.Popen(
        ["/bin/bash", "-c", hook.command],
        env={**os.environ, **about},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    try:
        said, _ = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        raise RemoteError(f"{what} did not end within {seconds:.0f} s, so it was ended", where=hook.command) from None
    if process.returncode != 0:
        raise RemoteError(f"{what} failed (exit {process.returncode}): {last_line(said)}", where=hook.command)
