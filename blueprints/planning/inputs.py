"""What a plan is made from: read once, hashed, and handed on."""

from collections.abc import Collection
from datetime import date
from typing import TYPE_CHECKING

import msgspec

from blueprints.estate.categories import categories_of, lowered_of, said_of
from blueprints.estate.environments import load_environments
from blueprints.planning.abilities import Ability, abilities_of
from blueprints.waves.calendars import load_calendar
from inventory.estate import Estate
from inventory.groups import SAID
from inventory.losses import TOLD
from policy.register import Place
from pse.core import canonical
from pse.core.documents.environment import Environment
from pse.core.documents.offers import Offers
from pse.core.documents.schedule import Calendar
from pse.core.documents.snapshot import Snapshot
from pse.core.documents.usage import Usages, load_usage
from pse.core.documents.verdicts import Verdicts
from pse.core.documents.workloads import Workloads, load_workloads
from pse.core.errors import BadInput
from pse.core.findings import Finding
from pse.core.settings import PlanSettings, Workspace

if TYPE_CHECKING:
    from policy import Policy


class Inputs(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that a plan is made from.

    Attributes:
        entity: Name of the public sector entity.
        settings: How plans are made.
        as_of: Day that decisions hold for.
        estate: What runs today.
        declared: What people say of workloads.
        usages: What was measured of servers over time.
        environments: Wanted workloads, sorted by id.
        verdicts: What the rules say.
        offers: Price book.
        places: Places of the register.
        residency: Ids of the rules that refuse a place for its country: the in-country mandate.
        abilities: What the adapters can make, by place id.
        calendar: Change freezes.
        findings: What came up before planning.
    """

    entity: str
    settings: PlanSettings
    as_of: date
    estate: Estate
    declared: Workloads = Workloads()
    usages: Usages = Usages()
    environments: tuple[Environment, ...] = ()
    verdicts: Verdicts
    offers: Offers
    places: tuple[Place, ...]
    residency: frozenset[str]
    abilities: dict[str, Ability]
    calendar: Calendar = Calendar()
    findings: tuple[Finding, ...] = ()


def read_inputs(workspace: Workspace, policy: "Policy", *, as_of: date, estate: Estate | None = None) -> Inputs:
    """Read what a plan is made from.

    Args:
        workspace: Where it is.
        policy: What the law says on ``as_of``.
        as_of: Day that decisions hold for.
        estate: What runs today; the workspace's snapshot when None.

    Raises:
        BadInput: A file cannot be used, or there is neither a snapshot nor an environment.
        Refused: A category became less strict and nobody agreed; see `policy.classified`.
    """
    from policy import decide
    from policy.categories import inputs_of, write_categories
    from policy.classified import remember
    from policy.rulebook import Kind
    from providers.catalog import check_places, load_offers

    came_from = inputs_of(workspace, policy, snapshot="")
    environments = load_environments(workspace)
    given = estate
    estate = _current(workspace, environments) if given is None else given
    offers = load_offers(workspace)
    declared = load_workloads(workspace)
    categories, labelled, found = categories_of(workspace, policy, estate, declared, environments)
    if given is None:
        lowered = lowered_of(workspace, policy, estate.servers, labelled, environments)
        write_categories(workspace, came_from | {"snapshot": estate.manifest.hash}, categories)
        remember(workspace, labelled | said_of(environments), lowered)
    places = policy.register.places
    abilities, not_asked = abilities_of(places)
    return Inputs(
        entity=workspace.settings.entity,
        settings=workspace.settings.plan,
        as_of=as_of,
        estate=estate,
        declared=declared,
        usages=load_usage(workspace),
        environments=environments,
        verdicts=decide(policy, categories, as_of=as_of),
        offers=offers,
        places=tuple(places),
        residency=frozenset(rule.id for rule in policy.rules.all if rule.kind is Kind.COUNTRY),
        abilities=abilities,
        calendar=load_calendar(workspace),
        findings=(
            *(f for f in estate.manifest.findings if f.code in SAID | TOLD),
            *found,
            *not_asked,
            *check_places(offers, [p.id for p in places], where=workspace.settings.price_book),
        ),
    )


def look_at_inputs(workspace: Workspace, policy: "Policy", *, as_of: date) -> Inputs:
    """As `read_inputs` of the workspace as it is, and writes nothing: for whoever asks what its plan would be."""
    return read_inputs(workspace, policy, as_of=as_of, estate=_current(workspace, load_environments(workspace)))


def _current(workspace: Workspace, environments: Collection[Environment]) -> Estate:
    """What runs today; nothing where only environments are wanted.

    Raises:
        BadInput: There is neither.
    """
    from inventory import load_estate

    if workspace.private.joinpath("snapshot").exists():
        estate = load_estate(workspace)
        if estate.servers or environments:
            return estate
    elif environments:
        return Estate(manifest=Snapshot(tables={}))
    raise BadInput(
        "there is nothing to plan: no server is known and no environment wanted",
        where=str(workspace.root),
        hint="Run `pse discover` or `pse import`, or write environments/*.toml.",
    )


def hashes_of(inputs: Inputs) -> dict[str, str]:
    """SHA-256 of each input by the names of `Plan.inputs`."""
    return {
        **inputs.verdicts.inputs,
        "environments": canonical.hash_of(inputs.environments),
        "offers": inputs.offers.hash,
        "settings": canonical.hash_of((inputs.entity, inputs.settings)),
        "snapshot": inputs.estate.manifest.hash,
        "verdicts": canonical.hash_of(inputs.verdicts),
        "workloads": inputs.declared.hash,
        **({"usage": inputs.usages.hash} if inputs.usages.hash else {}),
        **({"calendar": canonical.hash_of(inputs.calendar)} if inputs.calendar != Calendar() else {}),
    }
