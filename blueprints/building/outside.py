"""Stacks that stand and are not in the plan: an earlier plan built them, and they cost money and hold data."""

from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING

import msgspec

from pse.core.canonical import hash_of, read
from pse.core.documents.plan import Cost, Unit
from pse.core.findings import Finding, Severity
from pse.core.journal import FileJournal
from pse.core.settings import Workspace

if TYPE_CHECKING:
    from providers.engine import Engine
    from pse.core.documents.deployment import Deployment
    from pse.core.documents.verdicts import Refusal

CODE = "PSE-B029"


class Outside(msgspec.Struct, frozen=True, kw_only=True, order=True):
    """One such stack.

    Attributes:
        unit: Stack id.
        place: Where it stands; several places with commas between them, empty when that is not known.
        resources: How many the state knows.
        cost: Of the unit that it was built from; None when that unit is not among the plans here any more.
    """

    unit: str
    place: str
    resources: int
    cost: Cost | None

    def finding(self, refusals: "Iterable[Refusal]" = ()) -> Finding:
        """What it is worth saying of it: an error when something of it is refused where it stands."""
        refused = sorted({refusal.rule for refusal in refusals})
        bill = "its price is not known" if self.cost is None else f"it costs {self.cost.monthly} a month"
        why = f", where it may not be ({', '.join(refused)})" if refused else ""
        return Finding(
            code=CODE,
            severity=Severity.ERROR if refused else Severity.WARNING,
            subject=self.unit,
            message=f"stands at {self.place or 'an unknown place'}{why} and is not in this plan; {bill}",
            remedy=f"Run `pse destroy --unit {self.unit}`, or plan it again.",
            source="the state",
        )


def outside(
    workspace: Workspace, named: Collection[str], engine: "Engine", *, offline: bool = False
) -> tuple[Outside, ...]:
    """Stacks that stand, in whole or in part, and are not among ``named``; sorted.

    Args:
        workspace: Where the state is.
        named: Unit ids of the plan.
        engine: Asked what stands.
        offline: As `Engine.standing`: of a state elsewhere only what was built here is known.

    Raises:
        RemoteError: The backend cannot be asked.
    """
    found = []
    for name in sorted(_names(workspace, engine, offline=offline) - set(named)):
        state, document = engine.standing(name, offline=offline), engine.deployment(name)
        pending = FileJournal(workspace.private / "intents" / f"{name}.jsonl").pending()
        if not state.ours() and document is None and not pending:
            continue
        places = state.places() | ({document.place} if document else set())
        places |= {str(intent.detail["place"]) for intent in pending}
        found.append(
            Outside(
                unit=name,
                place=", ".join(sorted(places)),
                resources=len(state.ours()),
                cost=_cost(workspace, document),
            )
        )
    return tuple(found)


def _names(workspace: Workspace, engine: "Engine", *, offline: bool) -> set[str]:
    from providers.driving.statefile import is_remote, local_stacks
    from providers.identity import PROJECT

    private = workspace.private
    names = set(local_stacks(workspace, PROJECT))
    names |= {path.stem for path in (private / "deployments").glob("*.json")}
    names |= {path.stem.removeprefix(f"{PROJECT}.") for path in (private / "known").glob(f"{PROJECT}.*.json")}
    names |= {path.stem for path in (private / "intents").glob("*.jsonl")}
    if is_remote(workspace) and not offline:
        names |= set(engine.stacks())
    return names


def _cost(workspace: Workspace, document: "Deployment | None") -> Cost | None:
    """Of the very unit file that was built, if a plan under ``plans/`` still has it."""
    if document is None:
        return None
    for path in sorted(workspace.path("plans").glob(f"*/units/{document.stack}.json")):
        unit = read(path, Unit)
        if hash_of(unit) == document.unit_hash:
            return unit.cost
    return None
