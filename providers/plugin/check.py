"""What Check does before the gate: only what is known is judged, and what is secret stays wrapped."""

import ipaddress
import re
from collections.abc import Callable, Mapping
from pathlib import PurePosixPath
from typing import Any, get_args, get_origin

import msgspec

from providers.plugin.wire import UNKNOWN, has_secret, is_unknown, plain, secret
from providers.ports import ChecksOptions, PortError, Provider
from pse.core.names import is_name
from pse.core.schema import Field, FirewallRule, Kind, Listener
from pse.core.text import printable

Failure = tuple[str, str]
"""Property and reason, as the engine shows them."""

_KEY = re.compile(r"(ssh|ecdsa|sk-ssh|sk-ecdsa)-[a-z0-9@.-]+ [A-Za-z0-9+/=]+( [^\n\r]*)?")
_WORD = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
_LABEL = re.compile(r"@|(\*\.)?[a-z0-9_]([a-z0-9_.-]{0,250}[a-z0-9])?")
_DOMAIN = re.compile(r"([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]([a-z0-9-]{0,61}[a-z0-9])?")
_FILE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]*", re.ASCII)
_PATH = re.compile(r"/[!-~]*")
_PORTS = range(1, 65536)
_SIZES = range(1, 65537)


def checked(kind: Kind, raw: Mapping[str, Any]) -> dict[str, Any]:
    """The inputs as the engine keeps them: defaults filled in, secret ones wrapped, the rest in its form."""
    fields = kind.input_fields()
    kept = {key: value for key, value in raw.items() if value is not None}
    for wire, field in fields.items():
        if wire not in kept and not field.required:
            kept[wire] = list(field.default) if isinstance(field.default, tuple) else field.default
        if wire in kept and field.rule.secret and kept[wire] != "":
            kept[wire] = secret(kept[wire])
    return kept


def failures(kind: Kind, olds: Mapping[str, Any], raw: Mapping[str, Any]) -> list[Failure]:
    """What is wrong with the inputs, as far as they are known.

    Args:
        kind: Kind of the resource.
        olds: Plain inputs of the live resource; empty for a new one.
        raw: What the program gave.
    """
    fields = kind.input_fields()
    strange = f"a {kind.name} has no input of this name; it has {', '.join(fields)}"
    found: list[Failure] = [(wire, strange) for wire in raw if wire not in fields]
    for wire, field in fields.items():
        given = raw.get(wire)
        if given is None:
            if field.required:
                found.append((wire, "is required"))
            continue
        value = plain(given)
        said = wrong_type(value, field.type)
        if not said and not is_unknown(value):
            said = _WORDS[wire](value) if wire in _WORDS else ""
            said = said or _unshown(wire, field, value)
        if not said and field.rule.grow_only and _shrinks(olds.get(wire), value):
            said = f"can only grow, and it is {olds[wire]} now"
        if said:
            # The reason may quote the value, and a program may make a secret of any.
            found.append((wire, "is a secret that cannot stand here" if has_secret(given) else said))
    return found


def without_value(kind: Kind, failure: Failure) -> Failure:
    """``failure`` as the engine may show it: with the value of a property that it is told the name of.

    A secret input is not named to it, and neither is one that the kind does not have, which may be a secret misspelt.
    """
    name, reason = failure
    field = kind.input_fields().get(name)
    if not name or (field is not None and not field.rule.secret):
        return failure
    return ("", f"{name}: {reason}")


def lacking(kind: Kind, values: Mapping[str, Any], provider: type[Provider] | Provider) -> list[Failure]:
    """What the adapter at the resource's place cannot do of what the inputs ask for.

    Args:
        kind: Kind of the resource.
        values: Plain inputs, defaults filled in.
        provider: The adapter.
    """
    if kind.name not in provider.kinds:
        return [("", f"the provider {provider.name} makes no {kind.name}: {provider.lacks.get(kind.name, 'unknown')}")]
    fields = kind.input_fields()
    return [
        (wire, f"the provider {provider.name} cannot do this: {provider.lacks[f'{kind.name}.{wire}']}")
        for wire, value in values.items()
        # On the wire a tuple is a list.
        if f"{kind.name}.{wire}" in provider.lacks
        and (tuple(value) if isinstance(value, list) else value) != fields[wire].default
    ]


def unusable(place: str, provider: Provider) -> list[Failure]:
    """Why the register's entry of a place cannot be used, as far as that is known without any call."""
    if not isinstance(provider, ChecksOptions):
        return []
    try:
        provider.check_options()
    except PortError as exc:
        return [("place", f"policy/register.toml, options of {place}: {exc.message}. {exc.hint}".rstrip())]
    return []


def wrong_type(value: object, hint: Any) -> str:
    """Why a plain value is not of a type, as far as it is known; empty when it is."""
    if value is UNKNOWN:
        return ""
    if isinstance(value, list) and get_origin(hint) is tuple:
        return next((said for item in value if (said := wrong_type(item, get_args(hint)[0]))), "")
    if is_unknown(value):
        # A mapping with unknown leaves is looked at when they are known: the engine checks again before it acts.
        return ""
    try:
        msgspec.convert(value, hint, strict=True)
    except msgspec.ValidationError as exc:
        return str(exc)
    return ""


def _unshown(wire: str, field: Field, value: Any) -> str:
    """Why a text cannot stand where clouds, command lines and people have it: a line of its own, a direction, nothing.

    Scripts and certificates have lines, and a public key ends with one where it was read from a file.
    """
    if field.rule.secret or wire == "publicKey":
        return ""
    if field.required and value == "":
        return "is empty"
    texts = [value] if isinstance(value, str) else value if isinstance(value, list) else []
    strange = next((text for text in texts if isinstance(text, str) and text != printable(text)), None)
    return "" if strange is None else f"has characters that cannot be shown: {printable(strange)[:80]}"


def _shrinks(old: object, new: object) -> bool:
    return isinstance(old, int | float) and isinstance(new, int | float) and new < old


def _name(value: Any) -> str:
    return "" if is_name(value) else "takes 1 to 40 lower-case letters, digits and hyphens"


def _cidr(value: Any) -> str:
    try:
        spelled = str(ipaddress.IPv4Network(value))
    except ValueError as exc:
        return f"is not an IPv4 range: {exc}"
    # Clouds tell it in this spelling, and another one would be another range: everything in it would be replaced.
    return "" if value == spelled else f"is spelt {spelled}"


def _peer(value: str) -> str:
    return _cidr(value if "/" in value else f"{value}/32")


def _size(value: Any) -> str:
    return "" if value in _SIZES else f"is a size in GiB from 1 to {_SIZES[-1]}"


def _public_key(value: Any) -> str:
    return "" if _KEY.fullmatch(value.strip()) else "is not one public key in OpenSSH format"


def _mount(value: Any) -> str:
    path = PurePosixPath(value)
    plain_path = path.is_absolute() and ".." not in path.parts and str(path) == value and value != "/"
    return "" if plain_path else "is not a plain absolute path"


def _rules(value: Any) -> str:
    for number, item in enumerate(value):
        rule = msgspec.convert(item, FirewallRule)
        said = (
            "direction is in or out"
            if rule.direction not in {"in", "out"}
            else "protocol is tcp, udp or icmp"
            if rule.protocol not in {"tcp", "udp", "icmp"}
            else "icmp has port 0"
            if rule.protocol == "icmp" and rule.port != 0
            else "port is 1 to 65535"
            if rule.protocol != "icmp" and rule.port not in _PORTS
            else _peer(rule.peer)
        )
        if said:
            return f"rule {number}: {said}"
    return ""


def _listeners(value: Any) -> str:
    for number, item in enumerate(value):
        listener = msgspec.convert(item, Listener)
        said = (
            "protocol is tcp, http or https"
            if listener.protocol not in {"tcp", "http", "https"}
            else "a port is 1 to 65535"
            if listener.port not in _PORTS or listener.member_port not in _PORTS
            else "healthPath begins with / and has letters, digits and signs of ASCII only"
            if listener.health_path and not _PATH.fullmatch(listener.health_path)
            else ""
        )
        if said:
            return f"listener {number}: {said}"
    ports = [msgspec.convert(item, Listener).port for item in value]
    return "" if len(set(ports)) == len(ports) and ports else "takes at least one port, and each once"


def _of(pattern: re.Pattern[str], words: str) -> Callable[[Any], str]:
    return lambda value: "" if pattern.fullmatch(value) else words


def _within(words: str, *numbers: range) -> Callable[[Any], str]:
    return lambda value: "" if any(value in allowed for allowed in numbers) else words


def _among(*allowed: str) -> Callable[[Any], str]:
    return lambda value: "" if value in allowed else f"is one of {', '.join(allowed)}"


_WORDS: Mapping[str, Callable[[Any], str]] = {
    "name": _name,
    "cidr": _cidr,
    "sizeGib": _size,
    "publicKey": _public_key,
    "mount": _mount,
    "rules": _rules,
    "listeners": _listeners,
    "iops": _within("is a number from 0 to 1000000", range(1_000_001)),
    "retentionDays": _within("is a number of days from 0 to 36500", range(36_501)),
    "rotationDays": _within("is 0, or a number of days from 90 to 2560", range(1), range(90, 2561)),
    "everyHours": _within("is a number of hours from 1 to 24, or 168", range(1, 25), range(168, 169)),
    "keep": _within("is a number from 1 to 1000", range(1, 1001)),
    "values": lambda value: "" if value else "takes at least one value",
    "ttlS": _within("is a number of seconds from 1 to 2147483647", range(1, 2**31)),
    "source": _of(_FILE, "is the name of a file in the workspace's folder images, without a path"),
    "sha256": _of(re.compile("[0-9a-f]{64}"), "is 64 hexadecimal digits"),
    "format": _among("raw", "qcow2", "vmdk", "vhd"),
    "apart": lambda value: "" if not value or _WORD.fullmatch(value) else "is a word of lower-case letters and digits",
    "domain": _of(_DOMAIN, "is a domain name in lower case, without the last dot"),
    "label": _of(_LABEL, "is a name below the domain in lower case, or @"),
    "type": _among("A", "AAAA", "CNAME", "TXT", "MX"),
}
