"""Runs a campaign in a process of its own, so that a test can kill it; prints one line an event."""

import os
import signal
import sys
from pathlib import Path

import migrate
from blueprints import Bundle
from pse.core.progress import Event
from pse.core.settings import Workspace


def main(root: str, plan: str, *workloads: str) -> None:
    """Run the campaign of ``plan`` for ``workloads``; after ``back``, roll the one that follows back."""

    def tell(event: Event) -> None:
        moment = f"{event.subject} {event.step} {event.state}"
        sys.stdout.write(f"{moment}\n")
        sys.stdout.flush()
        if moment == os.environ.get("DIE_AT"):
            # Exactly there: whoever reads the line may be too late.
            os.kill(os.getpid(), signal.SIGKILL)

    workspace = Workspace(Path(root))
    bundle = Bundle.read(workspace, Path(plan))
    if workloads[:1] == ("back",):
        campaign = migrate.rollback(workspace, bundle, workloads[1], progress=tell)
    else:
        campaign = migrate.run(workspace, bundle, workloads=workloads, progress=tell)
    sys.stdout.write(" ".join(one.state.value for one in campaign.workloads) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
