"""Documents and tree agree: paths exist, commands parse, codes have their line, nothing of one machine is in them."""

import contextlib
import re
import shlex
import subprocess
import tomllib
from functools import cache
from pathlib import Path

import click
import pytest

from pse.cli.main import root

ROOT = Path(__file__).parents[1]
ROOMS = {"policy": "RG", "inventory": "I", "providers": "P", "blueprints": "B", "migrate": "M"}
CODE = re.compile(r"\bPSE-[A-Z]\d{3}\b")
MADE_BY_INIT = (
    "SLUG.KIND.md",
    "policy/register.toml",
    "policy/labels.toml",
    "policy/proposals.toml",
    "policy/prices.toml",
    "policy/nocs.toml",
    "policy/keys.json",
    "environments/",
)
"""Paths of a workspace, which is not this tree; and what is only meant."""


@cache
def tracked() -> tuple[Path, ...]:
    """Files that git knows, and those that it would add."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout.decode()
    return tuple(path for name in listed.split("\0") if name and (path := ROOT / name).is_file())


def documents() -> list[Path]:
    return [path for path in tracked() if path.suffix == ".md"]


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def fenced(text: str) -> list[str]:
    """Lines of shell blocks, and what stands in back ticks."""
    blocks = re.findall(r"```(?:sh|shell|console|bash|text)?\n(.*?)```", text, re.DOTALL)
    lines = [line.strip().removeprefix("$ ") for block in blocks for line in block.splitlines()]
    return [*lines, *re.findall(r"`([^`\n]+)`", text)]


@pytest.mark.parametrize("document", documents(), ids=name_of)
def test_links_lead_somewhere(document: Path) -> None:
    for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", document.read_text(encoding="utf-8")):
        if "://" not in target:
            assert (document.parent / target).exists(), target


@pytest.mark.parametrize("document", documents(), ids=name_of)
def test_paths_in_back_ticks_exist(document: Path) -> None:
    tops = "|".join(("pse", "docs", "tests", "scripts", "examples", "changelog.d", "benchmarks", *ROOMS))
    path = re.compile(rf"(?:{tops})/[\w./-]*|[\w.-]+\.(?:py|md|lock)")
    for quoted in re.findall(r"`([^`\n]+)`", document.read_text(encoding="utf-8")):
        if path.fullmatch(quoted) and not quoted.startswith(MADE_BY_INIT):
            assert (ROOT / quoted).exists() or (document.parent / quoted).exists(), quoted


def commands() -> list[tuple[str, str]]:
    """Every ``pse …`` in the documents, with the document's name."""
    found = []
    for document in documents():
        for line in fenced(document.read_text(encoding="utf-8")):
            words = re.sub(r"^\.venv/bin/", "", line.partition(" #")[0])
            if re.match(r"pse [a-z-]", words):
                found.append((name_of(document), words))
    return found


def hints() -> list[tuple[str, str]]:
    """Every ``pse …`` in back ticks in the code, with ``X`` for what is filled in at run time."""
    return [
        (name_of(path), re.sub(r"\{[^}]*\}", "X", quoted))
        for path in tracked()
        if path.suffix == ".py" and not path.is_relative_to(ROOT / "tests")
        for quoted in re.findall(r"`+(pse [a-z][^`\n]*)`", path.read_text(encoding="utf-8"))
    ]


@pytest.mark.parametrize(("document", "line"), sorted({*commands(), *hints()}))
def test_commands_parse(document: str, line: str) -> None:
    del document
    words = shlex.split(line.partition("|")[0].partition(">")[0])[1:]
    command: click.Command = root
    context = click.Context(root, info_name="pse")
    while isinstance(command, click.Group) and words:
        if words[0].startswith("--"):
            assert words[0] in {o for p in command.get_params(context) for o in p.opts}
            return
        found = command.get_command(context, words[0])
        assert found is not None, words[0]
        command, words = found, words[1:]
    # A verb that is only named in a sentence needs no arguments there.
    allowed = (click.MissingParameter, click.exceptions.NoArgsIsHelpError) if not words else ()
    with contextlib.suppress(click.exceptions.Exit, *allowed):
        command.make_context(command.name, words)


def test_every_verb_is_in_the_table_of_commands() -> None:
    text = (ROOT / "docs" / "commands.md").read_text(encoding="utf-8")
    from tests.cli.test_cli_verbs import ALL

    for name in ALL:
        assert re.search(rf"^\| `pse {name}[ `]", text, re.MULTILINE), name


def test_every_code_has_its_line() -> None:
    rows = [
        code
        for room in ROOMS
        for code in re.findall(
            r"^\| `?(PSE-[A-Z]\d{3})`? \| .+ \| .+ \|$",
            (ROOT / "docs" / "findings" / f"{room}.md").read_text(encoding="utf-8"),
            re.MULTILINE,
        )
    ]
    assert len(rows) == len(set(rows)), "a code with two lines"
    used = {code for path in tracked() if path.relative_to(ROOT).parts[0] in ROOMS for code in codes(path)}
    assert used - set(rows) == set(), "without a line"
    assert set(rows) - used == set(), "used nowhere"


def test_every_code_has_the_letter_of_a_room() -> None:
    letters = "".join(ROOMS.values())
    for room, own in ROOMS.items():
        used = {code for path in tracked() if path.is_relative_to(ROOT / room) for code in codes(path)}
        assert {code for code in used if code[4] not in letters} == set()
        assert not used or {code for code in used if code[4] in own}


def codes(path: Path) -> set[str]:
    if path.suffix not in (".py", ".toml", ".j2"):
        return set()
    return set(CODE.findall(path.read_text(encoding="utf-8")))


@pytest.mark.parametrize("adr", sorted((ROOT / "docs" / "adr").glob("*.md")), ids=name_of)
def test_adrs_are_short_and_numbered(adr: Path) -> None:
    lines = adr.read_text(encoding="utf-8").splitlines()
    assert len(lines) <= 40
    assert re.fullmatch(r"\d{4}-[a-z0-9-]+", adr.stem)
    assert lines[0].startswith(f"# {adr.stem[:4]}: ")


def test_adrs_are_numbered_without_a_gap() -> None:
    numbers = sorted(int(adr.name[:4]) for adr in (ROOT / "docs" / "adr").glob("*.md"))
    assert numbers == list(range(1, len(numbers) + 1))


def test_no_file_is_two_things() -> None:
    long = {name_of(p): n for p in tracked() if p.suffix == ".py" and (n := len(p.read_bytes().splitlines())) > 400}
    assert long == {}


def test_nothing_of_one_machine_is_in_the_tree() -> None:
    # Written in halves, so that this file does not find itself.
    words = [f"{ROOT}/", f"{Path.home()}/."]
    hosts = ["pythonhos" + "ted.org", "pypi" + ".org", "registry.npm" + "js.org", "proxy.gol" + "ang.org"]
    found = [
        f"{name_of(path)}: {word}"
        for path in tracked()
        if path.suffix in (".py", ".md", ".toml", ".lock", ".sh", ".yaml", ".yml", "") and path.name != "LICENSE"
        for word in (*words, *hosts)
        if word.encode() in path.read_bytes()
    ]
    assert found == []


def test_the_lock_holds_every_dependency_by_hash_and_no_address() -> None:
    lock = (ROOT / "requirements-dev.lock").read_text(encoding="utf-8")
    assert "://" not in lock
    assert not re.findall(r"^--", lock, re.MULTILINE)
    entries = re.split(r"^(?=[a-z0-9])", lock, flags=re.MULTILINE)[1:]
    assert all("--hash=sha256:" in entry for entry in entries)
    locked = {re.split(r"[\[=]", entry)[0] for entry in entries}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    wanted = [*project["dependencies"], *extras["dev"], *extras["postgres"]]
    assert {re.split(r"[\[<>=~ ]", name)[0].lower().replace("_", "-") for name in wanted} <= locked


def test_every_dependency_has_its_reason() -> None:
    text = (ROOT / "docs" / "adr" / "0003-dependencies.md").read_text(encoding="utf-8").lower()
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    for name in project["dependencies"]:
        assert re.split(r"[\[<>=~ ]", name)[0] in text, name


def test_every_changelog_fragment_says_its_kind() -> None:
    for fragment in (ROOT / "changelog.d").glob("*.md"):
        assert fragment.name == "README.md" or re.fullmatch(
            r"[\w-]+\.(added|changed|fixed|removed|security)\.md", fragment.name
        ), fragment.name


def test_faults_name_tests_that_there_are() -> None:
    told = set(re.findall(r"`(test_\w+)`", (ROOT / "docs/faults.md").read_text()))
    sources = [path for path in tracked() if path.suffix == ".py"]
    there = {name for path in sources for name in re.findall(r"def (test_\w+)\(", path.read_text())}
    assert told - there == set()
    assert len(told) > 30
