"""Workloads: what people say about workloads in ``workloads.toml``; their word wins over what the flows propose."""

from datetime import date
from typing import Annotated, Literal

import msgspec

from pse.core.canonical import hash_of
from pse.core.documents.plan import Check, Strategy
from pse.core.documents.sizing import ANY, Constraints
from pse.core.settings import Workspace, load_toml

FILE = "workloads.toml"

AbsolutePath = Annotated[str, msgspec.Meta(pattern=r"^(/(?!\.{1,2}(/|$))[^/\x00]+)+/?$")]
"""A path below the root, without ``.`` and ``..``: the root itself is never moved as files."""
PackageName = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9+._:~-]*$")]
"""As dpkg, rpm and apk allow them; it stands in a script that runs as root."""
GiB = Annotated[int, msgspec.Meta(ge=0, le=10**9)]
"""A volume of data a month; an exbibyte is more than anybody has."""


class HostDeclaration(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What has to be known of one host to build and fill its replacement.

    Attributes:
        role: ``web``, ``database``, ``files`` …; empty lets planning choose by what was found.
        paths: Absolute paths whose files move: data, application, configuration.
        blocks: Disks, volumes or image files that move chunk by chunk, with their paths at the new server.
        databases: Names of databases that move; empty means all that were found.
        packages: Names of packages that the new server needs.
        constraints: What its shape has to have, beside its size.
        licences: Products whose licences it needs, by their names in the price book; not that of its system.
    """

    role: str = ""
    paths: tuple[AbsolutePath, ...] = ()
    blocks: dict[AbsolutePath, AbsolutePath] = {}
    databases: tuple[str, ...] = ()
    packages: tuple[PackageName, ...] = ()
    constraints: Constraints = ANY
    licences: tuple[str, ...] = ()


class ServiceDeclaration(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A service of the cut-over; they start in the order of the file and stop in the opposite one.

    Attributes:
        name: Unique in the workload.
        host: Host name that runs it today; its replacement runs it afterwards.
        start: Shell command that starts it and returns; safe to repeat.
        stop: Shell command that stops it and returns; safe to repeat.
        check: What has to hold after the start.
    """

    name: str
    host: str
    start: str
    stop: str
    check: tuple[Check, ...] = ()


class WorkloadDeclaration(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One workload.

    Attributes:
        members: Patterns of host names that belong to it; empty keeps what the flows propose.
        strategy: What becomes of it; None lets planning choose.
        reason: Why, when ``strategy`` is given.
        saas: Capability that a software service could give instead, for example ``learning-management``.
        seats: Users of the software service; 0 is not stated, and a price per seat then comes to no price.
        egress_gib: GiB a month that leave the place; None is not declared, and in no bill.
        load_balancers: Load balancers that stand before it; they are in its bill, and nobody builds them.
        place: Place id that it has to go to; empty lets planning choose. A place that is not allowed is refused.
        wave: Wave to move in; None lets planning choose.
        deadline: Day by which it has moved; needs ``plan.schedule.start``.
        hours: Hours of engineers that its move takes; None is by its servers.
        risk: ``high`` or ``low``; empty is high from the category sensitive on.
        host: By host name.
        service: Services of the cut-over.
        dns: Record name to host name: records that follow the host.
    """

    members: tuple[str, ...] = ()
    strategy: Strategy | None = None
    reason: str = ""
    saas: str = ""
    seats: Annotated[int, msgspec.Meta(ge=0, le=10**8)] = 0
    egress_gib: GiB | None = None
    load_balancers: Annotated[int, msgspec.Meta(ge=0, le=1000)] = 0
    place: str = ""
    wave: Annotated[int, msgspec.Meta(ge=1, le=10_000)] | None = None
    deadline: date | None = None
    hours: Annotated[int, msgspec.Meta(ge=0, le=10**6)] | None = None
    risk: Literal["", "high", "low"] = ""
    host: dict[str, HostDeclaration] = {}
    service: tuple[ServiceDeclaration, ...] = ()
    dns: dict[str, str] = {}


class Workloads(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The whole file: workload id to what is said of it."""

    workload: dict[str, WorkloadDeclaration] = {}

    @property
    def hash(self) -> str:
        """SHA-256 of what the file says, whatever its layout."""
        return hash_of(self)


def load_workloads(workspace: Workspace) -> Workloads:
    """Read ``workloads.toml``; a missing file says nothing of any workload.

    Raises:
        BadInput: Not TOML, an unknown key or a wrong type.
    """
    path = workspace.path(FILE)
    return load_toml(path, Workloads) if path.exists() else Workloads()
