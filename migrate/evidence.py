"""Evidence: everything a report is made of, with the hashes that prove it."""

from typing import TYPE_CHECKING

from pse.core.documents.evidence import Evidence
from pse.core.settings import Workspace

if TYPE_CHECKING:
    from blueprints import Bundle


def evidence(workspace: Workspace, bundle: "Bundle") -> Evidence:
    """What was decided, built, moved, refused and spent for this plan, as the workspace holds it now.

    Raises:
        Refused: The ledger's chain is broken.
    """
    raise NotImplementedError
