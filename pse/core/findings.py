"""What the tool found out about an estate: values that are collected, never raised."""

from collections.abc import Iterable
from enum import StrEnum

import msgspec


class Severity(StrEnum):
    """How much a finding matters; ordered by ``rank``."""

    INFO = "info"
    WARNING = "warning"
    ERROR = "error"

    @property
    def rank(self) -> int:
        """0 for info up to 2 for error."""
        return list(Severity).index(self)


class Finding(msgspec.Struct, frozen=True, order=True, kw_only=True, omit_defaults=True):
    """One thing found out about an estate.

    Attributes:
        code: ``PSE-`` + room letter + three digits, such as ``PSE-R014``; each has its line in ``docs/findings.md``.
        severity: See `Severity`.
        subject: The host, workload, file and row, or place that it is about.
        message: What was found, in words.
        remedy: What to do about it.
        source: The fact, file, rule or clause that it comes from.
    """

    code: str
    severity: Severity
    subject: str
    message: str
    remedy: str = ""
    source: str = ""


def worst(findings: Iterable[Finding]) -> Severity | None:
    """The highest severity among ``findings``; None when there is none."""
    return max((f.severity for f in findings), key=lambda s: s.rank, default=None)
