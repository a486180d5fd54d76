"""Entry of the command line: finds a verb without importing the others, and turns what goes wrong into words."""

import importlib
import os
import sys
from collections.abc import Sequence
from types import MappingProxyType
from typing import Any

import click

from pse import __version__

VERBS = MappingProxyType(
    {
        "init": "init",
        "discover": "discover",
        "import": "import_file",
        "inventory": "inventory",
        "graph": "graph",
        "label": "label",
        "plan": "plan",
        "cost": "cost",
        "compare": "compare",
        "waves": "waves",
        "preview": "preview",
        "ci": "ci",
        "approve": "approve",
        "up": "up",
        "runbook": "runbook",
        "migrate": "migrate",
        "worker": "worker",
        "pause": "pause",
        "resume": "resume",
        "rollback": "rollback",
        "close": "close",
        "status": "status",
        "report": "report",
        "evidence": "evidence",
        "destroy": "destroy",
        "adopt": "adopt",
        "audit": "audit",
        "lab": "lab",
        "register": "register",
        "policy": "policy",
        "blueprints": "blueprints",
        "ledger": "ledger",
    }
)
"""Verb to module of this package, in the order of the work; the module's attribute ``command`` is the verb."""


class Root(click.Group):
    """All verbs; a verb's module is imported when it is called, or for ``--help``, and imports no room by itself."""

    def list_commands(self, _ctx: click.Context) -> list[str]:
        """Verbs in the order of the work."""
        return list(VERBS)

    def get_command(self, _ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the verb's module."""
        if cmd_name not in VERBS:
            return None
        found: click.Command = importlib.import_module(f"pse.cli.{VERBS[cmd_name]}").command
        return found

    def main(self, args: Sequence[str] | None = None, *_: Any, **__: Any) -> Any:
        """Run, show what went wrong, and leave with the exit code of its class."""
        arguments = list(sys.argv[1:] if args is None else args)
        try:
            code = self._run(arguments)
        except BaseException as exc:  # noqa: BLE001 - the one place where every failure becomes words and an exit code
            from pse.cli.failure import fail

            code = fail(exc, arguments)
        sys.exit(code)

    def _run(self, arguments: list[str]) -> int:
        if "_PSE_COMPLETE" in os.environ:  # the shell asks for completions, in click's own protocol
            super().main(arguments, prog_name="pse")
        try:
            with self.make_context("pse", arguments) as context:
                self.invoke(context)
        except click.exceptions.Exit as exc:
            return exc.exit_code
        return 0


@click.group(cls=Root, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, prog_name="pse", message="%(prog)s %(version)s")
def root() -> None:
    """Take a public sector entity out of its server room, within the Cloud First Policy.

    Each verb takes --json (one object on stdout), --workspace, --debug and --help (with an example).

    Exit codes: 0 done; 1 done, with findings; 2 usage; 3 refused, nothing done; 4 bad input; 5 a remote side failed;
    6 effects incomplete, run it again; 7 waiting for an approval; 70 a defect of ours; 130 interrupted.
    """


def main() -> None:
    """Entry point of the console script."""
    root.main()


if __name__ == "__main__":
    main()
