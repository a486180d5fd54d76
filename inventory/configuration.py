"""What of a host's facts a new server has to be given: rows of the table ``configuration``."""

from collections.abc import Iterable, Iterator

from inventory.facts.certificates import Certificate
from inventory.facts.configured import Configured
from inventory.facts.kernel import Clock, Kernel
from inventory.facts.setup import Account, Job, Services
from pse.core.documents.snapshot import ConfigItem


def configuration_of(
    *,
    services: Services | None,
    jobs: Iterable[Job],
    accounts: Iterable[Account],
    configured: Configured | None,
    certificates: Iterable[Certificate],
    kernel: Kernel | None,
    clock: Clock | None,
) -> tuple[ConfigItem, ...]:
    """Rows of `ConfigItem` without a server, sorted; each argument is a fact's value, or nothing."""
    rows: set[tuple[str, str, str]] = set()
    rows.update(_services(services or Services()))
    rows.update(("job", job.program, " as ".join(filter(None, (job.when, job.user)))) for job in jobs)
    rows.update((one.kind, one.name, _account(one)) for one in accounts)
    rows.update(_sites(configured))
    rows.update(
        ("certificate", one.file, f"until {one.until:%Y-%m-%d}, for {', '.join(one.names)}, by {one.issuer}")
        for one in certificates
    )
    rows.update(("module", name, "") for name in (kernel.outside if kernel else ()))
    rows.update(("time-server", name, "") for name in (clock.servers if clock else ()))
    return tuple(ConfigItem(server="", kind=kind, name=name, value=value) for kind, name, value in sorted(rows))


def _services(found: Services) -> Iterator[tuple[str, str, str]]:
    kinds = {"enabled": found.enabled, "running": found.running, "written here": found.own}
    for name in {name for names in kinds.values() for name in names}:
        yield "service", name, ", ".join(kind for kind, names in kinds.items() if name in names)


def _account(one: Account) -> str:
    if one.kind == "group":
        return ", ".join((str(one.id), *one.members))
    return ", ".join(filter(None, (str(one.id), one.home, one.shell)))


def _sites(found: Configured | None) -> Iterator[tuple[str, str, str]]:
    for site in found.sites if found else ():
        parts = (
            ("names", site.names[1:]),
            ("listens on", site.listens),
            ("passes to", site.behind),
            ("certificate", site.certificates),
            ("serves", (site.root,) if site.root else ()),
            ("in", (site.file,)),
        )
        name = next(iter((*site.names, *site.listens)), site.file)
        yield "site", name, "; ".join(f"{word} {', '.join(values)}" for word, values in parts if values)
