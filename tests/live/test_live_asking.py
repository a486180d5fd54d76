"""`make test-live` looks into the account before it asks anybody for a yes."""

import os
import subprocess
import sys
from pathlib import Path

from tests.live.__main__ import ROOT


def test_without_credentials_it_says_how_to_give_them_and_runs_nothing(tmp_path: Path) -> None:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    lonely = {**kept, "HOME": str(tmp_path), "AWS_EC2_METADATA_DISABLED": "true"}
    words = ["--provider", "aws", "--options", "region=me-south-1 zone=me-south-1a", "--image", "x", "--shapes", "a b"]
    run = [sys.executable, "-m", "tests.live", *words, "--storage", "gp3", "--yes"]
    done = subprocess.run(run, cwd=ROOT, env=lonely, capture_output=True, text=True, check=False, timeout=120)
    assert (done.returncode, done.stdout) == (5, "")
    assert done.stderr.splitlines() == [
        "Unable to locate credentials. Give credentials as every AWS tool takes them: environment, profile or role."
    ]
