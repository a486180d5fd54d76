"""Servers that do little or nothing, with the evidence: proposed for retirement, and never retired by this tool.

A zombie uses next to no CPU over the whole window, nobody was seen to connect to it but administration and monitoring,
and nobody logs in. What was not measured is said in the evidence, and is never taken for a nought: without a window, or
without any observed connection in the estate, nothing is called a zombie.
"""

from datetime import date
from enum import StrEnum

import msgspec

from blueprints.estate.view import View
from pse.core.documents.sizing import IdleSettings
from pse.core.documents.snapshot import Server
from pse.core.documents.usage import Usage
from pse.core.findings import Finding, Severity
from pse.core.text import counted, printable

_KEEPERS = frozenset({22, 161, 3389, 5666, 5985, 5986, 9100, 10050})
"""Ports of administration and monitoring: SSH, SNMP, RDP, NRPE, WinRM, node exporter, Zabbix agent."""


class Kind(StrEnum):
    """How little it does."""

    ZOMBIE = "zombie"
    IDLE = "idle"
    OFF = "off"


class Idle(msgspec.Struct, frozen=True, kw_only=True):
    """One such server; ``evidence`` says which measurement over which window."""

    host: str
    kind: Kind
    evidence: str

    @property
    def may_go(self) -> bool:
        """Whether retirement is proposed: what merely does little may be needed all the same."""
        return self.kind is not Kind.IDLE

    def finding(self, workload: str) -> Finding:
        """It as a finding about the host."""
        code = {Kind.ZOMBIE: "PSE-B066", Kind.IDLE: "PSE-B067", Kind.OFF: "PSE-B068"}[self.kind]
        words = {Kind.ZOMBIE: "nothing seems to use it", Kind.IDLE: "it does little", Kind.OFF: "it is switched off"}
        return Finding(
            code=code,
            severity=Severity.WARNING if self.may_go else Severity.INFO,
            subject=self.host,
            message=f"{words[self.kind]}: {self.evidence}",
            remedy=f"Ask its owner; declare strategy retire for {workload} in workloads.toml, or a size that it needs."
            if self.may_go
            else "See whether it can share a server with others.",
            source="usage.csv",
        )


def idle_of(server: Server, view: View, usage: Usage | None, settings: IdleSettings, *, as_of: date) -> Idle | None:
    """How little ``server`` does, with the evidence; None where it works, or where nobody knows."""
    if usage is None:
        return None
    host = printable(server.hostname)
    source = f", by {printable(usage.source)}" if usage.source else ""
    if server.power_state in ("off", "suspended"):
        days = (as_of - usage.off_since).days if usage.off_since else 0
        if days < settings.off_days:
            return None
        return Idle(host=host, kind=Kind.OFF, evidence=f"since {usage.off_since}, {counted(days, 'day')}{source}")
    name, cpu = ("p95", usage.cpu_p95) if usage.cpu_p95 is not None else ("peak", usage.cpu_peak)
    if cpu is None or cpu >= settings.idle_percent or usage.days < settings.window_days:
        return None
    measured = f"CPU {name} {cpu:f} %, {usage.coverage:f} % of {usage.window}{source}"
    callers = {flow.client for flow in view.flows_into(server.id) if flow.port not in _KEEPERS}
    looked = view.any_flows
    quiet = looked and not callers and not usage.logins
    flows = (
        f"{counted(len(callers), 'client')} seen"
        if callers
        else "no client seen but administration and monitoring"
        if looked
        else "connections were not looked at"
    )
    logins = "log-ins not counted" if usage.logins is None else counted(usage.logins, "log-in")
    kind = Kind.ZOMBIE if quiet and cpu < settings.zombie_percent else Kind.IDLE
    return Idle(host=host, kind=kind, evidence=f"{measured}; {flows}; {logins}")
