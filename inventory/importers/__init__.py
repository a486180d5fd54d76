"""Importers: files of other tools, recognised by content; others come by the entry point group ``pse.importers``."""

from collections.abc import Iterable
from importlib.metadata import entry_points
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from msgspec import structs

from inventory.estate import Estate
from inventory.importers.reading import Importer, ReadFile, Source, Totals
from pse.core.collector import without_collector
from pse.core.errors import BadInput, UsageError
from pse.core.findings import Finding
from pse.core.progress import Event, Progress, silent
from pse.core.settings import Workspace
from pse.core.text import printable

if TYPE_CHECKING:
    from pse.core.tables.table import Tables

GROUP = "pse.importers"
__all__ = ["Import", "Importer", "ReadFile", "Source", "Totals", "import_file", "kept", "known", "read_file"]


class Import(msgspec.Struct, frozen=True, kw_only=True):
    """What an import did: ``rows`` = ``servers`` + ``templates`` + ``skipped``.

    Attributes:
        estate: All that is known now.
        importer: Name of the importer that knew the file.
        title: The kind of file in words.
        files: Names of the files that were read.
        rows: Rows of machines in the file.
        servers: Rows taken as servers.
        templates: Rows taken as templates.
        skipped: Rows left out; each has a finding with sheet and row.
        totals: Sums over the rows taken.
        findings: What was found out while reading, and about workloads by `inventory.groups.propose`.
    """

    estate: Estate
    importer: str
    title: str
    files: tuple[str, ...]
    rows: int
    servers: int
    templates: int
    skipped: int
    totals: Totals
    findings: tuple[Finding, ...] = ()


def import_file(
    workspace: Workspace, path: Path, *, format_: str = "", mapping: Path | None = None, progress: Progress = silent
) -> Import:
    """Read ``path`` and write a new snapshot.

    Args:
        workspace: Where.
        path: A file, or a folder of files that one export wrote.
        format_: Name of the importer to use; empty to find it by the content.
        mapping: A file that says which column is what; see `inventory.importers.mapping`.
        progress: Told about it.

    Raises:
        BadInput: No importer knows the file, or it cannot be used; nothing was changed.
        UsageError: There is no such format.
    """
    progress(Event(step="import", state="start", subject=printable(path.name)))
    with without_collector():
        importer, source, found = read_file(path, format_=format_, mapping=mapping)
    subject = printable(path.name)
    return kept(
        workspace,
        found,
        name=importer.name,
        title=importer.title,
        files=_files(source),
        subject=subject,
        progress=progress,
    )


def kept(
    workspace: Workspace,
    found: ReadFile,
    *,
    name: str,
    title: str,
    files: tuple[str, ...],
    subject: str,
    progress: Progress = silent,
) -> Import:
    """Write a new snapshot with what was read.

    Args:
        workspace: Where.
        found: What was read.
        name: Of the importer.
        title: The kind of source in words.
        files: Names of what was read.
        subject: What progress is told about.
        progress: Told about it.

    Raises:
        BadInput: The workspace cannot be used.
    """
    from inventory.groups import SAID
    from inventory.losses import TOLD
    from inventory.store import record
    from inventory.use import take_usage

    progress(Event(step="import", state="update", subject=subject, done=found.rows, unit="rows"))
    with without_collector():
        estate = record(workspace, found.sightings, replaces=found.prefix, said=found.findings)
        hosts = {source: server.hostname for server in estate.servers for source in server.sources}
        measured = (structs.replace(usage, host=hosts[source]) for source, usage in found.usages if source in hosts)
        take_usage(workspace, measured)
    progress(Event(step="import", state="done", subject=subject, done=found.rows, unit="rows"))
    own = tuple(f for s in found.sightings for f in s.findings)
    said = (f for f in estate.manifest.findings if f.code in SAID | TOLD)
    return Import(
        estate=estate,
        importer=name,
        title=title,
        files=files,
        rows=found.rows,
        servers=found.servers,
        templates=found.templates,
        skipped=found.skipped,
        totals=found.totals,
        findings=tuple(sorted({*found.findings, *own, *said})),
    )


def read_file(path: Path, *, format_: str = "", mapping: Path | None = None) -> tuple[Importer, Source, ReadFile]:
    """Read ``path`` and change nothing; the importer that knew it comes along. Raises as `import_file` does."""
    from inventory.importers.declared import Declared
    from inventory.importers.opening import open_source

    importers: tuple[Importer, ...] = (Declared.at(mapping),) if mapping is not None else known()
    if format_ and mapping is None:
        importers = tuple(one for one in importers if one.name == format_)
        if not importers:
            names = ", ".join(one.name for one in known())
            raise UsageError(f"no such format: {printable(format_)}", hint=f"Formats: {names}.")
    source = open_source(path)
    for importer in importers:
        if importer.knows(source):
            with without_collector():
                return importer, source, importer.read(source)
    raise _unknown(source, importers, forced=bool(format_ or mapping))


def known() -> tuple[Importer, ...]:
    """All importers, the most particular first; those of other packages come before the one for plain lists."""
    from inventory.importers.registry import built_in

    own, last = built_in()
    names = {one.name for one in (*own, *last)}
    others = [
        entry.load()() for entry in sorted(entry_points(group=GROUP), key=lambda e: e.name) if entry.name not in names
    ]
    return (*own, *others, *last)


def _files(source: Source) -> tuple[str, ...]:
    from pse.core.tables.table import Tables

    names: Iterable[str]
    names = (f.name for f in source.files) if isinstance(source, Tables) else (d.name for d in source.documents)
    return tuple(printable(name) for name in names)


def _unknown(source: Source, importers: tuple[Importer, ...], *, forced: bool) -> BadInput:
    from pse.core.tables.table import Tables

    if not isinstance(source, Tables):
        why = "JSON, but neither facts of Ansible nor a state of Terraform"
    else:
        why = f"no table of servers that is known here; its {_shown(source)}"
    kinds = "; ".join(one.title for one in importers)
    hint = (
        f"Wanted here: {kinds}."
        if forced
        else f"Write a mapping file (docs/importing.md). Known by themselves: {kinds}."
    )
    return BadInput(why, where=str(source.path), hint=hint)


def _shown(source: "Tables") -> str:
    if source.kind == "workbook":
        return "sheets are: " + ", ".join(printable(table.name) for table in source.tables[:10])
    head = source.tables[0].head() if source.tables else ()
    first = ", ".join(printable(cell)[:40] for cell in list(head[0].cells.values())[:10]) if head else "nothing"
    return f"first row is: {first}"
