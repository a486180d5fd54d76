"""The gate as the plugin and the policy pack stand at it: one unit's signed file, `policy.gate.judge`, the ledger."""

import threading
from collections.abc import Callable, Mapping

import msgspec

from policy.gate import Value, judge, read_gate, refusal_of, subject_of
from policy.ledger import Ledger
from pse.core.documents.gate import UnitGate
from pse.core.documents.verdicts import Refusal
from pse.core.errors import Refused
from pse.core.schema import FUNCTIONS, Rests
from pse.core.settings import Workspace
from pse.core.text import printable
from pse.core.time import today

MARK = "refused by the gate:"
"""How every refusal's text starts, in failures and diagnostics; `providers.engine` knows a refusal by it."""


class ForeignReference(Refused):
    """A resource refers to an object that is neither its unit's own nor its landing zone's."""

    code = "foreign-reference"


class Gatekeeper:
    """Judges the resources of one unit at one of the five gates.

    Args:
        workspace: Where gate file and ledger are.
        unit: Unit id.
        plan: Hash of the plan at work, for the ledger; empty when it is not known.
        gate: Name of the gate in the ledger: ``pack`` or ``check``.
    """

    def __init__(self, workspace: Workspace, unit: str, *, plan: str, gate: str) -> None:
        """Remember who is judged; the gate file is read at the first question."""
        self._workspace = workspace
        self._unit = unit
        self._plan = plan
        self._gate = gate
        self._lock = threading.Lock()
        self._read: UnitGate | None = None
        self._ledger = Ledger(workspace)

    def file(self) -> UnitGate:
        """The unit's gate file.

        Raises:
            Refused: Missing, unsigned, altered, of another unit, or the clock is behind.
        """
        with self._lock:
            if self._read is None:
                self._read = read_gate(self._workspace, self._unit, now=today())
            return self._read

    def judge(
        self,
        kind: str,
        inputs: Mapping[str, object],
        *,
        urn: str,
        stack: str,
        place_of: Callable[[str, object], str | None],
        unknown: Callable[[object], bool],
        endpoint_of: Callable[[str], str | None] = lambda _: None,
    ) -> tuple[Refusal, ...]:
        """Judge one resource, or one question; refusals are in the ledger before they are returned.

        Args:
            kind: Kind or function of the schema; another is refused. A question is the unit's own, not a workload's.
            inputs: Plain values by wire name.
            urn: Of the resource.
            stack: The stack that holds it; a stack may use no gate but its own unit's.
            place_of: See `policy.gate.subject_of`.
            unknown: See `policy.gate.subject_of`.
            endpoint_of: Service address that would be called for a place id; None when there is none.
        """
        try:
            subject = subject_of(kind, inputs, urn=urn, place_of=place_of, unknown=unknown)
            if kind in FUNCTIONS:
                mine = next(iter(self._file_for(stack).workloads), "")
                subject = msgspec.structs.replace(subject, workload=mine)
            place = inputs.get("place")
            endpoint = endpoint_of(place) if isinstance(place, str) and not unknown(place) else None
            if endpoint is not None:
                # The register may have been signed anew since the plan: the address has to be the one the gate lists.
                values = (*subject.values, Value("endpoint", Rests.ENDPOINT, endpoint))
                subject = msgspec.structs.replace(subject, values=values)
            refusals = judge(self._file_for(stack), subject, today=today())
        except ForeignReference as exc:
            refusals = (Refusal(rule="PSE-G011", message=printable(exc.message), **_OWN_ONLY),)
        except Refused as exc:
            refusals = (refusal_of(exc),)
        if refusals:
            try:
                self._ledger.refuse(plan=self._plan, unit=self._unit, urn=urn, gate=self._gate, refusals=refusals)
            except Refused as exc:
                # A ledger that was altered takes no entry; the refusal stands, and this is one more.
                return (*refusals, refusal_of(exc))
        return refusals

    def _file_for(self, stack: str) -> UnitGate:
        if stack != self._unit:
            raise Refused(
                f"stack {stack} may not use the gate of unit {self._unit}",
                hint=f"Call the stack like the unit: `pulumi stack init {self._unit}`.",
            )
        return self.file()


_OWN_ONLY = {
    "clause": "Our own rule: a unit refers to its own objects and to its landing zone's only",
    "source": "design of the gate; confidence C; not legal advice",
}


def words(refusal: Refusal) -> str:
    """A refusal as one line for a person."""
    return printable(f"{MARK} {refusal.rule} {refusal.message} ({refusal.clause})")
