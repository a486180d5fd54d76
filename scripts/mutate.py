"""`make mutate`: which changes of the code that decides would policy's unit tests not see?

    python scripts/mutate.py [--minutes 60] [--seed 7] [--fresh]

mutmut changes gate, rules and register in one small thing after the other, and runs the tests that reach the changed
function. The mutants are drawn in an order that the seed gives, so what is done when the time is up is a sample of all
of them; what is done is kept in ``.mutate`` and not done again. Survivors are listed, and those that docs/mutants.md
does not name are marked. The last line on stdout is one JSON object.
"""

import argparse
import contextlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parent.parent
WORK = ROOT / ".mutate"
STATS = WORK / "mutants" / "mutmut-stats.json"
EXPLAINED = ROOT / "docs" / "mutants.md"
DECIDING = (
    "categories",
    "classified",
    "gate",
    "gatefiles",
    "jurisdictions",
    "nocs",
    "patterns",
    "register",
    "registerfile",
    "rulebook",
    "subject",
    "verdicts",
)
"""Modules of policy that say who may be where, and the papers that say so."""
LEFT_OUT = ("test_policy_rekey", "test_policy_ledger", "test_policy_deeds")
"""They start processes, need another room, or are about the ledger alone."""
SHARED = ("__init__.py", "neutral.py", "require.py")
"""What the unit tests of policy use of the other tests."""
CHUNK = 250
"""Mutants of one call of mutmut, which looks at the tests afresh each time."""
FIRST = "policy.patterns.*"
"""A few mutants that are quickly done."""
SURVIVED = (0, 33)
"""Exit codes that mutmut notes for a mutant that the tests passed with, and for one that none reaches."""

CONFIG = """\
[tool.mutmut]
source_paths = ["policy"]
only_mutate = [{only}]
also_copy = ["pse"]
pytest_add_cli_args = ["-p", "no:cacheprovider", "-p", "_hypothesis_pytestplugin", "-m", "not hypothesis"]
pytest_add_cli_args_test_selection = ["tests/policy"]
use_git_change_detection = false
on_dependency_change = "ignore"

[tool.pytest.ini_options]
filterwarnings = ["error"]
"""


def main() -> int:
    """Run until all is done or the time is up; 0 when a measurement was made."""
    parser = argparse.ArgumentParser(prog="make mutate", description=__doc__)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--seed", default="7", help="the same seed draws the same sample")
    parser.add_argument("--fresh", action="store_true", help="forget what was done before")
    given = parser.parse_args()
    end = time.monotonic() + given.minutes * 60
    if given.fresh:
        shutil.rmtree(WORK, ignore_errors=True)
    prepare()
    if not STATS.exists():
        mutmut("run", FIRST, end=end)  # makes the mutants, and sees which tests reach what
    while waiting := undecided(given.seed):
        print(f"{len(waiting)} to go", file=sys.stderr, flush=True)
        if time.monotonic() > end or not mutmut("run", *waiting[:CHUNK], end=end):
            break
    return report(given.seed)


def prepare() -> None:
    """Bring the copies that are changed up to date; survivors are asked again when a test is another than it was."""
    before = {path: path.read_bytes() for path in WORK.glob("tests/**/*.py")}
    for name in ("policy", "pse"):
        for path in sorted((ROOT / name).rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                _copy(path)
    for name in SHARED:
        _copy(ROOT / "tests" / name)
    for path in sorted((ROOT / "tests" / "policy").glob("*.*")):
        if not path.name.startswith(LEFT_OUT):
            _copy(path)
    only = ", ".join(f'"policy/{name}.py"' for name in DECIDING)
    (WORK / "pyproject.toml").write_text(CONFIG.format(only=only))
    if before != {path: path.read_bytes() for path in WORK.glob("tests/**/*.py")}:
        STATS.unlink(missing_ok=True)
        for path in _notes():
            noted = json.loads(path.read_text())
            codes = noted["exit_code_by_key"]
            noted["exit_code_by_key"] = {name: None if code in SURVIVED else code for name, code in codes.items()}
            path.write_text(json.dumps(noted))


def _copy(path: Path) -> None:
    # mutmut copies a file of data once, and never again.
    for folder in (WORK,) if path.suffix == ".py" else (WORK, WORK / "mutants"):
        to = folder / path.relative_to(ROOT)
        if not to.exists() or to.read_bytes() != path.read_bytes():
            to.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, to)


def mutmut(*words: str, end: float) -> bool:
    """Call mutmut until ``end``; whether it came to its own end."""
    command = [str(Path(sys.executable).parent / "mutmut"), *words]
    with (WORK / "log.txt").open("w") as log:
        process = subprocess.Popen(command, cwd=WORK, stdout=log, stderr=log, env=surroundings())
        try:
            code = process.wait(max(1, end - time.monotonic()))
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGINT)  # it notes what is done
            process.wait(60)
            return False
    if code:
        raise SystemExit(f"mutmut ended with {code}; see {WORK / 'log.txt'}")
    return True


def surroundings() -> dict[str, str]:
    """Other packages' plugins cost every mutant time, and so does a disk that is asked to keep what nobody wants."""
    found = os.environ | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    memory = Path("/dev/shm")
    return found | {"TMPDIR": str(memory)} if os.access(memory, os.W_OK) else found


def results() -> dict[str, int | None]:
    """What came of every mutant: mutmut's exit code; None is not done yet."""
    found: dict[str, int | None] = {}
    for path in _notes():
        found |= json.loads(path.read_text())["exit_code_by_key"]
    return found


def undecided(seed: str) -> list[str]:
    """Mutants that are still to be done, as ``seed`` draws them."""
    names = sorted(name for name, code in results().items() if code is None)
    order = sorted(results())
    random.Random(seed).shuffle(order)
    wanted = set(names)
    return [name for name in order if name in wanted]


def _notes() -> list[Path]:
    paths = (WORK / "mutants" / "policy" / f"{name}.py.meta" for name in DECIDING)
    return [path for path in paths if path.exists()]


def report(seed: str) -> int:
    """Say how many were killed, and name the survivors."""
    found = {name: code for name, code in results().items() if code is not None}
    survivors = sorted(name for name, code in found.items() if code in SURVIVED)
    explained = EXPLAINED.read_text() if EXPLAINED.exists() else ""
    for name in survivors:
        print(f"{'explained' if f'`{name}`' in explained else 'NOT EXPLAINED'} {name}\n{_change(name)}")
    killed = len(found) - len(survivors)
    figures = {
        "mutants": len(results()),
        "tried": len(found),
        "killed": killed,
        "killed_share": round(killed / len(found), 4) if found else 0,
        "survivors": len(survivors),
        "unexplained": sum(f"`{name}`" not in explained for name in survivors),
        "seed": seed,
    }
    print(json.dumps({"target": "mutate", "figures": figures}))
    return 0 if found else 1


def _change(name: str) -> str:
    """The lines that a mutant takes away and puts in."""
    from mutmut.mutation.diff_apply import find_mutant, get_diff_for_mutant

    with contextlib.chdir(WORK):
        lines = get_diff_for_mutant(name, path=find_mutant(name).path).splitlines()
    return "\n".join(f"    {line}" for line in lines if line[:1] in "+-" and line[:3] not in ("+++", "---"))


if __name__ == "__main__":
    sys.exit(main())
