"""Findings of a view, with what it refuses, in the formats of other tools."""

from typing import TYPE_CHECKING

from pse.cli.junit import junit, suite_of
from pse.cli.meanings import meanings
from pse.cli.render import json_text
from pse.cli.sarif import sarif
from pse.cli.spots import Spots
from pse.cli.view import View
from pse.core.findings import Finding, Severity

if TYPE_CHECKING:
    from pse.core.documents.plan import Plan
    from pse.core.settings import Workspace


def refusals_of(plan: "Plan") -> tuple[Finding, ...]:
    """Why the refused workloads of a plan are refused, as findings with the rule as their code."""
    return tuple(
        Finding(
            code=refusal.rule,
            severity=Severity.ERROR,
            subject=decision.workload,
            message=refusal.message,
            remedy=meanings().get(refusal.rule, ("", ""))[1],
            source=refusal.clause,
        )
        for decision in plan.decisions
        if decision.strategy is None
        for refusal in decision.refusals
    )


def as_sarif(workspace: "Workspace", view: View, about: str) -> bytes:
    """SARIF 2.1.0; see `pse.cli.sarif`."""
    spots = Spots(workspace.root, workspace.settings.price_book)
    return json_text(sarif((*view.findings, *view.also), spots, about=about.replace(" ", "-"))).encode()


def as_junit(_workspace: "Workspace", view: View, about: str) -> bytes:
    """JUnit's XML; see `pse.cli.junit`."""
    return junit([suite_of(about, (*view.findings, *view.also), view.subjects)])
