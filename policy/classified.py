"""What each server was last planned as: a category that becomes less strict needs a reason and a second person.

``.pse/classified.json`` keeps the last category of every server that had one, signed with the workspace's key, and the
ledger says that it is there, so that taking the file away is no way round. A server that loses its category keeps its
last one here: it is refused until it has a label again, and then that label counts as following the last one.

Environments, which have no servers yet, are kept in the same way: their files say who agreed.
"""

from collections.abc import Mapping, Sequence

import msgspec

from policy.deeds import note
from policy.labels import FILE as LABELS
from policy.labels import Label, Labelled, Labels
from policy.ledger import Ledger
from policy.signednote import Signed, SignedNote
from pse.core.canonical import hash_of
from pse.core.documents.category import Category
from pse.core.documents.snapshot import Server
from pse.core.errors import Refused
from pse.core.progress import Progress, silent
from pse.core.settings import Workspace
from pse.core.text import counted, printable

FILE = "classified.json"
KEPT = "classified"
"""Kind of the ledger's entry about a new record."""
LOWERED = "downgrade"
"""Kind of the ledger's entry about a server whose category became less strict."""
_SHOWN = 5
_HINT = f"Bring .pse/{FILE} back from a backup; it says what each server was planned as."
_AGREE = (
    f"Keep the category, or give the label in {LABELS} (of something new: its file in environments) an owner, a reason "
    "and agreed_by, which names a second person."
)


class Record(Signed, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The last category of each server, by its id, and of each environment, by its file's path without ``.toml``."""

    categories: dict[str, Category]


RECORD = SignedNote(FILE, Record, before=b"pse classified\n", hint=_HINT)


class Downgrade(msgspec.Struct, frozen=True, kw_only=True):
    """One server whose category became less strict, and the label that two people stand behind.

    Attributes:
        server: Host name, or id of an environment.
        was: Category that it was last planned as.
        becomes: Category by today's labels.
        label: The label that says so.
    """

    server: str
    was: Category
    becomes: Category
    label: Label


def downgrades(
    workspace: Workspace,
    labels: Labels,
    servers: Sequence[Server],
    found: Mapping[str, Labelled],
    *,
    where: str = "",
) -> tuple[Downgrade, ...]:
    """Servers whose category is less strict than what they were last planned as, each agreed to.

    Args:
        workspace: Whose record.
        labels: Today's.
        servers: The estate.
        found: What the labels say, by server id; see `policy.labels.classify_by`.
        where: File that the labels are in, for messages; the workspace's own when empty.

    Raises:
        Refused: Nobody, or only one person, agreed to one of them; or the record was altered or is gone.
    """
    known = _known(workspace)
    agreed, alone = [], []
    for server in servers:
        was, now = known.get(server.id), found[server.id].category
        if was is None or now is None or now.rank >= was.rank:
            continue
        saying = [labels.label[number] for number in found[server.id].labels]
        label = next((one for one in saying if one.category is now and one.agreed), None)
        if label is None:
            alone.append(f"{printable(server.hostname)} ({was.value} to {now.value})")
        else:
            agreed.append(Downgrade(server=server.hostname, was=was, becomes=now, label=label))
    if alone:
        shown = ", ".join(sorted(alone)[:_SHOWN]) + (f" and {len(alone) - _SHOWN} more" if len(alone) > _SHOWN else "")
        many = counted(len(alone), "category", "categories")
        raise Refused(
            f"{many} would become less strict, and no second person agreed: {shown}",
            where=where or str(workspace.path(LABELS)),
            hint=_AGREE,
        )
    return tuple(agreed)


def remember(
    workspace: Workspace,
    found: Mapping[str, Labelled],
    lowered: Sequence[Downgrade] = (),
    progress: Progress = silent,
) -> None:
    """Write the downgrades into the ledger, keep today's categories as the last ones, and say there that they are kept.

    Args:
        workspace: Whose record.
        found: What the labels say, by server id.
        lowered: What `downgrades` gave.
        progress: Told when the ledger takes no entry.

    Raises:
        BadInput: No key here.
        Refused: The record was altered, or the key here is not the pinned one.
    """
    known = _known(workspace)
    now = known | {server: said.category for server, said in found.items() if said.category is not None}
    if now == known:
        return
    for one in lowered:
        words = {name: str(getattr(one.label, name) or "") for name in ("owner", "agreed_by", "reason", "reference")}
        note(
            workspace,
            LOWERED,
            {"server": one.server, "was": one.was.value, "becomes": one.becomes.value, **words},
            progress,
        )
    RECORD.write(workspace, Record(categories=dict(sorted(now.items()))))
    # Last: a ledger that speaks of a record which a crash kept from being written would stop every plan.
    note(workspace, KEPT, {"servers": len(now), "hash": hash_of(now)}, progress)


def _known(workspace: Workspace) -> dict[str, Category]:
    record = RECORD.read(workspace)
    if record is not None:
        return record.categories
    # Only here is the whole ledger read: where there is a record, it speaks for itself.
    if any(entry.kind == KEPT for entry in Ledger(workspace).entries()):
        raise Refused(
            "the record of what servers were classified as is gone", where=str(workspace.private / FILE), hint=_HINT
        )
    return {}
