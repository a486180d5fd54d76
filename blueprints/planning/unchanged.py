"""Whether a plan that was reviewed is still what the workspace's files give."""

import msgspec

from blueprints.planning.bundle import Bundle
from blueprints.planning.inputs import Inputs, hashes_of, look_at_inputs
from blueprints.planning.making import draft_plan, plan_of
from pse.core.errors import Refused
from pse.core.settings import Workspace

_AGAIN = "Make the plan again with `pse plan`, and have it reviewed."


def refuse_changed(workspace: Workspace, bundle: Bundle) -> None:
    """Refuse a plan when anything that it was made from is not what it was; writes nothing.

    `blueprints.building.guards.same_law` is narrower: it refuses what would not be lawful any more, so that a plan may
    be carried out over weeks while prices change. A pipeline builds what a merge request showed, and nothing else.

    Raises:
        BadInput: A file of the workspace cannot be used.
        Refused: An input changed since, which is named.
    """
    _inputs(workspace, bundle)


def refuse_otherwise(workspace: Workspace, bundle: Bundle) -> None:
    """Refuse a plan that is not what today's files and this version give, by planning again; writes nothing.

    Raises:
        BadInput: A file of the workspace cannot be used.
        Refused: An input changed since, or the same inputs give another plan.
    """
    draft = draft_plan(_inputs(workspace, bundle))
    bare = msgspec.structs.replace(bundle.plan, units={}, hash="")
    if plan_of(draft) != bare or draft.units != bundle.units:
        raise Refused(
            "from the same files this version makes another plan",
            where=f"plan {bundle.plan.hash[:12]}",
            hint=_AGAIN,
        )


def _inputs(workspace: Workspace, bundle: Bundle) -> Inputs:
    from policy import load_policy
    from policy.gate import changed_law

    as_of = bundle.plan.as_of
    inputs = look_at_inputs(workspace, load_policy(workspace, as_of=as_of), as_of=as_of)
    if changed := changed_law(hashes_of(inputs), bundle.plan.inputs):
        # What the rules say follows from the others; alone it is a rule's own doing.
        named = [name for name in changed if name != "verdicts"] or changed
        raise Refused(
            f"{', '.join(named)} changed since the plan was made",
            where=f"plan {bundle.plan.hash[:12]}",
            hint=_AGAIN,
        )
    return inputs
