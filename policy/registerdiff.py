"""What another register changes: field by field, and in how the CSPs stand."""

from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any

import msgspec

from policy.register import Register
from policy.registerfile import RegisterFile, State
from pse.core.canonical import digest, read_bytes
from pse.core.documents.category import Category
from pse.core.errors import BadInput
from pse.core.settings import parse_toml

_NOTHING: tuple[Any, ...] = (None, "", (), [], {})


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that the registers say differently.

    Attributes:
        subject: ``register``, a CSP's id, or a place's id.
        what: Name of the field; a row of a history by its first day.
        old: What this one says; None is nothing.
        new: What the other says.
    """

    subject: str
    what: str
    old: str | None
    new: str | None


class Turn(msgspec.Struct, frozen=True, kw_only=True):
    """One category at one place that stands differently; None is not in the register."""

    place: str
    category: Category
    old: State | None
    new: State | None


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that differs, in the order of subjects.

    Attributes:
        as_of: Day that standings were read for.
        old_hash: SHA-256 of this register.
        new_hash: SHA-256 of the other one.
        changes: See `Change`.
        turns: See `Turn`.
    """

    as_of: date
    old_hash: str
    new_hash: str
    changes: tuple[Change, ...]
    turns: tuple[Turn, ...]


def read_other(path: Path) -> Register:
    """Read a register that is only looked at: nobody has to have signed it.

    Raises:
        BadInput: It is missing, or cannot be used; see `policy.registerfile.check`.
    """
    if not path.is_file():
        raise BadInput("there is no register", where=str(path), hint="Name the file that the Cloud Office sent.")
    raw = read_bytes(path)
    return Register(parse_toml(raw, RegisterFile, where=str(path)), hash_=digest(raw), where=str(path))


def compare(old: Register, new: Register, *, as_of: date, jurisdiction: str) -> Difference:
    """What ``new`` says that ``old`` does not.

    Args:
        old: The register in force.
        new: The one that may follow it.
        as_of: Day to read standings for.
        jurisdiction: Whose rows count for standings.
    """
    before, after = _facts(old.file), _facts(new.file)
    changes = tuple(
        Change(subject=key[0], what=key[1], old=before.get(key), new=after.get(key))
        for key in sorted(before.keys() | after.keys())
        if before.get(key) != after.get(key)
    )
    first, then = (_standings(register, as_of, jurisdiction) for register in (old, new))
    turns = tuple(
        Turn(place=key[0], category=key[1], old=first.get(key), new=then.get(key))
        for key in sorted(first.keys() | then.keys(), key=lambda key: (key[0], key[1].rank))
        if first.get(key) != then.get(key)
    )
    return Difference(as_of=as_of, old_hash=old.hash, new_hash=new.hash, changes=changes, turns=turns)


def _standings(register: Register, day: date, jurisdiction: str) -> dict[tuple[str, Category], State | None]:
    return {
        (place.id, category): register.standing(place, category, day, jurisdiction=jurisdiction).state
        for place in register.places
        for category in Category
    }


def _facts(file: RegisterFile) -> dict[tuple[str, str], str]:
    """Everything a register says, by subject and name; lists of rows by what tells one row from another."""
    facts = dict(_fields("register", file, without={"csp"}))
    for csp in file.csp:
        facts |= _fields(csp.id, csp, without={"id", "site", "state", "audit"})
        for site in csp.site:
            facts |= _fields(f"{csp.id}/{site.region}/{site.site}", site, without={"region", "site"})
        for name, rows in (("state from", csp.state), ("audit of", csp.audit)):
            for row in rows:
                told = msgspec.to_builtins(row)
                day = told.pop("start", None) or told.pop("on", None)
                key = (csp.id, f"{name} {day}")
                facts[key] = "; ".join(part for part in (facts.get(key, ""), _words(told)) if part)
    return facts


def _fields(subject: str, struct: msgspec.Struct, *, without: set[str]) -> Iterator[tuple[tuple[str, str], str]]:
    for name, value in msgspec.to_builtins(struct).items():
        if name not in without and value not in _NOTHING:
            yield (subject, name), _words(value)


def _words(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {_words(part)}" for key, part in value.items() if part not in _NOTHING)
    if isinstance(value, list | tuple):
        return ", ".join(_words(part) for part in value)
    return str(value)
