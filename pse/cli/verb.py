"""What all verbs share: the options that each takes, an example in its help, and arguments that several take."""

import datetime as dt
from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from functools import wraps
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import click

from pse.cli.session import Session

F = TypeVar("F", bound=Callable[..., Any])

FAIL_ON = ("info", "warning", "error", "never")


def common_options() -> list[click.Parameter]:
    """The options that every verb takes; a group takes them for its verbs, so that they may stand before these too."""
    return [
        click.Option(["--json", "as_json"], is_flag=True, help="One JSON object on stdout, nothing else there."),
        click.Option(
            ["--workspace"],
            type=click.Path(path_type=Path, file_okay=False),
            help="Folder with pse.toml; else PSE_WORKSPACE, else the nearest upward.",
        ),
        click.Option(["--debug"], is_flag=True, help="Show tracebacks and what libraries log."),
    ]


class Family(click.Group):
    """A small family of verbs, such as ``pse lab start`` and ``pse lab stop``."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.params += common_options()

    def invoke(self, ctx: click.Context) -> Any:
        """Keep the common options for the verb that follows."""
        ctx.obj = _common(ctx)
        return super().invoke(ctx)


class Verb(click.Command):
    """A command that is handed a `Session` first and takes ``--json``, ``--workspace`` and ``--debug``."""

    def __init__(self, *args: Any, example: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.example = example
        self.params += common_options()

    def format_epilog(self, _ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Show the example."""
        with formatter.section("Example"):
            for line in self.example.splitlines():
                formatter.write_text(line)

    def invoke(self, ctx: click.Context) -> Any:
        """Call the verb with its session."""
        session = Session(**_common(ctx))
        _quiet_libraries(debug=session.debug)
        if self.callback is None:
            return None
        try:
            return ctx.invoke(self.callback, session, **ctx.params)
        finally:
            session.close()


def _common(ctx: click.Context) -> dict[str, Any]:
    before: dict[str, Any] = ctx.obj or {}
    return {name: ctx.params.pop(name) or before.get(name) for name in ("workspace", "as_json", "debug")}


def verb(example: str, *, name: str | None = None) -> Callable[[Callable[..., None]], Verb]:
    """Make a verb; its name is the function's, its help the docstring, ``example`` a command that works."""

    def wrap(function: Callable[..., None]) -> Verb:
        return click.command(name or function.__name__, cls=Verb, example=example)(function)

    return wrap


def plan_argument(function: F) -> F:
    """PLAN: a folder or its plan.json."""
    return click.argument("plan", required=False, type=click.Path(path_type=Path))(function)


def fail_on_option(*, default: str = "error") -> Callable[[F], F]:
    """``--fail-on``: from which severity on findings make the exit code 1."""
    text = "Exit 1 when a finding is at least this severe."
    return click.option("--fail-on", type=click.Choice(FAIL_ON), default=default, show_default=True, help=text)


class Budget(NamedTuple):
    """What a month may cost: at most, and more than an older plan (an amount or a share; empty is no limit)."""

    most: Decimal | None
    increase: str


def budget_options(function: F) -> F:
    """``--max-monthly`` and ``--max-increase``, as one ``budget``."""

    @wraps(function)
    def call(*args: Any, max_monthly: str | None, max_increase: str, **words: Any) -> Any:
        return function(*args, budget=Budget(_amount(max_monthly), max_increase), **words)

    made: Any = click.option(
        "--max-increase",
        metavar="AMOUNT|PERCENT",
        default="",
        help="Exit 1 when a month costs so much more than the older plan: 50000, or 5%.",
    )(call)
    with_both: F = click.option("--max-monthly", metavar="AMOUNT", help="Exit 1 when a month costs more.")(made)
    return with_both


def _amount(text: str | None) -> Decimal | None:
    from pse.core.errors import UsageError

    if text is None:
        return None
    try:
        amount = Decimal(text.replace(",", "").replace("_", ""))
    except InvalidOperation:
        amount = Decimal("NaN")
    if not amount.is_finite() or amount < 0:
        raise UsageError(f"--max-monthly takes an amount, not {text!r}", hint="For example 250000.")
    return amount


def findings_option(function: F) -> F:
    """``--findings``: files that take the findings in a format of other tools."""
    return click.option(
        "--findings",
        "files",
        multiple=True,
        type=click.Path(path_type=Path, dir_okay=False),
        help="Write the findings there too: SARIF for FILE.sarif, JUnit for FILE.xml; may be repeated.",
    )(function)


def change_options(function: F) -> F:
    """``--yes`` and ``--dry-run`` of verbs that change the world."""
    function = click.option("--dry-run", is_flag=True, help="Only show what would happen.")(function)
    return click.option("--yes", is_flag=True, help="Do not ask; needed where nobody can be asked.")(function)


class Day(click.ParamType[dt.date]):
    """A day written YYYY-MM-DD."""

    name = "day"

    def convert(self, value: Any, param: click.Parameter | None, _ctx: click.Context | None) -> dt.date:
        """Read the day.

        Raises:
            UsageError: Not a day of the calendar.
        """
        from pse.core.errors import BadInput, UsageError
        from pse.core.time import parse_day

        where = param.opts[0] if param else "the command line"
        try:
            return parse_day(value, where=where)
        except BadInput as exc:
            raise UsageError(exc.message, where=where, hint=exc.hint) from exc


def _quiet_libraries(*, debug: bool) -> None:
    import logging
    import threading
    import warnings

    if debug:
        logging.basicConfig(level=logging.INFO)
        return
    # Without a handler, warnings and tracebacks of libraries would go to the terminal by themselves.
    logging.getLogger().addHandler(logging.NullHandler())
    warnings.simplefilter("ignore")
    threading.excepthook = _thread_failed


def _thread_failed(args: Any) -> None:
    click.echo(f"a background task failed: {args.exc_type.__name__}; --debug shows more", err=True)
