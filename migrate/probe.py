"""The probe client: what a user of the service would notice of a cut-over.

Every 20 ms it resolves the name at the name server, as a client without a cache would, and asks the address that it
got. The longest time between two good answers is the downtime.
"""

import http.client
import threading
import time

from migrate.checks import http_get
from migrate.dns import Dns
from pse.core.errors import PseError

EVERY_S = 0.02
_TIMEOUT_S = 2.0


class Probe:
    """One client of one name.

    Args:
        dns: Where the name is resolved.
        name: The name.
        check: ``port/path`` that it asks.
        since: Moment (`time.time`) of a good answer before this process began; None when there is none.
    """

    def __init__(self, dns: Dns, name: str, check: str, *, since: float | None = None) -> None:
        """Start asking."""
        self._dns = dns
        self._name = name
        self._check = check
        self._last = since
        self._longest = 0.0
        self._good = 0
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._ask, name=f"probe {name}", daemon=True)
        self._thread.start()

    @property
    def good(self) -> int:
        """Good answers so far."""
        return self._good

    def stop(self) -> float | None:
        """Stop asking; returns the longest gap in seconds, None when there was no good answer at all."""
        self._end.set()
        self._thread.join(2 * _TIMEOUT_S + 1)
        if not self._good:
            return None
        # A gap that is still open counts up to now.
        return max(self._longest, time.time() - self._last if self._last is not None else 0.0)

    def _ask(self) -> None:
        while not self._end.is_set():
            began = time.monotonic()
            try:
                address, _ = self._dns.lookup(self._name)
                good = bool(address) and http_get(address, self._check, timeout_s=_TIMEOUT_S) == 200
            except (OSError, http.client.HTTPException, PseError):
                good = False
            if good:
                now = time.time()
                if self._last is not None:
                    self._longest = max(self._longest, now - self._last)
                self._last = now
                self._good += 1
            self._end.wait(max(0.0, EVERY_S - (time.monotonic() - began)))
