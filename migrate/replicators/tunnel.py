"""Two database sockets joined through one ssh session that the source opens: nothing in clear, no TCP port.

On the target, ``<folder>/s/.s.PGSQL.5432`` leads to the source's server; on the source, the socket of that name leads
to the target's. The session runs as a job of the source while data is replicated, in whatever direction.
"""

import shlex
import time
from collections.abc import Callable

from migrate import jobs
from migrate.hosts import last_line
from migrate.jobs import folder_of
from migrate.passage import Passage
from migrate.replicators.postgresql.psql import SOCKETS, Admin
from pse.core.errors import RemoteError

JOB = "tunnel"
_COME_UP_S = 20.0
PORT = 5432
"""The port in the name of the joined sockets, whatever the servers' own ports are."""


class Session:
    """One ssh session that the source opens to forward sockets; it runs as a job of the source.

    Args:
        passage: The way, with forwards allowed.
        what: What it joins, for a person.
    """

    def __init__(self, passage: Passage, what: str) -> None:
        """Remember them; nothing is made yet."""
        self._passage = passage
        self._what = what

    def ensure(self, forwards: str, up: Callable[[], bool], *, prepare: Callable[[], None] = lambda: None) -> None:
        """Make it where ``up`` says that it is not up.

        Args:
            forwards: Options of ssh: what is forwarded where.
            up: Whether both directions answer.
            prepare: Makes room just before.

        Raises:
            RemoteError: It does not come up.
        """
        if up():
            return
        source = self._passage.source
        folder = folder_of(source, self._passage.job)
        jobs.stop(source, folder, JOB)
        prepare()
        shell = self._passage.shell(JOB, "")
        command = f"{shell} -N -o ExitOnForwardFailure=yes {forwards} {self._passage.address}"
        jobs.start(source, folder, JOB, command)
        look = f"cd {folder}; tail -n 3 {JOB}.log; [ ! -e {JOB}.rc ]"
        deadline = time.monotonic() + _COME_UP_S
        while not up():
            done = source.run(look)
            if done.rc != 0 or time.monotonic() > deadline:
                raise RemoteError(
                    f"{self._what} cannot be joined: {last_line(done.stdout)}",
                    where=f"{source.name} to {self._passage.target.name}",
                    hint="Does the target's sshd allow AllowStreamLocalForwarding and AllowTcpForwarding, and can the "
                    "source reach it?",
                )
            time.sleep(0.05)

    def end(self) -> None:
        """End it; quiet when it is gone."""
        source = self._passage.source
        jobs.stop(source, folder_of(source, self._passage.job), JOB)


class Tunnel:
    """The session that joins the sockets of two servers.

    Args:
        passage: The way, with forwards allowed.
        source: Server at the source.
        target: Server at the target.
    """

    def __init__(self, passage: Passage, source: Admin, target: Admin) -> None:
        """Remember the ends; nothing is made yet."""
        self._passage = passage
        self._source = source
        self._target = target
        self._session = Session(passage, "the sockets of the two database servers")

    @property
    def at_target(self) -> str:
        """Folder on the target whose socket leads to the source's server."""
        return f"{folder_of(self._target.host, self._passage.job)}/s"

    @property
    def at_source(self) -> str:
        """Folder on the source whose socket leads to the target's server."""
        return f"{folder_of(self._source.host, self._passage.job)}/s"

    def up(self) -> bool:
        """Both directions answer."""
        ask = "psql -XAtqc 'select 1' -d postgres -U postgres -h {0} -p {1} >/dev/null 2>&1"
        return all(
            host.run(f"timeout 10 {ask.format(shlex.quote(folder), PORT)}").rc == 0
            for host, folder in ((self._target.host, self.at_target), (self._source.host, self.at_source))
        )

    def ensure(self) -> None:
        """Make it where it is not up.

        Raises:
            RemoteError: It does not come up.
        """
        remote = f"{self.at_target}/.s.PGSQL.{PORT}:{SOCKETS}/.s.PGSQL.{self._source.port}"
        local = f"{self.at_source}/.s.PGSQL.{PORT}:{SOCKETS}/.s.PGSQL.{self._target.port}"
        self._session.ensure(f"-R {remote} -L {local}", self.up, prepare=self._make_room)

    def _make_room(self) -> None:
        for host, sockets in ((self._source.host, self.at_source), (self._target.host, self.at_target)):
            host.text(
                f"mkdir -p -m 700 {sockets} && rm -f {sockets}/.s.PGSQL.{PORT}", what="making room for the socket"
            )

    def end(self) -> None:
        """End the session and take the sockets away; quiet when it is gone."""
        self._session.end()
        for host, folder in ((self._source.host, self.at_source), (self._target.host, self.at_target)):
            host.text(f"rm -rf {folder}")
