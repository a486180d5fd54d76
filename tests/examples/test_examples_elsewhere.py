"""`python -m tests.elsewhere`: the sample at a fake, for whoever tries commands by hand."""

import importlib.util
import signal
import subprocess
import sys
from pathlib import Path

from tests.providers.ministry import AS_OF, pse
from tests.require import missing

ROOT = Path(__file__).parents[2]
LIMIT_S = 120


def test_sample_at_a_fake_is_planned_there_and_the_fake_ends_when_told_to(tmp_path: Path) -> None:
    if importlib.util.find_spec("azure") is None or importlib.util.find_spec("azure.mgmt.compute") is None:
        missing("azure.mgmt.compute")
    root = tmp_path / "ministry"
    with subprocess.Popen(
        [sys.executable, "-m", "tests.elsewhere", "azure", str(root)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == f"export PSE_WORKSPACE={root}\n"
            plan = pse(root, "plan", "--as-of", AS_OF, rc=1, limit_s=LIMIT_S)
        finally:
            process.send_signal(signal.SIGINT)
        assert process.wait(timeout=LIMIT_S) == 0
    places = {item["workload"]: item["place"] for item in plan["items"]}
    assert places["opendata"] == "sample-elsewhere/abroad/abr-1"
