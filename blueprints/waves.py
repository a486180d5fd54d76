"""Waves: which workloads move together. Greedy for now; deterministic, and every wave says why."""

from collections.abc import Iterable

import msgspec

from blueprints.model import Wanted
from pse.core.documents.category import Category
from pse.core.documents.plan import Wave
from pse.core.findings import Finding, Severity
from pse.core.text import counted


class Waves(msgspec.Struct, frozen=True, kw_only=True):
    """The waves and, by workload id, the number of its wave."""

    waves: tuple[Wave, ...]
    number: dict[str, int]
    findings: tuple[Finding, ...] = ()


class _Open(msgspec.Struct):
    number: int
    category: Category | None = None
    workloads: list[Wanted] = []
    declared: set[str] = set()

    @property
    def servers(self) -> int:
        return sum(len(w.servers) for w in self.workloads)


def make_waves(moving: Iterable[Wanted], *, capacity: int) -> Waves:
    """Put workloads into waves of at most ``capacity`` servers.

    A declared wave wins. The others follow from less to more sensitive, small before large, a wave holding one
    category only, so that what is learnt on open data comes before what must not fail. A workload that is larger than
    a wave has one of its own and a finding.
    """
    workloads = sorted(moving, key=lambda w: (w.category.rank if w.category else 9, len(w.servers), w.id))
    waves: dict[int, _Open] = {}
    for wanted in workloads:
        if wanted.declared.wave is not None:
            wave = waves.setdefault(wanted.declared.wave, _Open(wanted.declared.wave))
            wave.workloads.append(wanted)
            wave.declared.add(wanted.id)
    at = 1
    for wanted in workloads:
        if wanted.declared.wave is not None:
            continue
        while not _takes(waves.setdefault(at, _Open(at)), wanted, capacity):
            at += 1
        waves[at].workloads.append(wanted)
        waves[at].category = wanted.category
    filled = [wave for _, wave in sorted(waves.items()) if wave.workloads]
    return Waves(
        waves=tuple(_wave(wave) for wave in filled),
        number={wanted.id: wave.number for wave in filled for wanted in wave.workloads},
        findings=tuple(_too_large(wave, capacity) for wave in filled if wave.servers > capacity),
    )


def _takes(wave: _Open, wanted: Wanted, capacity: int) -> bool:
    if not wave.workloads:
        return True
    fits = wave.servers + len(wanted.servers) <= capacity
    return fits and (wave.category is None or wave.category == wanted.category)


def _wave(wave: _Open) -> Wave:
    reasons = []
    chosen = [w for w in wave.workloads if w.id not in wave.declared]
    if wave.declared:
        reasons.append(f"declared for it: {', '.join(sorted(wave.declared))}")
    if chosen:
        categories = sorted({w.category for w in chosen if w.category}, key=lambda c: c.rank)
        reasons.append(f"{' and '.join(categories)} data, less sensitive before more, small before large")
    unknown = sum(move.size_mib is None for w in wave.workloads for move in w.moves)
    if unknown:
        reasons.append(f"{counted(unknown, 'move')} of unknown size")
    return Wave(
        number=wave.number,
        workloads=tuple(sorted(w.id for w in wave.workloads)),
        servers=wave.servers,
        size_mib=sum(w.moved_mib for w in wave.workloads),
        why="; ".join(reasons),
    )


def _too_large(wave: _Open, capacity: int) -> Finding:
    return Finding(
        code="PSE-B010",
        severity=Severity.WARNING,
        subject=f"wave {wave.number}",
        message=f"moves {counted(wave.servers, 'server')}, more than the {capacity} that plan.wave_servers allows",
        remedy="Split the workload, declare other waves in workloads.toml, or raise wave_servers.",
        source="workloads.toml",
    )
