"""What exists beside what the states know: whose each live object is, and what is missing, left over or changed."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from providers.identity import parse_urn
from providers.survey import Live, Tags
from pse.core.documents.audit import Resting, Whose
from pse.core.findings import Finding, Severity
from pse.core.schema import KINDS
from pse.core.text import counted

if TYPE_CHECKING:
    from providers.driving.state import State
    from providers.places import Places
    from providers.ports import Made

LEFTOVER, ANOTHERS, NOBODYS, MISSING, MOVED, KEY, UNTAGGED, UNLISTED = (
    "PSE-B033",
    "PSE-B034",
    "PSE-B035",
    "PSE-B036",
    "PSE-B037",
    "PSE-B038",
    "PSE-B039",
    "PSE-B040",
)
_BY_TOKEN = {kind.token: kind for kind in KINDS.values()}
_SHOWN = 5
"""Ids that a finding names before it only counts."""

Key = tuple[str, str, str]
"""Place, kind and id of an object."""


class Held(msgspec.Struct, frozen=True, kw_only=True):
    """An object as a state knows it.

    Attributes:
        unit: Stack id.
        urn: Pulumi URN.
        inputs: As they were given, by wire name.
        aspects: Each aspect and where it rested when it was built; None when the state does not tell.
    """

    unit: str
    urn: str
    inputs: Mapping[str, Any]
    aspects: frozenset[tuple[str, str]] | None

    @property
    def key(self) -> str:
        """Id of the key that it was given; empty for none."""
        found = self.inputs.get("encryptionKey")
        return found if isinstance(found, str) else ""


def held_by(unit: str, state: "State") -> dict[Key, Held]:
    """What the state of a stack knows, by place, kind and id."""
    found = {}
    for entry in state.live_entries():
        kind, inputs = _BY_TOKEN.get(str(entry["type"])), entry.get("inputs") or {}
        if kind is not None and entry.get("id"):
            told = (entry.get("outputs") or {}).get("placement")
            aspects = frozenset((str(one["what"]), str(one["where"])) for one in told) if told else None
            held = Held(unit=unit, urn=str(entry["urn"]), inputs=inputs, aspects=aspects)
            found[str(inputs.get("place") or ""), kind.name, str(entry["id"])] = held
    return found


def by_tag(places: "Places", held: Mapping[Key, Held], listed: Iterable[Live], tags: Tags) -> list[Live]:
    """Objects that a state knows and no listing has, where their tags lead to them.

    Raises:
        RemoteError: A cloud could not be asked.
    """
    seen = {live.key for live in listed}
    found: list[Live] = []
    for place, kind, object_id in sorted(held.keys() - seen):
        one = held[place, kind, object_id]
        if places.register.place(place) is None:
            continue
        store = places.store(place, kind)
        tagged = store.find(tags.of(one.unit), parse_urn(one.urn).hash)
        found += (Live(place=place, kind=kind, made=made, listed=False) for made in tagged if made.id == object_id)
    return found


def owners(lives: Iterable[Live], held: Mapping[Key, Held], tags: Tags) -> dict[str, list[Live]]:
    """Live objects of each stack of ours: by what the states know, and by their tags.

    An account may list an object at more than one place of the register; where a state knows it, only that counts.
    """
    placed = {(kind, object_id): place for place, kind, object_id in held}
    found: dict[str, list[Live]] = defaultdict(list)
    for live in lives:
        unit = held[live.key].unit if live.key in held else tags.stack(live.stack)
        at = placed.get((live.kind, live.made.id), live.place)
        if unit is not None and (live.key in held or at == live.place):
            found[unit].append(live)
    return dict(found)


def rests(
    lives: Iterable[Live], held: Mapping[Key, Held], mine: Mapping[str, Iterable[Live]], planned: Iterable[str]
) -> tuple[Resting, ...]:
    """Every live object with whose it is, sorted.

    Args:
        lives: All of them.
        held: What the states know.
        mine: Those of our stacks, by `owners`.
        planned: Units of the plan.
    """
    unit_of = {live.key: unit for unit, some in mine.items() for live in some}
    known, named = {(kind, object_id) for _, kind, object_id in held}, frozenset(planned)
    found = []
    for live in lives:
        unit = unit_of.get(live.key)
        if unit is None and (live.kind, live.made.id) in known:
            continue  # the same object, as another place of the account lists it
        if unit is None:
            whose = Whose.ANOTHERS if live.stack else Whose.NOBODYS
        elif live.key not in held:
            whose = Whose.LEFTOVER
        else:
            whose = Whose.PLAN if unit in named else Whose.OUTSIDE
        found.append(
            Resting(
                place=live.place,
                kind=live.kind,
                id=live.made.id,
                whose=whose,
                unit=live.stack if unit is None else unit,
                name=live.made.inputs.name,
                listed=live.listed,
                placement=live.made.outputs.placement,
                key=getattr(live.made.inputs, "encryption_key", ""),
            )
        )
    return tuple(sorted(found, key=lambda one: (one.place, one.unit, one.kind, one.id)))


def strangers(found: Iterable[Resting]) -> list[Finding]:
    """Objects of other workspaces, and of nobody, in accounts of places that hold something of ours."""
    every = list(found)
    ours = {one.place for one in every if one.whose not in (Whose.ANOTHERS, Whose.NOBODYS)}
    groups: dict[tuple[str, Whose, str, str], list[str]] = defaultdict(list)
    for one in every:
        if one.whose in (Whose.ANOTHERS, Whose.NOBODYS) and one.place in ours:
            groups[one.place, one.whose, one.unit, one.kind].append(one.name or one.id)
    findings = []
    for (place, whose, tag, kind), names in sorted(groups.items()):
        nobody = whose is Whose.NOBODYS
        whom = "carries no tags" if nobody else f"is of another workspace or program ({tag})"
        # An account comes with networks and keys of its own; what holds data, or works on it, does not come by itself.
        weighty = kind == "Server" or (KINDS[kind].holds_data and kind != "EncryptionKey")
        findings.append(
            Finding(
                code=NOBODYS if nobody else ANOTHERS,
                severity=Severity.WARNING if weighty or not nobody else Severity.INFO,
                subject=place,
                message=f"{kind} {_some(names)} {whom}, in an account that holds data of this workspace",
                remedy="Find out whose it is; give it an account of its own, or take it away.",
                source="the account's listing",
            )
        )
    return findings


def leftovers(found: Iterable[Resting], stacks: Collection[str], refused: Collection[str]) -> list[Finding]:
    """Objects that carry our tags and that no state knows.

    Args:
        found: Every live object.
        stacks: Those that this workspace knows to have begun.
        refused: Stacks of which something is refused where it is.
    """
    groups: dict[tuple[str, str], list[str]] = defaultdict(list)
    for one in found:
        if one.whose is Whose.LEFTOVER:
            groups[one.unit, one.place].append(f"{one.kind} {one.name or one.id}")
    remedies = {
        True: "An interrupted run left it, or an older state was put back: `pse adopt UNIT` takes it over or away.",
        False: "The stack's state is lost. Bring it back, build the stack again, or delete it at the cloud.",
    }
    return [
        Finding(
            code=LEFTOVER,
            severity=Severity.ERROR if unit in refused else Severity.WARNING,
            subject=unit,
            message=f"{_some(names)} at {place} carries our tags, and no state knows it",
            remedy=remedies[unit in stacks],
            source="the account's listing",
        )
        for (unit, place), names in sorted(groups.items())
    ]


def changes(places: "Places", held: Mapping[Key, Held], lives: Iterable[Live]) -> list[Finding]:
    """What a state knows and is not so any more: gone, elsewhere or copied elsewhere, under another key, untagged.

    Raises:
        RemoteError: A cloud could not be asked.
    """
    seen = {live.key: live for live in lives}
    findings = []
    for key, one in sorted(held.items()):
        live = seen.get(key)
        if places.register.place(key[0]) is None:
            findings.append(_changed(UNLISTED, key, one, "stands where the register lists no place: nobody was asked"))
            continue
        if live is None:
            findings.append(_changed(MISSING, key, one, "is in the state and not at the cloud"))
            continue
        if not live.listed:
            text = "was found by its tags, and the account's listing lacks it"
            findings.append(_changed(MISSING, key, one, text, Severity.WARNING))
        if not live.stack:
            findings.append(_changed(UNTAGGED, key, one, "has lost its tags: nothing tells any more that it is ours"))
        made = live.made
        if one.key or (one.aspects is not None and _of(made) != one.aspects):
            made = _told(places, key, one, made)
        now = _of(made)
        if one.aspects is not None and now != one.aspects:
            gone, new = _aspects(one.aspects - now), _aspects(now - one.aspects)
            text = f"rests elsewhere than when it was built: {gone or 'nothing'} became {new or 'nothing'}"
            findings.append(_changed(MOVED, key, one, text))
        said = getattr(made.inputs, "encryption_key", "")
        if one.key and said != one.key:
            text = (
                f"was encrypted with the key {one.key}, and is {f'with {said}' if said else 'not with a key of ours'}"
            )
            findings.append(_changed(KEY, key, one, text))
    return findings


def _of(made: "Made") -> frozenset[tuple[str, str]]:
    return frozenset((aspect.what, aspect.where) for aspect in made.outputs.placement)


def _told(places: "Places", key: Key, one: Held, listed: "Made") -> "Made":
    """The same object, asked for by itself: some of it a cloud only tells of one whose inputs are given."""
    place, kind, object_id = key
    given = {field.name: one.inputs[wire] for wire, field in KINDS[kind].input_fields().items() if wire in one.inputs}
    plain = {name: value for name, value in given.items() if isinstance(value, str | int)}
    return places.store(place, kind).read(object_id, msgspec.structs.replace(listed.inputs, **plain)) or listed


def _changed(code: str, key: Key, one: Held, text: str, severity: Severity = Severity.ERROR) -> Finding:
    place, kind, _ = key
    return Finding(
        code=code,
        severity=severity,
        subject=one.unit,
        message=f"{kind} {one.urn.rpartition('::')[2]} at {place} {text}",
        remedy=f"Find out who changed it and put it back, or let `pse adopt {one.unit} --refresh` do it.",
        source="the state and the cloud",
    )


def _aspects(some: Iterable[tuple[str, str]]) -> str:
    return ", ".join(f"{what} at {where}" for what, where in sorted(some))


def _some(names: list[str]) -> str:
    shown = sorted(names)[:_SHOWN]
    more = f" and {counted(len(names) - _SHOWN, 'other')}" if len(names) > _SHOWN else ""
    return ", ".join(shown) + more
