"""Progress of long work on stderr: live lines on a terminal, plain lines elsewhere."""

import sys
import threading
import time
from typing import TYPE_CHECKING

from pse.core.progress import Event
from pse.core.text import printable, size

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

QUIET_S = 2.0
"""Seconds between two plain lines about the same thing that is only going on."""


class Listener:
    """Takes events from any thread and never raises: work does not fail because nobody can read about it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._begun = time.monotonic()
        self._last: dict[tuple[str, str], float] = {}
        self._live: Progress | None = None
        self._tasks: dict[tuple[str, str], TaskID] = {}

    def __call__(self, event: Event) -> None:
        """Show one event."""
        with self._lock:
            try:
                if sys.stderr.isatty():
                    self._terminal(event)
                else:
                    self._plain(event)
            except (OSError, ValueError):
                return  # stderr is closed or full

    def close(self) -> None:
        """End the live display; the next event opens it again."""
        with self._lock:
            if self._live is not None:
                self._live.stop()
                self._live, self._tasks = None, {}

    def _plain(self, event: Event) -> None:
        key, now = (event.step, event.subject), time.monotonic()
        if event.state == "update" and now - self._last.get(key, float("-inf")) < QUIET_S:
            return
        self._last[key] = now
        sys.stderr.write(f"{now - self._begun:7.1f} s  {line_of(event)}\n")
        sys.stderr.flush()

    def _terminal(self, event: Event) -> None:
        from rich.markup import escape

        live, key = self._opened(), (event.step, event.subject)
        if key not in self._tasks:
            self._tasks[key] = live.add_task("", total=None, counts="")
        live.update(
            self._tasks[key],
            description=escape(line_of(event, counts=False)),
            completed=event.done or 0,
            total=event.total,
            counts="" if event.unit == "bytes" and event.message else _counts(event),
        )
        if event.state in ("done", "failed"):
            live.console.print(
                line_of(event), markup=False, highlight=False, style="red" if event.state == "failed" else ""
            )
            live.remove_task(self._tasks.pop(key))

    def _opened(self) -> "Progress":
        if self._live is None:
            from rich.console import Console
            from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

            counts = TextColumn("{task.fields[counts]}", markup=False)
            columns = (TextColumn("{task.description}"), BarColumn(20), counts, TimeElapsedColumn())
            self._live = Progress(*columns, console=Console(stderr=True), transient=True, redirect_stdout=False)
            self._live.start()
        return self._live


def line_of(event: Event, *, counts: bool = True) -> str:
    """One line about ``event``: step, subject, message or state, and how far."""
    text = f"{event.step} {event.subject}".strip()
    said = "" if event.message == event.step else event.message
    text = f"{text}: {said or event.state}"
    if event.state == "failed" and said:
        text = f"{text} (failed)"
    if event.unit == "bytes" and event.message:
        counts = False  # a copy says in its own words how far it is
    if counts and event.done is not None:
        text = f"{text} ({_counts(event)})"
    return printable(text)


def _counts(event: Event) -> str:
    if event.done is None:
        return ""
    if event.unit == "bytes":
        return size(event.done) + (f" of {size(event.total)}" if event.total else "")
    return f"{event.done}{f'/{event.total}' if event.total else ''} {event.unit}".rstrip()
