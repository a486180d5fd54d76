"""Discovery: asks many hosts at once; one bad host never delays or stops the others."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from fnmatch import fnmatchcase

import msgspec

from inventory.asking import Asked, Asker, HostResult
from inventory.estate import Estate, current
from inventory.groups import SAID
from inventory.hosts import HostEntry, load_hosts, some
from inventory.losses import TOLD
from inventory.store import record
from pse.core.errors import BadInput, UsageError
from pse.core.findings import Finding, Severity
from pse.core.progress import Event, Progress, silent
from pse.core.settings import Workspace
from pse.core.structs import prepare_structs


class Discovery(msgspec.Struct, frozen=True, kw_only=True):
    """What a run found.

    Attributes:
        estate: All that is known now, of this and earlier runs and imports.
        hosts: One result a host asked, in the order of the file.
        findings: Of this run: hosts that could not be asked, what binds though it was not seen to talk, and what
            ``workloads.toml`` says of servers that are not there. What was found on hosts is in the estate's manifest.
    """

    estate: Estate
    hosts: tuple[HostResult, ...]
    findings: tuple[Finding, ...] = ()


def discover(
    workspace: Workspace,
    *,
    accept_new: bool = False,
    only: Sequence[str] = (),
    facts: Sequence[str] = (),
    progress: Progress = silent,
) -> Discovery:
    """Ask the hosts of ``hosts.toml`` and write a new snapshot.

    Args:
        workspace: Whose hosts.
        accept_new: Pin the keys of hosts that have no pin yet; a changed key is refused all the same.
        only: Names or patterns (``por*``) of the hosts to ask, capitals or not; empty for all.
        facts: Names of the facts to read, see `inventory.facts.TABLE`; empty for all.
        progress: Told of each host as it is done.

    Raises:
        UsageError: Something in ``only`` matches no host of the file.
        BadInput: ``hosts.toml`` names no host; it, the pins, the database or ``workloads.toml`` cannot be used.
    """
    entries = {entry.name: entry for entry in load_hosts(workspace)}
    current(workspace)  # what would stop us at the end has to stop us before any host is asked
    chosen = _chosen(workspace, entries, only)
    asker = Asker(workspace, entries, accept_new=accept_new, facts=facts)
    asked: dict[str, Asked] = {}
    progress(Event(step="discover", state="start", done=0, total=len(chosen), unit="hosts"))
    prepare_structs()
    with ThreadPoolExecutor(max(1, workspace.settings.discovery.parallel), thread_name_prefix="discover") as pool:
        work = [pool.submit(asker.ask, entry) for entry in chosen]
        for future in as_completed(work):
            answer = future.result()
            asked[answer.result.host] = answer
            progress(_event(answer.result, len(asked), len(chosen)))
    results = tuple(asked[entry.name].result for entry in chosen)
    sightings = [s for entry in chosen if (s := asked[entry.name].sighting)]
    estate = record(workspace, sightings)
    progress(Event(step="discover", state="done", done=len(sightings), total=len(chosen), unit="hosts"))
    quiet = (f for f in estate.manifest.findings if f.code in {"PSE-I130", *SAID, *TOLD})
    return Discovery(estate=estate, hosts=results, findings=(*(f for r in results for f in _findings(r)), *quiet))


def _chosen(workspace: Workspace, entries: dict[str, HostEntry], only: Sequence[str]) -> list[HostEntry]:
    def fits(name: str, pattern: str) -> bool:
        return name == pattern or fnmatchcase(name.lower(), pattern.lower())

    if not entries:
        raise BadInput(
            "hosts.toml names no host",
            where=str(workspace.path("hosts.toml")),
            hint="Write a `[[host]]` with name, address, user and key for each host (an example is in "
            "docs/own-estate.md), or take servers with `pse import FILE`.",
        )
    for pattern in only:
        if not any(fits(name, pattern) for name in entries):
            raise UsageError(
                f"no host {pattern!r} in hosts.toml",
                where=str(workspace.path("hosts.toml")),
                hint=f"Its hosts are: {some(entries)}.",
            )
    return [entry for name, entry in entries.items() if not only or any(fits(name, pattern) for pattern in only)]


def _event(result: HostResult, done: int, total: int) -> Event:
    good = result.status in {"ok", "partial"}
    return Event(
        step="discover",
        state="update" if good else "failed",
        subject=result.host,
        message=f"{result.status} {result.message}".strip(),
        done=done,
        total=total,
        unit="hosts",
    )


def _findings(result: HostResult) -> list[Finding]:
    if result.status in {"ok", "partial"}:
        return []
    return [
        Finding(
            code="PSE-I001",
            severity=Severity.ERROR,
            subject=result.host,
            message=f"{result.status}: {result.message}",
            remedy=result.hint,
            source=f"ssh:{result.host}",
        )
    ]
