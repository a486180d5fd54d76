"""What `pse import` takes: a file or folder, or the address of something that can be asked."""

from collections.abc import Callable
from pathlib import Path

import msgspec

from inventory.importers import Import, import_file
from pse.core.errors import UsageError
from pse.core.progress import Progress, silent
from pse.core.settings import Workspace


class Access(msgspec.Struct, frozen=True, kw_only=True):
    """How something that is asked lets us in.

    Attributes:
        password: Reference to a password; empty for the default of its kind.
        pin: SHA-256 of the certificate that it has to show; empty to check it as a browser does.
        ask: Asks a person for a password, told for what; None where nobody is there.
    """

    password: str = ""
    pin: str = ""
    ask: Callable[[str], str] | None = None


def import_from(
    workspace: Workspace,
    what: str,
    *,
    format_: str = "",
    mapping: Path | None = None,
    access: Access | None = None,
    progress: Progress = silent,
) -> Import:
    """Take servers from ``what`` and write a new snapshot.

    Args:
        workspace: Where.
        what: Path of a file or folder, or ``vsphere://USER@HOST``.
        format_: See `inventory.importers.import_file`.
        mapping: See there.
        access: How what is asked lets us in.
        progress: Told about it.

    Raises:
        UsageError: An option that does not fit ``what``; else as `import_file` and `inventory.vsphere.import_vsphere`.
    """
    from inventory.vsphere import SCHEME, import_vsphere

    access = access or Access()
    if what.startswith(SCHEME):
        if format_ or mapping is not None:
            raise UsageError("--format and --mapping are for files", where=SCHEME)
        return import_vsphere(
            workspace, what, password=access.password, pin=access.pin, ask=access.ask, progress=progress
        )
    if access.password or access.pin:
        raise UsageError("--password and --pin are for vsphere://", where=what)
    return import_file(workspace, Path(what), format_=format_, mapping=mapping, progress=progress)
