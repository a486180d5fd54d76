"""What is there: takes stock of the servers an entity runs today.

Facts are read over SSH without an agent and without writing on a host, or come from files of other tools; all
sightings of one server are merged by a vote, flows between servers are found, and workloads are proposed from them.
The result is a snapshot in the workspace: a manifest and tables.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from inventory.asking import HostResult
    from inventory.discovery import Discovery, discover
    from inventory.estate import Estate, load_estate
    from inventory.importers import Import, import_file

__all__ = ["Discovery", "Estate", "HostResult", "Import", "discover", "import_file", "load_estate"]

# Loaded on first use, so that `pse --help` pays for none of it.
_HOMES = {
    "Discovery": "inventory.discovery",
    "HostResult": "inventory.asking",
    "discover": "inventory.discovery",
    "Estate": "inventory.estate",
    "load_estate": "inventory.estate",
    "Import": "inventory.importers",
    "import_file": "inventory.importers",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
