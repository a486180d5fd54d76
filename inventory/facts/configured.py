"""What files of configuration name: web sites, and addresses of other machines."""

import ipaddress
import re

import msgspec

from inventory.facts.base import Fact, Section, text

_PLACES = (
    *("/etc/*.conf", "/etc/*/*.conf", "/etc/*/*/*.conf", "/etc/*/*.cnf", "/etc/*/*.cfg", "/etc/*/*.ini"),
    *("/etc/*/*.xml", "/etc/*/*.properties", "/etc/*/*.yml", "/etc/*/*.yaml", "/etc/*/*.json", "/etc/default/*"),
    *("/etc/nginx/sites-enabled/*", "/etc/apache2/sites-enabled/*"),
    *("/opt/*/*.properties", "/opt/*/conf/*", "/opt/*/config/*", "/opt/*/*/conf/*", "/usr/local/etc/*"),
)
_WORDS = "server|listen|proxy_pass|root|ssl_cert|Server|Document|ProxyPass|SSLCert|</?Virt|frontend|backend|bind"
"""Beginnings of the directives that are kept: a short pattern costs a host a third of what the whole words would."""
_DOTTED = r"[0-9]\.[0-9]+\.[0-9]+\.[0-9]+"
_ADDRESS = r"[0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3}"
_FOUND = re.compile(rf"(?:(?<=//)|(?<=@)|(?<![0-9.])(?!{_ADDRESS}/)){_ADDRESS}(?![0-9.])")
"""What is followed by a slash is a network, or else a URL's."""
_WEB = re.compile(r"^/etc/(?:nginx|apache2|httpd|haproxy)/(?!.*-available/)")
_OWN = re.compile(
    r"^/etc/(?:hosts|resolv\.conf|host\.conf|network/|netplan/|sysconfig/network|NetworkManager/|systemd/|dhcp"
    r"|chrony|ntp|ssh/|keepalived/|default/(?:isc-|ufw))"
)
"""Files that every new server gets with contents of its own."""
_MOST = 1000


class Site(msgspec.Struct, frozen=True, kw_only=True):
    """One site of a web server or proxy.

    Attributes:
        file: Where it is configured.
        names: Host names, or the name of a front end, in the order of the file.
        listens: What it listens on.
        behind: Servers that it passes requests to, without user and password.
        certificates: Files of certificates.
        root: Folder that it serves.
    """

    file: str
    names: tuple[str, ...] = ()
    listens: tuple[str, ...] = ()
    behind: tuple[str, ...] = ()
    certificates: tuple[str, ...] = ()
    root: str = ""


class Mention(msgspec.Struct, frozen=True, kw_only=True):
    """An address that a file names: one of another machine's, or the host's own."""

    file: str
    address: str


class Configured(msgspec.Struct, frozen=True, kw_only=True):
    """What was found, sorted."""

    sites: tuple[Site, ...] = ()
    addresses: tuple[Mention, ...] = ()


class ConfiguredFact(Fact[Configured]):
    """Sites of nginx, Apache and HAProxy, and IPv4 addresses in configuration outside of comments.

    One `grep` prints the lines up to the address or directive and no further; of those the address, the directive's
    own words and the file are kept.
    """

    name = "configured"
    section = Section(
        sh=rf"""
grep -asoE '^[^#;]*{_DOTTED}.?|^[ 	]*({_WORDS})[^#;]*' /dev/null {" ".join(_PLACES)}
echo "grep:$?"
""",
        reads=_PLACES,
        runs=("grep",),
        timeout_s=10,
        cap=512 * 1024,
        group="disk",
    )

    def parse(self, raw: bytes) -> Configured | None:
        """See `Configured`; None when no file names anything.

        Raises:
            ValueError: The files could not be searched, or not all of them.
        """
        lines = [text(line) for line in raw.splitlines()]
        ended = [line for line in lines if line.startswith("grep:")]
        if not ended or ended[-1] not in {"grep:0", "grep:1", "grep:2"}:  # 2: one of them is not readable
            raise ValueError("the search of configuration files did not end well")
        sites = _Sites()
        mentions = set()
        for line in lines:
            path, colon, rest = line.partition(":")
            if not colon or not path.startswith("/"):
                continue
            if _WEB.match(path):
                sites.take(path, rest.strip())
            if not _OWN.match(path):
                mentions |= {Mention(file=path, address=a) for a in _FOUND.findall(rest) if _counts(a)}
        found = Configured(
            sites=sites.found(),
            addresses=tuple(sorted(mentions, key=lambda m: (m.file, m.address)))[:_MOST],
        )
        return found if found != Configured() else None


def _counts(word: str) -> bool:
    """Not a mask, a group's or this machine's own loopback: an address that may be another after a move."""
    try:
        address = ipaddress.IPv4Address(word)
    except ValueError:
        return False
    return not (address.is_loopback or address.is_multicast or address.is_unspecified or address.is_reserved)


class _Sites:
    """Puts directives together to sites, in the order in which they come."""

    def __init__(self) -> None:
        self._file = ""
        self._open: dict[str, list[str]] = {}
        self._found: set[Site] = set()

    def take(self, file: str, line: str) -> None:
        word, *rest = re.split(r"[\s{>]+", line)
        rest = [_plain(one) for one in rest if one]
        begins = word in {"frontend", "backend", "<VirtualHost"} or (word == "server" and line.rstrip().endswith("{"))
        if begins or word == "</VirtualHost" or file != self._file:
            self._close()
            self._file = file
        if begins:
            self._add({"<VirtualHost": "listens"}.get(word, "names"), rest)
        elif word in {"server_name", "ServerName", "ServerAlias"}:
            self._add("names", rest)
        elif word in {"listen", "bind"}:
            self._add("listens", rest[:1])
        elif word in {"proxy_pass", "ProxyPass"}:
            self._add("behind", rest[-1:])
        elif word == "server" and "/haproxy/" in file:
            self._add("behind", rest[1:2])
        elif word in {"ssl_certificate", "SSLCertificateFile"}:
            self._add("certificates", rest[:1])
        elif word in {"root", "DocumentRoot"}:
            self._add("root", rest[:1])

    def found(self) -> tuple[Site, ...]:
        self._close()
        return tuple(sorted(self._found, key=msgspec.structs.astuple))[:_MOST]

    def _add(self, field: str, words: list[str]) -> None:
        if sum(map(len, self._open.values())) < _MOST:
            self._open.setdefault(field, []).extend(words)

    def _close(self) -> None:
        if self._open.keys() - {"root"}:
            kept = {k: tuple(dict.fromkeys(v)) for k, v in self._open.items() if k != "root"}
            root = next(iter(self._open.get("root", ())), "")
            self._found.add(Site(file=self._file, root=root, **kept))
        self._open = {}


def _plain(word: str) -> str:
    """A word of a directive without quotes, and without what stands before an @ in a URL: user and password."""
    return re.sub(r"(?<=//)[^/@\s]*@", "", word.strip("\"'"))
