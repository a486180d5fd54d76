"""The words of DNS: record sets in one spelling, and how one says whose it is where a cloud has no tags for it.

Beside a record set that is ours stands its companion: a TXT record set at ``_pse-<type>.<its name>`` with the identity,
made, changed and deleted in one and the same change. Where a zone cannot be tagged, its claim stands at
``_pse.<domain>`` in the same form. A record set without companion is a stranger's.
"""

import re
from collections.abc import Iterable, Mapping
from ipaddress import IPv4Address, IPv6Address
from typing import Any

import msgspec

from providers.kit.descriptions import read, written
from providers.ports import Identity, PortError
from pse.core.schema import DnsRecordInputs, DnsZoneInputs
from pse.core.text import printable

TYPES = ("A", "AAAA", "CNAME", "TXT", "MX")
"""Types that a `DnsRecordInputs` may have."""
APEX = "@"
SIGNING = frozenset({"RRSIG", "NSEC", "NSEC3", "NSEC3PARAM", "DNSKEY", "CDS", "CDNSKEY", "TYPE65534"})
"""Types of the records that a server makes itself where it signs a zone."""
COMPANION_TTL_S = 300
"""Seconds that a companion or a claim may be kept."""

_CLAIM = "_pse"
_ANY = "-any"
"""In the name of the companion of ``*``."""
_STRING = 255
"""Bytes of one string of a TXT record."""
_LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?", re.ASCII)
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"|((?:[^"\\\s]|\\.)+)')
_ESCAPE = re.compile(r"\\(\d{3}|.)")
_MX = re.compile(r"(\d{1,5})\s+(\S+)", re.ASCII)


class RecordSet(msgspec.Struct, frozen=True, kw_only=True):
    """All records of one name and type.

    Attributes:
        name: The whole name in small letters, without the last dot.
        type: In capitals.
        values: As a zone file writes them, in one spelling by `value_of`, sorted.
        ttl_s: Seconds that resolvers may keep it.
    """

    name: str
    type: str
    values: tuple[str, ...]
    ttl_s: int


class Paired(msgspec.Struct, frozen=True, kw_only=True):
    """A record set and whose it is.

    Attributes:
        record: The record set.
        identity: From its companion; None for a stranger's.
        notes: Further words of the companion.
    """

    record: RecordSet
    identity: Identity | None
    notes: Mapping[str, str]


# -- names --


def domain_of(inputs: DnsZoneInputs) -> str:
    """The zone's domain in the one spelling.

    Raises:
        PortError: It is no domain name.
    """
    return _name(inputs.domain.removesuffix("."), inputs.name)


def name_of(label: str, domain: str) -> str:
    """The whole name of a label below a domain."""
    return domain if label == APEX else f"{label.lower()}.{domain}"


def label_of(name: str, domain: str) -> str | None:
    """The label of a whole name; None when it is not of this domain."""
    if name == domain:
        return APEX
    return name.removesuffix(f".{domain}") if name.endswith(f".{domain}") else None


def record_id(zone: str, record: RecordSet) -> str:
    """``<zone id>|<TYPE>|<whole name>``."""
    return f"{zone}|{record.type}|{record.name}"


def split_id(object_id: str) -> tuple[str, str, str] | None:
    """Zone id, type and whole name; None for what is no id of a record set."""
    parts = object_id.rsplit("|", 2)
    return (parts[0], parts[1], parts[2]) if len(parts) == 3 and all(parts) else None


# -- values --


def value_of(kind: str, text: str, *, where: str = "") -> str:
    """A value in the one spelling.

    Args:
        kind: Type of the record set; values of a type that is none of `TYPES` stay as they are.
        text: As a zone file writes it. A name in it has to end with a dot: without one some clouds add the domain.
        where: For the error.

    Raises:
        PortError: It is no such value.
    """
    text = text.strip()
    try:
        if kind == "A":
            return str(IPv4Address(text))
        if kind == "AAAA":
            return str(IPv6Address(text))
    except ValueError:
        raise _invalid(f"no address for a record of type {kind}: {printable(text[:80])!r}", where) from None
    if kind == "CNAME":
        return _target(text, where)
    if kind == "MX":
        found = _MX.fullmatch(text)
        if found is None or int(found[1]) > 65535:
            raise _invalid(f"no preference and name of a mail server: {printable(text[:80])!r}", where)
        return f"{int(found[1])} {'.' if found[2] == '.' else _target(found[2], where)}"
    return quoted(*strings(text, where=where)) if kind == "TXT" else text


def strings(text: str, *, where: str = "") -> tuple[bytes, ...]:
    """The strings of a TXT value as a zone file writes them.

    Raises:
        PortError: It is none, or a string has more than 255 bytes.
    """
    found = []
    at = 0
    while at < len(text):
        part = _QUOTED.match(text, at)
        if part is None:
            raise _invalid("a quotation mark or an escape of a text has no end", where)
        found.append(_unescaped(part[2] if part[1] is None else part[1], where))
        at = part.end()
        rest = text[at:].lstrip(" \t")
        at = len(text) - len(rest)
    if not found or any(len(string) > _STRING for string in found):
        raise _invalid(f"a text has one string or several, each of at most {_STRING} bytes", where)
    return tuple(found)


def quoted(*texts: bytes) -> str:
    """Strings as a zone file writes them in the one spelling: each in quotation marks."""
    return " ".join('"' + "".join(_escaped(byte) for byte in text) + '"' for text in texts)


def live(name: str, kind: str, texts: Iterable[str], ttl_s: int) -> RecordSet:
    """A record set as a cloud tells it; a value that is none stays as the stranger wrote it.

    Args:
        name: The whole name in small letters, without the last dot.
        kind: Its type.
        texts: Values.
        ttl_s: See `RecordSet`.
    """

    def spelled(text: str) -> str:
        try:
            return value_of(kind, text)
        except PortError:
            return text

    return RecordSet(name=name, type=kind, values=tuple(sorted({spelled(text) for text in texts})), ttl_s=ttl_s)


# -- what is asked for --


def wanted(inputs: DnsRecordInputs, domain: str) -> RecordSet:
    """The record set that inputs ask for.

    Args:
        inputs: The resource's.
        domain: Of its zone, in the one spelling.

    Raises:
        PortError: No server would take it, or its name is one of a companion or claim.
    """
    kind, where = inputs.type, inputs.name
    if kind not in TYPES:
        raise _invalid(f"no type {printable(kind[:20])!r}; the types are {', '.join(TYPES)}", where)
    label = inputs.label.lower()
    star = "*." if label.startswith("*.") else "*" if label == "*" else ""
    rest = label.removeprefix(star)
    name = f"{star}{_name(rest, where)}.{domain}" if rest not in {"", APEX} else name_of(star or label, domain)
    if not label or any(part == _CLAIM or part.startswith(f"{_CLAIM}-") for part in label.split(".")):
        raise _invalid("this name is kept for the marks of records", where)
    if len(beside(kind, name)) > 253:
        raise _invalid("the name is too long to be marked", where)
    if not 0 <= inputs.ttl_s <= 2**31 - 1:
        raise _invalid("ttlS is no number of seconds that DNS knows", where)
    values = tuple(sorted({value_of(kind, value, where=where) for value in inputs.values}))
    if not values or len(values) != len(inputs.values):
        raise _invalid("a record set has at least one value, and none twice", where)
    if kind == "CNAME" and (len(values) > 1 or label == APEX):
        raise _invalid("a CNAME has one value, and none stands at the domain itself", where)
    return RecordSet(name=name, type=kind, values=values, ttl_s=inputs.ttl_s)


def told(record: RecordSet, domain: str, zone: str, given: DnsRecordInputs | None) -> dict[str, Any]:
    """Inputs by Python name of a live record set, spelled as they were given where they mean the same."""
    live: dict[str, Any] = {
        "zone": zone,
        "label": label_of(record.name, domain) or record.name,
        "type": record.type,
        "values": record.values,
        "ttl_s": record.ttl_s,
    }
    if given is None or given.type != record.type or name_of(given.label, domain) != record.name:
        return live
    live["label"] = given.label
    try:
        same = tuple(sorted(value_of(given.type, value) for value in given.values)) == record.values
    except PortError:
        return live
    return {**live, "values": given.values} if same else live


# -- whose it is --


def companion(record: RecordSet, identity: Identity, **notes: str) -> RecordSet:
    """The record set that says whose ``record`` is.

    Raises:
        PortError: It does not fit into one string.
    """
    return _mark(beside(record.type, record.name), identity, notes)


def companion_name(record: RecordSet) -> str:
    """The whole name of its companion."""
    return beside(record.type, record.name)


def beside(kind: str, name: str) -> str:
    """The whole name of the companion of a record set by type and name."""
    # A star is one at the beginning of a name only.
    star = name.startswith("*.")
    return f"{_CLAIM}-{kind.lower()}{_ANY * star}.{name.removeprefix('*.')}"


def claim(domain: str, identity: Identity, **notes: str) -> RecordSet:
    """The record set that says whose a zone is.

    Raises:
        PortError: It does not fit into one string.
    """
    return _mark(claim_name(domain), identity, notes)


def claim_name(domain: str) -> str:
    """The whole name of a zone's claim."""
    return f"{_CLAIM}.{domain}"


def owner(values: Iterable[str]) -> tuple[Identity | None, Mapping[str, str]]:
    """Identity and notes in the values of a companion or a claim; a stranger's text is neither."""
    texts = tuple(values)
    if len(texts) != 1:
        return None, {}
    try:
        return read(b"".join(strings(texts[0])).decode("ascii"))
    except (PortError, UnicodeDecodeError):
        return None, {}


def paired(domain: str, records: Iterable[RecordSet]) -> tuple[Paired, ...]:
    """Every record set of a zone with its companion's words, without the marks and what is the zone's own.

    Args:
        domain: Of the zone, in the one spelling.
        records: All of the zone.
    """
    everything = {(record.name, record.type): record for record in records}
    texts = {name: owner(record.values) for (name, kind), record in everything.items() if kind == "TXT"}
    marks = {name: who for name, who in texts.items() if who[0] is not None and _is_kept(name, domain)}
    found = []
    for (name, kind), record in sorted(everything.items()):
        if kind == "SOA" or kind in SIGNING or (kind == "NS" and name == domain) or (kind == "TXT" and name in marks):
            continue
        identity, notes = marks.get(beside(kind, name), (None, {}))
        found.append(Paired(record=record, identity=identity, notes=notes))
    return tuple(found)


# -- below: the parts --


def _is_kept(name: str, domain: str) -> bool:
    """Whether a name is one of a companion or of the domain's claim."""
    kept = {f"{_CLAIM}-{kind.lower()}{any_}" for kind in TYPES for any_ in ("", _ANY)}
    return name == claim_name(domain) or name.partition(".")[0] in kept


def _mark(name: str, identity: Identity, notes: Mapping[str, str]) -> RecordSet:
    text = written(identity, most=_STRING, **notes)
    if not text.isascii() or not text.isprintable():
        raise _invalid("a mark has a letter that DNS does not carry", name)
    return RecordSet(name=name, type="TXT", values=(quoted(text.encode()),), ttl_s=COMPANION_TTL_S)


def _name(text: str, where: str) -> str:
    """A name without a last dot, in small letters.

    Raises:
        PortError: It is none.
    """
    name = text.lower()
    if len(name) > 253 or not all(_LABEL.fullmatch(label) for label in name.split(".")):
        raise _invalid(f"no domain name: {printable(text[:80])!r}", where)
    return name


def _target(text: str, where: str) -> str:
    if not text.endswith("."):
        raise _invalid(f"{printable(text[:80])!r} does not end with a dot, as a whole name does", where)
    return _name(text[:-1], where) + "."


def _unescaped(text: str, where: str) -> bytes:
    out = bytearray()
    at = 0
    for found in _ESCAPE.finditer(text):
        out += text[at : found.start()].encode()
        code = found[1]
        if code.isdigit() and len(code) == 3:
            if int(code) > 255:
                raise _invalid(f"no byte is \\{code}", where)
            out.append(int(code))
        else:
            out += code.encode()
        at = found.end()
    return bytes(out + text[at:].encode())


def _escaped(byte: int) -> str:
    letter = chr(byte)
    if letter in {'"', "\\"}:
        return f"\\{letter}"
    return letter if 32 <= byte < 127 else f"\\{byte:03d}"


def _invalid(message: str, where: str) -> PortError:
    return PortError(message, reason="invalid", where=where)
