"""The report: one HTML file that needs no network, and the signed evidence beside it."""

from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from migrate.chart import draw, outcome_of
from migrate.evidence import gather_evidence
from migrate.refused import forbidden_places, refused_attempts
from pse.core import canonical
from pse.core.documents.evidence import Evidence
from pse.core.errors import BadInput, PseError
from pse.core.money import cents
from pse.core.settings import Workspace
from pse.core.text import counted, printable, size

if TYPE_CHECKING:
    from blueprints import Bundle
    from inventory import Estate

TEMPLATE = "report.html.j2"


def write_report(workspace: Workspace, bundle: "Bundle", out: Path | None = None) -> Path:
    """Write the report and, beside it, ``….json`` (`Evidence`) and ``….json.sig``; returns the HTML file's path.

    Args:
        workspace: The workspace.
        bundle: The plan and its parts.
        out: The HTML file; by default ``.pse/reports/<first 12 digits of the plan's hash>.html``.

    Raises:
        Refused: The plan was changed, the ledger's chain is broken, or the key here is not the pinned one.
        BadInput: ``out`` is in a folder that is not there, or a file cannot be written.
    """
    from policy.signing import sign

    if out is not None and not out.parent.is_dir():
        raise BadInput("no such folder", where=str(out.parent), hint="Make it first, or name another file.")
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

    from blueprints import cost_report
    from blueprints.building.auditing import last_audit
    from policy.approvals import approvals

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
    environment.filters["counted"] = counted
    environment.filters["money"] = _money
    environment.filters["exact"] = _exact
    environment.filters["percent"] = _percent
    environment.filters["size"] = size
    environment.globals["outcome_of"] = outcome_of
    campaign = found.campaign
    return environment.get_template(TEMPLATE).render(
        settings=workspace.settings,
        plan=bundle.plan,
        bills=[(row.workload, row.place, row.lines) for row in cost_report(bundle).workloads if row.lines],
        estate=_estate(workspace),
        campaign=campaign,
        evidence=found,
        digest=digest,
        signature=signature,
        forbidden=forbidden_places(bundle.plan),
        attempts=refused_attempts(workspace),
        audit=last_audit(workspace, bundle.plan.hash),
        approvals=[one for one in approvals(workspace) if one.plan == bundle.plan.hash],
        chart=draw(bundle.plan, campaign),
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


def _money(amount: Decimal | None) -> str:
    return "no price" if amount is None else f"{cents(amount):,}"


def _exact(price: Decimal | None) -> str:
    """A price to its last digit, so that a line can be reckoned again."""
    return "no price" if price is None else f"{price:,f}"


def _percent(rate: Decimal) -> str:
    return f"{(rate * 100).normalize():f} %"
