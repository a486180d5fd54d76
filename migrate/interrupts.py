"""Work that an interrupt does not tear: it comes to an end of its own, or the process does."""

import os
import signal
import threading
from collections.abc import Callable


def through(work: Callable[[], None], *, stop: Callable[[], None]) -> None:
    """Run ``work`` to its end, in a thread of its own, where no interrupt comes between two lines.

    Args:
        work: What is done; its threads have ended when it returns.
        stop: Called at the first interrupt: lets ``work`` come to its end soon. A second one ends the process, as a
            kill does.

    Raises:
        BaseException: What ``work`` raised, or the interrupt, when ``work`` has ended.
    """
    done, broke = threading.Event(), list[BaseException]()

    def run() -> None:
        try:
            work()
        except BaseException as exc:  # noqa: BLE001 - raised below, in the thread of the caller
            broke.append(exc)
        finally:
            done.set()

    try:
        threading.Thread(target=run, daemon=True).start()
        _wait(done)
    except BaseException:
        try:
            stop()
            _wait(done)
        except BaseException:  # noqa: BLE001 - it does not get further than the next lines
            # Threads would be waited for, and what they do must not go on beside whoever takes it up.
            signal.signal(signal.SIGINT, signal.SIG_DFL)
            os.kill(os.getpid(), signal.SIGINT)
        raise
    if broke:
        raise broke[0]


def _wait(done: threading.Event) -> None:
    """By short waits: a signal that another thread took is seen only when this one wakes."""
    while not done.wait(0.2):
        pass
