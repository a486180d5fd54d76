"""The guard of a freeze: a process on every source host that gives the host back when nobody else does in time.

The controller and its guards agree by one symbolic link a host, made once and by one of them only: ``claim`` names who
decides. See ADR 0009 for the order and the races, and 0012 for what comes late.
"""

import shlex
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from migrate import jobs
from migrate.hosts import PRELUDE, Host
from migrate.jobs import folder_of, forget_folder
from migrate.replicators.ports import FreezeOver

_BOOT = "/proc/sys/kernel/random/boot_id"
_PROCESS = """( sleep {after}
ln -s by-guard claim 2>/dev/null || exit 0
{{ flock -w {wait} 9; }} 9>acts
n=0
while bad=0; {commands} [ $bad != 0 ]; do n=$((n+1)); [ $n -lt 100 ] || exit 1; sleep 5; done )"""
_ASK = """home=$PWD
for d in /run/{job} /dev/shm/{job} /tmp/{job}; do
  [ -d "$d" ] && [ ! -L "$d" ] && [ -O "$d" ] && cd "$d" && [ -e guard-{key}.pid ] || continue
  [ "$(cat boot 2>/dev/null)" = "$(cat {boot})" ] || continue
  {act}
  readlink claim || echo nobody
  exit 0
done
echo gone"""
# What stops something and what gives back never overlap: who stops holds the lock, and looks under it at the claim, and
# for a controller that has given back since.
_STOP = """exec 9>acts && flock -s 9 || exit 1
  [ ! -e given-back ] || {{ echo given-back; exit 0; }}
  if [ "$(readlink claim)" != by-guard ]; then ( cd "$home" && {script}
) || exit $?; fi"""
STOP_S = 180
"""Seconds that who gives back waits at most for a command that stops something and was begun before."""
_GIVE_BACK = f"touch given-back && {{ flock -w {STOP_S} 9 || exit 1; }} 9>acts"


@dataclass(eq=False)
class Guard:
    """The guard on one host for one attempt.

    Everything that it touches is relative to its folder: a guard whose folder was removed can claim nothing any more.

    Attributes:
        host: A source host.
        job: Names the folder: ``pse-`` and 12 hexadecimal digits, the same for every attempt.
        key: The attempt: ``a1``, ``a2`` …
    """

    host: Host
    job: str
    key: str

    def arm(self, *, after_s: float, commands: Sequence[str]) -> None:
        """Start it; quiet when it runs or ran already. Guards of earlier attempts are ended first.

        Args:
            after_s: Seconds from now until it acts, counted on the host, whose clock may jump.
            commands: Scripts that give the host back, each safe to repeat; all are run until all have worked.
        """
        folder, name = folder_of(self.host, self.job), f"guard-{self.key}"
        if not jobs.known(self.host, folder, name):
            forget_folder(self.host, self.job)
            folder = folder_of(self.host, self.job)
        # In sessions of their own: whoever ends the guard must not end the services that it has started.
        each = " ".join(f"setsid bash -c {shlex.quote(PRELUDE + one)} </dev/null || bad=1;" for one in commands)
        self.host.text(f"cat {_BOOT} >{folder}/boot", what="arming the guard")
        jobs.start(self.host, folder, name, _PROCESS.format(after=max(1, round(after_s)), wait=STOP_S, commands=each))

    def holds(self) -> None:
        """Make sure that it stands and has not acted.

        Raises:
            FreezeOver: It has, or it is gone: the host was started anew.
        """
        self._judge(self._ask(":"))

    def claim(self) -> None:
        """Stop it from acting, for good; safe to repeat.

        Raises:
            FreezeOver: It was first, or it is gone: the host was started anew.
        """
        self._judge(self._ask("ln -s by-controller claim 2>/dev/null"), wanted="by-controller")

    def stop(self, script: str, *, timeout_s: float, what: str) -> None:
        """Run a script that stops something: only while the guard has not acted, which waits until it has ended.

        A controller that was suspended in between may be late by hours, and a command may take long.

        Args:
            script: Its output is dropped. What outlives it must close descriptor 9.
            timeout_s: Seconds, below `STOP_S`.
            what: Verb and object, for a person.

        Raises:
            FreezeOver: The guard was first, or it is gone: the host was started anew.
            HostCommandFailed: The script failed.
        """
        act = _STOP.format(script=f"{{ {script}\n}} >/dev/null")
        self._judge(self._ask(act, timeout_s=timeout_s, what=what))

    def give_back(self) -> None:
        """See that nothing of this attempt stops anything from here on; the guard itself stands until it is removed.

        What was begun is waited for: the line may be cut while a command runs on the host.
        """
        self._ask(_GIVE_BACK, timeout_s=STOP_S + 30, what="waiting for what still stops services")

    def remove(self) -> None:
        """End it and forget it; quiet when there is none."""
        forget_folder(self.host, self.job)

    def _ask(self, act: str, *, timeout_s: float = 60.0, what: str = "asking the guard") -> str:
        script = _ASK.format(job=self.job, key=self.key, boot=_BOOT, act=act)
        return self.host.text(script, timeout_s=timeout_s, what=what).strip()

    def _judge(self, claim: str, *, wanted: str = "") -> None:
        if claim == "given-back":
            text = "it was given back to its writers meanwhile"
        elif claim == "by-guard":
            text = "its guard gave it back to its writers, because the freeze lasted too long"
        elif claim == "gone":
            text = "its guard is gone: the host was started anew while writers were stopped"
        elif wanted and claim != wanted:
            text = f"its guard cannot be stopped: {claim[:80]}"
        else:
            return
        raise FreezeOver(text, where=self.host.name, hint="Run again: writers are stopped anew.")


class Guards:
    """The guards of all source hosts of a workload; together they are one decision.

    Args:
        guards: One for each host.
    """

    def __init__(self, guards: Sequence[Guard]) -> None:
        """Remember them; nothing is asked yet."""
        self._guards = tuple(guards)

    def arm(self, *, after_s: float, commands: dict[str, list[str]]) -> None:
        """Start them all; ``commands`` by name of the host."""
        self._all(lambda guard: guard.arm(after_s=after_s, commands=commands.get(guard.host.name, [])))

    def stop(self, host: str, script: str, *, timeout_s: float, what: str) -> None:
        """See `Guard.stop`, on the host of that name."""
        (guard,) = (guard for guard in self._guards if guard.host.name == host)
        guard.stop(script, timeout_s=timeout_s, what=what)

    def hold(self) -> None:
        """See `Guard.holds`."""
        self._all(Guard.holds)

    def claim(self) -> None:
        """See `Guard.claim`; only when every host was claimed may a record be switched."""
        self._all(Guard.claim)

    def give_back(self) -> None:
        """See `Guard.give_back`."""
        self._all(Guard.give_back)

    def remove(self) -> None:
        """See `Guard.remove`."""
        self._all(Guard.remove)

    def _all(self, act: Callable[[Guard], None]) -> None:
        if self._guards:
            with ThreadPoolExecutor(len(self._guards)) as pool:
                waiting = [pool.submit(act, guard) for guard in self._guards]
            for done in waiting:
                done.result()
