"""Views of costs: the bill of a plan, and Infracost's format."""

from typing import TYPE_CHECKING, Any

from pse.cli.render_plan import READABLE, head, money
from pse.cli.view import View, grid

if TYPE_CHECKING:
    from blueprints import Bundle


def infracost_view(data: dict[str, Any]) -> View:
    """Infracost's own JSON, as it is."""
    return View(data)


def cost_view(bundle: "Bundle") -> View:
    """Totals by workload and by place; every total says how many lines have no price."""
    import blueprints

    plan, report = bundle.plan, blueprints.cost_report(bundle)
    return View(
        {"report": report},
        (
            *head(plan),
            grid("", "workload", ((d.workload,) for d in plan.decisions[:READABLE])),
            money(plan.cost, plan.currency)[0],
        ),
    )
