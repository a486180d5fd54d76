"""A connection to vCenter or ESXi: one certificate, one session, ended whatever happens."""

import contextlib
import hashlib
import hmac
import re
import socket
import ssl
from collections.abc import Iterator
from http.client import HTTPException
from typing import Any
from urllib.parse import unquote, urlsplit

import msgspec

from pse.core.errors import Refused, RemoteError, Unreachable, UsageError
from pse.core.text import printable

CONNECT_S = 20.0
"""Seconds for a connection, and for each answer: a page of machines takes a second or two."""
ANSWER_S = 120
_PIN = re.compile(r"^(?:SHA256:)?([0-9A-Fa-f]{2}(?::?[0-9A-Fa-f]{2}){31})$")


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """Which vSphere, and as whom.

    Attributes:
        host: Name or address.
        port: Port of the API.
        user: Account; Read-only at the root is enough.
    """

    host: str
    port: int
    user: str

    @property
    def shown(self) -> str:
        """For messages and sources."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return printable(host if self.port == 443 else f"{host}:{self.port}")


def target_of(url: str) -> Target:
    """The target in ``vsphere://USER@HOST[:PORT]``.

    Raises:
        UsageError: It is none, or holds a password, which a command line shows to everybody on the machine.
    """
    hint = "Write vsphere://USER@HOST[:PORT], as vsphere://reader%40vsphere.local@vcenter.example.org."
    try:
        parts = urlsplit(url)
        port = parts.port or 443
    except ValueError:
        raise UsageError("no address of a vSphere", hint=hint) from None
    if parts.password is not None:
        raise UsageError(
            "a password does not belong on a command line, which others on this machine can read",
            hint="Change it, and give the new one by --password env:NAME or file:PATH.",
        )
    user = unquote(parts.username or "")
    if parts.scheme != "vsphere" or not parts.hostname or not user or parts.path not in {"", "/"} or parts.query:
        raise UsageError("no address of a vSphere", hint=hint)
    return Target(host=parts.hostname, port=port, user=user)


def pin_of(text: str) -> bytes:
    """The SHA-256 of a certificate, as browsers and vSphere show it: hexadecimal digits, with colons or without.

    Raises:
        UsageError: It is none.
    """
    match = _PIN.match(text.strip())
    if match is None:
        raise UsageError(
            "no fingerprint of a certificate",
            where="--pin",
            hint="It has 64 hexadecimal digits, as vSphere's certificate shows them under SHA-256.",
        )
    return bytes.fromhex(match[1].replace(":", ""))


@contextlib.contextmanager
def connected(target: Target, password: str, *, pin: bytes | None = None) -> Iterator[Any]:
    """The content of the service (``vim.ServiceInstanceContent``) of a session that is logged out at the end.

    Args:
        target: Which, and as whom.
        password: Of the account.
        pin: SHA-256 of the certificate that it has to show; None to check it like a browser does.

    Raises:
        Refused: The certificate is not the pinned one, or nobody who is trusted here vouches for it; nothing was sent.
        Unreachable: No answer.
        RemoteError: It does not let the account in, or is no vSphere.
    """
    context = _context(target, pin)
    from pyVmomi import vim, vmodl

    with contextlib.ExitStack() as ends:
        try:
            stub = _stub(target, context)
            ends.callback(stub.DropConnections)
            content = vim.ServiceInstance("ServiceInstance", stub).RetrieveContent()
            sessions: Any = content.sessionManager
            sessions.Login(target.user, password, None)
            ends.callback(_log_out, sessions)
        except vim.fault.InvalidLogin as exc:
            raise RemoteError(
                "it does not let the account in",
                where=target.shown,
                hint="See user and password; with a directory behind it the user is NAME@DOMAIN, %40 for @ in the URL.",
            ) from exc
        except vim.fault.NoPermission as exc:
            raise RemoteError("the account may not log in", where=target.shown, hint=_READ_ONLY) from exc
        except (OSError, HTTPException) as exc:
            raise Unreachable(f"the connection failed: {_words(exc)}", where=target.shown, hint=_REACH) from exc
        except (vmodl.MethodFault, vmodl.RuntimeFault) as exc:
            raise RemoteError(f"it refused the session: {_words(exc)}", where=target.shown, hint=_READ_ONLY) from exc
        try:
            yield content
        except (OSError, HTTPException, vim.fault.NotAuthenticated) as exc:
            raise Unreachable(
                f"the connection was lost: {_words(exc)}", where=target.shown, hint="Nothing was changed; run it again."
            ) from exc


def _stub(target: Target, context: ssl.SSLContext) -> Any:
    """Speaks the newest version of the API that both sides know."""
    from pyVim.connect import SmartStubAdapter

    try:
        return SmartStubAdapter(host=target.host, port=target.port, sslContext=context, httpConnectionTimeout=ANSWER_S)
    except OSError:
        raise
    except Exception as exc:  # pyVmomi raises a plain one where nothing that it knows answers
        raise RemoteError(
            f"no vSphere answers there: {_words(exc)}", where=target.shown, hint="Name a vCenter or an ESXi host."
        ) from exc


def _log_out(sessions: Any) -> None:
    with contextlib.suppress(Exception):  # a session that is not ended ends by itself
        sessions.Logout()


_READ_ONLY = "Give it the role Read-only at the root, propagated to all below."
_REACH = "See that the host is up and that its address and port are right."


def _context(target: Target, pin: bytes | None) -> ssl.SSLContext:
    """Settings of TLS that trust exactly the pinned certificate, or whoever this machine trusts.

    It is looked at once before anything is sent. The connection that follows trusts that certificate and no other, so
    that nobody can come between the two.
    """
    checked = ssl.create_default_context()
    if pin is None:
        try:
            _certificate(target, checked)
        except ssl.SSLCertVerificationError as exc:
            shown = _shown(_certificate(target, _trusting_all()))
            raise Refused(
                f"its certificate cannot be trusted: {printable(exc.verify_message)}",
                where=target.shown,
                hint=f"Its SHA-256 is {shown}. Compare it on the machine itself, then give it by --pin.",
            ) from exc
        return checked
    found = _certificate(target, _trusting_all())
    if not hmac.compare_digest(hashlib.sha256(found).digest(), pin):
        raise Refused(
            f"its certificate is another one: SHA-256 {_shown(found)}",
            where=target.shown,
            hint="Was it renewed? Compare the fingerprint on the machine itself; if it differs, somebody listens.",
        )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False  # the certificate itself is known, whatever names it holds
    context.verify_flags = ssl.VERIFY_X509_PARTIAL_CHAIN
    context.load_verify_locations(cadata=ssl.DER_cert_to_PEM_cert(found))
    return context


def _trusting_all() -> ssl.SSLContext:
    """For a look at the certificate only; nothing is sent over such a connection."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _certificate(target: Target, context: ssl.SSLContext) -> bytes:
    try:
        with (
            socket.create_connection((target.host, target.port), CONNECT_S) as plain,
            context.wrap_socket(plain, server_hostname=target.host) as link,
        ):
            found = link.getpeercert(binary_form=True)
    except ssl.SSLCertVerificationError:
        raise
    except OSError as exc:
        raise Unreachable(f"no connection: {_words(exc)}", where=target.shown, hint=_REACH) from exc
    if not found:
        raise RemoteError("it shows no certificate", where=target.shown, hint="Name a vCenter or an ESXi host.")
    return found


def _shown(certificate: bytes) -> str:
    return hashlib.sha256(certificate).digest().hex(":").upper()


def _words(exc: BaseException) -> str:
    said = getattr(exc, "msg", None) or getattr(exc, "strerror", None) or str(exc) or type(exc).__name__
    return printable(str(said))[:200]
