"""Web and database: a front that is reached from outside and a database that only the front reaches."""

from collections.abc import Mapping
from typing import ClassVar

from blueprints.model import Fit, Wanted
from pse.core.documents.deployment import Deployment
from pse.core.documents.plan import Unit


class WebDatabase:
    """See `blueprints.model.Blueprint`."""

    name: ClassVar[str] = "web-database"

    def fits(self, wanted: Wanted) -> Fit:
        """When there are web servers and databases, better when a web server was seen to use a database."""
        databases = {demand.name for demand in wanted.servers if demand.role == "database"}
        webs = [demand for demand in wanted.servers if demand.role == "web"]
        if not databases or not webs:
            return Fit(0)
        using = sorted(demand.name for demand in webs if databases & set(demand.needs))
        if using:
            return Fit(90, (f"{', '.join(using)} uses a database of its own",))
        return Fit(50, ("web servers and databases side by side",))

    def build(self, unit: Unit, landing: Deployment | None, public_key: str) -> Mapping[str, object]:  # noqa: ARG002  (the key is the landing zone's)
        """Register the servers with their firewalls, volumes and first-boot scripts."""
        from blueprints.library.parts import build_servers

        return build_servers("WebDatabase", unit, landing)
