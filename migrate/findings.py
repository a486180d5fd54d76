"""How this room makes a finding."""

from migrate.replicators.ports import Task
from pse.core.findings import Finding, Severity


def finding(
    code: str,
    subject: str,
    message: str,
    remedy: str,
    severity: Severity = Severity.ERROR,
    *,
    source: str = "preflight",
) -> Finding:
    """A finding of a campaign.

    Args:
        code: ``PSE-M`` and three digits, with a row in ``docs/findings/migrate.md``.
        subject: Workload or move.
        message: What was seen.
        remedy: What a person does about it.
        severity: How bad it is.
        source: What saw it.
    """
    return Finding(code=code, severity=severity, subject=subject, message=message, remedy=remedy, source=source)


def of_move(code: str, task: Task, message: str, remedy: str, severity: Severity = Severity.ERROR) -> Finding:
    """A finding of a move's preflight; see `finding`."""
    return finding(code, task.move.id, message, remedy, severity)


def not_carried_back(task: Task, what: str) -> Finding:
    """Of a database: ``what`` was changed at the target, and a rollback leaves it there."""
    text = f"{task.move.database}: changed at the target and not carried back: {what}"
    return of_move(
        "PSE-M031", task, text, "Make the same change at the source by hand when it is wanted there.", Severity.WARNING
    )
