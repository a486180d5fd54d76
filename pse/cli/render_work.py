"""Views of work on the world: workspaces, previews, stacks, the lab."""

from collections import Counter
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pse.cli.render_plan import amounts, change_amounts, columns, head, services_line, total_line, why
from pse.cli.view import View, grid

if TYPE_CHECKING:
    from blueprints import Bundle, Preview
    from pse.core.documents.audit import Audit
    from pse.core.documents.deployment import Deployment
    from pse.core.settings import Workspace


def file_view(what: str, path: Path) -> View:
    """A file that was written."""
    return View({what: path}, (f"{what}: {path}",))


def preview_view(bundle: "Bundle", preview: "Preview") -> View:
    """What the engine would do, unit by unit, with the cost of each resource."""
    currency = preview.currency
    grids = tuple(
        grid(
            f"{unit.unit} at {unit.place}",
            columns("operation|type|name|$", currency),
            ((c.op, c.type.rpartition(":")[2], c.name, *change_amounts(c.cost)) for c in unit.changes),
        )
        for unit in preview.units
    )
    units = ((u.unit, len(u.changes), *amounts(u.cost)) for u in preview.units)
    ops = ("create", "update", "replace", "delete", "same")
    counts = {op: preview.count(op) for op in ops}
    return View(
        {
            "plan": preview.plan,
            "offline": preview.offline,
            "currency": currency,
            "operations": counts,
            "cost": preview.cost,
            "items": preview.units,
            "notes": preview.notes,
            "outside": preview.outside,
        },
        (
            *head(bundle.plan),
            *grids,
            grid("With egress, support and tax", columns("unit|>resources|$", currency), units),
            ", ".join(f"{count} {op}" for op, count in counts.items() if count) or "nothing to do",
            "; ".join((total_line(preview.cost, currency), *services_line(bundle.plan))),
            *(f"`pse up` will refuse {u.unit}: it would {', '.join(u.refused)}" for u in preview.units if u.refused),
            *preview.notes,
            "nothing was touched",
        ),
        tuple(other.finding() for other in preview.outside),
    )


def up_intent(
    workspace: "Workspace",
    bundle: "Bundle",
    *,
    landing: bool = False,
    waves: Collection[int] = (),
    units: Collection[str] = (),
    again: bool = False,
) -> View:
    """Stacks that `pse up` would bring about, and the servers and data that would go.

    What stands from the same unit file is left alone, but for ``again``, as `pse adopt` does.

    Raises:
        UsageError: The plan has no such unit or wave.
        Refused: The gate refuses a resource.
    """
    from blueprints.building.guards import kept_for_users, losses_of
    from blueprints.building.outside import outside
    from blueprints.building.provision import choose
    from providers.engine import Engine

    engine, plan = Engine(workspace), bundle.plan
    chosen = choose(bundle, landing=landing, waves=waves, units=units)
    kept = kept_for_users(workspace, bundle, chosen)
    items, going = [], []
    for unit in chosen:
        stands = engine.deployment(unit.id)
        state = "new" if stands is None else "stands" if stands.unit_hash == plan.units.get(unit.id) else "changes"
        if unit.id in kept:
            state = f"refused: users are on it since plan {kept[unit.id][:12]}"
        elif state != "stands" or again:
            going += [(unit.id, loss) for loss in losses_of(workspace, bundle, unit, engine)]
        items.append(
            {"unit": unit.id, "state": state, "place": unit.place, "servers": len(unit.servers), "cost": unit.cost}
        )
    rows = (
        (i["unit"], i["state"], i["place"], i["servers"], *amounts(u.cost)) for i, u in zip(items, chosen, strict=True)
    )
    gone = [
        (
            unit,
            loss.op,
            loss.kind,
            loss.name,
            ", ".join(loss.why) or None,
            "refused: data on it" if loss.data else "goes",
        )
        for unit, loss in going
    ]
    words = "Servers and data that would be deleted or replaced"
    lost = (grid(words, "unit|operation|type|name|changed|what becomes of it", gone),) if gone else ()
    return View(
        {"plan": plan.hash, "items": items, "losses": [{"unit": unit, "loss": loss} for unit, loss in going]},
        (*head(plan), grid("Stacks", columns("unit|state|place|>servers|$", plan.currency), rows), *lost),
        tuple(other.finding() for other in outside(workspace, bundle.units, engine)),
    )


def deployments_view(deployments: "Sequence[Deployment]") -> View:
    """Stacks that stand, with their servers."""
    rows = (
        (d.stack, d.place, len(d.resources), " ".join(f"{s.name}={s.address}" for s in d.servers)) for d in deployments
    )
    return View({"items": deployments}, (grid("Stacks", "unit|place|>resources|servers", rows),))


def destroy_intent(workspace: "Workspace", stacks: Sequence[str]) -> View:
    """Stacks that `pse destroy` would remove, with how much is in each."""
    from providers.engine import Engine

    engine = Engine(workspace)
    items = [(stack, engine.deployment(stack)) for stack in stacks]
    rows = ((stack, d.place if d else None, len(d.resources) if d else None) for stack, d in items)
    block = (
        grid("Would be removed, with the data on them", "unit|place|>resources", rows) if items else "nothing stands"
    )
    return View(
        {
            "items": [
                {"unit": s, "place": d.place, "resources": len(d.resources)} if d else {"unit": s} for s, d in items
            ]
        },
        (block,),
    )


def destroyed_view(stacks: Sequence[str]) -> View:
    """Stacks that were removed."""
    return View({"items": stacks}, (f"removed: {', '.join(stacks)}",))


def audit_view(found: "Audit") -> View:
    """What is ours and whether it may be where it is, and everything that rests at the places, whosever it is."""
    items = [{"unit": unit, "refusals": refusals} for unit, refusals in found.refused.items()]
    rows = ((unit, "refused" if refusals else "as allowed", why(refusals)) for unit, refusals in found.refused.items())
    block = grid("What stands", "unit|verdict|why", rows) if found.refused else "nothing stands"
    counts = Counter((one.place, one.whose.value, one.unit or None, one.kind) for one in found.rests)
    resting = ((*words, count) for words, count in sorted(counts.items(), key=str))
    where = (grid("What rests where", "place|whose|unit|kind|>objects", resting),) if counts else ()
    data = {"plan": found.plan, "as_of": found.as_of, "items": items, "rests": found.rests}
    return View(data, (block, *where), found.findings)


def lab_view(hosts: Sequence[Any]) -> View:
    """Hosts of the lab."""
    rows = (
        (
            h.name,
            h.hostname,
            h.role,
            h.place or None,
            f"{h.address}:{h.ssh_port}",
            "running" if h.running else "stopped",
        )
        for h in hosts
    )
    return View(
        {"items": hosts}, (grid("Lab", "host|name|role|place|ssh|state", rows) if hosts else "the lab is empty",)
    )
