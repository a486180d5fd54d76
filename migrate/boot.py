"""Services that a host of the old room starts by itself: not after the cut-over, and again after a rollback.

Where a service is stopped by ``systemctl stop``, its units are known, and systemd is told. What is started in another
way is left to a hook: see docs/workers.md.
"""

import re
import shlex
from typing import Any

from migrate.hosts import Host
from pse.core.documents.plan import Service

_STOP = re.compile(r"((?:sudo (?:-n )?)?(?:/\S*/)?systemctl) stop ((?:[A-Za-z0-9:_.@\\-]+ ?)+)")


def units_of(service: Service) -> tuple[str, tuple[str, ...]]:
    """How systemd is called there, and the units that the service is; empty where it is started in another way."""
    found = _STOP.fullmatch(service.stop.strip())
    return (found[1], tuple(found[2].split())) if found else ("", ())


def enabled(host: Host, service: Service) -> dict[str, Any]:
    """Units of the service that start with the host."""
    call, units = units_of(service)
    asked = " ".join(shlex.quote(unit) for unit in units)
    script = f'for u in {asked}; do [ "$({call} is-enabled -- "$u" 2>/dev/null)" != enabled ] || echo "$u"; done'
    return {"units": host.text(script, what=f"asking what starts {service.name}").split()}


def switch(host: Host, service: Service, units: list[str], verb: str) -> dict[str, Any]:
    """``enable`` or ``disable`` units; safe to repeat."""
    call, _ = units_of(service)
    if units:
        asked = " ".join(shlex.quote(unit) for unit in units)
        host.text(f"{call} {verb} -- {asked}", what=f"telling systemd to {verb} {service.name}")
    return {"units": units}
