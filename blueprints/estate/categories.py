"""Today's categories: of the estate as it is known now, and of the environments as they are written now."""

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from blueprints.estate.environments import load_environments
from blueprints.estate.unseen import withheld
from inventory.estate import Estate
from inventory.hosts import load_hosts
from pse.core.documents.category import Category
from pse.core.documents.environment import Environment
from pse.core.documents.snapshot import Server, Snapshot
from pse.core.documents.workloads import Workloads, load_workloads
from pse.core.errors import BadInput
from pse.core.findings import Finding
from pse.core.settings import Workspace

if TYPE_CHECKING:
    from policy import Policy
    from policy.classified import Downgrade
    from policy.labels import Labelled


class Today(NamedTuple):
    """What is how sensitive today.

    Attributes:
        categories: By workload and environment; None where it has none.
        servers: What the labels say of each server, by its id.
        findings: What was found on the way.
    """

    categories: dict[str, Category | None]
    servers: "dict[str, Labelled]"
    findings: tuple[Finding, ...]


def categories_of(
    workspace: Workspace,
    policy: "Policy",
    estate: Estate,
    declared: Workloads,
    environments: Iterable[Environment],
) -> Today:
    """Category of every workload, environment and server.

    Raises:
        BadInput: ``hosts.toml`` cannot be used, or an environment has the id of a workload.
    """
    from policy import classify
    from policy.flows import between

    classification = classify(policy, estate.servers, estate.workloads)
    flowing = between(estate.flows, estate.workloads, classification.by_workload)
    hosts = load_hosts(workspace) if workspace.path("hosts.toml").exists() else ()
    categories, missing = withheld(estate, declared, hosts, classification.by_workload)
    for environment in environments:
        if environment.id in categories:
            raise BadInput(f"the id {environment.id!r} is a workload of the estate already", where="environments")
        categories[environment.id] = environment.category
    return Today(categories, classification.by_server, (*classification.findings, *flowing, *missing))


def said_of(environments: Iterable[Environment]) -> "dict[str, Labelled]":
    """What the files of environments say, as the labels say it of servers; see `lowered_of`."""
    from policy.labels import Labelled

    return {
        f"environments/{one.id}": Labelled(category=one.category, labels=(number,))
        for number, one in enumerate(environments)
    }


def lowered_of(
    workspace: Workspace,
    policy: "Policy",
    servers: Sequence[Server],
    labelled: "Mapping[str, Labelled]",
    environments: Sequence[Environment],
) -> "tuple[Downgrade, ...]":
    """Servers and environments whose category is less strict than what they were last planned as, each agreed to.

    Raises:
        Refused: Nobody, or only one person, agreed to one of them; or the record was altered or is gone.
    """
    from policy.classified import downgrades
    from policy.labels import Label, Labels

    words = ("category", "owner", "reference", "reason", "agreed_by")
    papers = Labels(
        label=tuple(Label(workloads=(one.id,), **{name: getattr(one, name) for name in words}) for one in environments)
    )
    wanted = [Server(id=id_, hostname=one.id) for id_, one in zip(said_of(environments), environments, strict=True)]
    return (
        *downgrades(workspace, policy.labels, servers, labelled),
        *downgrades(workspace, papers, wanted, said_of(environments), where=str(workspace.path("environments"))),
    )


def note_today(workspace: Workspace, policy: "Policy") -> None:
    """Note today's categories for the gates, unless what is noted still holds.

    Raises:
        BadInput: The estate or a file cannot be read.
        Refused: The note was altered, or cannot be signed.
    """
    from policy.categories import inputs_of, read_categories, write_categories

    if read_categories(workspace, policy) is not None:
        return
    before = inputs_of(workspace, policy, snapshot="")
    estate = Estate(manifest=Snapshot(tables={}))
    snapshot = ""
    if workspace.private.joinpath("snapshot").exists():
        from inventory import load_estate

        estate = load_estate(workspace)
        snapshot = estate.manifest.hash
    declared = load_workloads(workspace)
    today = categories_of(workspace, policy, estate, declared, load_environments(workspace))
    write_categories(workspace, before | {"snapshot": snapshot}, today.categories)
