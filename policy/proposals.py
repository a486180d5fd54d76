"""Proposals: which category a workload's data seems to have, by what was found. A named data owner decides.

``policy/proposals.toml`` is written by `pse label --propose` and decides nothing. The owner of the data fills in who
decided, by which paper and on which day, and `pse label --accept` makes labels of what is signed::

    [[proposal]]
    workload = "db1"
    proposed = "restricted"
    confidence = "high"
    reasons = ["CNIC, numbers of national identity cards: column citizen.cnic on db1"]
    category = "restricted"             # what the owner decides
    reason = ""                         # why, where it is less strict than what is proposed
    owner = "Director Payments"
    reference = "File 12/2026"
    signed = 2026-11-26
"""

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path

import msgspec

from policy.clues import Clue, Confidence, Seen, clues_in
from policy.labels import Label, Labels
from pse.core.documents.category import Category
from pse.core.documents.snapshot import ProposedWorkload, Server
from pse.core.errors import BadInput
from pse.core.findings import Finding, Severity
from pse.core.settings import load_toml
from pse.core.text import printable

FILE = "policy/proposals.toml"
_SHOWN = 3
_HEAD = """\
# Proposed by what was found: names of hosts, mounts, services, databases, and tables and columns that somebody listed.
# Nothing here decides anything. Who owns the data decides: fill in category, owner, reference and
# `signed = YYYY-MM-DD`, then run `pse label --accept`.
"""


class Proposal(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One workload's; see the module.

    Attributes:
        workload: Its id.
        proposed: The strictest category that any clue says.
        confidence: Of the surest clue that says so.
        reasons: Every clue, and where it was found.
        category: What the owner decides.
        reason: Why, where that is less strict than proposed.
        agreed_by: A second person, where the data was planned more strictly before; see `policy.classified`.
        owner: Who decides.
        reference: Paper that says so.
        signed: Day on which the owner said so.
    """

    workload: str
    proposed: Category
    confidence: Confidence
    reasons: tuple[str, ...]
    category: Category
    reason: str = ""
    agreed_by: str = ""
    owner: str = ""
    reference: str = ""
    signed: date | None = None


class Proposals(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The file."""

    proposal: tuple[Proposal, ...] = ()


def propose(
    clues: Sequence[Clue],
    servers: Sequence[Server],
    workloads: Iterable[ProposedWorkload],
    seen: Iterable[Seen],
) -> dict[str, Proposal]:
    """What the clues say of each workload, by its id; a workload without a clue has no proposal.

    Args:
        clues: See `policy.clues.load_clues`.
        servers: The estate.
        workloads: Its groups.
        seen: Names that were found; see `policy.found`.
    """
    hosts = {server.id: server.hostname for server in servers}
    by_server: dict[str, dict[Clue, list[str]]] = defaultdict(lambda: defaultdict(list))
    for one in seen:
        for clue in clues_in(clues, one):
            by_server[one.server][clue].append(f"{one.look} {one.name} on {hosts.get(one.server, one.server)}")
    found = {}
    for workload in workloads:
        places: dict[Clue, list[str]] = defaultdict(list)
        for member in workload.members:
            for clue, where in by_server.get(member, {}).items():
                places[clue].extend(where)
        if places:
            found[workload.id] = _proposal(workload.id, places)
    return found


def undecided(
    found: Mapping[str, Proposal], categories: Mapping[str, Category | None], before: Iterable[Proposal] = ()
) -> tuple[Proposal, ...]:
    """Proposals for workloads without a category, with what owners have filled in already.

    Args:
        found: See `propose`.
        categories: By workload id, by today's labels.
        before: Proposals of the file that stands.
    """
    kept = {one.workload: one for one in before}
    return tuple(_kept(one, kept.get(name)) for name, one in sorted(found.items()) if categories.get(name) is None)


def stricter(found: Mapping[str, Proposal], categories: Mapping[str, Category | None]) -> Iterator[Finding]:
    """PSE-R111 for every workload whose label is less strict than what the clues say; the label counts."""
    for name, one in sorted(found.items()):
        category = categories.get(name)
        if category is not None and category.rank < one.proposed.rank:
            yield Finding(
                code="PSE-R111",
                severity=Severity.WARNING,
                subject=name,
                message=f"it is labelled {category}, and what was found looks like {one.proposed} data "
                f"({one.confidence} confidence): {'; '.join(one.reasons)}",
                remedy="Ask the owner of the data to look again; the label counts until then.",
                source=FILE,
            )


def load_proposals(path: Path) -> Proposals:
    """Read proposals; a missing file proposes nothing.

    Raises:
        BadInput: Not TOML, an unknown key or a wrong value: file and path are named.
    """
    return load_toml(path, Proposals) if path.exists() else Proposals()


def text_of(proposals: Iterable[Proposal]) -> bytes:
    """The file's text."""
    return (_HEAD + "".join(f"\n{_table('proposal', one)}" for one in proposals)).encode()


def accept(proposals: Proposals, labels: Labels, *, today: date, where: str) -> tuple[Label, ...]:
    """Labels of what owners have signed, without those that are there already.

    Args:
        proposals: The file.
        labels: Today's.
        today: No paper is of a later day.
        where: The file, for messages.

    Raises:
        BadInput: Signed by halves or in the future, or less strict than proposed without a reason: the row is named.
    """
    known = {label.plain() for label in labels.label}
    made = []
    for number, one in enumerate(proposals.proposal):
        said = (one.owner.strip(), one.reference.strip(), one.signed)
        if not any(said):
            continue
        at = f"{where}, $.proposal[{number}]"
        if not all(said) or one.signed is None:
            raise BadInput(
                f"{printable(one.workload)} is signed by halves",
                where=at,
                hint="owner, reference and signed go together.",
            )
        if one.signed > today:
            raise BadInput(f"signed on {one.signed}, a day to come", where=f"{at}.signed")
        if one.category.rank < one.proposed.rank and not one.reason.strip():
            raise BadInput(
                f"{printable(one.workload)} is to be {one.category}, and {one.proposed} is proposed",
                where=f"{at}.reason",
                hint="Write the reason; who reads the label asks for it.",
            )
        label = Label(
            category=one.category,
            workloads=(one.workload,),
            owner=one.owner.strip(),
            reference=one.reference.strip(),
            signed=one.signed,
            reason=one.reason.strip(),
            agreed_by=one.agreed_by.strip(),
        )
        if label not in known:
            made.append(label)
    return tuple(made)


def appended(text: bytes, labels: Iterable[Label]) -> bytes:
    """The text of a file of labels with ``labels`` at its end."""
    before = text if not text or text.endswith(b"\n") else text + b"\n"
    return before + "".join(f"\n{_table('label', label)}" for label in labels).encode()


def _proposal(workload: str, places: Mapping[Clue, Sequence[str]]) -> Proposal:
    strictest = max((clue.category for clue in places), key=lambda category: category.rank)
    sure = max((clue.confidence for clue in places if clue.category is strictest), key=lambda one: one.rank)
    order = sorted(places, key=lambda clue: (-clue.category.rank, -clue.confidence.rank, clue.id))
    return Proposal(
        workload=workload,
        proposed=strictest,
        confidence=sure,
        reasons=tuple(f"{clue.id}, {clue.text}: {_words(places[clue])}" for clue in order),
        category=strictest,
    )


def _words(where: Sequence[str]) -> str:
    found = sorted(set(where))
    more = f" and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
    return printable(", ".join(found[:_SHOWN])) + more


def _kept(one: Proposal, before: Proposal | None) -> Proposal:
    """``one`` with what an owner has filled in; what was proposed before and is stricter now has to be signed anew."""
    if before is None or one.proposed.rank > before.proposed.rank:
        return one
    filled = {
        name: getattr(before, name) for name in ("category", "reason", "agreed_by", "owner", "reference", "signed")
    }
    return msgspec.structs.replace(one, **filled)


def _table(name: str, row: msgspec.Struct) -> str:
    """One table of an array of tables in TOML; what is not known is left out."""
    lines = [f"[[{name}]]"]
    for key, value in msgspec.structs.asdict(row).items():
        if isinstance(value, tuple):
            lines += [f"{key} = [{', '.join(map(_quoted, value))}]"] if value else []
        elif value is not None and (value or name == "proposal"):
            lines.append(f"{key} = {value.isoformat() if isinstance(value, date) else _quoted(value)}")
    return "\n".join(lines) + "\n"


def _quoted(text: str) -> str:
    # A JSON string is a TOML string once nothing in it needs JSON's own ways for what no TOML file may hold.
    return json.dumps(printable(text), ensure_ascii=False)
