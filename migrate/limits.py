"""What a workload touches, and how many may touch it at once: the limits of ``[migrate]``."""

from datetime import UTC, datetime, timedelta, timezone
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from inventory.hosts import load_hosts
from migrate.turn import Turn
from pse.core.documents.plan import Move
from pse.core.moving import Link
from pse.core.settings import MigrateSettings, Workspace

if TYPE_CHECKING:
    from migrate.work import Work


class Touching:
    """What workloads touch: hosts of the old room, places, and the lines between.

    Args:
        workspace: Its settings and ``hosts.toml``.
    """

    def __init__(self, workspace: Workspace) -> None:
        """Read the addresses of the old hosts, where a link needs them."""
        self._settings = workspace.settings.migrate
        needed = any(link.sources for link in self._settings.link)
        self._addresses = {host.name: host.address for host in load_hosts(workspace)} if needed else {}

    def of(self, work: "Work") -> tuple[str, ...]:
        """Keys for the limits: ``source NAME``, ``target PLACE``, ``link NAME``."""
        found = set()
        for unit in work.units:
            hosts = {move.source for move in unit.moves} | {server.source_host for server in unit.servers} - {""}
            found |= {f"source {host}" for host in hosts} | {f"target {unit.place}"}
            found |= {
                f"link {link.name}" for link in self._settings.link for h in hosts if self._over(link, h, unit.place)
            }
        return tuple(sorted(found))

    def turn(self, plan: str, work: "Work", kind: str) -> Turn:
        """A turn that is taken at once."""
        return Turn(plan=plan, workload=work.workload, kind=kind, run=kind, touches=self.of(work))

    def priority(self, workload: str) -> int:
        """Of the patterns that match, the highest; 0 for none."""
        return max((n for one, n in self._settings.priorities.items() if fnmatchcase(workload, one)), default=0)

    def rate(self, work: "Work", move: Move) -> "Rate":
        """How fast a move may be; see `Rate`."""
        place = next((unit.place for unit in work.units if move in unit.moves), "")
        links = tuple(link for link in self._settings.link if self._over(link, move.source, place))
        return Rate(self._settings, links, beside=len(work.moves))

    def _over(self, link: Link, host: str, place: str) -> bool:
        return link.carries(host, self._addresses.get(host, ""), place)


class Rate:
    """A move's share of the lines that it goes over.

    A line's rate is divided by the workloads that may be on it at once (`moves_over`), so that together they never
    exceed it, and among the moves of a workload.

    Args:
        settings: The table ``[migrate]``.
        links: Lines that the move goes over.
        beside: Moves of its workload.
    """

    def __init__(self, settings: MigrateSettings, links: tuple[Link, ...], beside: int) -> None:
        """Remember them."""
        self._settings = settings
        self._links = links
        self._beside = beside

    def mib_s(self, at: datetime | None = None) -> float | None:
        """MiB a second now; None for no limit."""
        at = local(self._settings, at)
        rates = [(link.rate(at)[0], moves_over(self._settings, link) or 1) for link in self._links]
        return min((rate / moves / max(1, self._beside) for rate, moves in rates if rate is not None), default=None)

    def steady_s(self, at: datetime | None = None) -> float | None:
        """Seconds until another rate begins; None for never."""
        at = local(self._settings, at)
        changes = [change for link in self._links if (change := link.rate(at)[1]) is not None]
        return min(((change - at).total_seconds() for change in changes), default=None)


def limits_of(settings: MigrateSettings) -> dict[str, int]:
    """Most turns at once, as `migrate.turns.Turns` takes them."""
    limits = settings.limits
    found = {"all": limits.total, "source": limits.per_source, "target": limits.per_target}
    found |= {f"link {link.name}": moves_over(settings, link) for link in settings.link}
    return {key: limit for key, limit in found.items() if limit is not None}


def moves_over(settings: MigrateSettings, link: Link) -> int | None:
    """Workloads at once over a line, whichever process moves them; None for no limit.

    A line with a rate always has one, or nobody could say what part of the rate is whose: where it has none of its own
    it is ``total``, else ``parallel``, by whatever number of processes those are moved.
    """
    if link.moves is not None or (link.mib_s is None and not link.hours):
        return link.moves
    return settings.limits.total or max(1, settings.parallel)


def local(settings: MigrateSettings, at: datetime | None = None) -> datetime:
    """A moment, by default now, on the clock of windows and rates."""
    return (at or datetime.now(UTC)).astimezone(timezone(timedelta(hours=settings.utc_offset)))
