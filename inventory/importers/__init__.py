"""Importers: files of other tools, recognised by content, found by the entry point group ``pse.importers``."""

from pathlib import Path

import msgspec

from inventory.estate import Estate
from pse.core.findings import Finding
from pse.core.progress import Progress, silent
from pse.core.settings import Workspace


class Import(msgspec.Struct, frozen=True, kw_only=True):
    """What an import did: ``rows`` = ``servers`` + ``templates`` + ``skipped``.

    Attributes:
        estate: All that is known now.
        rows: Rows of machines in the file.
        servers: Rows taken as servers.
        templates: Rows taken as templates.
        skipped: Rows left out; each has a finding with sheet and row.
        findings: What was found out while reading.
    """

    estate: Estate
    rows: int
    servers: int
    templates: int
    skipped: int
    findings: tuple[Finding, ...] = ()


def import_file(workspace: Workspace, path: Path, *, progress: Progress = silent) -> Import:
    """Read ``path`` and write a new snapshot."""
    raise NotImplementedError
