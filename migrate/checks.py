"""Does a service answer: HTTP from here, commands on the server."""

import http.client
import time
from collections.abc import Callable

from migrate.hosts import Host, last_line
from pse.core.documents.plan import Check
from pse.core.errors import RemoteError
from pse.core.text import printable

_PAUSE_S = 0.1


def http_get(address: str, check: str, *, host: str = "", timeout_s: float = 5.0) -> int:
    """Status of a GET.

    Args:
        address: IPv4 address to connect to.
        check: ``port/path``, as in `Check.http`.
        host: Value of the Host header; empty means the address.
        timeout_s: Seconds.

    Raises:
        OSError: No connection.
        http.client.HTTPException: Not HTTP.
    """
    port, _, path = check.partition("/")
    connection = http.client.HTTPConnection(address, int(port or 80), timeout=timeout_s)
    try:
        connection.request("GET", f"/{path}", headers={"Host": host or f"{address}:{port}", "Connection": "close"})
        answer = connection.getresponse()
        answer.read()
        return answer.status
    finally:
        connection.close()


def must_hold(check: Check, host: Host, *, address: Callable[[], str], name: str = "", within_s: float) -> str:
    """Wait until ``check`` holds; returns what was seen, in words.

    Args:
        check: What has to hold.
        host: Server that a command runs on.
        address: Gives the address to connect to, asked anew for every try.
        name: Name that the service is called by.
        within_s: Seconds.

    Raises:
        RemoteError: It does not hold within that time.
    """
    deadline = time.monotonic() + within_s
    while True:
        seen, holds = _look(check, host, address, name)
        if holds:
            return seen
        if time.monotonic() >= deadline:
            raise RemoteError(f"check {check.name} does not hold: {seen}", where=host.name)
        time.sleep(_PAUSE_S)


def must_end(check: Check, host: Host, *, address: Callable[[], str], within_s: float) -> None:
    """Wait until ``check`` does not hold any more: a stop command that exits 0 is no proof that it stopped anything.

    Args:
        check: Held while the service ran.
        host: Server that a command runs on.
        address: Gives the address to connect to.
        within_s: Seconds.

    Raises:
        RemoteError: It still holds.
    """
    deadline = time.monotonic() + within_s
    while True:
        seen, holds = _look(check, host, address, "")
        if not holds:
            return
        if time.monotonic() >= deadline:
            raise RemoteError(
                f"it still answers after its stop command ({seen}), so it may still write",
                where=host.name,
                hint="Correct the stop command in workloads.toml, or the check if it holds without the service.",
            )
        time.sleep(_PAUSE_S)


def _look(check: Check, host: Host, address: Callable[[], str], name: str) -> tuple[str, bool]:
    if check.http:
        try:
            status = http_get(address(), check.http, host=name)
        except (OSError, http.client.HTTPException) as exc:
            return f"{check.name}: {printable(str(exc)) or type(exc).__name__}", False
        return f"{check.name}: HTTP {status}", status == 200
    done = host.run(check.command, timeout_s=30)
    return f"{check.name}: exit {done.rc}" + (f", {last_line(done.stderr)}" if done.rc else ""), done.rc == 0
