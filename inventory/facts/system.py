"""The operating system."""

import re

import msgspec

from inventory.facts.base import Fact, Section, by_path, first

_FAMILIES = {
    "debian": "debian",
    "ubuntu": "debian",
    "rhel": "rhel",
    "redhat": "rhel",
    "red hat": "rhel",
    "centos": "rhel",
    "fedora": "rhel",
    "rocky": "rhel",
    "almalinux": "rhel",
    "ol": "rhel",
    "oracle": "rhel",
    "amzn": "rhel",
    "scientific": "rhel",
    "sles": "suse",
    "suse": "suse",
    "opensuse": "suse",
    "alpine": "alpine",
}


_UNAME = re.compile(rb"^Linux .*$", re.MULTILINE)


class System(msgspec.Struct, frozen=True, kw_only=True):
    """Operating system as it names itself.

    Attributes:
        family: ``debian``, ``rhel``, ``suse``, ``alpine`` or ``other``.
        id: ``ID`` of os-release, or derived from older files.
        version: Version id, for example ``12``.
        name: Pretty name.
        kernel: Kernel release.
        machine: ``uname -m``.
        bits: Of the shell's own program: 32 or 64; None when it could not be read.
    """

    family: str
    id: str = ""
    version: str = ""
    name: str = ""
    kernel: str = ""
    machine: str = ""
    bits: int | None = None


class SystemFact(Fact[System]):
    """os-release, or what systems had before it; kernel; machine; and whether programs are 32-bit.

    A 32-bit userland runs under a 64-bit kernel, too, so the shell looks at its own addresses: a program of 64 bits has
    some with more than eight digits.
    """

    name = "system"
    section = Section(
        sh="""
bits=
uname -srm
while read -r m rest; do
  bits=32
  case ${m%%-*} in ?????????*) bits=64; break;; esac
done < /proc/self/maps
echo "bits:$bits"
:""",
        files=(
            *("/etc/os-release", "/usr/lib/os-release", "/etc/redhat-release", "/etc/SuSE-release"),
            *("/etc/debian_version", "/etc/alpine-release"),
        ),
        reads=("/proc/self/maps",),
        runs=("uname",),
        group="quick",
    )

    def parse(self, raw: bytes) -> System | None:
        """See `System`; None when it names neither kernel nor distribution."""
        files = by_path(raw)
        words = (_UNAME.search(raw) or [b""])[0].decode("ascii", "replace").split()
        kernel, machine = (words[1], words[2]) if len(words) == 3 and words[0] == "Linux" else ("", "")
        bits = re.search(rb"^bits:(32|64)$", raw, re.MULTILINE)
        fields = _os_release(files.get("/etc/os-release") or files.get("/usr/lib/os-release") or [])
        if not fields:
            fields = _older(files)
        if not fields and not kernel:
            return None
        likes = [fields.get("ID", ""), *fields.get("ID_LIKE", "").split()]
        return System(
            family=next((_FAMILIES[i] for like in likes if (i := like.lower().split("-")[0]) in _FAMILIES), "other"),
            id=fields.get("ID", "").lower(),
            version=fields.get("VERSION_ID", ""),
            name=fields.get("PRETTY_NAME") or fields.get("NAME", ""),
            kernel=kernel,
            machine=machine,
            bits=int(bits[1]) if bits else None,
        )


def _os_release(lines: list[str]) -> dict[str, str]:
    fields = {}
    for line in lines:
        name, equals, value = line.partition("=")
        if equals and re.fullmatch(r"[A-Z0-9_]+", name):
            if len(value) > 1 and value[0] == value[-1] and value[0] in "\"'":
                value = value[1:-1]
            fields[name] = re.sub(r'\\(["$`\\])', r"\1", value)
    return fields


def _older(files: dict[str, list[str]]) -> dict[str, str]:
    for path, found in (
        ("/etc/redhat-release", "rhel"),
        ("/etc/SuSE-release", "suse"),
        ("/etc/alpine-release", "alpine"),
        ("/etc/debian_version", "debian"),
    ):
        line = first(files, path)
        if line:
            version = re.search(r"\d+(?:\.\d+)*", line)
            name = line if not line[0].isdigit() else f"{found.capitalize()} {line}"
            return {"ID": found, "VERSION_ID": version[0] if version else "", "PRETTY_NAME": name}
    return {}
