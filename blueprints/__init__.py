"""What to build: turns servers, verdicts and offers into a plan, and a plan into resources.

Strategy, architecture, size, place, wave and price of every workload are decided here, the same bytes for the same
inputs. The way goes through the folders: `estate` and `sizing` say what is wanted, `bills` what it costs, `planning`
and `waves` make the plan, `comparing` and `outputs` show it, `building` has the Pulumi program that builds its units.
The reference architectures live in `library`. Nothing here knows an adapter or a cloud.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from blueprints.bills.cost import CostReport, cost_report
    from blueprints.building.preview import Preview
    from blueprints.outputs.infracost import infracost
    from blueprints.planning.bundle import Bundle
    from blueprints.planning.making import make_plan

__all__ = ["Bundle", "CostReport", "Preview", "cost_report", "infracost", "make_plan"]

# Loaded on first use, so that `pse --help` pays for none of it.
_HOMES = {
    "Bundle": "blueprints.planning.bundle",
    "CostReport": "blueprints.bills.cost",
    "cost_report": "blueprints.bills.cost",
    "infracost": "blueprints.outputs.infracost",
    "make_plan": "blueprints.planning.making",
    "Preview": "blueprints.building.preview",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
