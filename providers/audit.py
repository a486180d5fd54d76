"""The fifth gate: asks the clouds what there is and where it rests, after the fact."""

from collections.abc import Iterable

from policy import load_policy
from policy.categories import read_categories
from policy.gate import Subject, Value, judge, narrowed, placements_of
from policy.ledger import Ledger
from providers.driving.state import State
from providers.places import Places
from providers.ports import Made, TellsAccount
from providers.survey import Live, Tags, survey
from pse.core.documents.gate import UnitGate
from pse.core.documents.verdicts import Refusal
from pse.core.errors import RemoteError
from pse.core.schema import KINDS, Field, Rests
from pse.core.settings import Workspace
from pse.core.text import printable
from pse.core.time import today


def audit(workspace: Workspace, unit_id: str, gate: UnitGate, *, plan: str = "") -> tuple[Refusal, ...]:
    """Judge every live object that carries the unit's stack, at every place of the register; see `judge_live`.

    Args:
        workspace: Whose adapters are asked.
        unit_id: Stack id.
        gate: The unit's gate, its signature verified by the caller.
        plan: Hash of the plan, for the ledger.

    Raises:
        Refused: The register is expired, unsigned or altered.
        RemoteError: A cloud could not be asked; an audit that did not see everything is none.
        MissingTool: A vendor's SDK is not installed.
    """
    tag = Tags(workspace, frozenset()).of(unit_id)
    places = Places(workspace)
    try:
        mine = [live for live in survey(places) if live.stack == tag]
    finally:
        places.close()
    return judge_live(workspace, unit_id, gate, mine, plan=plan)


def judge_live(
    workspace: Workspace, unit_id: str, gate: UnitGate, lives: Iterable[Live], *, plan: str = ""
) -> tuple[Refusal, ...]:
    """Judge live objects of a unit.

    What an adapter reports counts, not what the program asked for: an aspect that the cloud placed by itself is an
    unknown place and is refused. The law of today judges, whatever it
    said when the plan was made, and so does today's category where it is noted and stricter. Refusals are in the ledger
    under the gate ``audit``.

    Args:
        workspace: Whose law and ledger.
        unit_id: Stack id.
        gate: The unit's gate, its signature verified by the caller.
        lives: The unit's objects.
        plan: Hash of the plan, for the ledger.

    Returns:
        Every refusal, sorted, each once.

    Raises:
        Refused: The register is expired, unsigned or altered.
    """
    day = max(today(), gate.as_of)
    policy = load_policy(workspace, as_of=day)
    gate = narrowed(policy, gate, day=day, categories=read_categories(workspace, policy))
    ledger = Ledger(workspace)
    found: set[Refusal] = set()
    for live in lives:
        urn = " ".join(live.key)
        refusals = judge(gate, _subject(live.kind, live.made, live.place, urn, gate), today=today())
        if refusals:
            ledger.refuse(plan=plan, unit=unit_id, urn=urn, gate="audit", refusals=refusals)
            found.update(refusals)
    return tuple(sorted(found))


def must_ask_where_it_was_made(places: Places, state: State) -> None:
    """See that the places lead to the accounts that a state's objects were made in: another one has none of them.

    Raises:
        RemoteError: One leads elsewhere, or could not be asked; what is there would not be seen.
    """
    for place, made_in in sorted(state.accounts()):
        if places.register.place(place) is None:
            continue  # nobody can be asked there; whoever compares the state says so
        provider = places.provider(place)
        now = provider.account() if isinstance(provider, TellsAccount) else ""
        if now != made_in:
            raise RemoteError(
                f"its objects are in {printable(made_in)}, and {printable(now) or 'no account'} would be asked",
                where=place,
                hint=f"Use the credentials, and the register's entry of {place}, that they were made with.",
            )


def _subject(kind: str, made: Made, place: str, urn: str, gate: UnitGate) -> Subject:
    """A live object as the gate looks at it: it is where it was found, and every aspect where the adapter says."""
    required = tuple(
        # What it refers to is live at the same account and judged by itself.
        Value(wire, field.rule.rests, place)
        for wire, field in _fields(kind)
        if field.required and field.rule.rests is not Rests.NONE
    )
    # Where a cloud keeps no workload the stack's tag is the unit's, which holds the workloads of its gate only.
    workload = made.inputs.workload or min(gate.workloads, default="")
    return Subject(urn=urn, kind=kind, workload=workload, values=(*required, *placements_of(made.outputs.placement)))


def _fields(kind: str) -> list[tuple[str, Field]]:
    return list(KINDS[kind].input_fields().items()) if kind in KINDS else []
