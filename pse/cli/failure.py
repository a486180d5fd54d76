"""What went wrong, as the user sees it: words and a hint on stderr, or a JSON object, and its class's exit code."""

import json
import os
import traceback
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import click

from pse.core.errors import BadInput, PseError, UsageError, of_disk
from pse.core.text import printable, without_userinfo

INTERRUPTED = 130
_HOME = Path(__file__).parent.parent.parent


def fail(exc: BaseException, arguments: Sequence[str]) -> int:
    """Show ``exc`` on stderr and return the exit code; ``arguments`` tell whether JSON or the traceback is wanted."""
    if isinstance(exc, SystemExit):
        return exc.code if isinstance(exc.code, int) else int(exc.code is not None)
    if isinstance(exc, BrokenPipeError):
        # Whoever read our output has seen enough; nothing more can be written there, at exit neither.
        from pse.cli.render import silence

        silence()
        return 0
    if "--debug" in arguments:
        click.echo(without_userinfo("".join(traceback.format_exception(exc))), err=True, nl=False)
    if isinstance(exc, KeyboardInterrupt | click.Abort):
        show(
            {"code": "interrupted", "exit_code": INTERRUPTED, "message": "interrupted", "hint": "", "where": ""},
            arguments,
        )
        return INTERRUPTED
    if isinstance(exc, click.exceptions.NoArgsIsHelpError):
        click.echo(exc.format_message(), err=True)
        return exc.exit_code
    error = words(exc)
    with suppress(BrokenPipeError):  # the exit code tells it to those who do not read on
        shown = error.as_dict()
        show(shown | {part: without_userinfo(str(shown[part])) for part in ("message", "where")}, arguments)
    return error.exit_code


def words(exc: BaseException) -> PseError:
    """``exc`` as an error that a user can act on; what is nobody's fault but ours says so, without its text.

    The text of an unforeseen error may hold anything, a secret too, so only ``--debug`` shows it.
    """
    if isinstance(exc, PseError):
        return exc
    if isinstance(exc, click.ClickException):
        context = getattr(exc, "ctx", None)
        hint = f"Try `{context.command_path} --help`." if context else "Try `pse --help`."
        return UsageError(" ".join(exc.format_message().split()), hint=hint)  # a list of choices has lines
    if disk := of_disk(exc):
        return disk
    if "database or disk is full" in str(exc):  # SQLite's own words, in whatever library's error they stand
        return BadInput(
            "the disk of the database is full; what was done before is kept",
            hint="Free some space on the disk of the workspace, then run it again.",
        )
    if isinstance(exc, PermissionError):
        return BadInput("permission denied", where=str(exc.filename or ""), hint="Check who owns it and its mode.")
    return PseError(
        f"a defect of ours: {type(exc).__name__} {_spot(exc)}".strip(),
        hint="Run it again with --debug, and report what it shows.",
    )


def _spot(exc: BaseException) -> str:
    ours = [f for f in traceback.extract_tb(exc.__traceback__) if f.filename.startswith(f"{_HOME}{os.sep}")]
    inside = [f for f in ours if "site-packages" not in f.filename]
    return f"at {Path(inside[-1].filename).relative_to(_HOME)}, line {inside[-1].lineno}" if inside else ""


def show(error: dict[str, str | int], arguments: Sequence[str]) -> None:
    """Write an error on stderr: one JSON line under ``--json``, else a line for each of message, place and hint."""
    if "--json" in arguments or "--json-lines" in arguments:
        click.echo(json.dumps({"error": error}), err=True)
        return
    click.echo(f"{click.style('error', fg='red')}: {printable(str(error['message']))}", err=True)
    for part in ("where", "hint"):
        if error[part]:
            click.echo(f"  {part}: {printable(str(error[part]))}", err=True)
