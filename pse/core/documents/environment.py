"""Environment: wanted workloads with no server behind them, from ``environments/*.toml``."""

from typing import Annotated

import msgspec

from pse.core.documents.category import Category
from pse.core.documents.sizing import ANY, Constraints
from pse.core.documents.workloads import AbsolutePath, GiB


class WantedServer(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Servers of one role.

    Attributes:
        role: ``web``, ``database``, ``files`` …; names the servers.
        count: How many.
        vcpus: Virtual CPUs of each.
        memory_mib: MiB of memory of each.
        data_gib: GiB of data volume of each; 0 for none.
        mount: Where the data volume is mounted.
        licences: Products whose licences each needs, by their names in the price book; not that of its system.
        ports: TCP ports open to the network of the workload.
        constraints: What their shape has to have, beside its size.
    """

    role: str
    count: Annotated[int, msgspec.Meta(ge=1, le=250)] = 1
    vcpus: Annotated[int, msgspec.Meta(ge=1, le=4096)]
    memory_mib: Annotated[int, msgspec.Meta(ge=1, le=2**26)]
    data_gib: GiB = 0
    mount: AbsolutePath = "/srv"
    licences: tuple[str, ...] = ()
    ports: tuple[Annotated[int, msgspec.Meta(ge=1, le=65535)], ...] = ()
    constraints: Constraints = ANY


class Environment(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One wanted workload: the same gates, cost and preview as any, and no moves.

    Attributes:
        id: Id of the workload; by default the file's name.
        blueprint: Name of a blueprint; empty lets planning choose.
        category: Data category; required, because unclassified is refused.
        place: Place id; empty lets planning choose the cheapest allowed.
        servers: What is wanted.
        os_family: Family of the image.
        egress_gib: GiB a month that leave the place; None is not declared, and in no bill.
        load_balancers: Load balancers that stand before it; they are in its bill, and nobody builds them.
        owner: Who owns the data and says which category it is.
        reference: Paper that says so.
        reason: Why, where the category is less strict than it was planned with before.
        agreed_by: A second person, needed there too; see `policy.classified`.
    """

    id: str = ""
    blueprint: str = ""
    category: Category
    place: str = ""
    servers: tuple[WantedServer, ...]
    os_family: str = "debian"
    egress_gib: GiB | None = None
    load_balancers: Annotated[int, msgspec.Meta(ge=0, le=1000)] = 0
    owner: str = ""
    reference: str = ""
    reason: str = ""
    agreed_by: str = ""
