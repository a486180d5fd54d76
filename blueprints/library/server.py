"""Lift and shift: each server as it is, on a fresh image, with its data on volumes of its own."""

from collections.abc import Mapping
from typing import ClassVar

from blueprints.model import Fit, Wanted
from pse.core.documents.deployment import Deployment
from pse.core.documents.plan import Unit
from pse.core.text import counted


class Server:
    """See `blueprints.model.Blueprint`."""

    name: ClassVar[str] = "server"

    def fits(self, wanted: Wanted) -> Fit:
        """Always, and gives way to whatever knows more of the workload."""
        return Fit(10, (f"as found, on fresh images: {counted(len(wanted.servers), 'server')}",))

    def build(self, unit: Unit, landing: Deployment | None, public_key: str) -> Mapping[str, object]:  # noqa: ARG002  (the key is the landing zone's)
        """Register the servers with their firewalls, volumes and first-boot scripts."""
        from blueprints.library.parts import build_servers

        return build_servers("Server", unit, landing)
