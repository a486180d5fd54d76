"""Certificates in files, and until when they count."""

import re
from datetime import datetime
from typing import Any

import msgspec
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm

from inventory.facts.base import Fact, Section, text

_PLACES = (
    *("/etc/ssl/*.pem", "/etc/ssl/*.crt", "/etc/ssl/private/*.pem", "/etc/ssl/private/*.crt"),
    *("/etc/pki/tls/certs/*.crt", "/etc/pki/tls/certs/*.pem", "/etc/letsencrypt/live/*/*.pem"),
    *("/etc/nginx/*.pem", "/etc/nginx/*.crt", "/etc/nginx/*/*.pem", "/etc/nginx/*/*.crt"),
    *("/etc/apache2/*/*.pem", "/etc/apache2/*/*.crt", "/etc/httpd/*/*.pem", "/etc/httpd/*/*.crt"),
    *("/etc/haproxy/*.pem", "/etc/haproxy/*/*.pem", "/etc/mysql/*.pem", "/etc/postfix/*.pem", "/etc/dovecot/*.pem"),
    *("/etc/postgresql/*/*/*.crt", "/etc/ldap/*/*.crt", "/etc/openldap/certs/*.crt"),
)
_WHEN = f'for f in {" ".join(_PLACES)}; do if [ -r "$f" ]; then return 0; fi; done; return 1'
_MOST = 300
_BLOCK = re.compile(rb"-----BEGIN (?:TRUSTED |X509 )?CERTIFICATE-----\n([A-Za-z0-9+/=\s]{1,20000})")


class Certificate(msgspec.Struct, frozen=True, kw_only=True):
    """One certificate.

    Attributes:
        file: Where it lies.
        names: Host names that it is for, sorted; its subject where it has none.
        issuer: Who signed it.
        until: Last moment at which it counts.
    """

    file: str
    names: tuple[str, ...]
    issuer: str
    until: datetime


class CertificatesFact(Fact[tuple[Certificate, ...]]):
    """Certificates of servers where they usually lie; a private key in the same file is never printed.

    Only the first certificate of a file is its own, the others are those that signed it.
    """

    name = "certificates"
    section = Section(
        sh=rf"""
set --
for f in {" ".join(_PLACES)}; do
  case $f in *=*|*bundle*|*ca-cert*|*/ca.*|*dhparam*) continue;; esac
  if [ -f "$f" ] && [ -r "$f" ]; then set -- "$@" "$f"; fi
done
if [ $# -gt 0 ]; then
  awk '/^-----/ {{ p = 0 }}
    /^-----BEGIN (TRUSTED |X509 )?CERTIFICATE-----/ {{ if (f != FILENAME) {{ f = FILENAME; p = 1; print "file:" f }} }}
    p {{ print }}' "$@"
fi
:""",
        reads=_PLACES,
        runs=("awk",),
        when=_WHEN,
        cap=512 * 1024,
    )

    def parse(self, raw: bytes) -> tuple[Certificate, ...] | None:
        """See `Certificate`, sorted by file; None when there is none. One that cannot be read is passed over."""
        found = {}
        for part in re.split(rb"(?:^|\n)file:", raw)[1 : _MOST + 1]:
            path, _, body = part.partition(b"\n")
            match = _BLOCK.match(body)
            made = _certificate(text(path), match[1]) if match else None
            if made is not None:
                found[made.file] = made
        return tuple(found[file] for file in sorted(found)) or None


def _certificate(file: str, base64: bytes) -> Certificate | None:
    pem = b"-----BEGIN CERTIFICATE-----\n" + base64.strip() + b"\n-----END CERTIFICATE-----\n"
    try:
        one = x509.load_pem_x509_certificate(pem)
        names = _names(one)
        return Certificate(
            file=file,
            names=tuple(sorted(names))[:_MOST] or (_common(one.subject),),
            issuer=_common(one.issuer),
            until=one.not_valid_after_utc,
        )
    except (ValueError, TypeError, x509.InvalidVersion, x509.DuplicateExtension, UnsupportedAlgorithm):
        return None


def _names(one: x509.Certificate) -> set[str]:
    try:
        said: Any = one.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return set()
    return {str(name) for name in said.get_values_for_type(x509.DNSName)} | {
        str(address) for address in said.get_values_for_type(x509.IPAddress)
    }


def _common(name: x509.Name) -> str:
    """The common name, else all of it."""
    said = name.get_attributes_for_oid(x509.NameOID.COMMON_NAME)
    return str(said[0].value) if said else name.rfc4514_string()
