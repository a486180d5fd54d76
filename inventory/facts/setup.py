"""What a host is set up to do by itself: services, jobs, accounts."""

import re

import msgspec

from inventory.facts.base import Fact, Section, by_path, number, text

_MOST = 2000
"""Entries of one kind that are kept of a host."""


class Services(msgspec.Struct, frozen=True, kw_only=True):
    """Names, sorted.

    Attributes:
        enabled: Started at boot: units, or the names of init scripts where there are no units.
        running: Units that have processes now.
        own: Units that someone wrote here; packages put theirs elsewhere.
    """

    enabled: tuple[str, ...] = ()
    running: tuple[str, ...] = ()
    own: tuple[str, ...] = ()


class ServicesFact(Fact[Services]):
    """Services by the links that enable them and the groups that the kernel keeps for them; no systemctl is run."""

    name = "services"
    section = Section(
        sh=r"""
for f in /etc/systemd/system/*.wants/*.service /etc/systemd/system/*.wants/*.socket; do
  if [ -L "$f" ]; then printf 'enabled:%s\n' "${f##*/}"; fi
done
for f in /etc/systemd/system/*.service; do
  if [ -f "$f" ] && [ ! -L "$f" ]; then printf 'own:%s\n' "${f##*/}"; fi
done
for f in /sys/fs/cgroup/system.slice/*.service /sys/fs/cgroup/systemd/system.slice/*.service; do
  if [ -d "$f" ]; then printf 'running:%s\n' "${f##*/}"; fi
done
for f in /etc/rc3.d/S[0-9][0-9]* /etc/rc.d/rc3.d/S[0-9][0-9]* /etc/init.d/rc3.d/S[0-9][0-9]*; do
  if [ -e "$f" ]; then f=${f##*/S}; printf 'script:%s\n' "${f#[0-9][0-9]}"; fi
done
for f in /etc/runlevels/default/*; do if [ -e "$f" ]; then printf 'script:%s\n' "${f##*/}"; fi; done
:""",
        reads=(
            *("/etc/systemd/system (names)", "/sys/fs/cgroup/system.slice (names)"),
            *("/etc/rc3.d, /etc/rc.d/rc3.d, /etc/init.d/rc3.d (names)", "/etc/runlevels/default (names)"),
        ),
        group="quick",
    )

    def parse(self, raw: bytes) -> Services | None:
        """See `Services`; None when nothing is started by itself."""
        found: dict[str, set[str]] = {}
        for line in raw.splitlines():
            kind, colon, name = text(line).partition(":")
            if colon and name:
                found.setdefault(kind, set()).add(name)
        enabled = found.get("enabled") or found.get("script") or set()
        services = Services(
            enabled=tuple(sorted(enabled))[:_MOST],
            running=tuple(sorted(found.get("running", ())))[:_MOST],
            own=tuple(sorted(found.get("own", ())))[:_MOST],
        )
        return services if services != Services() else None


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """Something done at set times.

    Attributes:
        when: Schedule of cron, ``@daily``, ``hourly`` for a script of /etc/cron.hourly, or ``timer``.
        user: Whose it is; empty for the system's own.
        program: What is started, without its arguments, which may hold a password.
    """

    when: str
    user: str
    program: str


class Jobs(msgspec.Struct, frozen=True, kw_only=True):
    """Jobs, sorted, and the folders of them that the account may not read."""

    jobs: tuple[Job, ...] = ()
    denied: tuple[str, ...] = ()


_TABLES = (
    *("/etc/crontab", "/etc/cron.d/*", "/var/spool/cron/*", "/var/spool/cron/crontabs/*", "/var/spool/cron/tabs/*"),
    *("/etc/crontabs/*",),
)
_BEFORE = frozenset({"", "cd", "test", "[", "command", "exit", ":", "sleep", "umask"})
"""What a line of cron does before its job proper."""
_CRON = re.compile(r"^(@[a-z]+|(?:[-*0-9A-Za-z,/~]+\s+){4}[-*0-9A-Za-z,/~]+)\s+(\S.*)$")


class JobsFact(Fact[Jobs]):
    """Jobs of cron and of systemd's timers, as far as the account may read; of a command the program alone is kept."""

    name = "jobs"
    section = Section(
        sh=r"""
for f in /etc/cron.hourly/* /etc/cron.daily/* /etc/cron.weekly/* /etc/cron.monthly/*; do
  if [ -x "$f" ] && [ ! -d "$f" ]; then printf 'script:%s\n' "$f"; fi
done
for f in /etc/systemd/system/*.wants/*.timer; do if [ -L "$f" ]; then printf 'timer:%s\n' "${f##*/}"; fi; done
for f in /var/spool/cron /var/spool/cron/crontabs /var/spool/cron/tabs; do
  if [ -d "$f" ] && [ ! -r "$f" ]; then printf 'denied:%s\n' "$f"; fi
done
:""",
        files=_TABLES,
        reads=("/etc/cron.{hourly,daily,weekly,monthly} (names)", "/etc/systemd/system (names)"),
        group="quick",
    )

    def parse(self, raw: bytes) -> Jobs | None:
        """See `Jobs`; None when there is none."""
        found, denied = set(), set()
        for line in raw.splitlines():
            kind, _, rest = text(line).partition(":")
            if kind == "denied" and rest.startswith("/"):
                denied.add(rest)
            elif kind == "timer" and rest:
                found.add(Job(when="timer", user="", program=rest))
            elif kind == "script" and (match := re.match(r"^/etc/cron\.([a-z]+)/(\S+)$", rest)):
                found.add(Job(when=match[1], user="", program=match[2]))
        for path, lines in by_path(raw).items():
            system = path == "/etc/crontab" or path.startswith("/etc/cron.d/")
            owner = "" if system else path.rpartition("/")[2]
            found |= {job for line in lines if (job := _job(line, owner, system=system))}
        jobs = Jobs(
            jobs=tuple(sorted(found, key=lambda j: (j.program, j.when, j.user)))[:_MOST],
            denied=tuple(sorted(denied))[:_MOST],
        )
        return jobs if jobs != Jobs() else None


def _job(line: str, owner: str, *, system: bool) -> Job | None:
    match = _CRON.match(line)
    if match is None:
        return None
    command = match[2]
    user = owner
    if system:
        user, _, command = " ".join(command.split()).partition(" ")
    program = ""
    for part in re.split(r"&&|\|\|?|;", command):
        # Settings before a command may hold a password as well: NAME=VALUE program …
        program = next((word for word in part.split() if "=" not in word), "")
        if program not in _BEFORE:
            break
    return Job(when=" ".join(match[1].split()), user=user, program=program) if program else None


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """An account or a group that is not the system's own.

    Attributes:
        kind: ``user`` or ``group``.
        name: Its name.
        id: Its number.
        home: Home folder of a user.
        shell: Shell of a user; empty where it lets nobody in.
        members: Users of a group, sorted.
    """

    kind: str
    name: str
    id: int
    home: str = ""
    shell: str = ""
    members: tuple[str, ...] = ()


_FIRST_ID = 1000
_FIRST_ID_WITH_SHELL = 500
"""Numbers below are the system's own; Red Hat's before release 7 let people begin at 500, others programs that wait."""
_NOBODY = 65533
_NO_LOGIN = ("nologin", "false", "sync", "halt", "shutdown")


class AccountsFact(Fact[tuple[Account, ...]]):
    """Local users and groups that someone made; directories are not asked, and no password is kept."""

    name = "accounts"
    section = Section(files=("/etc/passwd", "/etc/group"), group="quick")

    def parse(self, raw: bytes) -> tuple[Account, ...] | None:
        """See `Account`, sorted; None when there are the system's own only."""
        files = by_path(raw)
        found, theirs = set(), set()
        for line in files.get("/etc/passwd", ()):
            words = line.split(":")
            uid = number(words[2]) if len(words) == 7 else None
            if uid is None:
                continue
            shell = "" if words[6].rpartition("/")[2] in _NO_LOGIN else words[6]
            if _is_own(uid) or (shell and uid >= _FIRST_ID_WITH_SHELL):
                found.add(Account(kind="user", name=words[0], id=uid, home=words[5], shell=shell))
                theirs.add(words[3])
        for line in files.get("/etc/group", ()):
            words = line.split(":")
            gid = number(words[2]) if len(words) == 4 else None
            if gid is None:
                continue
            members = tuple(sorted({*filter(None, words[3].split(","))}))[:_MOST]
            # A group of the system counts when somebody was put into it: `sudo`, `docker` …
            if members or words[2] in theirs or _is_own(gid):
                found.add(Account(kind="group", name=words[0], id=gid, members=members))
        return tuple(sorted(found, key=lambda a: (a.kind, a.name, a.id, a.home)))[:_MOST] or None


def _is_own(number_: int) -> bool:
    """Not the system's: 65534 and its neighbours are nobody's."""
    return _FIRST_ID <= number_ < _NOBODY or number_ > _NOBODY + 2
