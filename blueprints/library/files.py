"""File service: servers whose work is to hold files, their data on volumes that can grow."""

from collections.abc import Mapping
from typing import ClassVar

from blueprints.model import Fit, Wanted
from pse.core.documents.deployment import Deployment
from pse.core.documents.plan import Unit


class Files:
    """See `blueprints.model.Blueprint`."""

    name: ClassVar[str] = "files"

    def fits(self, wanted: Wanted) -> Fit:
        """When every server is a file server."""
        if wanted.servers and all(demand.role == "files" for demand in wanted.servers):
            return Fit(70, ("every server holds files",))
        return Fit(0)

    def build(self, unit: Unit, landing: Deployment | None, public_key: str) -> Mapping[str, object]:  # noqa: ARG002  (the key is the landing zone's)
        """Register the servers with their firewalls, volumes and first-boot scripts."""
        from blueprints.library.parts import build_servers

        return build_servers("Files", unit, landing)
