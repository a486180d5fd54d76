"""What to build: turns servers, verdicts and offers into a plan, and a plan into resources.

Strategy, architecture, size, place, wave and price of every workload are decided here, the same bytes for the same
inputs; the reference architectures live in `blueprints.library`, and `blueprints.program` is the Pulumi program that
builds a unit of the plan. Nothing here knows an adapter or a cloud.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from blueprints.bundle import Bundle
    from blueprints.cost import CostReport, cost_report
    from blueprints.infracost_format import infracost
    from blueprints.planning import make_plan
    from blueprints.preview import Preview

__all__ = ["Bundle", "CostReport", "Preview", "cost_report", "infracost", "make_plan"]

# Loaded on first use, so that `pse --help` pays for none of it.
_HOMES = {
    "Bundle": "blueprints.bundle",
    "CostReport": "blueprints.cost",
    "cost_report": "blueprints.cost",
    "infracost": "blueprints.infracost_format",
    "make_plan": "blueprints.planning",
    "Preview": "blueprints.preview",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
