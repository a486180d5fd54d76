"""What `pse ci` shows and writes: a table of its steps, and the files for a merge request."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from pse.cli.junit import Case, Suite, junit, suite_of
from pse.cli.markdown import markdown
from pse.cli.pipeline import Pipeline, Step
from pse.cli.render import json_text
from pse.cli.sarif import sarif
from pse.cli.spots import Spots
from pse.cli.view import Grid, View, grid
from pse.core.findings import Finding, Severity
from pse.core.text import counted

if TYPE_CHECKING:
    from pse.core.settings import Workspace

FILES = ("ci.md", "ci.sarif", "ci.xml", "infracost.json")
_TELLING = ("total:", "now:", "over the", "within the", *"0123456789", "compared")
_SHOWN = 50
"""Findings in the Markdown, which code hosts cut off when it is long; SARIF has all."""


def ci_view(pipeline: Pipeline, steps: Sequence[Step], fail_on: str, code: int, out: Path) -> View:
    """One row a step, with what it found."""
    bundle = pipeline.bundle
    data = {
        "passed": code == 0,
        "exit_code": code,
        "plan": bundle.plan.hash if bundle else None,
        "base": pipeline.base.plan.hash if pipeline.base else None,
        "out": out,
        "items": [
            {
                "step": step.group,
                "name": step.name,
                "state": _state(step, fail_on),
                "message": _words(step),
                "exit_code": step.failed.exit_code if step.failed else 0,
                "findings": len(step.view.findings),
            }
            for step in steps
        ],
    }
    return View(data, (_verdict(code), _grid(steps, fail_on), f"written to {out}: {', '.join(_written(pipeline))}"))


def write_files(
    workspace: "Workspace", pipeline: Pipeline, steps: Sequence[Step], *, fail_on: str, code: int, out: Path
) -> None:
    """Write the files into ``out``; those of an earlier run that this one has not are taken away.

    Raises:
        BadInput: The folder cannot be written.
    """
    import blueprints
    from pse.core.canonical import write_many

    findings = [finding for step in steps for finding in (*step.view.findings, *step.view.also)]
    findings += [found for step in steps if (found := failure(step, workspace)) is not None]
    spots = Spots(workspace.root, workspace.settings.price_book)
    made = {
        "ci.md": _markdown(steps, fail_on, code).encode(),
        "ci.sarif": json_text(sarif(findings, spots, about="ci")).encode(),
        "ci.xml": junit(_suites(steps)),
    }
    if pipeline.bundle is not None:
        base = pipeline.base
        # Between two currencies there is no difference to write, and the step that looks for one has said so.
        if base is not None and base.plan.currency != pipeline.bundle.plan.currency:
            base = None
        made["infracost.json"] = json_text(blueprints.infracost(pipeline.bundle, base)).encode()
    for name in FILES:
        if name not in made:
            (out / name).unlink(missing_ok=True)
    write_many({out / name: data for name, data in made.items()})


def failure(step: Step, workspace: "Workspace") -> Finding | None:
    """A step that failed as a finding, at the file that its error names."""
    if step.failed is None:
        return None
    where = step.failed.where.replace(f"{workspace.root}/", "")
    return Finding(
        code=f"pse-{step.failed.code}",
        severity=Severity.ERROR,
        subject=where or step.name,
        message=step.failed.message,
        remedy=step.failed.hint,
        source=f"pse ci, {step.group}",
    )


def _markdown(steps: Sequence[Step], fail_on: str, code: int) -> str:
    parts = [markdown(View({}, (_verdict(code), _grid(steps, fail_on))))]
    for step in steps:
        found = step.view.findings
        worst = tuple(sorted(found, key=lambda finding: -finding.severity.rank)[:_SHOWN])
        left = (f"and {counted(len(found) - len(worst), 'more finding')}; ci.sarif has all",)
        shown = replace(step.view, findings=worst, blocks=step.view.blocks + (left if len(found) > len(worst) else ()))
        if any(isinstance(block, Grid) for block in shown.blocks) or worst:
            parts.append(f"### {step.name.capitalize()}\n\n{markdown(shown)}")
    return "\n".join(parts)


def _grid(steps: Sequence[Step], fail_on: str) -> Grid:
    return grid(
        "",
        "step|result|what",
        (
            (
                step.group if step.group == step.name else f"{step.group}: {step.name}",
                _state(step, fail_on),
                _words(step),
            )
            for step in steps
        ),
    )


def _verdict(code: int) -> str:
    return "pse ci: passed" if code == 0 else f"pse ci: NOT passed, exit code {code}"


def _state(step: Step, fail_on: str) -> str:
    from pse.cli.session import reached

    if step.failed is not None:
        return "failed"
    if step.skipped:
        return "skipped"
    return "found" if step.view.refused or reached(step.view.findings, fail_on) else "passed"


def _words(step: Step) -> str:
    if step.failed is not None:
        return f"{step.failed.message}. {step.failed.hint}".rstrip(" .") + "."
    if step.skipped:
        return step.skipped
    view = step.view
    found = [counted(view.refused, "refused workload")] if view.refused else []
    for severity in reversed(Severity):
        number = sum(finding.severity is severity for finding in view.findings)
        found += [f"{number:,} {severity.value}"] if number else []
    # The line that says the most of it stands last among those that begin so.
    lines = [block for block in view.blocks if isinstance(block, str) and block.startswith(_TELLING)]
    return "; ".join([*(lines[-1:] if step.name != "plan" else []), *found])


def _suites(steps: Sequence[Step]) -> list[Suite]:
    """A suite a group: its steps as cases, and of the plan its workloads."""
    suites: dict[str, list[Case]] = {}
    for step in steps:
        cases = suites.setdefault(step.group, [])
        if step.failed is not None:
            cases.append(Case(step.name, failures=(_words(step),)))
        elif step.skipped:
            cases.append(Case(step.name, skipped=step.skipped))
        else:
            cases.append(Case(step.name))
            cases += suite_of(step.group, (*step.view.findings, *step.view.also), step.view.subjects).cases
    return [Suite(group, tuple(cases)) for group, cases in suites.items()]


def _written(pipeline: Pipeline) -> tuple[str, ...]:
    return FILES if pipeline.bundle is not None else FILES[:-1]
