"""Evidence: everything a report is made of, with the hashes that prove it."""

from pathlib import Path
from typing import TYPE_CHECKING

from pse.core import canonical
from pse.core.documents.deployment import Deployment
from pse.core.documents.evidence import Evidence
from pse.core.settings import FILE, Workspace

if TYPE_CHECKING:
    from blueprints import Bundle


def gather_evidence(workspace: Workspace, bundle: "Bundle") -> Evidence:
    """What was decided, built, moved, refused and spent for this plan, as the workspace holds it now.

    Raises:
        Refused: The plan was changed, or the ledger's chain is broken.
    """
    from migrate.campaign import status
    from policy.ledger import Ledger

    bundle.verify(workspace)
    built = sorted((workspace.private / "deployments").glob("*.json"))
    deployments = [canonical.read(path, Deployment) for path in built if path.stem in bundle.units]
    return Evidence(
        plan=bundle.plan,
        deployments=tuple(sorted(deployments, key=lambda one: one.stack)),
        campaign=status(workspace, bundle),
        ledger=Ledger(workspace).verify(),
        files={str(path.relative_to(workspace.root)): _sha256(path) for path in _files(workspace, bundle)},
    )


def _files(workspace: Workspace, bundle: "Bundle") -> list[Path]:
    """What the evidence rests on; no file with a secret is among them."""
    found = [workspace.path(name) for name in (FILE, "hosts.toml", "workloads.toml")]
    for folder, pattern in ((workspace.path("environments"), "*.toml"), (workspace.path("policy"), "**/*")):
        found += folder.glob(pattern)
    found += bundle.default_folder(workspace).glob("**/*.json")
    snapshot = workspace.private / "snapshot"
    if snapshot.is_file():
        found.append(workspace.private / "snapshots" / snapshot.read_text(encoding="utf-8").strip() / "snapshot.json")
    found += [workspace.private / "deployments" / f"{name}.json" for name in bundle.units]
    return sorted({path for path in found if path.is_file()})


def _sha256(path: Path) -> str:
    return canonical.digest(canonical.read_bytes(path))
