"""`make test-live` at AWS, as far as moto is one."""

import os
import subprocess
import sys
from pathlib import Path

from tests.providers.aws.cloud import OPTIONS, Cloud

ROOT = Path(__file__).parents[3]


def live(cloud: Cloud, *words: str) -> subprocess.CompletedProcess[str]:
    options = " ".join(f"{name}={value}" for name, value in OPTIONS.items())
    given = ["--provider", "aws", "--endpoint", cloud.proxy.url, "--options", options, "--image", cloud.image]
    given += ["--shapes", "t3.small t3.large", "--storage", "gp3"]
    return subprocess.run(
        [sys.executable, "-m", "tests.live", *given, *words],
        cwd=ROOT,
        env={name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )


def test_says_what_it_costs_and_makes_nothing_without_a_yes(cloud: Cloud) -> None:
    done = live(cloud)
    assert done.returncode == 3
    assert " Server\n" in done.stdout
    assert "US dollars" in done.stdout
    assert "YES=1" in done.stderr
    asked = {request.action for request in cloud.proxy.requests}
    assert not {action for action in asked if not action.startswith(("Describe", "Get"))}


def test_runs_the_suite_and_leaves_nothing(cloud: Cloud) -> None:
    done = live(cloud, "--yes", "--", "-k", "KeyPair and (carries or update_may)", "-p", "no:cacheprovider")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "3 passed" in done.stdout
    assert "nothing is left" in done.stdout
    assert cloud.standing() == {}
