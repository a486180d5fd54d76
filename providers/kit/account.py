"""An account at one place: its options, waiting, and patience with a cloud that does not know yet what it made."""

import threading
from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import AbstractContextManager
from time import monotonic
from typing import ClassVar, TypeVar

from providers.kit import options
from providers.kit.noun import Gone
from providers.kit.waiting import FIRST_S, GROWTH, MOST_S, poll
from providers.ports import PortError, Target

T = TypeVar("T")

FRESH_S = 60.0
"""Seconds within which a call may not know an object that another call has just made."""
WAIT_S = 600.0
"""Seconds of any wait for which the option ``wait_s`` says nothing."""


class CloudAccount(ABC):
    """One place at a cloud; safe to use from many threads.

    Args:
        target: The place.
    """

    known_options: ClassVar[frozenset[str]]
    """Options of the register's entry."""
    needed_options: ClassVar[tuple[str, ...]]
    """Those that it has to have."""

    def __init__(self, target: Target) -> None:
        """Remember the target; no SDK is imported yet."""
        self.place = target.place
        self.options = target.options
        self.closed = threading.Event()
        self._fresh: dict[str, float] = {}
        self._fresh_lock = threading.Lock()

    @property
    @abstractmethod
    def here(self) -> str:
        """The cloud's own name of the place."""

    def account(self) -> str:
        """See `providers.ports.TellsAccount`; empty where a place has no accounts."""
        return ""

    @abstractmethod
    def errors(self) -> AbstractContextManager[None]:
        """Lets only `PortError` leave."""

    @abstractmethod
    def check(self) -> None:
        """See, once, that who answers is the place.

        Raises:
            PortError: It is not: whatever it said would be about somewhere else.
        """

    @abstractmethod
    def close(self) -> None:
        """Give back connections; whatever still waits gives up."""

    def made(self, object_id: str) -> str:
        """Remember that an object was made just now; returns its id."""
        with self._fresh_lock:
            self._fresh[object_id] = monotonic()
        return object_id

    def gone(self, object_id: str) -> None:
        """Forget an object: from now on not found is what it is."""
        with self._fresh_lock:
            self._fresh.pop(object_id, None)

    def patiently(self, act: Callable[[], T]) -> T:
        """One call, repeated while the cloud does not know an object that we have just made.

        Raises:
            PortError: What the call said.
        """
        pause = FIRST_S
        while True:
            try:
                return act()
            except PortError as exc:
                if exc.reason != "not-found" or not self.is_fresh(exc) or self.closed.wait(pause):
                    raise
            pause = min(pause * GROWTH, MOST_S)

    def is_fresh(self, said: PortError) -> bool:
        """Whether the cloud does not know, yet, what was made just now: it quotes the id that it does not know."""
        with self._fresh_lock:
            limit = monotonic() - FRESH_S
            self._fresh = {key: at for key, at in self._fresh.items() if at > limit}
            return any(object_id in said.message for object_id in self._fresh)

    def until(self, look: Callable[[], T | None], *, what: str, seconds: float | None = None) -> T:
        """Look again and again until there is an answer.

        A throttled or failed look is no answer, and not the end; that what is waited for is gone is the end, always.

        Args:
            look: Gives None while it is not so yet.
            what: What is waited for.
            seconds: At most; the option ``wait_s`` without.

        Raises:
            PortError: It did not come in time.
        """
        last = ""

        def once() -> T | None:
            nonlocal last
            try:
                return look()
            except PortError as exc:
                if isinstance(exc, Gone) or exc.reason not in {"throttle", "transient"}:
                    raise
                last = f" (last: {exc.message})"
                return None

        within = self.seconds("wait_s", WAIT_S) if seconds is None else seconds
        found = poll(once, within_s=within, closed=self.closed)
        if found is None:
            raise PortError(f"gave up waiting for {what}{last}", vendor_code="Timeout", where=self.place)
        return found

    def seconds(self, option: str, default: float) -> float:
        """An option that is a number of seconds.

        Raises:
            PortError: It is none.
        """
        return options.seconds(self.options, option, default, where=self.place)

    def check_options(self) -> None:
        """See that the register's entry has what is needed and nothing unknown.

        Raises:
            PortError: It does not.
        """
        options.check(self.options, known=self.known_options, needed=self.needed_options, where=self.place)
