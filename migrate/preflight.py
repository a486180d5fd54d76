"""What has to be so before a move begins, whatever carries it: clocks, the way between the hosts, records."""

import time

from migrate.dns import Dns
from migrate.findings import finding, of_move
from migrate.replicators.ports import Task
from migrate.work import Work
from pse.core.findings import Finding, Severity

MAX_SKEW_S = 60.0


def clocks(task: Task) -> list[Finding]:
    """Hosts whose clocks are off: certificates and TSIG live by the clock."""
    found = []
    for host in (task.source, task.target):
        skew = abs(float(host.text("date +%s.%N")) - time.time())
        if skew > MAX_SKEW_S:
            text = f"the clock of {host.name} is {skew:.0f} s off"
            found.append(of_move("PSE-M015", task, text, "Set it: certificates and TSIG live by the clock."))
    return found


def path(task: Task) -> list[Finding]:
    """Whether the source can log in to the target by the move's certificate."""
    shell = task.passage.shell("path", "exit 0")
    done = task.source.run(f"{shell} {task.passage.address} true </dev/null", timeout_s=30)
    if done.rc == 0:
        return []
    said = done.stderr.decode("utf-8", "replace").strip().splitlines()
    text = f"{task.source.name} cannot log in to {task.target.name}: {said[-1] if said else done.rc}"
    return [of_move("PSE-M016", task, text, f"Open TCP port {task.target.endpoint.port} between them.")]


def records(work: Work, dns: Dns) -> list[Finding]:
    """Records that a person has to switch."""
    if dns.used or not work.switches:
        return []
    names = ", ".join(switch.name for switch in work.switches)
    text = f"no name server is configured, so these records are switched by a person: {names}"
    return [finding("PSE-M017", work.workload, text, "Set [migrate.dns] in pse.toml.", Severity.WARNING)]
