"""The fifth gate: asks the clouds what there is and where it rests, after the fact."""

from pse.core.documents.gate import UnitGate
from pse.core.documents.verdicts import Refusal
from pse.core.settings import Workspace


def audit(workspace: Workspace, unit_id: str, gate: UnitGate) -> tuple[Refusal, ...]:
    """Judge every live object that carries the unit's stack, at every place of the register.

    Raises:
        RemoteError: A cloud could not be asked; an audit that did not see everything is none.
    """
    raise NotImplementedError
