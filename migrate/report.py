"""The report: one HTML file that needs no network, and the signed evidence beside it."""

from pathlib import Path
from typing import TYPE_CHECKING

from pse.core.settings import Workspace

if TYPE_CHECKING:
    from blueprints import Bundle


def report(workspace: Workspace, bundle: "Bundle", out: Path | None = None) -> Path:
    """Write the report and, beside it, ``….json`` (`Evidence`) and ``….json.sig``; returns the HTML file's path.

    Args:
        workspace: The workspace.
        bundle: The plan and its parts.
        out: The HTML file; by default ``.pse/reports/<first 12 digits of the plan's hash>.html``.
    """
    raise NotImplementedError
