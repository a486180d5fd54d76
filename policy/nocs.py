"""NOCs: dated deviations that the Cloud Office granted. The only thing that loosens a rule.

``policy/nocs.toml``; with any NOC in it, signed in ``nocs.toml.sig`` like the register::

    [[noc]]
    reference = "NOC-2026-004"
    start = 2026-06-01
    end = 2026-12-31                # an expired NOC is no NOC
    workloads = ["payments"]        # patterns of workload ids
    places = ["sample-*/*/*"]       # patterns of place ids
    rules = ["PSE-R003"]            # what it lifts there, and nothing else
    granted_by = "Cloud Office"
"""

import re
from collections.abc import Iterable
from datetime import date
from typing import TYPE_CHECKING

import msgspec

from policy.newest import note_newest, note_none, refuse_older
from policy.patterns import matches
from policy.signing import read_signed, sign_file
from pse.core.canonical import hash_of, read_bytes
from pse.core.errors import BadInput
from pse.core.settings import Workspace, parse_toml

if TYPE_CHECKING:
    from policy.rulebook import Rule

FILE = "policy/nocs.toml"
_SIGN = "Check who changed it. If what it says is right, run `pse register sign --nocs`."
_OLDER = "Bring the newest NOCs back. If these count again, read them and run `pse register sign --nocs`."
_REFERENCE = re.compile(r"[A-Za-z0-9][A-Za-z0-9./-]{0,63}", re.ASCII)


class Noc(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One NOC (no objection certificate).

    Attributes:
        reference: The Cloud Office's reference.
        start: First day.
        end: Last day.
        workloads: Patterns of workload ids that it covers.
        places: Patterns of place ids that it covers.
        rules: Ids of the rules that it lifts.
        granted_by: Office that granted it.
        note: In words.
    """

    reference: str
    start: date
    end: date
    workloads: tuple[str, ...]
    places: tuple[str, ...]
    rules: tuple[str, ...]
    granted_by: str = ""
    note: str = ""

    def holds(self, day: date) -> bool:
        """Whether ``day`` is within its dates."""
        return self.start <= day <= self.end

    def covers(self, workload: str) -> bool:
        """Whether the workload is in its scope."""
        return matches(self.workloads, workload)

    def reaches(self, place: str) -> bool:
        """Whether the place is in its scope."""
        return matches(self.places, place)


class Nocs(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The file."""

    noc: tuple[Noc, ...] = ()

    @property
    def hash(self) -> str:
        """SHA-256 of what it says, whatever its layout."""
        return hash_of(self)

    def on(self, day: date) -> tuple[Noc, ...]:
        """Those that hold on ``day``; an expired NOC is no NOC."""
        return tuple(noc for noc in self.noc if noc.holds(day))


def lifting(rule: "Rule", nocs: Iterable[Noc], *, day: date) -> tuple[Noc, ...]:
    """Those of ``nocs`` that lift ``rule`` on ``day``, where they reach: none when the rule cannot be lifted."""
    return tuple(noc for noc in nocs if rule.waivable and rule.id in noc.rules and noc.holds(day))


def load_nocs(workspace: Workspace) -> Nocs:
    """Read the NOCs; a missing or empty file grants nothing and needs no signature.

    Raises:
        BadInput: Not TOML, an unknown key, an empty scope, dates the wrong way round, a reference twice.
        Refused: There are NOCs, and they are unsigned, altered, signed by another key, or older than those seen here.
    """
    path = workspace.path(FILE)
    raw = read_bytes(path) if path.exists() else b""
    nocs = _parse(raw, str(path))
    if nocs.noc:
        raw = read_signed(workspace, path, hint=_SIGN)
        nocs = _parse(raw, str(path))
        refuse_older(workspace, FILE, raw, issued=None, hint=_OLDER)
    else:
        note_none(workspace, FILE)
    return nocs


def sign_nocs(workspace: Workspace) -> None:
    """Sign ``policy/nocs.toml`` with the workspace's key.

    Raises:
        BadInput: The file or the key cannot be used.
        Refused: The key here is not the pinned one.
    """
    path = workspace.path(FILE)
    if not path.exists():
        raise BadInput("there are no NOCs", where=str(path), hint="Write down what the Cloud Office granted.")
    raw = read_bytes(path)
    _parse(raw, str(path))
    sign_file(workspace, path)
    note_newest(workspace, FILE, raw, issued=None)


def _parse(raw: bytes, where: str) -> Nocs:
    nocs = parse_toml(raw, Nocs, where=where)
    seen: set[str] = set()
    for number, noc in enumerate(nocs.noc):
        at = f"{where}, $.noc[{number}]"
        if not _REFERENCE.fullmatch(noc.reference):
            raise BadInput(f"not a reference: {noc.reference!r}", where=f"{at}.reference")
        if noc.reference in seen:
            raise BadInput(f"twice: {noc.reference}", where=f"{at}.reference")
        seen.add(noc.reference)
        if noc.end < noc.start:
            raise BadInput(f"ends on {noc.end}, before it starts", where=f"{at}.end")
        for name in ("workloads", "places", "rules"):
            if not getattr(noc, name):
                raise BadInput("a NOC has to say what it covers", where=f"{at}.{name}")
    return nocs
