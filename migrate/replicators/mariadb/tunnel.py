"""Two MariaDB servers joined through one ssh session that the source opens: nothing in clear between the hosts.

MariaDB's replicas dial TCP only, so each host has a port on its loopback address that leads to the other's socket. What
dials it still has to know an account's password there.
"""

from migrate.passage import Passage
from migrate.replicators.mariadb.server import Server
from migrate.replicators.ports import loopback_port
from migrate.replicators.tunnel import Session


class Joined:
    """The session that joins two servers.

    Args:
        passage: The way, with forwards allowed and `loopback_port` to listen on.
        source: Server at the source.
        target: Server at the target.
    """

    def __init__(self, passage: Passage, source: Server, target: Server) -> None:
        """Remember the ends; nothing is made yet."""
        self._source = source
        self._target = target
        self.at_target = loopback_port(passage.job)
        """Port at the target that leads to the source's server."""
        self.at_source = self.at_target + 1
        """Port at the source that leads to the target's server."""
        self._session = Session(passage, "the two database servers")

    def up(self) -> bool:
        """Both directions answer; that they let nobody in without an account is an answer, too."""
        ends = ((self._target, self.at_target), (self._source, self.at_source))
        return all(_answers(server, port) for server, port in ends)

    def ensure(self) -> None:
        """Make it where it is not up.

        Raises:
            RemoteError: It does not come up.
        """
        remote = f"127.0.0.1:{self.at_target}:{self._source.socket}"
        local = f"127.0.0.1:{self.at_source}:{self._target.socket}"
        self._session.ensure(f"-R {remote} -L {local}", self.up)

    def end(self) -> None:
        """End the session; quiet when it is gone."""
        self._session.end()


def _answers(server: Server, port: int) -> bool:
    # The greeting of the protocol begins with its length, the number 0 and the version 10.
    look = f"timeout 10 bash -c 'exec 3<>/dev/tcp/127.0.0.1/{port} && head -c 5 <&3 | od -An -tu1' 2>/dev/null"
    said = server.host.run(look).stdout.split()
    return len(said) == 5 and said[3:] == [b"0", b"10"]
