"""Why a workload may be where it may be, by the categories that a plan would use."""

import difflib
from datetime import date

from blueprints.estate.categories import categories_of, lowered_of
from blueprints.estate.environments import load_environments
from inventory import load_estate
from policy.explain import Explanation, explain
from policy.load import load_policy
from pse.core.documents.category import Category
from pse.core.documents.workloads import load_workloads
from pse.core.errors import UsageError
from pse.core.settings import Workspace


def explained(workspace: Workspace, workload: str, category: Category | None, *, as_of: date) -> Explanation:
    """Explain a workload of the estate or an environment, or a category alone.

    Args:
        workspace: Where.
        workload: Id of a workload or of an environment; empty for a category alone.
        category: Judge this one in place of the workload's own; None takes its own.
        as_of: Day to judge for.

    Raises:
        UsageError: There is no such workload.
        BadInput: A file of the workspace cannot be used.
        Refused: Register or NOCs cannot be believed, the register's last day has passed, or a server of the
            workload became less strict and nobody agreed; see `policy.classified`.
    """
    policy, demanded = load_policy(workspace, as_of=as_of), ""
    if workload:
        estate = load_estate(workspace, or_none=True)
        environments, declared = load_environments(workspace), load_workloads(workspace)
        today = categories_of(workspace, policy, estate, declared, environments)
        known = today.categories
        if workload not in known:
            near = difflib.get_close_matches(workload, known, n=1)
            hint = f"Did you mean {near[0]}?" if near else "`pse label` lists those of the estate."
            raise UsageError("there is no such workload or environment", where=workload, hint=hint)
        if category is None:
            # As the plan does: what two people have not agreed to opens no place, and is not told as if it did.
            members = {member for one in estate.workloads if one.id == workload for member in one.members}
            servers = [server for server in estate.servers if server.id in members]
            wanted = [one for one in environments if one.id == workload]
            lowered_of(workspace, policy, servers, today.servers, wanted)
        category = category or known[workload]
        places = {one.id: one.place for one in environments}
        places |= {name: one.place for name, one in declared.workload.items()}
        demanded = places.get(workload, "")
    return explain(policy, workload, category, as_of=as_of, demanded=demanded)
