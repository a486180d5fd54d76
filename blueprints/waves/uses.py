"""Which workloads use which: as the flows between their servers say."""

from collections.abc import Iterable

from blueprints.estate.view import View
from blueprints.model import Wanted


def uses_of(wanted: Iterable[Wanted], view: View) -> dict[str, list[str]]:
    """By workload id, the ids of the others that it uses, sorted."""
    owners = {member: name for name, workload in view.workloads.items() for member in workload.members}
    return {w.id: sorted(_used(w, view, owners) - {w.id}) for w in wanted}


def _used(wanted: Wanted, view: View, owners: dict[str, str]) -> set[str]:
    return {
        owners[flow.server]
        for demand in wanted.servers
        if demand.source
        for flow in view.flows_out_of(demand.source)
        if flow.server in owners
    }
