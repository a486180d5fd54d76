"""Everything that `make test` checks: each part timed, all parts run, pytest's closing line last.

Arguments go to pytest, after ours: `-n 0` runs the suite in one process. Ends 0 when every part passed.
"""

import os
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parent.parent
BIN = Path(sys.executable).parent
PARTS: dict[str, list[str | Path]] = {
    "ruff check": [BIN / "ruff", "check", "."],
    "ruff format": [BIN / "ruff", "format", "--check", "."],
    "mypy": [BIN / "mypy"],
    "imports": [BIN / "lint-imports"],
    "audit": [sys.executable, ROOT / "scripts" / "audit.py"],
}
WORKERS = 2 * (os.cpu_count() or 1)
"""Processes that share the suite: half of its time is waiting for servers, engines and deadlines."""
OURS = ("PSE_WORKSPACE", "PSE_DATABASE_URL")


def main() -> int:
    """Run the parts, then pytest; the exit code says whether all of them passed."""
    failed: list[str] = []
    for name, command in PARTS.items():
        begun = time.monotonic()
        done = subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True)
        seconds = time.monotonic() - begun
        print(f"{'ok    ' if done.returncode == 0 else 'FAILED'} {seconds:6.1f} s  {name}", flush=True)
        if done.returncode != 0:
            failed.append(name)
        if done.returncode != 0 or name == "audit":
            print(done.stdout + done.stderr, end="", flush=True)
    if failed:
        print(f"failed before the tests: {', '.join(failed)}", flush=True)
    # Tests make workspaces of their own; what a pipeline or a user has set for theirs is not meant for these.
    environment = {name: value for name, value in os.environ.items() if name not in ("CI", *OURS)} | {"NO_COLOR": "1"}
    # Files stay whole, so what a file shares is made once and a story keeps its order; tests/conftest.py orders them.
    workers = ["-n", str(WORKERS), "--dist", "loadfile", "--no-loadscope-reorder"]
    tests = subprocess.run(
        [sys.executable, "-m", "pytest", *workers, "--cov", "--cov-report=term", *sys.argv[1:]],
        cwd=ROOT,
        env=environment,
        check=False,
    )
    return tests.returncode or int(bool(failed))


if __name__ == "__main__":
    sys.exit(main())
