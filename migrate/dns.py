"""The cut-over's DNS records: RFC 2136 updates with TSIG, compare and swap, so that a replayed step does no harm."""

import time
from typing import TYPE_CHECKING

from pse.core.errors import Refused, RemoteError
from pse.core.settings import Workspace

if TYPE_CHECKING:
    from dns.rcode import Rcode
    from dns.update import UpdateMessage

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

    def swap(self, name: str, *, old: str, new: str, ttl: int, ticket: str = "") -> None:
        """Point ``name`` from ``old`` to ``new``, and wait until the server says so; quiet when it does already.

        Args:
            name: The record.
            old: Address that it must have.
            new: Address that it gets.
            ttl: Seconds.
            ticket: Given by `admit`; the same update uses it up. Without it an update that is late is worth nothing.

        Raises:
            Refused: It points somewhere else: somebody changed it meanwhile. Or the ticket was withdrawn.
            RemoteError: The server refused or does not answer.
        """
        import dns.rcode

        update = self._update()
        absolute = _absolute(name)
        update.present(absolute, "A", old)
        if ticket:
            update.present(_ticket(name), "TXT", ticket)
        update.replace(absolute, ttl, "A", new)
        if ticket:
            update.delete(_ticket(name), "TXT")
        code = self._send(update)
        if code == dns.rcode.NXRRSET:
            now, _ = self.lookup(name)
            if now == old != new:
                raise Refused(f"the switch of {name} was called off", where=self._where, hint="Run again.")
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

    def admit(self, name: str, ticket: str) -> None:
        """Let the one update of ``name`` that names ``ticket`` take place: a TXT record beside it, in place of any.

        Raises:
            RemoteError: The server refused or does not answer.
        """
        update = self._update()
        update.replace(_ticket(name), 1, "TXT", ticket)
        self._sure(update, name)

    def withdraw(self, name: str) -> None:
        """Call off every switch of ``name`` that has not taken place: an update still on its way is worth nothing.

        Raises:
            RemoteError: The server refused or does not answer, so one may still take place.
        """
        update = self._update()
        update.delete(_ticket(name), "TXT")
        self._sure(update, name)

    def _sure(self, update: "UpdateMessage", name: str) -> None:
        import dns.rcode

        if (code := self._send(update)) != dns.rcode.NOERROR:
            raise RemoteError(
                f"the name server refused the update: {dns.rcode.to_text(code)}",
                where=self._where,
                hint=f"The key must be allowed to change the TXT record of {_ticket(name)}, too.",
            )

    def _update(self) -> "UpdateMessage":
        import dns.tsigkeyring
        import dns.update

        from pse.core import secrets

        keyring = dns.tsigkeyring.from_text(
            {self._settings.key_name: secrets.resolve(self._settings.key, base=self._workspace.root)}
        )
        zone = _absolute(self._settings.zone)
        return dns.update.UpdateMessage(zone, keyring=keyring, keyalgorithm=self._settings.algorithm)

    def _send(self, update: "UpdateMessage") -> "Rcode":
        import dns.exception
        import dns.query

        try:
            answer = dns.query.tcp(update, self._settings.server, timeout=_TIMEOUT_S, port=self._settings.port)
        except (dns.exception.DNSException, OSError) as exc:
            raise RemoteError(f"the name server refused the update: {exc}", where=self._where) from exc
        return answer.rcode()

    def give_back_ttl(self, name: str, ttl: int) -> None:
        """Let ``name`` be kept for ``ttl`` seconds again, wherever it points; quiet when it may be already."""
        address, now = self.lookup(name)
        if address and now < ttl:
            self.swap(name, old=address, new=address, ttl=ttl)

    @property
    def _where(self) -> str:
        return f"{self._settings.server}:{self._settings.port}"


def _absolute(name: str) -> str:
    return name.rstrip(".") + "."


def _ticket(name: str) -> str:
    """Name of the TXT record that lets an update of ``name`` take place."""
    return f"_pse-switch.{_absolute(name)}"
