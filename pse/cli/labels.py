"""Labels of a workspace: what a new file would change, taking it, and what the labels say of the newest snapshot."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pse.core.canonical import read_bytes, write_bytes
from pse.core.errors import BadInput, Refused, UsageError
from pse.core.progress import Progress
from pse.core.settings import Workspace

if TYPE_CHECKING:
    from inventory import Estate
    from policy import Classification
    from policy.classified import Downgrade
    from policy.labels import Label
    from policy.proposals import Proposal
    from pse.core.documents.category import Category
    from pse.core.findings import Finding


@dataclass(frozen=True)
class Change:
    """A workload or server whose category changes; ``none`` is no category."""

    kind: str
    name: str
    was: str
    becomes: str


@dataclass(frozen=True)
class Difference:
    """What taking a file as the labels changes.

    Attributes:
        text: The file.
        appear: Labels that are new.
        vanish: Labels that are gone.
        changes: Workloads, then servers, with another category than before.
        lowered: Servers that become less strict than they were last planned as, each agreed to.
    """

    text: bytes
    appear: tuple["Label", ...]
    vanish: tuple["Label", ...]
    changes: tuple[Change, ...]
    lowered: tuple["Downgrade", ...]


def difference(workspace: Workspace, text: bytes, *, where: Path, allow_empty: bool) -> Difference | None:
    """What making ``text`` the workspace's labels changes; None when it is what they are.

    Args:
        workspace: Whose labels.
        text: A file of labels.
        where: The file, for messages.
        allow_empty: It may hold no label.

    Raises:
        BadInput: It cannot be used.
        Refused: It holds no label, and that is not allowed; or a category becomes less strict and nobody agreed.
    """
    from inventory import load_estate
    from policy.classified import downgrades
    from policy.labels import FILE, Labels, classify_by, load_labels, parse_labels

    path = workspace.path(FILE)
    new = parse_labels(text, where=str(where))
    if not new.label and not allow_empty:
        raise Refused(
            "the file holds no label, so every server would lose its category; nothing was changed",
            where=str(where),
            hint="Give --allow-empty if that is what you want.",
        )
    if path.exists() and read_bytes(path) == text:
        return None
    try:
        old = load_labels(path)
    except BadInput:
        old = Labels()  # what cannot be read labels nothing, and may be replaced
    before, after = ({label.plain(): label for label in labels.label} for labels in (old, new))
    estate = load_estate(workspace, or_none=True)
    was, becomes = (classify_by(labels, estate.servers, estate.workloads) for labels in (old, new))
    return Difference(
        text=text,
        appear=tuple(label for plain, label in after.items() if plain not in before),
        vanish=tuple(label for plain, label in before.items() if plain not in after),
        changes=tuple(_changes(estate, was, becomes)),
        lowered=downgrades(workspace, new, estate.servers, becomes.by_server, where=str(where)),
    )


def proposed(workspace: Workspace, listed: Path | None) -> "tuple[tuple[Proposal, ...], tuple[Finding, ...]]":
    """Write what the workloads without a category seem to hold into ``policy/proposals.toml``; decides nothing.

    Args:
        workspace: Where.
        listed: A file of names that somebody listed; see `policy.found`.

    Returns:
        The proposals, and findings about labels that are less strict than what was found.

    Raises:
        BadInput: A file cannot be used.
    """
    from policy.clues import load_clues
    from policy.found import found_in, read_found
    from policy.proposals import FILE, load_proposals, propose, stricter, text_of, undecided

    estate, labels = classified(workspace)
    seen = found_in(
        estate.servers, filesystems=estate.filesystems, listeners=estate.listeners, databases=estate.databases
    )
    if listed is not None:
        seen += read_found(listed, estate.servers)
    path = workspace.path(FILE)
    clues = load_clues(workspace.path("policy", "clues"))
    found = propose(clues, estate.servers, estate.workloads, seen)
    made = undecided(found, labels.by_workload, load_proposals(path).proposal)
    write_bytes(path, text_of(made))
    return made, tuple(stricter(found, labels.by_workload))


def accepted(workspace: Workspace, file: Path) -> bytes:
    """The workspace's labels with one more for each proposal in ``file`` that an owner signed.

    Raises:
        BadInput: A file cannot be used, or a proposal is signed by halves.
        UsageError: No proposal is signed that is no label yet.
    """
    from policy.labels import FILE, load_labels
    from policy.proposals import Proposals, accept, appended
    from pse.core.settings import load_toml
    from pse.core.time import today

    path = workspace.path(FILE)
    labels = accept(load_toml(file, Proposals), load_labels(path), today=today(), where=str(file))
    if not labels:
        raise UsageError(
            "nobody signed a proposal that is no label yet",
            where=str(file),
            hint="Who owns the data writes owner, reference and signed.",
        )
    return appended(read_bytes(path) if path.exists() else b"", labels)


def note_signed(workspace: Workspace, labels: Iterable["Label"], progress: Progress) -> None:
    """Write into the ledger who decided which category, by which paper and when."""
    from policy.deeds import note

    for label in labels:
        words = {name: getattr(label, name) for name in ("owner", "reference", "reason", "agreed_by")}
        said = {"workloads": list(label.workloads), "category": label.category.value, "signed": str(label.signed)}
        note(workspace, "labelled", {**said, **words}, progress)


def take(workspace: Workspace, text: bytes) -> Path | None:
    """Make ``text`` the workspace's labels; the former file is kept under its hash in ``.pse/labels``, and named."""
    from policy.labels import FILE

    path, kept = workspace.path(FILE), None
    if path.exists():
        former = read_bytes(path)
        kept = workspace.private / "labels" / f"{hashlib.sha256(former).hexdigest()[:12]}.toml"
        write_bytes(kept, former)
    write_bytes(path, text)
    return kept


def classified(workspace: Workspace, *, or_none: bool = False) -> tuple["Estate", "Classification"]:
    """The newest snapshot and the category of each workload and server in it; needs labels and no register.

    Args:
        workspace: Where.
        or_none: Without a snapshot take an estate of no servers.
    """
    import msgspec

    from inventory import load_estate
    from policy.flows import between
    from policy.labels import FILE, classify_by, load_labels

    estate = load_estate(workspace, or_none=or_none)
    found = classify_by(load_labels(workspace.path(FILE)), estate.servers, estate.workloads)
    flowing = between(estate.flows, estate.workloads, found.by_workload)
    return estate, msgspec.structs.replace(found, findings=(*found.findings, *flowing))


def _changes(estate: "Estate", was: "Classification", becomes: "Classification") -> Iterator[Change]:
    yield from _differing("workload", was.by_workload, becomes.by_workload)
    names = {server.id: server.hostname for server in estate.servers}
    servers = ({names[key]: said.category for key, said in one.by_server.items()} for one in (was, becomes))
    yield from _differing("server", *servers)


def _differing(
    kind: str, was: Mapping[str, "Category | None"], becomes: Mapping[str, "Category | None"]
) -> Iterator[Change]:
    for name in sorted(was):
        if was[name] != becomes[name]:
            yield Change(kind, name, was[name] or "none", becomes[name] or "none")
