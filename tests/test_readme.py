"""Every command of the README runs, in its order, on a real lab."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

from tests.require import require

ROOT = Path(__file__).parents[1]
LIMIT_S = 240


def blocks(kind: str) -> list[str]:
    """Lines of the README's fenced blocks of a kind."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    return [
        line for block in re.findall(rf"```{kind}\n(.*?)```", text, re.DOTALL) for line in block.splitlines() if line
    ]


def test_the_commands_in_their_order(tmp_path: Path) -> None:
    require("bwrap", "sshd", "nginx", "named", "rsync")
    here = tmp_path
    ran = 0
    environment = {k: v for k, v in os.environ.items() if k not in ("PSE_WORKSPACE", "PSE_DATABASE_URL", "CI")}
    try:
        for line in blocks("sh"):
            words = shlex.split(line)
            if words[0] == "cd":
                here = here / words[1]
                continue
            assert words[0] == "pse", line
            done = subprocess.run(
                [sys.executable, "-m", "pse.cli.main", *words[1:]],
                cwd=here,
                env=environment,
                capture_output=True,
                text=True,
                stdin=subprocess.DEVNULL,
                timeout=LIMIT_S,
                check=False,
            )
            assert done.returncode == 0, f"{line}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
            assert "Traceback" not in done.stderr, line
            ran += 1
    finally:
        subprocess.run(
            [sys.executable, "-m", "pse.cli.main", "lab", "stop", "--workspace", str(here)],
            capture_output=True,
            timeout=LIMIT_S,
            check=False,
        )
    assert ran > 15


def test_the_make_targets_exist() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    targets = set(re.findall(r"^    make ([\w-]+)", text, re.MULTILINE))
    assert {"demo", "test"} <= targets
    for target in targets:
        subprocess.run(["make", "-n", target], cwd=ROOT, check=True, capture_output=True, timeout=30)
