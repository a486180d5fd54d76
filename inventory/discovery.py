"""Discovery: asks many hosts at once; one bad host never delays or stops the others."""

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from fnmatch import fnmatchcase
from queue import SimpleQueue

import msgspec

from inventory.asking import Asked, Asker, HostResult
from inventory.estate import Estate, current, load_estate
from inventory.groups import SAID
from inventory.hosts import HostEntry, load_hosts, some
from inventory.losses import TOLD
from inventory.ssh.connection import NO_ANSWER
from inventory.store import keep, record, seen
from inventory.turns import Turns
from pse.core.errors import BadInput, UsageError
from pse.core.findings import Finding, Severity
from pse.core.progress import Event, Progress, silent
from pse.core.settings import Workspace
from pse.core.structs import prepare_structs
from pse.core.time import now

_KEEP_EVERY = 200
"""Hosts after which what came is kept: as much as a run that is killed loses."""
_GOOD = ("ok", "partial")
"""Status of a host of which something was seen."""
_TELL_EACH = 100
"""Up to so many hosts each is told of; of more only those that failed, and how far the run is."""


class Discovery(msgspec.Struct, frozen=True, kw_only=True):
    """What a run found.

    Attributes:
        estate: All that is known now, of this and earlier runs and imports.
        empty: Addresses of ranges at which nobody answered; they have no result.
        hosts: One result a host asked, in the order of the file.
        findings: Of this run: hosts that could not be asked, what binds though it was not seen to talk, and what
            ``workloads.toml`` says of servers that are not there. What was found on hosts is in the estate's manifest.
    """

    estate: Estate
    hosts: tuple[HostResult, ...]
    empty: int = 0
    findings: tuple[Finding, ...] = ()


def discover(
    workspace: Workspace,
    *,
    accept_new: bool = False,
    only: Sequence[str] = (),
    facts: Sequence[str] = (),
    max_age: timedelta | None = None,
    measure: bool = False,
    progress: Progress = silent,
) -> Discovery:
    """Ask the hosts of ``hosts.toml`` and write a new snapshot.

    Args:
        workspace: Whose hosts.
        accept_new: Pin the keys of hosts that have no pin yet; a changed key is refused all the same.
        only: Names or patterns (``por*``) of the hosts to ask, capitals or not; empty for all.
        facts: Names of the facts to read, see `inventory.facts.TABLE`; empty for all.
        max_age: Leave out hosts that were seen not longer ago than this: so a run that was interrupted goes on where it
            was. What is finished is kept from time to time, and when the run is interrupted.
        measure: Read counters of use only, of hosts that are known, and leave the snapshot as it is: for visits every
            few minutes, see `inventory.use`.
        progress: Told of each host as it is done.

    Raises:
        UsageError: Something in ``only`` matches no host of the file.
        BadInput: ``hosts.toml`` names no host; it, the pins, the database or ``workloads.toml`` cannot be used.
    """
    entries = {entry.name: entry for entry in load_hosts(workspace, ranges=True)}
    current(workspace)  # what would stop us at the end has to stop us before any host is asked
    chosen = _chosen(workspace, entries, only)
    fresh = _fresh(workspace, chosen, max_age)
    asker = Asker(workspace, entries, accept_new=accept_new, facts=("use",) if measure else facts)
    run = _Run(workspace, [entry for entry in chosen if entry.name not in fresh], entries, progress, use_only=measure)
    asked = run.all(asker.ask)
    results = tuple(
        result for entry in chosen if not _nobody(entry, result := fresh.get(entry.name) or asked[entry.name].result)
    )
    sightings = [s for entry in chosen if entry.name in asked and (s := asked[entry.name].sighting)]
    if measure:
        keep(workspace, sightings, use_only=True)
    estate = load_estate(workspace, or_none=True) if measure else record(workspace, sightings)
    good = sum(answer.result.status in _GOOD for answer in asked.values())
    progress(Event(step="discover", state="done", done=good, total=len(asked), unit="hosts"))
    quiet = (f for f in estate.manifest.findings if f.code in {"PSE-I130", *SAID, *TOLD})
    return Discovery(
        estate=estate,
        hosts=results,
        empty=len(chosen) - len(results),
        findings=(*(f for r in results for f in _findings(r)), *quiet),
    )


def _nobody(entry: HostEntry, result: HostResult) -> bool:
    """No host has this address of a range, or at least none that can be asked: nothing that anybody has to look at."""
    return entry.ranged and (result.status == "unreachable" or result.message == NO_ANSWER)


def _fresh(workspace: Workspace, chosen: Sequence[HostEntry], max_age: timedelta | None) -> dict[str, HostResult]:
    """Results of the hosts that were seen not longer ago than ``max_age``."""
    if max_age is None:
        return {}
    last, since = seen(workspace), now() - max_age
    return {
        entry.name: HostResult(host=entry.name, status="fresh", message=f"seen at {at:%Y-%m-%d %H:%M} UTC")
        for entry in chosen
        if (at := last.get(f"ssh:{entry.name}")) is not None and at > since
    }


class _Run:
    """Asks the hosts in as many threads as the settings allow, and keeps what came even when it is interrupted."""

    def __init__(
        self,
        workspace: Workspace,
        hosts: Sequence[HostEntry],
        every: Mapping[str, HostEntry],
        progress: Progress,
        *,
        use_only: bool,
    ) -> None:
        self._workspace = workspace
        self._use_only = use_only
        self._total = len(hosts)
        self._progress = progress
        self._turns = Turns(hosts, every, workspace.settings.discovery)
        self._answers: SimpleQueue[Asked] = SimpleQueue()
        self._began = time.monotonic()

    def all(self, ask: Callable[[HostEntry], Asked]) -> dict[str, Asked]:
        """The answers by name of host, without what was seen where the store has it already."""
        asked: dict[str, Asked] = {}
        kept = 0
        self._progress(Event(step="discover", state="start", done=0, total=self._total, unit="hosts"))
        prepare_structs()
        count = min(self._workspace.settings.discovery.parallel, self._total)
        threads = [
            threading.Thread(target=self._work, args=(ask,), daemon=True, name=f"discover-{number}")
            for number in range(count)
        ]
        for thread in threads:
            thread.start()
        try:
            while len(asked) < self._total:
                answer = self._answers.get()
                asked[answer.result.host] = answer
                self._tell(answer.result, len(asked))
                if len(asked) - kept >= _KEEP_EVERY:
                    self._keep(asked)
                    kept = len(asked)
        except BaseException:
            self._turns.close()
            self._keep(asked)
            raise
        for thread in threads:
            thread.join()
        return asked

    def _work(self, ask: Callable[[HostEntry], Asked]) -> None:
        while (entry := self._turns.take()) is not None:
            answer = ask(entry)
            if not self._turns.give_back(entry, again=answer.again):
                self._answers.put(answer)

    def _keep(self, asked: dict[str, Asked]) -> None:
        """Hand what was seen to the store, and hold it no longer."""
        found = {host: answer.sighting for host, answer in asked.items() if answer.sighting}
        keep(self._workspace, [*found.values()], use_only=self._use_only)
        for host in found:
            asked[host] = msgspec.structs.replace(asked[host], sighting=None)

    def _tell(self, result: HostResult, done: int) -> None:
        good = result.status in _GOOD
        if self._total <= _TELL_EACH or not good:
            self._progress(
                Event(
                    step="discover",
                    state="update" if good else "failed",
                    subject=result.host,
                    message=f"{result.status} {result.message}".strip(),
                    done=done,
                    total=self._total,
                    unit="hosts",
                )
            )
        if self._total > _TELL_EACH:
            rate = done / max(0.001, time.monotonic() - self._began)
            left = (self._total - done) / rate
            self._progress(
                Event(
                    step="discover",
                    state="update",
                    message=f"{rate:.1f} hosts a second, about {left:.0f} s left",
                    done=done,
                    total=self._total,
                    unit="hosts",
                    data={"per_second": round(rate, 2), "left_s": round(left)},
                )
            )


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


def _findings(result: HostResult) -> list[Finding]:
    if result.status in (*_GOOD, "fresh"):
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
