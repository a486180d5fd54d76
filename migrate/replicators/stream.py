"""One stream between source and target, straight from program to program, as a job of the source."""

import shlex
from collections.abc import Callable

from migrate import jobs
from migrate.hosts import PRELUDE, retried
from migrate.jobs import folder_of
from migrate.replicators.ports import FreezeOver, Task
from pse.core.errors import RemoteError


def stream(task: Task, what: str, giver: str, taker: str, *, reason: Callable[[bytes], str], back: bool = False) -> int:
    """Run ``giver | ssh … taker``, or ``ssh … giver | taker`` on the way back.

    Args:
        task: The move.
        what: Names the job and, for a person, what is carried: lower-case letters and hyphens.
        giver: Shell text that writes; runs at the source, with ``back`` at the target.
        taker: Shell text that reads; runs at the other end.
        reason: Makes one line of the job's log.
        back: From target to source.

    Returns:
        Bytes that were carried.

    Raises:
        RemoteError: Any part of it failed.
        FreezeOver: The freeze has to end; the stream is ended.
    """
    folder = folder_of(task.source, task.job)
    name = f"{task.key.rsplit('/', 1)[-1]}-{'back-' if back else ''}{what}"
    far = f"exec bash -c {shlex.quote(PRELUDE + 'set -o pipefail;' + (giver if back else taker))}"
    shell = f"{task.passage.shell(name, far)} {task.passage.address} true"
    counted = f"tee >(wc -c >{name}.bytes)"
    line = f"{shell} </dev/null | {counted} | {taker}" if back else f"{giver} | {counted} | {shell}"
    # A stream that was cut off is of no use: what is known of an earlier one is forgotten, and it runs again.
    jobs.stop(task.source, folder, name)
    jobs.start(task.source, folder, name, f"set -o pipefail\n{line}")
    try:
        ended = retried(lambda: jobs.wait(task.source, folder, name, within_s=task.left(24 * 3600)))
    except FreezeOver:
        jobs.stop(task.source, folder, name)
        raise
    if ended.rc != 0:
        raise RemoteError(f"carrying the {what} failed: {reason(ended.log)}", where=task.move.id)
    count = task.source.run(f"cat {folder}/{name}.bytes").stdout.strip()
    return int(count) if count.isdigit() else 0
