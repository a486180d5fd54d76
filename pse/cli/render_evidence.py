"""Views of evidence packs."""

from pathlib import Path
from typing import TYPE_CHECKING

from pse.cli.view import View
from pse.core.text import counted

if TYPE_CHECKING:
    from migrate.packed import Verified
    from pse.core.documents.evidence import Manifest


def written_view(path: Path, manifest: "Manifest", digest: str) -> View:
    """A pack that was written, with the key that it is verified by."""
    lines = (
        f"evidence: {path}",
        f"{counted(len(manifest.members), 'member')}, signed by {manifest.signer}; SHA-256 of the file: {digest}",
        "An auditor verifies it with `pse evidence verify FILE --signer KEY` and needs no workspace.",
    )
    return View({"evidence": path, "sha256": digest, "manifest": manifest}, lines)


def verified_view(found: "Verified") -> View:
    """What a pack is evidence of, and what is wrong with it."""
    manifest = found.manifest
    lines = []
    if manifest is not None:
        sample = ", SAMPLE" if manifest.sample else ""
        lines.append(f"plan {manifest.plan} of {manifest.entity}, as of {manifest.as_of}{sample}")
        upto = f", the newest of {found.newest:%Y-%m-%d %H:%M} UTC" if found.newest else ""
        entries = counted(found.entries, "ledger entry", "ledger entries") if not found.findings else "ledger not read"
        lines.append(f"{counted(len(manifest.members), 'member')}, {entries}{upto}")
    lines.append(f"wrong: {len(found.findings)}" if found.findings else "verified: nothing was changed, cut or added")
    data = {"verified": not found.findings, "manifest": manifest, "entries": found.entries, "newest": found.newest}
    return View(data, tuple(lines), found.findings)
