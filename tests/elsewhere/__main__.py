"""The sample ministry at a fake of a real cloud, to try commands on by hand.

    python -m tests.elsewhere {aws,azure,google} FOLDER

Starts the fake, makes FOLDER a sample workspace whose place abroad is there, says what to run, and serves until Ctrl-C.
What the fake holds is gone with it.
"""

import argparse
import shlex
import signal
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from pse.core.errors import PseError

CLOUDS = ("aws", "azure", "google")
STEPS = """\
pse plan   # ends 1: what may not go there is refused by name
pse compare
pse preview
pse up --yes
pse audit
pse destroy --yes"""


@contextmanager
def served(provider: str, root: Path) -> Iterator[Mapping[str, str]]:
    """The fake, running, with the sample workspace at ``root`` made for it; the environment that commands need."""
    if provider == "aws":
        from tests.providers.aws import cloud as aws
        from tests.providers.aws import ministry as at_aws

        with tempfile.TemporaryDirectory(prefix="pse-moto-") as scratch, aws.running(Path(scratch)) as moto:
            at_aws.ministry_at(moto, root)
            yield aws.CREDENTIALS
    elif provider == "azure":
        from tests.providers.azure import cloud as azure
        from tests.providers.azure import ministry as at_azure

        with azure.running() as arm:
            at_azure.ministry_at(arm, root)
            yield {}
    else:
        from tests.providers.google import cloud as google
        from tests.providers.google import ministry as at_google

        with google.running() as compute:
            at_google.ministry_at(compute, root)
            yield {}


def main() -> int:
    """Read the command line, serve, wait."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("provider", choices=CLOUDS)
    parser.add_argument("folder", type=Path, help="for the workspace; must not be there yet")
    given = parser.parse_args()
    root = given.folder.resolve()
    try:
        with served(given.provider, root) as environment:
            for name, value in {**environment, "PSE_WORKSPACE": str(root)}.items():
                print(f"export {name}={shlex.quote(value)}")
            print(STEPS, flush=True)
            print("The fake runs until Ctrl-C; run these in another terminal.", file=sys.stderr, flush=True)
            threading.Event().wait()
    except KeyboardInterrupt:
        return 0
    except PseError as exc:
        print(f"{exc}. {exc.hint}", file=sys.stderr)
        return exc.exit_code
    return 0


if __name__ == "__main__":
    for end in (signal.SIGINT, signal.SIGTERM):
        # Also where a shell started it in the background, and had it ignore the first.
        signal.signal(end, signal.default_int_handler)
    sys.exit(main())
