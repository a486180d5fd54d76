"""Starting is quick, because nothing is imported that the verb does not need."""

import json
import subprocess
import sys

import pytest

LOOK = """
import json, sys
sys.argv = ["pse", *json.loads(sys.argv[1])]
from pse.cli.main import main
try:
    main()
except SystemExit as exc:
    assert exc.code == 0, exc.code
print(json.dumps(sorted(sys.modules)), file=sys.stderr)
"""
HEAVY = {"rich", "msgspec", "sqlalchemy", "alembic", "paramiko", "cryptography", "pulumi", "grpc", "dbos", "pyarrow"}
HEAVY |= {"networkx", "jinja2", "dns", "policy", "inventory", "providers", "blueprints", "migrate"}


@pytest.mark.parametrize("words", [["--version"], ["--help"], ["plan", "--help"], ["lab", "start", "--help"]])
def test_nothing_heavy_is_imported(words: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, "-c", LOOK, json.dumps(words)], capture_output=True, text=True, check=True, timeout=30
    )
    assert done.stdout
    assert not HEAVY & set(json.loads(done.stderr))
