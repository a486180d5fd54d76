"""Every verb: the same options, an example that parses, a body that only parses, calls and shows."""

import inspect
import shlex
from collections.abc import Iterator

import click
import pytest

from pse.cli.main import root
from pse.cli.verb import Family, Verb
from tests.cli.conftest import Run

MOST_LINES = 15


def verbs(group: click.Group = root, *before: str) -> Iterator[tuple[str, Verb]]:
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if isinstance(command, Family):
            yield from verbs(command, *before, name)
        else:
            assert isinstance(command, Verb), name
            yield " ".join((*before, name)), command


ALL = dict(verbs())


def parsed(words: list[str]) -> click.Context:
    """Parse ``words`` as the command line does, without running anything."""
    context = root.make_context("pse", list(words))
    command: click.Command = root
    rest = [*context._protected_args, *context.args]
    while isinstance(command, click.Group):
        name, command, rest = command.resolve_command(context, rest)  # type: ignore[assignment]  # None only on failure
        context = command.make_context(name, list(rest), parent=context)
        rest = [*context._protected_args, *context.args]
    return context


@pytest.mark.parametrize("name", ALL)
def test_help_shows_an_example_and_the_options_of_all(run: Run, name: str) -> None:
    shown = run(*name.split(), "--help")
    assert shown.exit_code == 0
    assert f"Example:\n  pse {name}" in shown.stdout
    for option in ("--json", "--workspace", "--debug"):
        assert option in shown.stdout


@pytest.mark.parametrize("name", ALL)
def test_examples_parse(name: str) -> None:
    for line in ALL[name].example.splitlines():
        pse, *words = shlex.split(line)
        assert pse == "pse"
        assert parsed(words).command is ALL[name]


@pytest.mark.parametrize("name", ALL)
def test_a_verb_parses_calls_and_shows(name: str) -> None:
    function = ALL[name].callback
    assert function is not None
    source = inspect.getsource(function)
    body = source[source.rindex('"""') + 3 :].strip().splitlines()
    assert len([line for line in body if line.strip() and "import " not in line]) < MOST_LINES
    for word in ("try:", "print(", "sys.exit", "except"):
        assert word not in source


@pytest.mark.parametrize("name", ["up", "migrate", "rollback", "destroy"])
def test_what_changes_the_world_can_be_looked_at_first(name: str) -> None:
    options = {option for parameter in ALL[name].params for option in parameter.opts}
    assert {"--yes", "--dry-run"} <= options


@pytest.mark.parametrize("words", [[], ["lab"], ["register"], ["ledger"]])
def test_a_list_of_verbs_has_whole_sentences(run: Run, words: list[str]) -> None:
    listed = run(*words, "--help").stdout.partition("Commands:")[2].strip().splitlines()
    assert listed
    assert all(line.endswith(".") and not line.endswith("...") for line in listed)


@pytest.mark.parametrize("words", [[], ["lab"]])
def test_no_verb_is_usage_and_shows_the_list(run: Run, words: list[str]) -> None:
    done = run(*words)
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr.startswith("Usage: pse")
