"""Run the conformance suite on a real account: what it makes and costs is said first; nothing without a yes.

    make test-live PROVIDER=aws YES=1 OPTIONS="region=me-south-1 zone=me-south-1a image_owners=136693071363" \
        IMAGE=name:debian-12-amd64-* SHAPES="t3.micro t3.small" STORAGE=gp3

Credentials are those of the vendor's own chain. Use an account, or a project, with nothing else in it. Everything that
is made carries the tag ``pse-stack`` of the suite, and what is left of it at the end is deleted and named.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import msgspec

from providers import registry
from providers.ports import PortError, TellsAccount
from pse.core.errors import PseError
from pse.core.schema import DELETE_ORDER
from tests.live.cost import CEILING_USD, ceiling, counted
from tests.live.settings import VARIABLE, Settings

ROOT = Path(__file__).parents[2]
STACK = "suite-0123456789ab"


def main() -> int:
    """Say, ask, run, clear."""
    parser = argparse.ArgumentParser(prog="make test-live", description=__doc__, allow_abbrev=False)
    parser.add_argument("--provider", required=True, help=f"of {', '.join(registry.names())}")
    parser.add_argument("--endpoint", default="", help="as the register's entry names it; empty: the SDK's own")
    parser.add_argument("--options", default="", help="of the register's entry: name=value, blanks between")
    parser.add_argument("--image", default="", help="an image that the place has")
    parser.add_argument("--shapes", default="", help="two shapes, a blank between")
    parser.add_argument("--storage", default="", help="a storage class")
    parser.add_argument("--yes", action="store_true", help="make it")
    parser.add_argument("pytest", nargs="*", help="arguments for pytest")
    given = parser.parse_args()
    wanted = [name for name in ("provider", "image", "shapes", "storage") if not getattr(given, name)]
    shapes = given.shapes.split()
    if wanted or len(shapes) != 2:
        parser.error(f"say {', '.join(wanted)}" if wanted else "say two shapes, a blank between")
    settings = Settings(
        provider=given.provider,
        endpoint=given.endpoint,
        options=dict(word.split("=", 1) for word in given.options.split()),
        image=given.image,
        shapes=(shapes[0], shapes[1]),
        storage_class=given.storage,
    )
    try:
        account = looked(settings)
        print(bill(settings, account), flush=True)
        if not given.yes and not agreed():
            print("nothing was made", file=sys.stderr)
            return 3
        environment = {**os.environ, VARIABLE: msgspec.json.encode(settings).decode()}
        tests = [sys.executable, "-m", "pytest", "-q", "tests/live/test_live.py", "--timeout", "3600", *given.pytest]
        done = subprocess.run(tests, cwd=ROOT, env=environment, check=False)
        left = swept(settings)
    except PseError as exc:
        print(". ".join(filter(None, (exc.message, exc.hint))), file=sys.stderr)
        return exc.exit_code
    print("\n".join([f"left and deleted now: {name}" for name in left] or ["nothing is left"]))
    return done.returncode or int(bool(left))


def looked(settings: Settings) -> str:
    """Look into the account once, as every behaviour will; returns what it is called, as far as that is told.

    Raises:
        PortError: There are no credentials, or the place cannot be used.
    """
    with tempfile.TemporaryDirectory(prefix="pse-live-") as folder:
        provider = settings.open(Path(folder))
        try:
            provider.store(next(iter(provider.kinds))).list()
            return provider.account() if isinstance(provider, TellsAccount) else ""
        finally:
            provider.close()


def bill(settings: Settings, account: str) -> str:
    """What it makes in an account, one after another, and a ceiling of what that costs."""
    counts = counted(settings.adapter().kinds)
    where = ", ".join(f"{name} {value}" for name, value in settings.options.items())
    lines = [f"The conformance suite at {settings.provider} ({settings.endpoint or 'its own address'}; {where}) makes"]
    lines += [f"in the account {account}," if account else "there,", "one after another, each for some minutes:"]
    lines += [
        f"{count:6} {kind}" + ("" if kind in CEILING_USD else "  (no price known)") for kind, count in counts.items()
    ]
    small, large = settings.shapes
    lines += [f"Servers are {small}, once {large}; volumes have 1 to 2 GiB of {settings.storage_class}."]
    lines += [f"It costs at most about {ceiling(counts)} US dollars before taxes; that is a ceiling and no quote."]
    return "\n".join(lines)


def agreed() -> bool:
    """Ask, where somebody is there to be asked."""
    if not sys.stdin.isatty():
        print("YES=1 makes it without being asked.", file=sys.stderr)
        return False
    return input("Make it? Type yes: ").strip() == "yes"


def swept(settings: Settings) -> list[str]:
    """Delete what still carries the suite's tag; returns its kinds and ids."""
    found = []
    with tempfile.TemporaryDirectory(prefix="pse-live-") as folder:
        provider = settings.open(Path(folder))
        for kind in DELETE_ORDER:
            if kind not in provider.kinds:
                continue
            store = provider.store(kind)
            for made in store.list():
                if made.identity is not None and made.identity.stack == STACK:
                    found.append(f"{kind} {made.id}")
                    try:
                        store.delete(made.id)
                    except PortError as exc:
                        found[-1] += f", which could not be deleted: {exc.message}"
        provider.close()
    return found


if __name__ == "__main__":
    sys.exit(main())
