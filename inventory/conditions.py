"""What kernel, clock, certificates and configuration of a host say about its move; see also `inventory.readiness`."""

from datetime import datetime, timedelta

from inventory.facts.certificates import Certificate
from inventory.facts.configured import Configured
from inventory.facts.kernel import Clock, Kernel
from inventory.facts.setup import Jobs
from inventory.readiness import Maker
from inventory.readiness_data import data
from pse.core.findings import Finding
from pse.core.text import counted, few, printable

SKEW_S = 5.0
"""Seconds that a clock may be off: Kerberos and databases bear minutes, the kernel tells its start to a second only."""
SOON = timedelta(days=60)
"""A certificate that ends earlier may end between plan and cut-over."""
_SHOWN = 5


def kernel_findings(*, subject: str, source: str, kernel: Kernel | None) -> list[Finding]:
    """Drivers that a kernel lacks for a disk's move, modules from outside it, a clock source it was told.

    Args:
        subject: Host name for the findings.
        source: Where the facts come from; the fact's name is added.
        kernel: What was read; None when unknown.
    """
    make = Maker(subject, source)
    if kernel is None:
        return make.found
    for platform in data().platform if kernel.drivers is not None else ():
        if lacking := platform.lacks(kernel.drivers or ()):
            make.warn(
                "PSE-I127",
                f"its kernel has no driver for disks or cards of {platform.name}: {', '.join(lacking)}",
                "Move it as a fresh image there, or install a newer kernel before its disk is moved.",
                "kernel",
            )
    if kernel.outside:
        make.warn(
            "PSE-I128",
            f"modules from outside its kernel are loaded: {printable(few(kernel.outside, _SHOWN))}",
            "Find out what needs them, and whether they are to be had for the new server's kernel.",
            "kernel",
        )
    if kernel.clock_told:
        make.warn(
            "PSE-I139",
            f"its kernel is told what to count time by: clocksource={printable(kernel.clock_told)}",
            "Take it off the kernel's command line of a moved disk: another hypervisor has another clock.",
            "kernel",
        )
    return make.found


def clock_findings(*, subject: str, source: str, clock: Clock | None, began: datetime, seen: datetime) -> list[Finding]:
    """Whether a host's clock is right, held against our own before and after it was asked.

    Args:
        subject: Host name for the findings.
        source: Where the facts come from; the fact's name is added.
        clock: What was read; None when unknown.
        began: When it was asked.
        seen: When its answer was there.
    """
    make = Maker(subject, source)
    if clock is None:
        return make.found
    ahead = clock.epoch_s - seen.timestamp()
    behind = began.timestamp() - clock.epoch_s
    off = max(ahead, behind)
    if off > SKEW_S:
        make.warn(
            "PSE-I138",
            f"its clock is {counted(round(off), 'second')} {'ahead' if ahead > behind else 'behind'}",
            "Set it right before anything is moved by the times of files; or see whether the clock here is right.",
            "clock",
        )
    return make.found


def unread_findings(
    *,
    subject: str,
    source: str,
    jobs: Jobs,
    configured: Configured | None,
    certificates: tuple[Certificate, ...],
) -> list[Finding]:
    """What is known to be there and was not read: it is never taken for none.

    Args:
        subject: Host name for the findings.
        source: Where the facts come from; the fact's name is added.
        jobs: Scheduled jobs.
        configured: What files name; None when unknown.
        certificates: Certificates that were read.
    """
    make = Maker(subject, source)
    remedy = "Let the account read them, or look at them by hand."
    if jobs.denied:
        message = f"users' jobs are not known: not permitted to read {printable(few(jobs.denied, _SHOWN))}"
        make.tell("PSE-I005", message, remedy, "jobs")
    named = {file for site in (configured.sites if configured else ()) for file in site.certificates}
    unread = sorted(file for file in named - {one.file for one in certificates} if file.startswith("/"))
    if unread:
        message = f"certificates that sites name were not read: {printable(few(unread, _SHOWN))}"
        make.tell("PSE-I005", message, remedy, "certificates")
    return make.found


def configuration_findings(
    *,
    subject: str,
    source: str,
    configured: Configured | None,
    certificates: tuple[Certificate, ...],
    seen: datetime,
) -> list[Finding]:
    """Addresses that stand in files of configuration, and certificates that end.

    Args:
        subject: Host name for the findings.
        source: Where the facts come from; the fact's name is added.
        configured: What files name; None when unknown.
        certificates: Certificates in files.
        seen: When they were read, by the clock here.
    """
    make = Maker(subject, source)
    named: dict[str, list[str]] = {}
    for mention in configured.addresses if configured else ():
        named.setdefault(mention.file, []).append(mention.address)
    if named:
        files = [f"{file} ({few(sorted(found), 3)})" for file, found in sorted(named.items())]
        make.warn(
            "PSE-I131",
            f"its configuration names addresses, which may be others after a move: {printable(few(files, _SHOWN))}",
            "Let the files name hosts, or list them for the cut-over.",
            "configured",
        )
    for one in certificates:
        if one.until <= seen + SOON:
            ends = "ended" if one.until <= seen else "ends"
            which = printable(f"{one.file} of {few(one.names, 3)}")
            make.warn(
                "PSE-I137",
                f"the certificate {which} {ends} on {one.until:%Y-%m-%d}",
                "Renew it, and see how the new server gets the next one.",
                "certificates",
            )
    return make.found
