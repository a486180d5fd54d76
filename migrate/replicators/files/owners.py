"""Before files are copied: whose they would be at the target, and which of them nobody may change."""

import shlex

from migrate.findings import of_move
from migrate.replicators.ports import Task
from pse.core.findings import Finding, Severity
from pse.core.text import few, printable

_DATABASES = {"u": ("passwd", "user"), "g": ("group", "group")}
_SHOWN = 5
_MOST = 2000
"""Owners that are looked at; files of more have other troubles."""


def clashes(task: Task) -> list[Finding]:
    """Numbers that are one account at the source and another at the target: owners are carried as numbers.

    A number that has no name at the source means nobody in particular, and one without a name at the target is made
    with the accounts.
    """
    paths = " ".join(shlex.quote(path) for path in task.move.paths)
    listed = task.source.text(
        f"find {paths} -xdev -printf 'u %U %u\\ng %G %g\\n' 2>/dev/null | sort -u | head -n {_MOST}; true",
        timeout_s=task.left(900),
        what="looking at the owners of files",
    )
    mine = {}
    for line in listed.splitlines():
        sort, number, name = line.split(" ", 2)
        if name != number:
            mine[sort, number] = name
    if not mine:
        return []
    asked = "\n".join(
        f"printf '%s\\n' {sort}\\ {number}\\ \"$(getent {_DATABASES[sort][0]} {number} | cut -d: -f1 | head -n 1)\""
        for sort, number in mine
    )
    findings = []
    for line in task.target.text(asked, what="looking at the accounts").splitlines():
        sort, number, name = line.split(" ", 2)
        if name and name != mine[sort, number]:
            what = _DATABASES[sort][1]
            text = (
                f"{what} {number} is {printable(mine[sort, number])} at {task.source.name} and {printable(name)} at "
                f"{task.target.name}: files would belong to somebody else there"
            )
            remedy = f"Give one {what} another number at the target before the move."
            findings.append(of_move("PSE-M034", task, text, remedy, Severity.WARNING))
    return findings


def unchangeable(task: Task) -> list[Finding]:
    """Files that are immutable or can only be appended to: no copier carries that, and no way back can write them."""
    paths = " ".join(shlex.quote(path) for path in task.move.paths)
    script = (
        f"command -v lsattr >/dev/null || exit 0; lsattr -R {paths} 2>/dev/null | awk '$1 ~ /[ia]/ && NF > 1'; true"
    )
    found = [line.split(" ", 1)[1].strip() for line in task.source.text(script, timeout_s=task.left(900)).splitlines()]
    if not found:
        return []
    names = few([printable(name) for name in sorted(found)], _SHOWN)
    text = f"what chattr keeps from being changed at {task.source.name} is not kept so at the target: {names}"
    remedy = "Take it off before the move, or a rollback cannot write there; set it at the target afterwards."
    return [of_move("PSE-M035", task, text, remedy, Severity.WARNING)]
