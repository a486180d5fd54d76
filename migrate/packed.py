"""Verification of an evidence pack away from the workspace, with the workspace's public key and nothing else."""

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import PurePosixPath

import msgspec

from migrate import oscal
from migrate.material import AUDIT, CATALOG, EVIDENCE, LAW, LEDGER, PLAN, PLAN_SIGNATURE, RESULTS, Material, audited_in
from migrate.pack import MANIFEST, SIGNATURE, TOOL
from policy.chain import Entry
from policy.nocs import Nocs
from policy.rulebook import Rules
from policy.signing import signature_of, verify
from pse.core import canonical
from pse.core.archive import unpack
from pse.core.documents.evidence import LedgerHead, Manifest
from pse.core.documents.gate import SignedGate
from pse.core.errors import PseError, Refused, UsageError
from pse.core.findings import Finding, Severity

ARCHIVE, SIGNED, CHANGED, CUT, ADDED, UNTRUE = (
    "PSE-M040",
    "PSE-M041",
    "PSE-M042",
    "PSE-M043",
    "PSE-M044",
    "PSE-M045",
)
_REMEDY = "Ask for the pack again, and for the workspace's key by another way than the pack comes."


class Verified(msgspec.Struct, frozen=True, kw_only=True):
    """What a pack is evidence of, and what is wrong with it.

    Attributes:
        manifest: What it says that it holds; None when nothing of it can be believed.
        entries: Entries of its ledger; 0 when that cannot be believed.
        newest: Moment of the last of them, which is as old as the evidence is at most; None without one.
        findings: Empty when it is what was signed, whole and true in itself.
    """

    manifest: Manifest | None
    entries: int = 0
    newest: datetime | None = None
    findings: tuple[Finding, ...] = ()


def verify_pack(data: bytes, signer: str) -> Verified:
    """Verify a pack in memory; nothing of it is unpacked to the disk.

    Args:
        data: The zip file.
        signer: The workspace's public key, 64 hexadecimal digits.

    Raises:
        UsageError: ``signer`` is no key.
    """
    if not re.fullmatch(r"[0-9a-f]{64}", signer):
        hint = "It is `signer` in the workspace's pse.toml: 64 hexadecimal digits in lower case."
        raise UsageError("not a public key", where="--signer", hint=hint)
    opened = unpack(data)
    found = [_finding(ARCHIVE, name or "the archive", why) for name, why in opened.wrong]
    try:
        manifest = _manifest(opened.members, signer)
    except PseError as exc:
        found.append(_finding(SIGNED, MANIFEST, exc.message))
        return Verified(manifest=None, findings=tuple(sorted(found)))
    found += _members(manifest, opened.members)
    entries: tuple[Entry, ...] = ()
    if not found:
        try:
            material = Material.of(opened.members, signer=signer)
            entries = material.entries
            found += [_finding(UNTRUE, name, why) for name, why in _untrue(manifest, material, opened.members, signer)]
        except KeyError as exc:
            found.append(_finding(CUT, str(exc.args[0]), "is not among what was signed"))
        except PseError as exc:
            found.append(_finding(UNTRUE, exc.where or "the pack", exc.message))
    newest = entries[-1].at if entries else None
    return Verified(manifest=manifest, entries=len(entries), newest=newest, findings=tuple(sorted(found)))


def _manifest(members: Mapping[str, bytes], signer: str) -> Manifest:
    """The manifest, once the signature is found to be the signer's."""
    if MANIFEST not in members or SIGNATURE not in members:
        raise Refused("the manifest or its signature is not there")
    claimed, signature = signature_of(members[SIGNATURE], where=SIGNATURE)
    if claimed != signer:
        raise Refused(f"it is signed by another key: {claimed}")
    verify(signer, members[MANIFEST], signature)
    return canonical.decode(members[MANIFEST], Manifest, where=MANIFEST)


def _members(manifest: Manifest, members: Mapping[str, bytes]) -> Iterator[Finding]:
    for name, digest in manifest.members.items():
        if name not in members:
            yield _finding(CUT, name, "was taken out")
        elif canonical.digest(members[name]) != digest:
            yield _finding(CHANGED, name, "is not what was signed")
    for name in members.keys() - manifest.members.keys() - {MANIFEST, SIGNATURE}:
        yield _finding(ADDED, name, "was put in")


def _untrue(
    manifest: Manifest, material: Material, members: Mapping[str, bytes], signer: str
) -> Iterator[tuple[str, str]]:
    """What the members of a pack say of each other and does not hold, by name of the member."""
    from blueprints.planning.bundle import named_by

    plan, evidence = material.plan, material.evidence
    if not manifest.plan == plan.hash == named_by(members[PLAN]):
        yield PLAN, "is another plan than its hash says"
    try:
        verify(signer, members[PLAN], members[PLAN_SIGNATURE].decode("ascii", "replace").removesuffix("\n"))
    except Refused as exc:
        yield PLAN_SIGNATURE, exc.message
    yield from _parts(plan.units, members, signer)
    if evidence.plan != plan:
        yield EVIDENCE, "is of another plan"
    last = members[LEDGER].splitlines()[-1:]
    stood = LedgerHead(entries=len(material.entries), hash=canonical.digest(last[0]) if last else "0" * 64)
    if evidence.ledger != stood:
        yield EVIDENCE, "tells of another ledger"
    law = material.law
    if Rules(law.rules, notice="").hash != law.inputs["rules"] or Nocs(noc=law.nocs).hash != law.inputs["nocs"]:
        yield LAW, "rules or NOCs are not those that their hashes stand for"
    if AUDIT in members and not audited_in(material.entries, members[AUDIT]):
        yield AUDIT, "is not the one that the ledger tells of"
    if manifest.tool == TOOL:
        # Another release may say the same in other words; its documents are signed all the same.
        for name, made in ((CATALOG, oscal.catalog), (RESULTS, oscal.results)):
            if members[name] != made(material):
                yield name, "does not follow from the other members"


def _parts(parts: Mapping[str, str], members: Mapping[str, bytes], signer: str) -> Iterator[tuple[str, str]]:
    for part, digest in parts.items():
        inner = part if part == "verdicts" or part.startswith("gate/") else f"units/{part}"
        name = str(PurePosixPath("plan", f"{inner}.json"))
        if canonical.digest(members[name]) != digest:
            yield name, "is not the part that the plan names"
        if part.startswith("gate/"):
            signed = canonical.decode(members[name], SignedGate, where=name)
            try:
                verify(signer, canonical.encode(signed.gate), signed.signature)
            except Refused as exc:
                yield name, exc.message


def _finding(code: str, member: str, why: str) -> Finding:
    return Finding(code=code, severity=Severity.ERROR, subject=member, message=why, remedy=_REMEDY, source="the pack")
