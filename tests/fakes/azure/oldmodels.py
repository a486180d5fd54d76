"""A request's body against a model of the SDK's older make (azure-mgmt-dns): keys, types, and what is read-only."""

from types import ModuleType
from typing import Any

from tests.fakes.azure.checking import Wrong

_PLAIN: dict[str, type] = {"str": str, "int": int, "bool": bool}


def is_old(model: Any) -> bool:
    """Whether a model is of the older make."""
    return hasattr(model, "_attribute_map")


def check_old(models: ModuleType, model: Any, body: Any, *, where: str = "") -> None:
    """Compare.

    Raises:
        Wrong: It does not fit.
    """
    fields = {entry["key"]: (entry["type"], name) for name, entry in model._attribute_map.items()}
    read_only = {name for name, words in model._validation.items() if words.get("readonly")}
    found: dict[str, Any] = {}
    for key, value in _object(body, where).items():
        if key == "properties":
            found |= {f"properties.{inner}": one for inner, one in _object(value, "properties").items()}
        else:
            found[key] = value
    for key, value in found.items():
        path = f"{where}.{key}" if where else key
        if key not in fields:
            raise Wrong(f"Could not find member '{key}' on object of type '{model.__name__}'. Path '{path}'")
        kind, name = fields[key]
        if name in read_only:
            raise Wrong(f"'{path}' is read-only")
        _value(models, kind, value, path)


def _object(value: Any, where: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise Wrong(f"'{where or '$'}' has to be an object")
    return value


def _value(models: ModuleType, kind: str, value: Any, path: str) -> None:
    if kind.startswith("["):
        if not isinstance(value, list):
            raise Wrong(f"'{path}' has to be an array")
        for number, item in enumerate(value):
            _value(models, kind[1:-1], item, f"{path}[{number}]")
    elif kind.startswith("{"):
        for key, item in _object(value, path).items():
            _value(models, kind[1:-1], item, f"{path}.{key}")
    elif kind in _PLAIN:
        if not isinstance(value, _PLAIN[kind]) or (isinstance(value, bool) and kind != "bool"):
            raise Wrong(f"'{path}' has to be of type {kind}")
    elif is_old(getattr(models, kind)):
        check_old(models, getattr(models, kind), value, where=path)
