"""What was wrong in a TOML file, more helpfully than its reader says: the row by number, and what may stand there."""

import difflib
import re
import types
import typing
from enum import Enum
from typing import Any

import msgspec

from pse.core.text import printable

_AT = re.compile(r" - at `(\$[^`]*)`$")
_STEP = re.compile(r"\.([^.\[]+)|\[([^\]]*)\]")
_FIRST_ROW = re.compile(r"\.([^.\[]+)\[(\d+)\]")
_SHOWN = 30


def advise(error: msgspec.ValidationError, data: object, kind: Any) -> str:
    """The words of ``error`` with the row's number in its path, and with the values or keys that are allowed there.

    Args:
        error: What `msgspec.convert` raised.
        data: What was converted.
        kind: Into what.
    """
    words = str(error)
    at = _AT.search(words)
    message = words[: at.start()] if at else words
    try:
        path, there = _follow(at[1] if at else "$", data, kind)
    except (LookupError, TypeError, NameError, ValueError, StopIteration):
        return words
    allowed, given = _allowed(message, there)
    place = f" - at `{path}`{_counted_row(path)}" if at else ""
    if not allowed:
        return f"{message}{place}"
    near = difflib.get_close_matches(given, allowed, n=1)
    hint = f"; did you mean {near[0]}?" if near else ""
    shown = ", ".join(allowed[:_SHOWN]) + (" …" if len(allowed) > _SHOWN else "")
    return f"{message}{place}{hint} (allowed: {shown})"


def remedy(error: msgspec.ValidationError) -> str:
    """What to do about ``error``, in one sentence."""
    words = str(error)
    if re.match(r"Expected `str( \| null)?`, got `(int|float|bool|date\w*)`", words):
        return "Put the value in quotes."
    if "unknown field" in words:
        return "Correct the key's spelling, or take it out; `$` is the file, and what follows it the way to the place."
    if "missing required field" in words:
        return "Add it there."
    return "Correct the value there; `$` is the file, and what follows it the way to the place."


def _counted_row(path: str) -> str:
    """The first row in ``path``, which counts from 0, as people count."""
    found = _FIRST_ROW.search(path)
    return f" (row {int(found[2]) + 1} of {found[1]})" if found else ""


def _allowed(message: str, there: Any) -> tuple[list[str], str]:
    """Values or keys that may stand where the error is, and what stands there."""
    kinds = _options(there)
    if message.startswith("Invalid enum value"):
        given = re.search(r"'(.*)'", message)
        found = [str(one.value) for kind in kinds if _is(kind, Enum) for one in kind]
        return found, given[1] if given else ""
    unknown = re.search(r"unknown field `(.*)`", message)
    if unknown:
        return [n for kind in kinds if _is(kind, msgspec.Struct) for n in kind.__struct_encode_fields__], unknown[1]
    return [], ""


def _follow(path: str, data: Any, kind: Any) -> tuple[str, Any]:
    """The path walked, its rows by number (``[...]`` is the first that cannot be converted), and the type there."""
    said = "$"
    for name, index in _STEP.findall(path[1:]):
        owner = _options(kind)
        if name:
            struct = next(one for one in owner if _is(one, msgspec.Struct))
            kind = typing.get_type_hints(struct, include_extras=True)[_field(struct, name)]
            data, said = data[name], f"{said}.{name}"
            continue
        key, kind = _row(index, data, next(one for one in owner if typing.get_args(one)))
        data = data[key]
        said += f".{printable(key)}" if isinstance(key, str) else f"[{key}]"
    return said, kind


def _row(index: str, data: Any, kind: Any) -> tuple[Any, Any]:
    """Key and type of the row of ``data`` that an error is about."""
    of_mapping = isinstance(data, dict)
    inner = typing.get_args(kind)[1 if of_mapping else 0]
    if index.isdigit() and not of_mapping:
        return int(index), inner
    for key, row in data.items() if of_mapping else enumerate(data):
        try:
            msgspec.convert(row, inner, strict=False)
        except msgspec.ValidationError:
            return key, inner
    raise LookupError(index)


def _field(struct: Any, name: str) -> str:
    return str(struct.__struct_fields__[struct.__struct_encode_fields__.index(name)])


def _options(kind: Any) -> tuple[Any, ...]:
    """The types that a union names, or the one type, without the bounds that are annotated to them."""
    if typing.get_origin(kind) is typing.Annotated:
        return _options(typing.get_args(kind)[0])
    if typing.get_origin(kind) in (typing.Union, types.UnionType):
        return tuple(option for one in typing.get_args(kind) for option in _options(one))
    return (kind,)


def _is(kind: Any, base: type) -> bool:
    return isinstance(kind, type) and issubclass(kind, base)
