"""`pse import vsphere://USER@HOST`: asked, made records of, kept."""

import os
from collections.abc import Callable

from inventory.importers import Import, kept
from inventory.importers.cells import Way
from inventory.importers.machines import Intake
from inventory.importers.reading import ReadFile
from inventory.importers.rvtools_columns import UNITS
from inventory.importers.values import Numbers
from inventory.vsphere.collecting import attributes, machines, places
from inventory.vsphere.connection import Target, connected, pin_of, target_of
from inventory.vsphere.machines import Machine, Records, shared_luns
from pse.core.errors import UsageError
from pse.core.findings import Severity
from pse.core.progress import Event, Progress, silent
from pse.core.secrets import resolve
from pse.core.settings import Workspace
from pse.core.text import printable

SCHEME = "vsphere://"
PASSWORD = "PSE_VSPHERE_PASSWORD"
NAME = "vsphere"
TITLE = "vSphere, live"


def import_vsphere(
    workspace: Workspace,
    url: str,
    *,
    password: str = "",
    pin: str = "",
    ask: Callable[[str], str] | None = None,
    progress: Progress = silent,
) -> Import:
    """Ask a vCenter or an ESXi host for its machines and write a new snapshot. Changes nothing there.

    Args:
        workspace: Where.
        url: See `inventory.vsphere.connection.target_of`.
        password: Reference to the password (``env:NAME`` …); empty for ``env:PSE_VSPHERE_PASSWORD``, or a question.
        pin: SHA-256 of its certificate; empty to check it as a browser does.
        ask: Asks a person for a password, told for what; None where nobody is there.
        progress: Told about it.

    Raises:
        UsageError: ``url`` or ``pin`` is none, or there is no password.
        BadInput: The reference leads to no password, or the workspace cannot be used.
        Refused: The certificate is not to be trusted; nothing was sent.
        Unreachable: No connection, or it was lost; nothing was changed.
        RemoteError: It does not let the account in, or refuses the list.
    """
    target = target_of(url)
    known = pin_of(pin) if pin else None
    progress(Event(step="import", state="start", subject=target.shown))
    found = read_vsphere(target, _password(workspace, password, target, ask), pin=known, progress=progress)
    return kept(
        workspace, found, name=NAME, title=TITLE, files=(target.shown,), subject=target.shown, progress=progress
    )


def read_vsphere(target: Target, password: str, *, pin: bytes | None = None, progress: Progress = silent) -> ReadFile:
    """Ask for the machines and keep nothing; raises as `import_vsphere` does."""
    prefix = f"{NAME}:{target.shown}#"
    made: list[Machine] = []
    odd: dict[str, str] = {}
    with connected(target, password, pin=pin) as content:
        vcenter = str(content.about.instanceUuid or "")
        records = Records(places(content), attributes(content), vcenter)
        for name, values in machines(content):
            try:
                made.append(records.of(name, values, printable(f"{prefix}{name}")))
            except (AttributeError, TypeError, ValueError):  # one machine that makes no sense stops no other
                odd[name] = str(values.get("name", name))
            if len(made) % 1000 == 0:
                progress(Event(step="import", state="update", subject=target.shown, done=len(made), unit="machines"))
    intake = Intake(prefix)
    way = Way(numbers=Numbers(), units=dict(UNITS), virtual="vmware", named_by=("name",))
    shared = shared_luns(made)
    for machine in sorted(made, key=lambda m: m.id):
        intake.take(
            machine.cells,
            machine.id,
            way,
            machine.parts(shared, printable(prefix + machine.id)),
            key=(vcenter, machine.id),
        )
    for name in sorted(odd):
        why = "what vSphere says of it makes no sense"
        intake.skip({"name": odd[name]}, name, why, severity=Severity.ERROR)
    return intake.result()


def _password(workspace: Workspace, reference: str, target: Target, ask: Callable[[str], str] | None) -> str:
    if reference:
        return resolve(reference, base=workspace.root)
    if os.environ.get(PASSWORD):
        return os.environ[PASSWORD]
    said = ask(f"Password of {printable(target.user)} at {target.shown}") if ask is not None else ""
    if not said:
        raise UsageError(
            "there is no password",
            where=target.shown,
            hint=f"Set {PASSWORD}, or give --password env:NAME, file:PATH or keyring:SERVICE/NAME.",
        )
    return said
