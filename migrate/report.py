"""The report: one HTML file that needs no network, and the signed evidence beside it."""

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from migrate.evidence import gather_evidence
from pse.core import canonical
from pse.core.documents.campaign import Campaign, WorkloadProgress
from pse.core.documents.evidence import Evidence
from pse.core.errors import BadInput, PseError
from pse.core.money import cents
from pse.core.settings import Workspace
from pse.core.text import printable

if TYPE_CHECKING:
    from blueprints import Bundle
    from inventory import Estate

TEMPLATE = "report.html.j2"
_WIDTH = 860.0
_LEFT = 120.0
_ROW = 26.0


def write_report(workspace: Workspace, bundle: "Bundle", out: Path | None = None) -> Path:
    """Write the report and, beside it, ``….json`` (`Evidence`) and ``….json.sig``; returns the HTML file's path.

    Args:
        workspace: The workspace.
        bundle: The plan and its parts.
        out: The HTML file; by default ``.pse/reports/<first 12 digits of the plan's hash>.html``.

    Raises:
        Refused: The plan was changed, the ledger's chain is broken, or the key here is not the pinned one.
        BadInput: The file cannot be written.
    """
    from policy.signing import sign

    found = gather_evidence(workspace, bundle)
    path = out or workspace.private / "reports" / f"{bundle.plan.hash[:12]}.html"
    data = canonical.encode(found)
    signature = sign(workspace, data)
    page = _page(workspace, bundle, found, canonical.digest(data), signature)
    canonical.write_bytes(path.with_suffix(".json"), data)
    canonical.write_bytes(path.with_suffix(".json.sig"), signature.encode() + b"\n")
    canonical.write_bytes(path, page.encode("utf-8", "backslashreplace"))
    return path


def _page(workspace: Workspace, bundle: "Bundle", found: Evidence, digest: str, signature: str) -> str:
    from jinja2 import Environment, PackageLoader, StrictUndefined
    from markupsafe import Markup

    def shown(value: Any) -> Any:
        return printable(value) if isinstance(value, str) and not isinstance(value, Markup) else value

    environment = Environment(
        loader=PackageLoader("migrate"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=shown,
    )
    environment.filters["money"] = _money
    environment.filters["size"] = _size
    campaign = found.campaign
    return environment.get_template(TEMPLATE).render(
        settings=workspace.settings,
        plan=bundle.plan,
        units=[bundle.units[name] for name in sorted(bundle.units)],
        estate=_estate(workspace),
        campaign=campaign,
        evidence=found,
        digest=digest,
        signature=signature,
        refused=_refused(workspace, bundle),
        lines=_timeline(bundle, campaign),
        chart={"width": _WIDTH, "left": _LEFT, "row": _ROW},
        moved=sum(one.bytes_moved for one in campaign.workloads) if campaign else 0,
        mismatches=sum(one.mismatches for one in campaign.workloads) if campaign else 0,
    )


def _estate(workspace: Workspace) -> "Estate | None":
    """The estate as it was found; None when this workspace has none."""
    from inventory import load_estate

    try:
        return load_estate(workspace)
    except PseError as exc:
        if isinstance(exc, BadInput):
            return None
        raise


def _refused(workspace: Workspace, bundle: "Bundle") -> list[dict[str, str]]:
    """Every refusal of the plan and, from the ledger, of what was tried against it."""
    rows = [
        {"what": decision.workload, "place": option.place, "gate": "plan", **_refusal(refusal)}
        for decision in bundle.plan.decisions
        for option in decision.options
        for refusal in option.refusals
    ]
    rows += [
        {"what": decision.workload, "place": "", "gate": "plan", **_refusal(refusal)}
        for decision in bundle.plan.decisions
        for refusal in decision.refusals
    ]
    from policy.ledger import Ledger

    for entry in Ledger(workspace).entries():
        if entry.kind == "refusal":
            data = {key: str(value) for key, value in entry.data.items()}
            rows.append(
                {
                    "what": data.get("unit", ""),
                    "place": data.get("urn", ""),
                    "gate": data.get("gate", ""),
                    "rule": data.get("rule", ""),
                    "clause": data.get("clause", ""),
                    "message": data.get("message", ""),
                    "source": data.get("source", ""),
                }
            )
    unique = {tuple(sorted(row.items())): row for row in rows}
    return list(unique.values())


def _refusal(refusal: Any) -> dict[str, str]:
    return {
        "rule": refusal.rule,
        "clause": refusal.clause,
        "message": refusal.message,
        "source": refusal.source,
    }


def _timeline(bundle: "Bundle", campaign: Campaign | None) -> list[dict[str, Any]]:
    """Bars of the time line: one row a workload, waves in order; x in pixels."""
    if campaign is None:
        return []
    done = {one.workload: one for one in campaign.workloads if one.steps}
    times = [moment for one in done.values() for moment in _moments(one)]
    if not times:
        return []
    first, last = min(times), max(times)
    scale = (_WIDTH - _LEFT) / max(1.0, (last - first).total_seconds())
    rows: list[dict[str, Any]] = []
    for wave in bundle.plan.waves:
        for name in wave.workloads:
            if name not in done:
                continue
            bars = [
                {
                    "x": round(_LEFT + (step.started - first).total_seconds() * scale, 1),
                    "width": max(1.0, round(((step.ended or last) - step.started).total_seconds() * scale, 1)),
                    "step": step.step,
                    "outcome": step.outcome,
                    "seconds": round(((step.ended or last) - step.started).total_seconds(), 1),
                }
                for step in done[name].steps
            ]
            rows.append({"wave": wave.number, "workload": name, "bars": bars, "y": len(rows) * _ROW})
    return rows


def _moments(one: WorkloadProgress) -> Iterable[datetime]:
    for step in one.steps:
        yield step.started
        if step.ended is not None:
            yield step.ended


def _money(amount: Decimal | None) -> str:
    return "no price" if amount is None else f"{cents(amount):,}"


def _size(count: int) -> str:
    size = float(count)
    for unit in ("B", "KiB", "MiB", "GiB"):
        if size < 1024:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1024
    return f"{size:.1f} TiB"
