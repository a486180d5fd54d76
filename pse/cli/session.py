"""What a running verb is handed: its workspace, a plan, progress, and how to show and to ask."""

import sys
from collections.abc import Sequence
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pse.cli.view import View
from pse.core.errors import Refused, UsageError

if TYPE_CHECKING:
    from blueprints import Bundle
    from pse.cli.render import Form
    from pse.cli.render_progress import Listener
    from pse.core.findings import Finding
    from pse.core.settings import Workspace

FINDINGS_CODE = 1
"""Exit code of a verb that was done and found something at or above ``--fail-on``."""


class Session:
    """One run of one verb.

    Args:
        workspace: Folder given by ``--workspace``.
        as_json: One JSON object on stdout and nothing else.
        debug: Show tracebacks and what libraries log.
    """

    def __init__(self, *, workspace: Path | None = None, as_json: bool = False, debug: bool = False) -> None:
        self._given = workspace
        self.as_json = as_json
        self.debug = debug

    @cached_property
    def workspace(self) -> "Workspace":
        """The workspace: named, from ``PSE_WORKSPACE``, or the nearest upward."""
        from pse.core.settings import Workspace

        return Workspace.find(self._given)

    @cached_property
    def progress(self) -> "Listener":
        """Shows events of long work on stderr."""
        from pse.cli.render_progress import Listener

        return Listener()

    def folder(self, given: Path | None) -> Path:
        """Folder that a new workspace is made in: ``given``, ``--workspace``, or here."""
        return given or self._given or Path.cwd()

    def plan_path(self, plan: Path | None) -> Path:
        """The ``plan.json`` that PLAN names: a file, a folder, a name under ``plans/``; by default the newest.

        Raises:
            UsageError: There is none.
        """
        plans = self.workspace.path("plans")
        if plan is None:
            found = sorted(plans.glob("*/plan.json"), key=lambda path: (path.stat().st_mtime_ns, path), reverse=True)
            if not found:
                raise UsageError("there is no plan yet", hint="Run `pse plan`, or name a plan.", where=str(plans))
            return found[0]
        for candidate in (plan, plan / "plan.json", plans / plan / "plan.json"):
            with suppress(OSError):  # a name that is longer than any file's
                if candidate.is_file():
                    return candidate
        raise UsageError("no plan there", hint="Name a folder under plans/, or its plan.json.", where=str(plan))

    def bundle(self, plan: Path | None) -> "Bundle":
        """Read the plan that PLAN names; every hash in it is checked.

        Raises:
            UsageError: There is none.
            Refused: It was altered.
        """
        from blueprints import Bundle

        path = self.plan_path(plan)
        if plan is None:
            self.say(f"plan: {path}")
        return Bundle.read(self.workspace, path)

    def moved(self, plan: Path | None) -> "Bundle":
        """Read the plan that PLAN names; by default the one whose campaign did something last, else the newest.

        Raises:
            UsageError: There is none.
            Refused: It was altered.
        """
        import migrate
        from blueprints.planning.bundle import path_of

        campaign = migrate.status(self.workspace) if plan is None else None
        return self.bundle(path_of(self.workspace, campaign.plan) if campaign else plan)

    def stacks(self, units: tuple[str, ...]) -> tuple[str, ...]:
        """The named stacks, or all that stand.

        Raises:
            UsageError: One of them does not stand.
        """
        from providers.engine import Engine

        standing = tuple(Engine(self.workspace).stacks())
        for unit in units:
            self.refuse_when(unit not in standing, f"no stack {unit!r} stands", hint=f"Standing: {', '.join(standing)}")
        return units or standing

    def refuse_when(self, wrong: bool, message: str, *, hint: str = "") -> None:
        """Refuse a command line that makes no sense.

        Raises:
            UsageError: ``wrong``.
        """
        if wrong:
            raise UsageError(message, hint=hint or "See --help.")

    def say(self, text: str) -> None:
        """Write one line for a person on stderr."""
        from pse.core.text import printable

        with suppress(BrokenPipeError):  # that nobody reads messages must not stop the work
            click.echo(printable(text), err=True)

    def show(self, view: View, *, fail_on: str = "never", form: "Form" = "people", out: Path | None = None) -> None:
        """Show ``view`` on stdout, or in a file, and leave with exit code 1 for findings at or above ``fail_on``.

        Args:
            view: What the verb gives back.
            fail_on: A severity, or ``never``.
            form: ``--json`` wins.
            out: The file; stdout when None.
        """
        from pse.cli import render

        self.close()
        form = "json" if self.as_json else form
        if out is None:
            render.show(view, form)
        else:
            self.emit(render.text(view, form).encode(), out)
        self.finish(view, fail_on=fail_on)

    def emit(self, data: bytes, out: Path | None) -> None:
        """Write a document of another tool's format: into the file ``out``, else on stdout."""
        from pse.cli import render
        from pse.core.canonical import write_bytes

        self.close()
        if out is not None:
            write_bytes(out, data)
            self.say(f"written to {out}")
            return
        try:
            sys.stdout.buffer.write(data)
            sys.stdout.buffer.flush()
        except BrokenPipeError:
            render.silence()

    def write_findings(self, view: View, files: Sequence[Path]) -> None:
        """Write the findings of ``view``, and what it refuses, as the ending of each file says.

        Raises:
            UsageError: An ending that is none of them.
        """
        from pse.cli.render_findings import as_junit, as_sarif
        from pse.core.canonical import write_bytes

        forms = {".sarif": as_sarif, ".xml": as_junit}
        for file in files:
            self.refuse_when(
                file.suffix not in forms, f"no format is known for {file.name}", hint="End it in .sarif or in .xml."
            )
        about = click.get_current_context().command_path.removeprefix("pse ")
        for file in files:
            write_bytes(file, forms[file.suffix](self.workspace, view, about))

    def finish(self, view: View, *, fail_on: str = "never") -> None:
        """Leave with exit code 1 when ``view`` has findings at or above ``fail_on``, without showing it."""
        if view.refused or reached(view.findings, fail_on):
            click.get_current_context().exit(FINDINGS_CODE)

    def leave(self, code: int) -> None:
        """Leave with ``code``, where that is not 0."""
        if code:
            click.get_current_context().exit(code)

    def agreed(self, intent: View, *, yes: bool, dry_run: bool) -> bool:
        """Show what would happen and say whether to do it.

        Args:
            intent: What would happen.
            yes: ``--yes`` was given.
            dry_run: ``--dry-run`` was given: the intent is all that is wanted.

        Raises:
            UsageError: Nobody can be asked, and ``--yes`` is not there.
            Refused: The person said no.
        """
        from pse.cli import render

        if dry_run:
            self.show(intent)
            return False
        if not yes and not _someone_is_there():
            raise UsageError("nobody is there to ask", hint="Give --yes to go on, or --dry-run to only look.")
        render.people(intent, err=True)
        if not yes and not click.confirm("Go on?", err=True):
            raise Refused("not confirmed, nothing was done")
        return True

    def close(self) -> None:
        """End the progress display; safe to repeat."""
        if "progress" in self.__dict__:
            self.progress.close()


def _someone_is_there() -> bool:
    return sys.stdin.isatty()


def reached(findings: Sequence["Finding"], fail_on: str) -> bool:
    """Whether one of ``findings`` is at or above ``fail_on``."""
    from pse.core.findings import Severity

    return fail_on != "never" and any(f.severity.rank >= Severity(fail_on).rank for f in findings)
