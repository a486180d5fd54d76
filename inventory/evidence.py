"""What a sighting says about who the server is, what of it counts, and how much.

Left out is what says nothing: serials and UUIDs that no maker gave, MAC addresses that containers and clusters make up
alike everywhere, addresses that every host with containers or virtual machines has on the inside.
"""

import re

import msgspec

from pse.core.documents.snapshot import Sighting

WEIGHTS = {"uuid": 3, "macs": 3, "serial": 2, "machine_id": 2, "host_key": 2, "name": 1, "address": 1}
ENOUGH = 4
"""Two pieces, one of them strong: a UUID and a name, MAC addresses and an address, a serial and a machine id."""
STRONG = ("uuid", "serial", "machine_id", "macs", "template")
"""Evidence whose disagreement forbids a merge. A host key is not among them: keys are made anew at times.

``template`` weighs nothing: that a row of a file calls a machine a template makes no server vanish that was seen. Nor
do rows of one file that the tool itself tells apart by their ids (`listed`): they are two machines, clones perhaps.
"""
LISTED = "rows of "
"""Prefix of that kind; the name of the import follows."""
_ON_DISK = frozenset({"machine_id", "host_key"})
"""Who clones a disk copies both at once, so that together they weigh one less."""

_NAMELESS = frozenset({"", "localhost", "localhost4", "template", "unknown", "none", "vm", "server"})
_NO_SERIAL = re.compile(
    r"0*|f+|x+|-+|\.+|.|none|null|unknown|n/?a|nil|default( string)?|not .*|to be filled.*|invalid|empty|o\.?e\.?m\.?"
    r"|(system |chassis )?serial( ?(number|no))?\.?|0?123456789(0|abcdef?)?|tbd|virtual( machine)?"
)
_NO_UUID = frozenset({"03000200040005000006000700080009", "00020003000400050006000700080009"})
_HEX32 = re.compile(r"[0-9a-f]{32}")
_NO_CARD = re.compile(
    r"02:42:.*"  # made up by Docker
    r"|56:84:7a:fe:97:99"  # docker0 of old
    r"|00:00:5e:00:0[12]:.*"  # VRRP
    r"|00:00:0c:(07:ac|9f:f.):.*"  # HSRP
    r"|0[23]:bf:.*"  # Network Load Balancing
    r"|ee:ee:ee:ee:ee:ee|fe:ff:ff:ff:ff:ff"  # Calico, Xen
    r"|.[13579bdf]:.*|(00:){5}00"
)
_INSIDE = frozenset({"172.17.0.1", "172.18.0.1", "192.168.122.1", "10.0.2.15", "10.88.0.1", "10.0.3.1", "127.0.0.1"})
"""Addresses of bridges that Docker, libvirt, VirtualBox, Podman and LXC give every host alike."""

_LINK_LOCAL = ("169.254.", "fe80:")
_NOTHING = frozenset({""})

Evidence = dict[str, frozenset[str]]


class Vote(msgspec.Struct, frozen=True, kw_only=True):
    """Why two sightings count as one server.

    Attributes:
        one: Source of a sighting.
        two: Source of one that is trusted more.
        agree: Kinds of evidence in which they agree.
        weight: How much those weigh; they may be less than `ENOUGH` where a third sighting speaks for both.
    """

    one: str
    two: str
    agree: tuple[str, ...]
    weight: int


def evidence_of(sighting: Sighting) -> Evidence:
    """What a sighting says about who it is, by kind; a UUID in whichever of its two byte orders sorts first."""
    said, server = sighting.identity, sighting.server
    serial, uuids = _serial(said.get("serial", "")), {_one_order(said.get(key, "")) for key in ("uuid", "vm_uuid")}
    if len(serial) == 32 and (of_serial := _one_order(serial)):
        uuids.add(of_serial)  # VMware and OpenStack make it of the UUID: that is one piece and not two
        serial = ""
    pieces = {
        "template": (str(server.is_template),),
        "uuid": uuids,
        "serial": (serial,),
        "machine_id": (said.get("machine_id", ""),),
        "host_key": (said.get("host_key", ""),),
        "macs": _cards(said["macs"]) if "macs" in said else (),
        "name": {_short(server.hostname), _short(said.get("dns", ""))} - _NAMELESS,
        "address": [a for a in server.addresses if a not in _INSIDE and not a.startswith(_LINK_LOCAL)],
        LISTED + sighting.source.partition("#")[0]: (said.get("listed", ""),),
    }
    return {kind: found for kind, values in pieces.items() if (found := frozenset(values) - _NOTHING)}


def _short(name: str) -> str:
    return name.partition(".")[0].lower()


def _serial(text: str) -> str:
    """A serial number in small letters, one that is made of a UUID as its 32 digits; empty for one that nobody gave."""
    plain = text.strip().lower()
    if _NO_SERIAL.fullmatch(plain):
        return ""
    digits = plain.removeprefix("vmware-").replace(" ", "").replace("-", "")
    return digits if _HEX32.fullmatch(digits) else plain


def _cards(text: str) -> list[str]:
    return [card for card in text.lower().split(",") if not _NO_CARD.fullmatch(card)]


def _one_order(text: str) -> str:
    """A UUID in that of its byte orders which sorts first; empty for none."""
    return min(both_orders(text), default="") if text else ""


def both_orders(text: str) -> set[str]:
    """A UUID as it stands and with its first three fields byte-swapped (SMBIOS before 2.6); empty for none."""
    plain = text.lower().removeprefix("urn:uuid:").strip("{} ").replace("-", "")
    if not _HEX32.fullmatch(plain) or not plain.strip("0f") or plain in _NO_UUID:
        return set()
    h = plain
    return {h, h[6:8] + h[4:6] + h[2:4] + h[:2] + h[10:12] + h[8:10] + h[14:16] + h[12:14] + h[16:]}


def agreement(a: Evidence, b: Evidence) -> tuple[str, ...]:
    """Kinds that weigh something and in which the two agree."""
    return tuple(kind for kind in WEIGHTS if kind in a and kind in b and not a[kind].isdisjoint(b[kind]))


def weight(agreed: tuple[str, ...]) -> int:
    """How much it weighs that two sightings agree in these kinds."""
    return sum(WEIGHTS[kind] for kind in agreed) - _ON_DISK.issubset(agreed)


def against(a: Evidence, b: Evidence) -> tuple[str, ...]:
    """Kinds of strong evidence in which the two contradict each other."""
    return tuple(
        kind for kind in a if (kind in STRONG or kind.startswith(LISTED)) and kind in b and a[kind].isdisjoint(b[kind])
    )


def votes(sightings: tuple[Sighting, ...]) -> tuple[Vote, ...]:
    """Of sightings of one server, the most trusted first: with which one before it each of them agrees most."""
    evidence = [evidence_of(sighting) for sighting in sightings]
    found = []
    for at in range(1, len(sightings)):
        agreed = [agreement(evidence[at], evidence[other]) for other in range(at)]
        best = max(range(at), key=lambda other: (weight(agreed[other]), -other))
        found.append(
            Vote(one=sightings[at].source, two=sightings[best].source, agree=agreed[best], weight=weight(agreed[best]))
        )
    return tuple(found)
