"""A name server: its options, and the three things that are asked of it: one record set, a whole zone, a change.

All goes over TCP and is signed with the TSIG key, answers too. Every exchange has a socket of its own, so any number of
threads may ask at once.
"""

import contextlib
import socket
import time
from collections.abc import Iterator
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

import msgspec

from providers.kit.account import CloudAccount
from providers.kit.dns import RecordSet, value_of
from providers.ports import PortError, Target
from providers.rfc2136 import OPTIONS
from providers.rfc2136.settings import NEEDED, Settings, read
from pse.core import secrets
from pse.core.errors import PseError
from pse.core.schema import Placement

if TYPE_CHECKING:
    from dns.message import Message
    from dns.rrset import RRset

_ANSWER_S = 5.0
_ZONE_S = 60.0
_MOST = 200_000
"""Records of a zone that are read."""

_REASONS = {
    "REFUSED": "auth",
    "YXDOMAIN": "conflict",
    "YXRRSET": "conflict",
    "NXRRSET": "conflict",
    "NXDOMAIN": "conflict",
    "FORMERR": "invalid",
    "NOTIMP": "invalid",
    "NOTAUTH": "invalid",
    "NOTZONE": "invalid",
}
"""Common word by answer code; any other is ``transient``."""
_SAID = {
    "REFUSED": "the name server refuses it to this key",
    "NOTAUTH": "the name server is not the primary server of the zone",
    "NOTZONE": "a name is not of the zone",
}


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """One change of a zone, done as a whole or not at all. Without any it asks whether the zone is so.

    Attributes:
        present: Record sets that have to be there: all records of that name and type are those, whatever their TTL; one
            without values only has to be there.
        absent: Names and types that nothing may have; an empty type means any.
        delete: Record sets that go, whatever is in them.
        add: Record sets that come.
    """

    present: tuple[RecordSet, ...] = ()
    absent: tuple[tuple[str, str], ...] = ()
    delete: tuple[RecordSet, ...] = ()
    add: tuple[RecordSet, ...] = ()


class NameServer(CloudAccount):
    """See `providers.kit.account.CloudAccount`.

    Args:
        target: The place.
    """

    known_options: ClassVar[frozenset[str]] = OPTIONS
    needed_options: ClassVar[tuple[str, ...]] = NEEDED

    def __init__(self, target: Target) -> None:
        """Remember the target; nothing is asked yet."""
        super().__init__(target)
        self._target = target

    @property
    def here(self) -> str:
        """The server's address."""
        return self.options.get("dns_server", "")

    @contextlib.contextmanager
    def errors(self) -> Iterator[None]:
        """See `providers.kit.account.CloudAccount.errors`; what the server says is an error of ours already."""
        try:
            yield
        except PortError:
            raise
        except PseError as exc:
            raise PortError(
                exc.message, reason="auth", vendor_code=exc.code, hint=exc.hint, where=exc.where or self.place
            ) from exc

    def check(self) -> None:
        """See that the options are right; who answers has to have the key."""
        _ = self.settings

    def close(self) -> None:
        """Nothing is kept open; whatever still waits gives up."""
        self.closed.set()

    @cached_property
    def settings(self) -> Settings:
        """The options.

        Raises:
            PortError: One is missing or cannot be.
        """
        return read(self._target)

    def zone(self, object_id: str) -> str:
        """The domain of a zone's id.

        Raises:
            PortError: The register names no such zone.
        """
        if object_id not in self.settings.zones:
            raise PortError(f"no zone {object_id!r} here", reason="not-found", where=self.place)
        return object_id

    def resting(self, servers: tuple[str, ...]) -> tuple[Placement, ...]:
        """Where a zone rests: at the server, by the register's word, and at each other name server that it names."""
        copies = [Placement("replica", name, "unknown") for name in sorted(servers) if name not in self.settings.here]
        return (Placement("resource", self.place, "set"), *copies)

    # -- what is asked --

    def ask(self, name: str, kind: str) -> RecordSet | None:
        """What is answered for a name and type; None when nothing is.

        Raises:
            PortError: No answer, or one that is not the primary server's.
        """
        import dns.flags
        import dns.message
        import dns.rcode

        query = dns.message.make_query(f"{name}.", kind)
        query.flags &= ~dns.flags.RD
        answer = self._exchange(query)
        code = answer.rcode()
        if code not in {dns.rcode.NOERROR, dns.rcode.NXDOMAIN}:
            raise self._refusal(dns.rcode.to_text(code), name)
        if not answer.flags & dns.flags.AA:
            raise self._refusal("NOTAUTH", name)
        found = (_record(rrset) for rrset in answer.answer)
        return next((record for record in found if (record.name, record.type) == (name, kind)), None)

    def exact(self, domain: str, *names: tuple[str, str]) -> tuple[RecordSet | None, ...]:
        """Record sets by name and type as the zone itself has them at one moment; None for each that it has not.

        A query alone would not do: one after another is not one moment, and a wildcard answers for what is not there.

        Raises:
            PortError: No answer, or the key may not ask.
        """
        found = [self.ask(name, kind) for name, kind in names]
        absent = tuple(name for name, record in zip(names, found, strict=True) if record is None)
        try:
            self.change(domain, Change(present=tuple(record for record in found if record), absent=absent))
        except PortError as exc:
            if exc.vendor_code not in {"NXRRSET", "YXRRSET"}:
                raise
            everything = {(record.name, record.type): record for record in self.whole(domain)}
            return tuple(everything.get(name) for name in names)
        return tuple(found)

    def whole(self, domain: str) -> tuple[RecordSet, ...]:
        """All record sets of a zone, as they stood at one moment.

        Raises:
            PortError: No answer, or the key may not transfer the zone.
        """
        import dns.query
        import dns.rcode
        import dns.xfr

        settings = self.settings
        found: dict[tuple[str, str], RecordSet] = {}
        count = 0
        with self._failures(), self.errors():
            keyring, key_name = self._key()
            try:
                for message in dns.query.xfr(
                    settings.address,
                    f"{domain}.",
                    port=settings.port,
                    keyring=keyring,
                    keyname=key_name,
                    keyalgorithm=settings.algorithm,
                    relativize=False,
                    timeout=_ANSWER_S,
                    lifetime=_ZONE_S,
                ):
                    for rrset in message.answer:
                        record = _record(rrset)
                        before = found.get((record.name, record.type), record)
                        values = tuple(sorted({*before.values, *record.values}))
                        found[record.name, record.type] = msgspec.structs.replace(record, values=values)
                        count += len(rrset)
                    if count > _MOST:
                        raise PortError(f"the zone has more than {_MOST} records", reason="invalid", where=domain)
            except dns.xfr.TransferError as exc:
                raise self._refusal(dns.rcode.to_text(exc.rcode), domain) from exc
        return tuple(found.values())

    def change(self, domain: str, change: Change) -> None:
        """Do all of a change, or nothing.

        Raises:
            PortError: Nothing was done, as far as the server said; ``vendor_code`` is its answer code.
        """
        import dns.rcode
        import dns.update

        update = dns.update.UpdateMessage(f"{domain}.")
        for record in change.present:
            for text in record.values or (None,):
                update.present(f"{record.name}.", record.type, *(() if text is None else (text,)))
        for name, kind in change.absent:
            update.absent(f"{name}.", *((kind,) if kind else ()))
        for record in change.delete:
            update.delete(f"{record.name}.", record.type)
        for record in change.add:
            update.add(f"{record.name}.", record.ttl_s, record.type, *record.values)
        code = self._exchange(update).rcode()
        if code != dns.rcode.NOERROR:
            raise self._refusal(dns.rcode.to_text(code), domain)

    # -- below: the way to it --

    def _exchange(self, message: "Message") -> "Message":
        import dns.flags
        import dns.message
        import dns.query
        import dns.rcode

        with self._failures(), self.errors():
            keyring, key_name = self._key()
            message.use_tsig(keyring, keyname=key_name, algorithm=self.settings.algorithm)
            wire = self._sent(message.to_wire())
            # Unsigned first: some errors come without a signature, and their code is worth telling.
            bare = dns.message.from_wire(wire, keyring=False)
            if not message.is_response(bare):
                raise dns.query.BadResponse
            if bare.flags & dns.flags.TC:
                raise PortError("the answer is cut short", vendor_code="TC", where=self.here)
            if bare.rcode() and not bare.had_tsig:
                raise self._refusal(dns.rcode.to_text(bare.rcode()), self.here)
            if not bare.had_tsig:
                # Whoever answered: what was asked for may have been done all the same.
                raise PortError("the answer is not signed", vendor_code="unsigned", where=self.here)
            return dns.message.from_wire(wire, keyring=keyring, request_mac=message.mac)

    def _sent(self, wire: bytes) -> bytes:
        """One message there and one back, each with its length before it."""
        end = time.monotonic() + _ANSWER_S
        with socket.create_connection((self.settings.address, self.settings.port), timeout=_ANSWER_S) as stream:

            def read(size: int) -> bytes:
                found = b""
                while len(found) < size:
                    stream.settimeout(max(end - time.monotonic(), 0.001))
                    more = stream.recv(size - len(found))
                    if not more:
                        raise EOFError
                    found += more
                return found

            stream.sendall(len(wire).to_bytes(2, "big") + wire)
            return read(int.from_bytes(read(2), "big"))

    @contextlib.contextmanager
    def _failures(self) -> Iterator[None]:
        """Lets only our own errors leave; what an answer says is not quoted."""
        import dns.exception
        import dns.message
        import dns.tsig

        try:
            yield
        except dns.tsig.PeerError as exc:
            said = type(exc).__name__.removeprefix("Peer").upper()
            code = {"BADSIGNATURE": "BADSIG", "BADTRUNCATION": "BADTRUNC"}.get(said, said)
            hint = (
                "Set the clocks right." if code == "BADTIME" else "Compare key, name and algorithm with the server's."
            )
            raise PortError(
                "the name server does not take the key", reason="auth", vendor_code=code, where=self.here, hint=hint
            ) from exc
        except (dns.tsig.BadSignature, dns.tsig.BadKey, dns.tsig.BadTime, dns.message.UnknownTSIGKey) as exc:
            raise PortError("the answer is not signed with the key", vendor_code="unsigned", where=self.here) from exc
        except (OSError, EOFError, dns.exception.DNSException) as exc:
            raise PortError(
                "the name server does not answer, or not in DNS", vendor_code=type(exc).__name__, where=self.here
            ) from exc

    def _key(self) -> tuple[Any, str]:
        """The key, read when it is used, and its name."""
        import dns.tsigkeyring

        settings = self.settings
        secret = secrets.resolve(settings.key, base=self._target.workspace)
        try:
            return dns.tsigkeyring.from_text({settings.key_name: (settings.algorithm, secret)}), settings.key_name
        except (ValueError, KeyError):
            # From None: what was refused may be quoted.
            raise PortError("the key is not in base64", reason="auth", where=self.place) from None

    def _refusal(self, code: str, where: str) -> PortError:
        said = _SAID.get(code, f"the name server said {code}")
        hint = "The key has to be allowed to update and to transfer the zone." if code == "REFUSED" else ""
        return PortError(said, reason=_REASONS.get(code, "transient"), vendor_code=code, where=where, hint=hint)


def can_be(name: str, kind: str) -> bool:
    """Whether a record set can have this name and type: an id may be anything."""
    import dns.exception
    import dns.name
    import dns.rdatatype

    try:
        dns.name.from_text(f"{name}.")
        return not dns.rdatatype.is_metatype(dns.rdatatype.from_text(kind))
    except (dns.exception.DNSException, ValueError):
        return False


def _record(rrset: "RRset") -> RecordSet:
    import dns.rdatatype

    kind = dns.rdatatype.to_text(rrset.rdtype)
    texts = {_spelled(kind, data.to_text()) for data in rrset}
    name = rrset.name.to_text(omit_final_dot=True).lower()
    return RecordSet(name=name, type=kind, values=tuple(sorted(texts)), ttl_s=rrset.ttl)


def _spelled(kind: str, text: str) -> str:
    try:
        return value_of(kind, text)
    except PortError:
        # A name with letters that we would not write ourselves; it is there all the same.
        return text
