"""Cells as values: numbers with either decimal sign, sizes with units, words for yes, power and systems."""

import ipaddress
import math
import re
from collections.abc import Iterable
from functools import lru_cache

import msgspec

UNITS = {"b": 1 / 1024**2, "k": 1 / 1024, "m": 1.0, "g": 1024.0, "t": 1024.0**2, "p": 1024.0**3}
"""MiB in one of each unit; MB of all these tools hold binary numbers, so GB is GiB."""
_LARGEST = 2.0**53
_TRUE = frozenset({"true", "1", "yes", "y", "wahr", "ja", "vrai", "oui", "verdadero", "sí", "vero", "sì", "x"})
_POWER = {
    "on": "poweredon|powered on|on|running|vm running|active|started|power on|up|ready",
    "off": "poweredoff|powered off|off|stopped|vm stopped|vm deallocated|deallocated|offline|terminated|shut off"
    "|shutoff|shutdown|shut down|down|power off|inactive|vm stopped (deallocated)",
    "suspended": "suspended|paused|saved|hibernated",
}
_POWERS = {word: state for state, words in _POWER.items() for word in words.split("|")}
_FAMILIES = (
    ("windows", "windows"),
    ("win", "windows"),
    ("red hat", "rhel"),
    ("redhat", "rhel"),
    ("rhel", "rhel"),
    ("centos", "rhel"),
    ("oracle linux", "rhel"),
    ("oraclelinux", "rhel"),
    ("rocky", "rhel"),
    ("alma", "rhel"),
    ("fedora", "rhel"),
    ("debian", "debian"),
    ("ubuntu", "debian"),
    ("suse", "suse"),
    ("sles", "suse"),
    ("alpine", "alpine"),
)
_ARCHITECTURES = {
    "x86_64": "x64|x86_64|amd64|64-bit|64 bit|64bit|x86-64",
    "i686": "x86|32-bit|32 bit|32bit|i386|i486|i586|i686",
    "aarch64": "arm64|aarch64",
}
_ARCHITECTURE = {word: name for name, words in _ARCHITECTURES.items() for word in words.split("|")}
_HYPERVISORS = (
    ("vmware", "vmware"),
    ("esx", "vmware"),
    ("vcenter", "vmware"),
    ("hyper-v", "hyper-v"),
    ("hyperv", "hyper-v"),
    ("kvm", "kvm"),
    ("xen", "xen"),
    ("ahv", "kvm"),
)
_SPACES = str.maketrans("", "", "\u00a0\u202f\u2009 '\u2019_")
_PLAIN = re.compile(r"[+-]?\d{1,18}(?:\.\d{0,2}|\.\d{4,60})?(?:[eE][+-]?\d{1,3})?")
_SIZE = re.compile(
    r"([+-]?[\d.,\s\u00a0\u202f\u2009'\u2019]*\d[.,]?(?:[eE][+-]?\d+)?)\s*([kmgtp]i?b?|b|bytes?)?", re.IGNORECASE
)
_COUNT = re.compile(r"(.*\d)\s*(?:x\s*)?(?:v?cpus?|v?cores?|vcpu\(s\)|cpu\(s\)|core\(s\)|kerne?)\.?", re.IGNORECASE)
_MAC = re.compile(r"(?:[0-9a-f]{2}[:-]){5}[0-9a-f]{2}|(?:[0-9a-f]{4}\.){2}[0-9a-f]{4}|[0-9a-f]{12}", re.IGNORECASE)
_BYTE = r"(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)"
_IPV4 = re.compile(rf"({_BYTE})(?:\.{_BYTE}){{3}}")
_BETWEEN = re.compile(r"[\s,;\[\]|\"']+")
_GUEST_ID = re.compile(r"([a-z]+)(\d{1,4})?(srv|srvnext|server)?_?(64)?guest", re.IGNORECASE)


class Numbers(msgspec.Struct, frozen=True, kw_only=True):
    """How one table writes its numbers.

    Attributes:
        continental: ``1.024`` is a thousand and ``0,5`` a half; otherwise the other way round.
    """

    continental: bool = False

    def number(self, text: str) -> float:
        """The number in ``text``, of either way of writing where only one is possible.

        Raises:
            ValueError: None, negative, or beyond every machine.
        """
        if text.isascii() and text.isdecimal() and len(text) < 16:
            return float(text)
        value = self._value(text.strip().translate(_SPACES))
        if value is None:
            raise ValueError(f"not a number: {text[:60]!r}")
        if value < 0:
            raise ValueError(f"negative: {text[:60]!r}")
        if not math.isfinite(value) or value >= _LARGEST:
            raise ValueError(f"larger than any machine: {text[:60]!r}")
        return value

    def _value(self, text: str) -> float | None:
        dots, commas = text.count("."), text.count(",")
        if not commas and _PLAIN.fullmatch(text):
            return float(text)
        if not re.fullmatch(r"[+-]?\d[\d.,]{0,80}(?:[eE][+-]?\d{1,3})?", text):
            return None
        if dots and commas:
            decimal = "." if text.rindex(".") > text.rindex(",") else ","
        elif dots + commas > 1:
            decimal = ""
        else:
            sign = "." if dots else ","
            grouped = re.fullmatch(r"[+-]?[1-9]\d{0,2}[.,]\d{3}", text) is not None
            decimal = "" if grouped and self.continental == (sign == ".") else sign
        whole, _, rest = text.partition(decimal) if decimal else (text, "", "")
        if not re.fullmatch(r"[+-]?(?:\d+|\d{1,3}(?:[.,]\d{3})+)", whole) or "," in rest:
            return None
        try:
            return float(whole.replace(".", "").replace(",", "") + "." + (rest or "0"))
        except ValueError:
            return None

    def count(self, text: str) -> float:
        """A number of CPUs, with or without a word for them.

        Raises:
            ValueError: See `number`.
        """
        return _count(self, text)

    def mib(self, text: str, unit: str) -> float:
        """MiB in ``text``: ``16 GB``, ``100GB + 500GB``, ``61 GiB / 127 GiB`` (used of all), or a number of ``unit``.

        Args:
            text: The cell.
            unit: Key of `UNITS` for a number without a unit.

        Raises:
            ValueError: See `number`; also for a number without any unit.
        """
        return mib(self, text, unit)


@lru_cache(maxsize=4096)  # most machines are of a few sizes
def _count(numbers: Numbers, text: str) -> float:
    worded = _COUNT.fullmatch(text) if not text.isdecimal() else None
    return numbers.number(worded[1] if worded else text)


@lru_cache(maxsize=4096)
def mib(numbers: Numbers, text: str, unit: str) -> float:
    """See `Numbers.mib`."""
    if text.isascii() and text.isdecimal() and unit and len(text) < 16:
        value = int(text) * UNITS[unit]
        if value >= _LARGEST:
            raise ValueError(f"larger than any machine: {text!r}")
        return value
    total = 0.0
    for part in text.rpartition(" / ")[2].split("+"):
        said = _SIZE.fullmatch(part.strip())
        if said is None:
            raise ValueError(f"not a size: {text[:60]!r}")
        own = (said[2] or unit)[:1].lower()
        if not own:
            raise ValueError(f"without a unit: {text[:60]!r}")
        total += numbers.number(said[1]) * UNITS[own]
    if total >= _LARGEST:
        raise ValueError(f"larger than any machine: {text[:60]!r}")
    return total


def numbers_of(cells: Iterable[str], *, continental: bool | None) -> Numbers:
    """How a table writes numbers, by what in its ``cells`` can be read in one way only.

    Args:
        cells: Some cells that hold numbers.
        continental: What else says so, such as a semicolon between the columns.
    """
    point = comma = False
    for cell in cells:
        said = _SIZE.fullmatch(cell.strip())
        text = said[1].strip().translate(_SPACES) if said else ""
        if re.fullmatch(r"\d+\.(?:\d{1,2}|\d{4,})|0\.\d+|\d{1,3}(?:,\d{3})+\.\d+|\d{1,3}(?:,\d{3}){2,}", text):
            point = True
        elif re.fullmatch(r"\d+,(?:\d{1,2}|\d{4,})|0,\d+|\d{1,3}(?:\.\d{3})+,\d+|\d{1,3}(?:\.\d{3}){2,}", text):
            comma = True
    if point != comma:
        return Numbers(continental=comma)
    return Numbers(continental=bool(continental))


def unit_of(text: str) -> str:
    """Key of `UNITS` for a word such as ``MiB``; empty for any other word."""
    found = re.fullmatch(r"([kmgtp])(?:i?b|ebibytes?|ibibytes?|egabytes?|igabytes?|erabytes?)|(bytes)", text.casefold())
    return (found[1] or "b") if found else ""


@lru_cache(maxsize=256)
def flag(text: str) -> bool:
    """Whether a cell says yes, in the languages that exports were seen in."""
    return text.strip().casefold() in _TRUE


@lru_cache(maxsize=256)
def power(text: str) -> str:
    """``on``, ``off``, ``suspended`` or ``unknown``."""
    return _POWERS.get(text.strip().casefold().removeprefix("powerstate/"), "unknown")


def addresses(text: str) -> set[str]:
    """Addresses in a cell, any signs between them; a length behind one is cut, link-local ones are left out."""
    if (plain := _IPV4.fullmatch(text)) and plain[1] not in {"127", "0"} and not text.startswith("169.254."):
        return {text}
    found = set()
    for word in _BETWEEN.split(text):
        if not word or len(word) > 60:
            continue
        try:
            address = ipaddress.ip_address(word.partition("/")[0].partition("%")[0])
        except ValueError:
            continue
        if not address.is_link_local and not address.is_loopback and not address.is_unspecified:
            found.add(str(address))
    return found


def macs(text: str) -> set[str]:
    """MAC addresses in a cell, in the kernel's way of writing; those of no card are left out."""
    found = set()
    for word in _BETWEEN.split(text):
        if _MAC.fullmatch(word):
            plain = re.sub(r"[^0-9a-f]", "", word.lower())
            if plain.strip("0") and plain.strip("f"):
                found.add(":".join(plain[at : at + 2] for at in range(0, 12, 2)))
    return found


@lru_cache(maxsize=4096)
def os_family(name: str) -> str:
    """The family as `pse.core.documents.snapshot.Server` has it; empty for no name."""
    words = name.casefold()
    return next(
        (family for word, family in _FAMILIES if re.search(rf"\b{word}|{word}\d", words)), "other" if words else ""
    )


@lru_cache(maxsize=4096)
def os_version(name: str) -> str:
    """``CentOS 4/5/6/7 (64-bit)`` names four versions and so none; ``rhel8_64Guest`` is 8."""
    if guest := _GUEST_ID.fullmatch(name):
        return guest[2] or ""
    plain = re.sub(r"\(.*?\)", "", name)
    if windows := re.search(r"Windows.*?\b(\d+(?: R2)?)\b", plain):
        return windows[1]
    found = re.findall(r"\d+(?:\.\d+)*", plain)
    return found[0] if len(found) == 1 else ""


@lru_cache(maxsize=4096)
def architecture(text: str, os_name: str) -> str:
    """``x86_64``, ``i686``, ``aarch64`` or empty, by its own word or by the name of the system."""
    if known := _ARCHITECTURE.get(text.strip().casefold()):
        return known
    return "i686" if "32-bit" in os_name else "x86_64" if "64-bit" in os_name or "_64guest" in os_name.lower() else ""


@lru_cache(maxsize=4096)
def hypervisor(text: str) -> str:
    """The hypervisor by the name that facts of hosts have for it; its own word for an unknown one."""
    words = text.casefold().strip()
    return next((name for word, name in _HYPERVISORS if word in words), words if words not in {"none", "n/a"} else "")


def share(value: float) -> float:
    """A share from 0 to 1, of a share or of points: exports mix them in one column. 1 is taken for all of it."""
    return min(value if value <= 1 else value / 100, 1.0)
