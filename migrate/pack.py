"""The evidence pack: everything that was decided and done for a plan, as one signed zip.

One member, the manifest, is signed; it holds the hash of every other. Nothing in it has a clock of its own, so the same
workspace gives the same bytes. `migrate.packed` verifies it with the workspace's public key and nothing else.
"""

from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from migrate import oscal
from migrate.evidence import gather_evidence
from migrate.material import (
    AUDIT,
    CATALOG,
    EVIDENCE,
    LAW,
    LEDGER,
    LEDGER_HEAD,
    PLAN,
    PLAN_SIGNATURE,
    RESULTS,
    VERDICTS,
    Law,
    Material,
    audited_in,
)
from pse import __version__
from pse.core import canonical
from pse.core.archive import pack
from pse.core.documents.evidence import LedgerHead, Manifest
from pse.core.errors import BadInput, Refused
from pse.core.settings import Workspace

if TYPE_CHECKING:
    from blueprints import Bundle

MANIFEST = "manifest.json"
SIGNATURE = f"{MANIFEST}.sig"
TOOL = f"pse {__version__}"


def write_pack(workspace: Workspace, bundle: "Bundle", out: Path | None = None) -> tuple[Path, Manifest, str]:
    """Write the evidence of a plan as one signed zip file.

    Args:
        workspace: The workspace.
        bundle: The plan and its parts.
        out: The file; by default ``.pse/reports/<first 12 digits of the plan's hash>.zip``.

    Returns:
        The file's path, what is in it, and its SHA-256.

    Raises:
        Refused: The plan was changed, the ledger's chain is broken, the audit is not the one that the ledger tells of,
            or the key here is not the pinned one.
        BadInput: ``out`` is in a folder that is not there, or a file cannot be read or written.
    """
    from policy.signing import pin, signature_line

    if out is not None and not out.parent.is_dir():
        raise BadInput("no such folder", where=str(out.parent), hint="Make it first, or name another file.")
    members = _members(workspace, bundle)
    manifest = Manifest(
        tool=TOOL,
        entity=workspace.settings.entity,
        plan=bundle.plan.hash,
        as_of=bundle.plan.as_of,
        sample=bundle.plan.sample,
        signer=pin(workspace),
        members={name: canonical.digest(members[name]) for name in sorted(members)},
    )
    raw = canonical.encode(manifest)
    data = pack({**members, MANIFEST: raw, SIGNATURE: signature_line(workspace, raw)})
    path = out or workspace.private / "reports" / f"{bundle.plan.hash[:12]}.zip"
    canonical.write_bytes(path, data)
    return path, manifest, canonical.digest(data)


def _members(workspace: Workspace, bundle: "Bundle") -> dict[str, bytes]:
    from blueprints.building.auditing import audit_path
    from policy.ledger import Ledger
    from policy.signing import pin

    evidence = gather_evidence(workspace, bundle)
    lines, head = Ledger(workspace).export()
    stood = msgspec.json.decode(head, type=LedgerHead)
    members = {
        EVIDENCE: canonical.encode(msgspec.structs.replace(evidence, ledger=stood)),
        LAW: canonical.encode(_law(workspace, bundle)),
        PLAN: bundle.signed,
        PLAN_SIGNATURE: f"{bundle.signature}\n".encode(),
        VERDICTS: canonical.encode(bundle.verdicts),
        LEDGER: lines,
        LEDGER_HEAD: head,
        **{f"plan/units/{name}.json": canonical.encode(unit) for name, unit in bundle.units.items()},
        **{f"plan/gate/{name}.json": canonical.encode(gate) for name, gate in bundle.gates.items()},
    }
    audit = audit_path(workspace, bundle.plan.hash)
    if audit.exists():
        members[AUDIT] = canonical.read_bytes(audit)
    material = Material.of(members, signer=pin(workspace))
    if audit.exists() and not audited_in(material.entries, members[AUDIT]):
        raise Refused(
            "this audit is not the one that the ledger tells of", where=str(audit), hint="Run `pse audit` again."
        )
    return {**members, CATALOG: oscal.catalog(material), RESULTS: oscal.results(material)}


def _law(workspace: Workspace, bundle: "Bundle") -> Law:
    """The law as it stands now; an expired register is no reason to give no evidence of what was done before."""
    from policy import load_policy

    policy = load_policy(workspace, as_of=bundle.plan.as_of)
    return Law(
        as_of=bundle.plan.as_of,
        inputs=dict(policy.inputs),
        rules=tuple(msgspec.structs.replace(rule, good=(), bad=()) for rule in policy.rules.all),
        nocs=policy.nocs.noc,
    )
