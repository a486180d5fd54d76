"""How long work tells what it is doing, without knowing who listens."""

from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True)
class Event:
    """One thing that happened during long work.

    Attributes:
        step: The step's stable name, for example ``discover``.
        subject: Host, stack or move that it is about; empty for the step as a whole.
        state: ``start``, ``update``, ``done`` or ``failed``.
        message: A line for a person; carries no secret and no control characters.
        done: Units done so far, when countable.
        total: Units in all, when known.
        unit: What is counted: ``hosts``, ``bytes``, ``resources``.
        data: Extra values for ``--json-lines``.
    """

    step: str
    state: str
    subject: str = ""
    message: str = ""
    done: int | None = None
    total: int | None = None
    unit: str = ""
    data: dict[str, object] = field(default_factory=dict)


class Progress(Protocol):
    """Takes events; safe to call from several threads at once, never raises."""

    def __call__(self, event: Event) -> None:
        """Take one event."""


def silent(event: Event) -> None:
    """A listener that drops every event: the default of library calls."""
