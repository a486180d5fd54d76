"""Property values as the engine sends them, and as we think of them.

A *raw* tree is what came over the wire, numbers made whole where they are: it is echoed back as it is, so that a
secret stays wrapped. A *plain* tree is for looking at: secrets opened, what is not known yet as `UNKNOWN`.
"""

from collections.abc import Mapping
from enum import Enum
from typing import Any, Final

from google.protobuf.struct_pb2 import Struct, Value

UNKNOWN_TEXT: Final = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
SIGNATURE: Final = "4dabf18193072939515e22adb298388d"
SECRET: Final = "1b47061264138c4ac30d75fd1eb44270"
RESOURCE: Final = "5cf8f73096256a8f31e491e813e4eb8e"
OUTPUT: Final = "d0e6a833031e9bbcd3f4e8bde6ca49a4"


class Unknown(Enum):
    """The type of `UNKNOWN`."""

    UNKNOWN = "unknown"


UNKNOWN: Final = Unknown.UNKNOWN
"""A value that is known only once something else has been made."""


def from_struct(struct: Struct) -> dict[str, Any]:
    """The raw tree in a protobuf struct; 3.0 becomes 3, because protobuf has no integers."""
    return {key: _from_value(value) for key, value in struct.fields.items()}


def to_struct(raw: Mapping[str, Any]) -> Struct:
    """A raw tree as a protobuf struct."""
    struct = Struct()
    struct.update(dict(raw))
    return struct


def plain(raw: Any) -> Any:
    """A raw tree with secrets opened, resource references as ids and unknown values as `UNKNOWN`."""
    if isinstance(raw, str):
        return UNKNOWN if raw == UNKNOWN_TEXT else raw
    if isinstance(raw, list):
        return [plain(item) for item in raw]
    if not isinstance(raw, dict):
        return raw
    signature = raw.get(SIGNATURE)
    if signature == RESOURCE:
        return plain(raw.get("id") or UNKNOWN_TEXT)
    if signature in {SECRET, OUTPUT}:
        return plain(raw["value"]) if "value" in raw else UNKNOWN
    return {key: plain(value) for key, value in raw.items()}


def secret(raw: Any) -> Any:
    """``raw``, wrapped as a secret unless it is one already."""
    if isinstance(raw, dict) and raw.get(SIGNATURE) == SECRET:
        return raw
    return {SIGNATURE: SECRET, "value": raw}


def has_secret(raw: Any) -> bool:
    """Whether a raw tree, or anything inside it, is a secret of the program's."""
    if isinstance(raw, list):
        return any(has_secret(item) for item in raw)
    return isinstance(raw, dict) and (raw.get(SIGNATURE) == SECRET or any(has_secret(item) for item in raw.values()))


def is_unknown(value: object) -> bool:
    """Whether a plain value, or anything inside it, is not known yet."""
    if isinstance(value, dict):
        return any(is_unknown(item) for item in value.values())
    if isinstance(value, list | tuple):
        return any(is_unknown(item) for item in value)
    return value is UNKNOWN


def _from_value(value: Value) -> Any:
    which = value.WhichOneof("kind")
    if which == "struct_value":
        return from_struct(value.struct_value)
    if which == "list_value":
        return [_from_value(item) for item in value.list_value.values]
    if which == "number_value":
        number = value.number_value
        return int(number) if number.is_integer() else number
    return getattr(value, which) if which and which != "null_value" else None
