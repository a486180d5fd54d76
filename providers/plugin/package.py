"""The package schema that ``pulumi package get-schema`` shows, from `pse.core.schema`."""

import json
from collections.abc import Mapping
from importlib.metadata import version
from typing import Any, get_args, get_origin

import msgspec

from pse.core.schema import FUNCTIONS, KINDS, Field, Function

_PRIMITIVES = {str: "string", int: "integer", bool: "boolean", float: "number"}


def package_schema() -> str:
    """The schema as JSON."""
    types: dict[str, Any] = {}
    resources = {kind.token: _resource(kind.name, types) for kind in KINDS.values()}
    config = {
        "workspace": {"type": "string", "description": "Absolute path of the workspace."},
        "plan": {"type": "string", "description": "The plan that the program at the root builds; not read here."},
        "unit": {"type": "string", "description": "Unit whose gate file holds: the stack's name, and no other."},
    }
    return json.dumps(
        {
            "name": "pse",
            "version": plugin_version(),
            "description": "Neutral resources at any accredited place, behind the residency gate.",
            "keywords": ["category/infrastructure", "kind/native"],
            "language": {
                "nodejs": {"packageName": "pse-cloud", "respectSchemaVersion": True},
                "python": {"packageName": "pulumi_pse", "respectSchemaVersion": True},
            },
            "config": {"variables": config},
            "provider": {"inputProperties": config},
            "types": types,
            "resources": resources,
            "functions": {function.token: _function(function, types) for function in FUNCTIONS.values()},
        },
        indent=1,
    )


def plugin_version() -> str:
    """The version of this package."""
    return version("pse-cloud")


def _resource(name: str, types: dict[str, Any]) -> dict[str, Any]:
    kind = KINDS[name]
    inputs, outputs = kind.input_fields(), kind.output_fields()
    return {
        "description": (kind.inputs.__doc__ or "").strip(),
        "inputProperties": _properties(inputs, types),
        "requiredInputs": [wire for wire, field in inputs.items() if field.required],
        "properties": _properties({**inputs, **outputs}, types),
        "required": [*inputs, *outputs],
    }


def _function(function: Function, types: dict[str, Any]) -> dict[str, Any]:
    inputs, outputs = function.input_fields(), function.output_fields()
    described = (function.inputs.__doc__ or "").strip().splitlines()[0]
    return {
        "description": described,
        "inputs": {
            "properties": _properties(inputs, types),
            "required": [wire for wire, field in inputs.items() if field.required],
        },
        "outputs": {"properties": _properties(outputs, types), "required": list(outputs)},
    }


def _properties(fields: Mapping[str, Field], types: dict[str, Any]) -> dict[str, Any]:
    return {
        wire: {
            **_type(field.type, types),
            "description": field.rule.doc,
            **({"secret": True} if field.rule.secret else {}),
            **({"willReplaceOnChanges": True} if field.rule.replaces else {}),
        }
        for wire, field in fields.items()
    }


def _type(hint: Any, types: dict[str, Any]) -> dict[str, Any]:
    if hint in _PRIMITIVES:
        return {"type": _PRIMITIVES[hint]}
    if get_origin(hint) is tuple:
        return {"type": "array", "items": _type(get_args(hint)[0], types)}
    token = f"pse:index:{hint.__name__}"
    fields = msgspec.structs.fields(hint)
    types[token] = {
        "type": "object",
        "description": (hint.__doc__ or "").strip().splitlines()[0],
        "properties": {info.encode_name: _type(info.type, types) for info in fields},
        "required": [info.encode_name for info in fields if info.required],
    }
    return {"$ref": f"#/types/{token}"}
