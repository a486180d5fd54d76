"""Reference architectures as data: ``blueprints/library/*.toml``, each with what it fits, its drawing and its controls.

To add one is to add a file::

    title = "Web and database"
    summary = "A front that is reached from outside, and a database that only the front reaches."
    component = "WebDatabase"        # names the Pulumi component; part of every URN, so it never changes

    [[fit]]                          # the highest score whose conditions all hold
    score = 90                       # 0 to 100
    roles = ["web", "database"]      # a server of each role is there
    every = []                       # all servers have one of these roles, as with `only`, which may lack some
    uses = ["web", "database"]       # one of the first was seen to use one of the second
    reason = "{using} uses a database of its own"

    [[box]]                          # of the drawing, in the column of its zone
    name = "web"
    label = "web server"
    zone = "front"
    built = true                     # false: part of the architecture, and not built by this tool

    [[arrow]]
    from = "web"
    to = "database"

    [[control]]
    name = "Backups"
    built = false
    by = "What does it, or what people have to do."
"""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from blueprints.model import Demand, Fit, Wanted
from pse.core.documents.deployment import Deployment
from pse.core.documents.plan import Unit
from pse.core.errors import BadInput
from pse.core.settings import load_toml
from pse.core.text import counted

ZONES = ("outside", "front", "inside", "data")
_FOLDER = Path(__file__).parent


class Rule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """When an architecture fits: all conditions that are given hold.

    Attributes:
        score: 0 to 100.
        reason: In words; ``{servers}`` counts them, ``{using}`` names those that use, ``{ROLE}`` those of a role.
        roles: A server of each is there.
        every: All servers have one of these.
        only: As ``every``; said beside ``roles``.
        uses: One of the first role was seen to use one of the second.
        published: Whether one is reached from outside; None does not ask.
    """

    score: Annotated[int, msgspec.Meta(ge=0, le=100)]
    reason: str
    roles: tuple[str, ...] = ()
    every: tuple[str, ...] = ()
    only: tuple[str, ...] = ()
    uses: tuple[str, str] | None = None
    published: bool | None = None

    def fit(self, servers: tuple[Demand, ...]) -> Fit | None:
        """The fit for ``servers``; None where a condition does not hold."""
        by_role: dict[str, list[Demand]] = {}
        for demand in servers:
            by_role.setdefault(demand.role, []).append(demand)
        within = set(self.every or self.only)
        published = any(demand.published for demand in servers)
        if not set(self.roles) <= set(by_role) or (within and not (by_role and set(by_role) <= within)):
            return None
        if self.published is not None and published is not self.published:
            return None
        using: list[str] = []
        if self.uses:
            used = {demand.name for demand in by_role.get(self.uses[1], ())}
            using = sorted(demand.name for demand in by_role.get(self.uses[0], ()) if used & set(demand.needs))
            if not using:
                return None
        names = {role: ", ".join(sorted(demand.name for demand in those)) for role, those in by_role.items()}
        words = {**names, "using": ", ".join(using), "servers": counted(len(servers), "server")}
        return Fit(self.score, (self.reason.format_map(words),))


class Box(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One box of the drawing."""

    name: str
    label: str
    zone: Literal["outside", "front", "inside", "data"]
    built: bool = True


class Arrow(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename={"source": "from"}):
    """One arrow of the drawing, between boxes."""

    source: str
    to: str
    label: str = ""


class Control(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A control: whether this tool builds it, and by what, or what people have to do."""

    name: str
    built: bool
    by: str


class Architecture(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One file; see the module."""

    title: str
    summary: str
    component: str
    fit: tuple[Rule, ...] = ()
    box: tuple[Box, ...] = ()
    arrow: tuple[Arrow, ...] = ()
    control: tuple[Control, ...] = ()


class Reference:
    """The blueprint of an `Architecture` that is made of servers; see `blueprints.model.Blueprint`."""

    def __init__(self, name: str, architecture: Architecture) -> None:
        """Fit and build as ``architecture`` says."""
        self.name = name
        self.architecture = architecture
        self._rules = sorted(architecture.fit, key=lambda rule: -rule.score)

    def fits(self, wanted: Wanted) -> Fit:
        """The highest score of its rules; 0 where none holds."""
        return next((fit for rule in self._rules if (fit := rule.fit(wanted.servers)) is not None), Fit(0))

    def build(self, unit: Unit, landing: Deployment | None, public_key: str) -> Mapping[str, object]:  # noqa: ARG002  (the key is the landing zone's)
        """Register the servers with their firewalls, volumes and first-boot scripts."""
        from blueprints.library.parts import build_servers

        return build_servers(self.architecture.component, unit, landing)


@cache
def architectures() -> Mapping[str, Architecture]:
    """The architectures of this package by name, sorted.

    Raises:
        BadInput: A file cannot be used, or an arrow leads to no box.
    """
    found = {path.stem: load_toml(path, Architecture) for path in sorted(_FOLDER.glob("*.toml"))}
    for name, one in found.items():
        boxes = {box.name for box in one.box}
        for arrow in one.arrow:
            if not {arrow.source, arrow.to} <= boxes:
                raise BadInput(f"an arrow from {arrow.source} to {arrow.to} lacks a box", where=f"{name}.toml")
    return found


def references() -> dict[str, Reference]:
    """Those that are made of servers, as blueprints, by name; the landing zone is a class of its own."""
    return {name: Reference(name, one) for name, one in architectures().items() if one.fit}
