"""View of a workspace that was made, and what to write and run next."""

from typing import TYPE_CHECKING

from pse.cli.view import View

if TYPE_CHECKING:
    from pse.core.settings import Workspace

SAMPLE_STEPS = ("next: pse lab start, then pse discover --accept-new",)
OWN_STEPS = (
    "next, in this order (docs/own-estate.md has an example of each file):",
    "  1. hosts.toml, then pse discover --accept-new; or pse import FILE",
    "  2. policy/labels.toml, then pse label",
    "  3. policy/register.toml, then pse register sign",
    "  4. policy/prices.toml, then pse plan",
)


def made_view(workspace: "Workspace") -> View:
    """The workspace and its next steps, those of the sample or those of an own estate."""
    settings = workspace.settings
    return View(
        {"workspace": workspace.root, "entity": settings.entity, "sample": settings.sample, "signer": settings.signer},
        (
            f"workspace of {settings.entity} in {workspace.root}",
            f"key pinned: {settings.signer[:16]}…",
            *(SAMPLE_STEPS if settings.sample else OWN_STEPS),
        ),
    )
