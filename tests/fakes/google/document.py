"""The discovery document: routes, parameters and schemas, and what does not fit them."""

import importlib.util
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from tests.fakes.google.errors import Refused

_GLOBAL = frozenset({"alt", "fields", "key", "prettyPrint", "quotaUser", "userIp", "$alt", "$.xgafv"})
_TYPES: Mapping[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "array": (list,),
    "object": (dict,),
}
_NUMBERS = frozenset({"int64", "uint64"})


@dataclass(frozen=True)
class Method:
    """One call of the API.

    Attributes:
        id: For example ``compute.networks.insert``.
        verb: HTTP method.
        template: Its path below ``/compute/v1/``, with names in braces.
        parameters: As the document has them.
        request: Schema of the body; empty for none.
    """

    id: str
    verb: str
    template: str
    parameters: Mapping[str, Mapping[str, Any]]
    request: str

    @property
    def collection(self) -> str:
        """For example ``networks``."""
        return self.id.split(".")[-2]

    @property
    def action(self) -> str:
        """For example ``insert``."""
        return self.id.split(".")[-1]

    def query(self, given: Mapping[str, list[str]]) -> dict[str, str]:
        """The query parameters of a call.

        Raises:
            Refused: One is unknown, lacks or is of another type.
        """
        known = {name: rule for name, rule in self.parameters.items() if rule["location"] == "query"}
        for name, values in given.items():
            if name not in known and name not in _GLOBAL:
                raise Refused("badRequest", f"Unknown query parameter '{name}'")
            rule = known.get(name, {})
            if len(values) > 1 and not rule.get("repeated"):
                raise Refused("badRequest", f"'{name}' is given twice")
            if rule.get("type") == "integer" and not _within(values[0], rule):
                raise Refused("invalid", f"Invalid value for '{name}': '{values[0]}'")
            if rule.get("type") == "boolean" and values[0] not in {"true", "false"}:
                raise Refused("invalid", f"Invalid value for '{name}': '{values[0]}'")
        for name, rule in known.items():
            if rule.get("required") and name not in given:
                raise Refused("required", f"Required parameter '{name}' is missing")
        return {name: values[0] for name, values in given.items()}


class Document:
    """The document of one API.

    Args:
        raw: As it is shipped.
    """

    def __init__(self, raw: Mapping[str, Any]) -> None:
        self._schemas: Mapping[str, Any] = raw["schemas"]
        self._routes: dict[tuple[str, int], list[tuple[re.Pattern[str], Method]]] = {}
        for method in _methods(raw["resources"]):
            key = (method.verb, method.template.count("/"))
            self._routes.setdefault(key, []).append((_pattern(method), method))

    def route(self, verb: str, path: str) -> tuple[Method, dict[str, str]]:
        """Which call this is, and the parameters in its path.

        Raises:
            Refused: The API has no such call.
        """
        # The most literal template wins: ``aggregated/disks`` is no zone.
        found = [
            (method, match.groupdict())
            for pattern, method in self._routes.get((verb, path.count("/")), ())
            if (match := pattern.fullmatch(path))
        ]
        if not found:
            raise Refused("notFound", f"The requested URL {verb} /compute/v1/{path} was not found")
        return min(found, key=lambda each: len(each[1]))

    def check(self, method: Method, body: Any) -> None:
        """See that a body fits the method's schema.

        Raises:
            Refused: It does not.
        """
        if not method.request:
            if body:
                raise Refused("badRequest", f"{method.id} takes no body")
            return
        if body is None:
            raise Refused("required", "Required field 'resource' not specified")
        self._check({"$ref": method.request}, body, method.id, "resource")

    def _check(self, schema: Mapping[str, Any], value: Any, method: str, where: str) -> None:
        if "$ref" in schema:
            schema = self._schemas[schema["$ref"]]
        kind = schema.get("type", "any")
        # In a patch of Cloud Storage null takes a field away.
        if kind == "any" or (value is None and method == "storage.buckets.patch"):
            return
        fits = isinstance(value, _TYPES[kind])
        if not fits or (kind in {"integer", "number"} and isinstance(value, bool)):
            raise Refused("invalid", f"Invalid value for field '{where}': '{value}'. It is no {kind}.")
        if kind == "array":
            for number, item in enumerate(value):
                self._check(schema["items"], item, method, f"{where}[{number}]")
        elif kind == "object":
            self._object(schema, value, method, where)
        elif kind == "string":
            _text(schema, value, where)

    def _object(self, schema: Mapping[str, Any], value: Mapping[str, Any], method: str, where: str) -> None:
        known: Mapping[str, Any] = schema.get("properties", {})
        for name, rule in known.items():
            if method in rule.get("annotations", {}).get("required", ()) and name not in value:
                raise Refused("required", f"Required field '{where}.{name}' not specified")
        for name, item in value.items():
            rule = known.get(name) or schema.get("additionalProperties")
            if rule is None:
                raise Refused("badRequest", f"Invalid JSON payload received. Unknown name \"{name}\" at '{where}'")
            if rule.get("readOnly"):
                raise Refused("invalid", f"'{where}.{name}' is set by the service only")
            self._check(rule, item, method, f"{where}.{name}")


@cache
def of(service: str) -> Document:
    """The document of an API that google-api-python-client ships.

    Args:
        service: ``compute``, ``storage``, ``cloudkms`` or ``dns``.
    """
    spec = importlib.util.find_spec("googleapiclient")
    assert spec is not None
    assert spec.submodule_search_locations
    folder = Path(next(iter(spec.submodule_search_locations)))
    text = (folder / "discovery_cache" / "documents" / f"{service}.v1.json").read_text(encoding="utf-8")
    return Document(json.loads(text))


def _methods(resources: Mapping[str, Any]) -> Iterator[Method]:
    for resource in resources.values():
        for raw in resource.get("methods", {}).values():
            request = raw.get("request", {}).get("$ref", "")
            yield Method(
                raw["id"], raw["httpMethod"], raw.get("flatPath", raw["path"]), raw.get("parameters", {}), request
            )
        yield from _methods(resource.get("resources", {}))


def _pattern(method: Method) -> re.Pattern[str]:
    parts = []
    for part in re.split(r"(\{\w+\})", method.template):
        name = part.strip("{}")
        rule = method.parameters.get(name, {}) if part.startswith("{") else {}
        parts.append(f"(?P<{name}>{rule.get('pattern', '[^/]+')})" if part.startswith("{") else re.escape(part))
    return re.compile("".join(parts))


def _text(schema: Mapping[str, Any], value: str, where: str) -> None:
    if "enum" in schema and value not in schema["enum"]:
        raise Refused("invalid", f"Invalid value for field '{where}': '{value}'. It is none of the permitted words.")
    if "pattern" in schema and not re.fullmatch(schema["pattern"], value):
        raise Refused("invalid", f"Invalid value for field '{where}': '{value}'. It does not fit {schema['pattern']}")
    if schema.get("format") in _NUMBERS and not re.fullmatch(r"-?\d+", value):
        raise Refused("invalid", f"Invalid value for field '{where}': '{value}'. It is no number.")


def _within(text: str, rule: Mapping[str, Any]) -> bool:
    if not re.fullmatch(r"-?\d+", text):
        return False
    return int(rule.get("minimum", text)) <= int(text) <= int(rule.get("maximum", text))
