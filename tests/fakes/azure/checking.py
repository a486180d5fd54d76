"""A request's body against the SDK's own model: keys, types, closed enums, what is read-only and what is required."""

import sys
from datetime import datetime
from enum import Enum
from functools import cache
from types import ModuleType, NoneType
from typing import Any, Union, get_args, get_origin, get_type_hints

OPEN_ENUMS = frozenset({"VirtualMachineSizeTypes"})
"""Enums that lag behind what the cloud has; all others are closed."""
_PLAIN: dict[Any, tuple[type, ...]] = {str: (str,), int: (int,), float: (int, float), bool: (bool,), datetime: (str,)}


class Wrong(Exception):
    """A body that the model does not take; the text says where and why."""


@cache
def fields(model: Any) -> dict[str, tuple[Any, bool]]:
    """Type and whether it is read-only, by name on the wire."""
    model({})  # the names are filled in when the first one is made
    package = package_of(model)
    hints = get_type_hints(model, {**vars(sys.modules[model.__module__]), "_models": package})
    return {
        info._rest_name: (hints[name], info._visibility == ["read"]) for name, info in model._attr_to_rest_field.items()
    }


def package_of(model: type[Any]) -> ModuleType:
    """The package ``models`` that a model is in."""
    return sys.modules[model.__module__.rpartition(".")[0]]


def check(model: Any, body: Any, *, where: str = "") -> None:
    """Compare.

    Raises:
        Wrong: It does not fit.
    """
    if not isinstance(body, dict):
        raise Wrong(f"'{where or '$'}' has to be an object of type '{model.__name__}'")
    known = fields(model)
    for key, value in body.items():
        path = f"{where}.{key}" if where else key
        if key not in known:
            raise Wrong(f"Could not find member '{key}' on object of type '{model.__name__}'. Path '{path}'")
        kind, read_only = known[key]
        if read_only:
            raise Wrong(f"'{path}' is read-only")
        _value(kind, value, path)
    for key, (kind, read_only) in known.items():
        if not read_only and not _optional(kind) and key not in body:
            raise Wrong(f"Required property '{key}' not found in JSON. Path '{where}'")


def _optional(kind: Any) -> bool:
    return kind is Any or NoneType in get_args(kind)


def _value(kind: Any, value: Any, path: str) -> None:
    if value is None and _optional(kind):
        return
    choices = [choice for choice in get_args(kind) if choice is not NoneType] if get_origin(kind) is Union else [kind]
    enums = [choice for choice in choices if isinstance(choice, type) and issubclass(choice, Enum)]
    if enums:
        _enum(enums[0], value, path)
    else:
        _one(choices[0], value, path)


def _enum(kind: type[Enum], value: Any, path: str) -> None:
    known = {choice.value for choice in kind}
    if not isinstance(value, str) or (value not in known and kind.__name__ not in OPEN_ENUMS):
        raise Wrong(f"'{value}' is not a valid value of '{kind.__name__}'. Path '{path}'")


def _one(kind: Any, value: Any, path: str) -> None:
    origin = get_origin(kind)
    if origin is list:
        if not isinstance(value, list):
            raise Wrong(f"'{path}' has to be an array")
        for number, item in enumerate(value):
            _value(get_args(kind)[0], item, f"{path}[{number}]")
    elif origin is dict:
        if not isinstance(value, dict):
            raise Wrong(f"'{path}' has to be an object")
        for key, item in value.items():
            _value(get_args(kind)[1], item, f"{path}.{key}")
    elif kind in _PLAIN:
        if not isinstance(value, _PLAIN[kind]) or (isinstance(value, bool) and kind is not bool):
            raise Wrong(f"'{path}' has to be of type {kind.__name__}")
    elif isinstance(kind, type) and hasattr(kind, "as_dict"):
        check(kind, value, where=path)
