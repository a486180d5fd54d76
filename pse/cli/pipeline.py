"""The steps of `pse ci`: each is run whatever became of the others, and what went wrong in one is its result."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from pse.cli.failure import words
from pse.cli.view import View
from pse.core.errors import PseError, Refused

if TYPE_CHECKING:
    import datetime as dt

    from blueprints import Bundle
    from pse.cli.session import Session
    from pse.cli.verb import Budget


@dataclass(frozen=True)
class Wanted:
    """What `pse ci` was asked for.

    Attributes:
        plan: The plan that was reviewed; None makes one.
        base: The plan of the branch that it is compared with; None compares with nothing.
        as_of: Day of a plan that is made.
        out: Folder for the results.
        budget: What a month may cost, and how much more than ``base``.
        offline: Preview without Pulumi's CLI and state.
    """

    plan: Path | None
    base: Path | None
    as_of: "dt.date"
    out: Path
    budget: "Budget"
    offline: bool = False


@dataclass(frozen=True)
class Step:
    """What became of one step.

    Attributes:
        group: ``readiness``, ``policy``, ``plan``, ``changes``, ``cost``, ``budget`` or ``preview``.
        name: What was looked at; the group's own name where it is one thing.
        view: What it shows; empty when it failed or was not run.
        failed: What went wrong.
        skipped: Why it was not run.
    """

    group: str
    name: str
    view: View = field(default_factory=lambda: View({}))
    failed: PseError | None = None
    skipped: str = ""


class Pipeline:
    """One run; `steps` does the work.

    Args:
        session: Workspace and progress.
        wanted: What was asked for.
    """

    def __init__(self, session: "Session", wanted: Wanted) -> None:
        self._session = session
        self._wanted = wanted
        self.bundle: Bundle | None = None
        self.base: Bundle | None = None

    def steps(self) -> tuple[Step, ...]:
        """Run all steps, in their order. Nothing of the world is changed."""
        found = [self._step("readiness", name, look) for name, look in self._readiness()]
        found.append(self._step("policy", "policy", self._policy))
        found.append(self._step("plan", "plan", self._plan))
        if self._wanted.base is not None:
            found.append(self._step("plan", "base", self._read_base))
        limits = self._wanted.budget
        found.append(
            self._after("changes", self._changes, unless="" if self.base else "there is no plan to compare with")
        )
        found.append(self._after("cost", self._cost))
        found.append(
            self._after(
                "budget",
                self._budget,
                unless="" if limits.increase or limits.most is not None else "no budget was given",
            )
        )
        found.append(self._after("preview", self._preview))
        return tuple(found)

    def _step(self, group: str, name: str, call: Callable[[], View]) -> Step:
        try:
            return Step(group, name, call())
        except Exception as exc:  # noqa: BLE001 - the next step's result must not be hidden by whatever this one meets
            return Step(group, name, failed=words(exc))

    def _after(self, group: str, call: Callable[["Bundle"], View], *, unless: str = "") -> Step:
        """A step that needs the plan, and is not run where ``unless`` says why."""
        bundle = self.bundle
        if bundle is None or unless:
            return Step(group, group, skipped=unless or "there is no plan")
        return self._step(group, group, lambda: call(bundle))

    def _readiness(self) -> Iterable[tuple[str, Callable[[], View]]]:
        from blueprints.estate.environments import load_environments
        from inventory.hosts import load_hosts
        from policy import load_policy
        from policy.signing import pin
        from providers.catalog import load_offers
        from pse.core.documents.workloads import load_workloads

        workspace, day = self._session.workspace, self._wanted.as_of
        looks: dict[str, Callable[[], object]] = {
            "the key that signatures are believed of": lambda: pin(workspace),
            "register, rules, NOCs and labels": lambda: load_policy(workspace, as_of=day),
            "price book": lambda: load_offers(workspace),
            "workloads.toml": lambda: load_workloads(workspace),
            "environments": lambda: load_environments(workspace),
            "hosts.toml": lambda: load_hosts(workspace) if workspace.path("hosts.toml").exists() else (),
            "where the state lives": workspace.backend_url,
            "where the database lives": workspace.database_url,
        }
        return ((name, _seen(look)) for name, look in looks.items())

    def _policy(self) -> View:
        from policy import clues
        from policy.cases import failures
        from policy.rulebook import load_rules
        from pse.cli.render_rules import cases_view

        workspace = self._session.workspace
        known = load_rules(workspace.path("policy", "rules"))
        looked_for = clues.load_clues(workspace.path("policy", "clues"))
        return cases_view(known, looked_for, (*failures(known), *clues.failures(looked_for)))

    def _plan(self) -> View:
        import blueprints
        from blueprints.planning.unchanged import refuse_otherwise
        from pse.cli.render_plan import plan_view

        session, wanted = self._session, self._wanted
        if wanted.plan is None:
            self.bundle = blueprints.make_plan(session.workspace, as_of=wanted.as_of, progress=session.progress)
            return plan_view(self.bundle.plan, self.bundle.write(wanted.out / "plan"))
        self.bundle = session.bundle(wanted.plan)
        refuse_otherwise(session.workspace, self.bundle)
        view = plan_view(self.bundle.plan, session.plan_path(wanted.plan))
        return replace(view, blocks=view.blocks[:-1])  # it was written before

    def _read_base(self) -> View:
        self.base = self._session.bundle(self._wanted.base)
        return View({}, (f"compared with plan {self.base.plan.hash[:12]} as of {self.base.plan.as_of}",))

    def _changes(self, bundle: "Bundle") -> View:
        from blueprints.comparing.plandiff import plan_diff
        from pse.cli.render_compare import plan_diff_view

        return plan_diff_view(plan_diff(self._old(), bundle), ())

    def _cost(self, bundle: "Bundle") -> View:
        import blueprints
        from blueprints.comparing.costdiff import cost_diff
        from pse.cli.render_cost import cost_view, diff_view

        report = blueprints.cost_report(bundle)
        if self.base is None:
            return cost_view(bundle.plan, report)
        return diff_view(bundle.plan, cost_diff(blueprints.cost_report(self.base), report))

    def _budget(self, bundle: "Bundle") -> View:
        import blueprints
        from blueprints.comparing.costdiff import cost_diff, over_budget

        budget, report = self._wanted.budget, blueprints.cost_report(bundle)
        rise = cost_diff(blueprints.cost_report(self._old()), report) if budget.increase else None
        over = tuple(over_budget(report, most=budget.most, rise=rise, by=budget.increase))
        return View({}, ("over the budget" if over else "within the budget",), over)

    def _preview(self, bundle: "Bundle") -> View:
        from blueprints.building import provision
        from pse.cli.render_work import preview_view

        session = self._session
        found = provision.preview(session.workspace, bundle, offline=self._wanted.offline, progress=session.progress)
        return preview_view(bundle, found)

    def _old(self) -> "Bundle":
        if self.base is None:
            raise Refused("the plan to compare with could not be read", where=str(self._wanted.base))
        return self.base


def _seen(look: Callable[[], object]) -> Callable[[], View]:
    def call() -> View:
        look()
        return View({})

    return call


def exit_code(steps: Iterable[Step], fail_on: str) -> int:
    """The code of the first step that failed, else 1 when one found something at or above ``fail_on`` or refuses."""
    from pse.cli.session import FINDINGS_CODE, reached

    steps = tuple(steps)
    for step in steps:
        if step.failed is not None:
            return step.failed.exit_code
    return FINDINGS_CODE if any(s.view.refused or reached(s.view.findings, fail_on) for s in steps) else 0
