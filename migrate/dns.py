"""The cut-over's DNS records: RFC 2136 updates with TSIG, compare and swap, so that a replayed step does no harm."""

import time

from pse.core.errors import Refused, RemoteError
from pse.core.settings import Workspace

_TIMEOUT_S = 5.0


class Dns:
    """The zone that holds the records.

    Args:
        workspace: Its ``[migrate.dns]`` names server, zone and key; the key is resolved when it is used.
    """

    def __init__(self, workspace: Workspace) -> None:
        """Remember the settings; nothing is asked yet."""
        self._workspace = workspace
        self._settings = workspace.settings.migrate.dns

    @property
    def used(self) -> bool:
        """A server is configured; else records are a person's work, and the runbook says so."""
        return bool(self._settings.server)

    def lookup(self, name: str) -> tuple[str, int]:
        """Address and TTL of an A record, asked at the zone's own server; ``("", 0)`` when there is none.

        Raises:
            RemoteError: No answer.
        """
        import dns.exception
        import dns.flags
        import dns.message
        import dns.query
        import dns.rdatatype

        query = dns.message.make_query(name, "A")
        query.flags &= ~dns.flags.RD
        try:
            answer = dns.query.udp(query, self._settings.server, timeout=_TIMEOUT_S, port=self._settings.port)
        except (dns.exception.DNSException, OSError) as exc:
            raise RemoteError(f"the name server does not answer: {exc}", where=self._where) from exc
        for rrset in answer.answer:
            if rrset.rdtype == dns.rdatatype.A:
                return str(rrset[0]), int(rrset.ttl)
        return "", 0

    def swap(self, name: str, *, old: str, new: str, ttl: int) -> None:
        """Point ``name`` from ``old`` to ``new``, and wait until the server says so; quiet when it does already.

        Raises:
            Refused: It points somewhere else: somebody changed it meanwhile.
            RemoteError: The server refused or does not answer.
        """
        import dns.exception
        import dns.query
        import dns.rcode
        import dns.tsigkeyring
        import dns.update

        from pse.core import secrets

        zone = self._settings.zone.rstrip(".") + "."
        keyring = dns.tsigkeyring.from_text(
            {self._settings.key_name: secrets.resolve(self._settings.key, base=self._workspace.root)}
        )
        update = dns.update.UpdateMessage(zone, keyring=keyring, keyalgorithm=self._settings.algorithm)
        absolute = name.rstrip(".") + "."
        update.present(absolute, "A", old)
        update.replace(absolute, ttl, "A", new)
        try:
            answer = dns.query.tcp(update, self._settings.server, timeout=_TIMEOUT_S, port=self._settings.port)
        except (dns.exception.DNSException, OSError) as exc:
            raise RemoteError(f"the name server refused the update: {exc}", where=self._where) from exc
        code = answer.rcode()
        if code == dns.rcode.NXRRSET:
            now, _ = self.lookup(name)
            if now != new:
                raise Refused(
                    f"{name} points at {now or 'nothing'}, neither at {old} nor at {new}",
                    where=self._where,
                    hint="Somebody changed it meanwhile; set it right by hand, then run again.",
                )
        elif code != dns.rcode.NOERROR:
            raise RemoteError(f"the name server refused the update: {dns.rcode.to_text(code)}", where=self._where)
        deadline = time.monotonic() + _TIMEOUT_S
        while self.lookup(name)[0] != new:
            if time.monotonic() > deadline:
                raise RemoteError(f"{name} still does not point at {new}", where=self._where)
            time.sleep(0.02)

    def give_back_ttl(self, name: str, ttl: int) -> None:
        """Let ``name`` be kept for ``ttl`` seconds again, wherever it points; quiet when it may be already."""
        address, now = self.lookup(name)
        if address and now < ttl:
            self.swap(name, old=address, new=address, ttl=ttl)

    @property
    def _where(self) -> str:
        return f"{self._settings.server}:{self._settings.port}"
