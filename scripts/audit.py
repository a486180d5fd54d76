"""Known vulnerabilities of the locked packages, where an advisory service answers; else says ``not audited``.

A gate that cannot fail is none: before anything is claimed, the service has to know a vulnerability that is known for
years. A mirror without advisories, or no network, does not. Ends 1 only when a vulnerability is known.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

LOCK = Path(__file__).parent.parent / "requirements-dev.lock"
CANARY = "jinja2==2.10"
"""Has had published advisories since 2019 (sandbox escape): who does not know them knows none."""
CANARY_LIMIT_S, LIMIT_S = 15, 120


def main() -> int:
    """Ask the service that pip-audit asks, and say what it said."""
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
        file.write(CANARY + "\n")
        file.flush()
        canary = _ask(CANARY_LIMIT_S, "--no-deps", "-r", file.name)
    if not _known(canary):
        print("not audited: no advisory service answers")
        return 0
    packages = _ask(LIMIT_S, "--require-hashes", "-r", str(LOCK))
    if not packages:
        print(f"not audited: the advisory service did not answer within {LIMIT_S} s")
        return 0
    known = _known(packages)
    print(*known, f"audited {len(packages)} packages, known vulnerabilities: {len(known)}", sep="\n")
    return int(bool(known))


def _ask(limit_s: int, *what: str) -> list[dict[str, Any]]:
    command = [sys.executable, "-m", "pip_audit", "--disable-pip", "--timeout", "4", *what]
    try:
        done = subprocess.run(
            [*command, "--format", "json", "--progress-spinner", "off"],
            check=False,
            capture_output=True,
            text=True,
            timeout=limit_s,
        )
        packages: list[dict[str, Any]] = json.loads(done.stdout)["dependencies"]
    except (subprocess.TimeoutExpired, ValueError, KeyError):
        return []
    return packages


def _known(packages: list[dict[str, Any]]) -> list[str]:
    return [f"{p['name']} {p.get('version')}: {v['id']}" for p in packages for v in p.get("vulns", ())]


if __name__ == "__main__":
    sys.exit(main())
