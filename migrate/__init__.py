"""How it moves: durable campaigns, replicators, verification, cut-over, rollback and the report.

A campaign carries out a plan's moves: data goes straight from source to target, is verified by something that does
not trust the copier, and can be rolled back with what was written on the new side. Import the verbs from here; what
they need (DBOS, paramiko, SQLAlchemy) is loaded when they are called.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from migrate.beginning import refuse
    from migrate.campaign import refuse_closed, rollback, run, status, take_part
    from migrate.closing import cleanup
    from migrate.evidence import gather_evidence
    from migrate.ongoing import going, working
    from migrate.pack import write_pack
    from migrate.pausing import pause, resume
    from migrate.report import write_report

__all__ = [
    "cleanup",
    "gather_evidence",
    "going",
    "pause",
    "refuse",
    "refuse_closed",
    "resume",
    "rollback",
    "run",
    "status",
    "take_part",
    "working",
    "write_pack",
    "write_report",
]

_HOMES = {
    "cleanup": "migrate.closing",
    "gather_evidence": "migrate.evidence",
    "going": "migrate.ongoing",
    "pause": "migrate.pausing",
    "resume": "migrate.pausing",
    "working": "migrate.ongoing",
    "refuse": "migrate.beginning",
    "write_pack": "migrate.pack",
    "write_report": "migrate.report",
}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'migrate' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_HOMES.get(name, "migrate.campaign")), name)
