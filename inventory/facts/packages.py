"""Installed packages."""

import msgspec

from inventory.facts.base import Fact, Section, text


class Package(msgspec.Struct, frozen=True, kw_only=True):
    """One installed package."""

    name: str
    version: str
    architecture: str = ""


class PackagesFact(Fact[tuple[Package, ...]]):
    """dpkg, rpm or apk, whichever keeps this system's list; queries take no lock."""

    name = "packages"
    section = Section(
        sh=r"""
if command -v dpkg-query >/dev/null && [ -r /var/lib/dpkg/status ]; then
  dpkg-query -W -f '${Status}|${Package}|${Version}|${Architecture}\n'
elif command -v rpm >/dev/null && [ -d /var/lib/rpm ]; then
  rpm -qa --qf 'installed|%{NAME}|%{VERSION}-%{RELEASE}|%{ARCH}\n'
elif [ -r /lib/apk/db/installed ]; then
  grep -aE '^[PVA]:' /lib/apk/db/installed
fi
:""",
        reads=("/var/lib/dpkg/status", "/var/lib/rpm", "/lib/apk/db/installed"),
        runs=("dpkg-query", "rpm", "grep"),
        timeout_s=15,
        cap=2 * 1024 * 1024,
        group="disk",
        large=True,
    )

    def parse(self, raw: bytes) -> tuple[Package, ...] | None:
        """See `Package`, sorted by name; None when there is no list."""
        found: dict[str, Package] = {}
        apk: dict[str, str] = {}
        for line in raw.splitlines():
            words = text(line).split("|")
            if len(words) == 4 and words[0].endswith("installed") and "not-installed" not in words[0]:
                found[words[1]] = Package(name=words[1], version=words[2], architecture=words[3])
            elif line[1:2] == b":" and line[:1] in b"PVA":
                apk[chr(line[0])] = text(line[2:])
                if {"P", "V"} <= apk.keys():
                    name = apk["P"]
                    found[name] = Package(name=name, version=apk["V"], architecture=apk.get("A", ""))
                    if line[:1] == b"A":
                        apk = {}
        return tuple(found[name] for name in sorted(found)) or None
