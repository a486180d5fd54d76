"""Labels: which data category which servers hold. What nobody labelled is unclassified, and later refused by name.

``policy/labels.toml``::

    [[label]]
    category = "restricted"             # open public restricted sensitive secret
    hosts = ["pay*"]                    # patterns of host names, capitals do not matter
    tags = ["tier=payments"]            # tags of the inventory, exactly
    workloads = ["portal"]              # workload ids: every member
    owner = "Director Payments"
    reference = "File 12/2026"
    signed = 2026-11-01                 # day on which the owner said so
    reason = "Published since May"      # with agreed_by: only where a category becomes less strict
    agreed_by = "Director General"

A label holds for what any of its three lists names. Of several labels the strictest counts. A server that was planned
with a stricter category needs a label with owner, reason and a second person: see `policy.classified`.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date
from fnmatch import translate
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from policy.people import person
from pse.core.canonical import hash_of, read_bytes
from pse.core.documents.category import Category, strictest
from pse.core.documents.snapshot import ProposedWorkload, Server
from pse.core.errors import BadInput
from pse.core.findings import Finding, Severity
from pse.core.settings import parse_toml
from pse.core.text import printable

if TYPE_CHECKING:
    from policy.load import Policy

FILE = "policy/labels.toml"
_WILD = re.compile(r"[*?\[]")


class Label(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One label; see the module."""

    category: Category
    hosts: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    workloads: tuple[str, ...] = ()
    owner: str = ""
    reference: str = ""
    signed: date | None = None
    reason: str = ""
    agreed_by: str = ""

    @property
    def agreed(self) -> bool:
        """An owner and somebody else stand behind it, and say why."""
        two = {person(name) for name in (self.owner, self.agreed_by)} - {""}
        return len(two) == 2 and bool(self.reason.strip())

    def plain(self) -> "Label":
        """The same label with its lists sorted, each entry once."""
        lists = {name: tuple(sorted(set(getattr(self, name)))) for name in ("hosts", "tags", "workloads")}
        return msgspec.structs.replace(self, **lists)

    @property
    def words(self) -> str:
        """What it names, for a person: the same wherever in the file it stands."""
        return printable(", ".join((*self.hosts, *self.tags, *self.workloads)))


class Labels(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The file."""

    label: tuple[Label, ...] = ()

    @property
    def hash(self) -> str:
        """SHA-256 of what it says, whatever its layout and the order of its labels: the strictest counts anyway."""
        return hash_of(sorted({hash_of(label.plain()) for label in self.label}))


class Labelled(msgspec.Struct, frozen=True, kw_only=True):
    """What the labels say of one server.

    Attributes:
        category: The strictest; None when no label names it.
        labels: Positions in the file, from 0, of the labels that name it.
        reason: In words, for a person.
    """

    category: Category | None
    labels: tuple[int, ...] = ()
    reason: str = ""


class Classification(msgspec.Struct, frozen=True, kw_only=True):
    """Categories of an estate.

    Attributes:
        by_workload: Workload id to the strictest category of its members; None when a member has none.
        by_server: Server id to what the labels say.
        findings: Unclassified servers and workloads, labels that name nothing, mixed groups.
    """

    by_workload: dict[str, Category | None]
    by_server: dict[str, Labelled]
    findings: tuple[Finding, ...] = ()


def load_labels(path: Path) -> Labels:
    """Read labels; a missing file labels nothing.

    Raises:
        BadInput: Not TOML, an unknown key or category, a label that names nothing: file and path are named.
    """
    return parse_labels(read_bytes(path), where=str(path)) if path.exists() else Labels()


def parse_labels(raw: bytes, *, where: str) -> Labels:
    """Read the bytes of a file of labels; ``where`` is the file to name.

    Raises:
        BadInput: As `load_labels`.
    """
    labels = parse_toml(raw, Labels, where=where)
    for number, label in enumerate(labels.label, start=1):
        if not (label.hosts or label.tags or label.workloads):
            raise BadInput(
                "a label has to name hosts, tags or workloads",
                hint="Write at least one of the three lists.",
                where=f"{where}, row {number} of label",
            )
    return labels


def classify(policy: "Policy", servers: Sequence[Server], workloads: Sequence[ProposedWorkload]) -> Classification:
    """Categories of servers and workloads, from the labels.

    A workload takes the strictest category found on any of its members; with one unclassified member it is
    unclassified (policy.md, confidence C).

    Args:
        policy: Its labels are used.
        servers: The estate.
        workloads: Groups of those servers.
    """
    return classify_by(policy.labels, servers, workloads)


def classify_by(labels: Labels, servers: Sequence[Server], workloads: Sequence[ProposedWorkload]) -> Classification:
    """As `classify`, by labels alone: no register is needed to see which category holds."""
    index = _Index(labels)
    groups: dict[str, list[str]] = defaultdict(list)
    for workload in workloads:
        for member in workload.members:
            groups[member].append(workload.id)
    by_server = {server.id: index.find(server, groups[server.id]) for server in servers}
    nothing = Labelled(category=None)
    by_workload = {
        workload.id: strictest(by_server.get(member, nothing).category for member in workload.members)
        for workload in workloads
    }
    return Classification(
        by_workload=dict(sorted(by_workload.items())),
        by_server=dict(sorted(by_server.items())),
        findings=tuple(sorted(_findings(labels, servers, workloads, by_server, by_workload))),
    )


class _Index:
    """Labels made ready for many servers: patterns compiled once, tags and workload ids by look-up."""

    def __init__(self, labels: Labels) -> None:
        self._labels = labels.label
        self._patterns: list[tuple[int, re.Pattern[str]]] = []
        self._hosts: dict[str, list[int]] = defaultdict(list)
        self._tags: dict[str, list[int]] = defaultdict(list)
        self._workloads: dict[str, list[int]] = defaultdict(list)
        for number, label in enumerate(labels.label):
            patterns = [host.lower() for host in label.hosts if _WILD.search(host)]
            if patterns:
                self._patterns.append((number, re.compile("|".join(map(translate, patterns)))))
            for host in label.hosts:
                self._hosts[host.lower()].append(number)  # a name without a pattern in it is found by look-up
            for tag in label.tags:
                self._tags[tag].append(number)
            for workload in label.workloads:
                self._workloads[workload].append(number)

    def find(self, server: Server, workloads: Iterable[str]) -> Labelled:
        host = server.hostname.lower()
        found = {number for number, pattern in self._patterns if pattern.match(host)}
        found.update(self._hosts.get(host, ()))
        found.update(number for tag in server.tags for number in self._tags.get(tag, ()))
        found.update(number for workload in workloads for number in self._workloads.get(workload, ()))
        if not found:
            return Labelled(category=None, reason="no label names it")
        category = strictest(self._labels[number].category for number in found)
        first = min(number for number in found if self._labels[number].category is category)
        label = self._labels[first]
        said = ", ".join(filter(None, (label.owner, label.reference)))
        return Labelled(
            category=category,
            labels=tuple(sorted(found)),
            reason=f"label {first + 1} of {FILE}" + (f" ({printable(said)})" if said else ""),
        )


def _findings(
    labels: Labels,
    servers: Sequence[Server],
    workloads: Sequence[ProposedWorkload],
    by_server: dict[str, Labelled],
    by_workload: dict[str, Category | None],
) -> Iterable[Finding]:
    names = {server.id: printable(server.hostname) for server in servers}
    grouped = {member for workload in workloads for member in workload.members}
    for server in servers:
        if by_server[server.id].category is None and not server.is_template and server.id not in grouped:
            yield Finding(
                code="PSE-R101",
                severity=Severity.WARNING,
                subject=names[server.id],
                message="the server has no category and is in no workload",
                remedy=f"Label it in {FILE}.",
                source=FILE,
            )
    for workload in workloads:
        found = {member: by_server[member].category for member in workload.members if member in by_server}
        if by_workload[workload.id] is None:
            bare = sorted(names.get(m, m) for m in workload.members if found.get(m) is None)
            yield Finding(
                code="PSE-R102",
                severity=Severity.ERROR,
                subject=workload.id,
                message=f"the workload is unclassified, because no label names {', '.join(bare) or 'any member'}",
                remedy=f"Label it in {FILE}; unclassified is refused everywhere.",
                source=FILE,
            )
        elif len(set(found.values())) > 1:
            words = ", ".join(f"{names[m]} {c.value}" for m, c in sorted(found.items()) if c is not None)
            yield Finding(
                code="PSE-R103",
                severity=Severity.INFO,
                subject=workload.id,
                message=f"members differ ({words}); the strictest counts for all of them",
                remedy="Take the group apart in workloads.toml if they need not move together.",
                source=FILE,
            )
    yield from _of_labels(labels, by_server)


def _of_labels(labels: Labels, by_server: dict[str, Labelled]) -> Iterable[Finding]:
    if not by_server:
        if labels.label:
            yield Finding(
                code="PSE-R105",
                severity=Severity.INFO,
                subject=FILE,
                message="there are no servers yet that the labels could name",
                remedy="Run `pse discover` or `pse import` if there is an old server room.",
                source=FILE,
            )
        return
    used = {number for said in by_server.values() for number in said.labels}
    for number, label in enumerate(labels.label):
        unsaid = [name for name in ("owner", "reference", "signed") if not getattr(label, name)]
        if unsaid:
            yield Finding(
                code="PSE-R110",
                severity=Severity.WARNING,
                subject=f"{FILE}, label of {label.plain().words}",
                message=f"nobody signed for it: it has no {', '.join(unsaid)}",
                remedy="Let the data's owner say it, and write owner, reference and signed, the day, into the label.",
                source=FILE,
            )
        if number not in used:
            yield Finding(
                code="PSE-R104",
                severity=Severity.WARNING,
                subject=f"{FILE}, label of {label.plain().words}",
                message=f"the label ({label.category.value}) names nothing that was found",
                remedy="Check its patterns, tags and workload ids.",
                source=FILE,
            )
