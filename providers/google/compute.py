"""Compute Engine by Google's own client library, addressed by the paths of its REST resources.

The library has a class for each collection and a request for each method, both named by one scheme; so one table-free
reading of a path serves them all, and bodies stay the JSON that Google documents. Bodies and answers go through the
library's messages: a name that they do not have is refused before anything is sent.
"""

import inspect
import json
import re
import threading
import typing
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from providers.google.errors import of_answer
from providers.ports import PortError

TIMEOUT_S = 60.0
_SCOPES = {"zones": "zone", "regions": "region"}
_METHODS = {"POST": ("insert",), "PUT": ("update",), "PATCH": ("patch", "update"), "DELETE": ("delete",)}
_AS_IN_REST: dict[str, Any] = {"use_integers_for_enums": False, "always_print_fields_with_no_presence": False}
_LOOKS = {"serialPort": "get_serial_port_output"}
"""Actions that only look, and are not called as their path is."""


class _Call(NamedTuple):
    """One call of the library: its class, possible names of its method, and what the path says."""

    client: str
    methods: tuple[str, ...]
    scope: Mapping[str, str]
    name: str


class Compute:
    """The library's clients; safe to use from many threads.

    Importing the library takes two to three seconds, so it is imported when this is made. Each client has a session of
    its own.

    Args:
        endpoint: URL of Compute Engine.
        credentials: Of google-auth.
        bind: Bounds what a session takes.
        where: The place, for the user.
    """

    def __init__(self, endpoint: str, credentials: Any, *, bind: Callable[[Any], None], where: str) -> None:
        """Import the library; no call is made yet."""
        from google.cloud import compute_v1

        self._library: Any = compute_v1
        self._endpoint = urlsplit(endpoint)
        self._credentials = credentials
        self._bind = bind
        self._where = where
        self._lock = threading.Lock()
        self._clients: dict[str, Any] = {}

    def send(self, verb: str, path: str, body: Mapping[str, Any] | None, query: Mapping[str, str]) -> dict[str, Any]:
        """One call; a listing gives one page.

        Args:
            verb: Of HTTP.
            path: From ``projects`` on.
            body: Of the resource or the action.
            query: Parameters by their names in REST.

        Raises:
            PortError: The cloud said no.
            ValueError: The library knows no such call, or the answer cannot be understood.
        """
        from google.api_core.exceptions import GoogleAPICallError
        from google.protobuf.json_format import ParseError

        call = _call(self._library, verb, path)
        client = self._client(call.client)
        names = (name for base in call.methods for name in (f"{base}_unary", base))
        method = next((getattr(client, name) for name in names if hasattr(client, name)), None)
        if method is None:
            raise PortError(f"Compute Engine has no call {verb} {path}", reason="invalid", where=self._where)
        request = _request_of(getattr(type(client), method.__name__))
        try:
            wanted = request.from_json(json.dumps(_fields(request, call, body, query)))
            answer = method(request=wanted, retry=None, timeout=TIMEOUT_S)
            if method.__name__ == "list":
                answer = next(iter(answer.pages))
            found: dict[str, Any] = json.loads(type(answer).to_json(answer, **_AS_IN_REST))
        except GoogleAPICallError as exc:
            if exc.response is None:
                raise PortError(str(exc)[:500], vendor_code=type(exc).__name__, where=self._where) from exc
            raise of_answer(exc.response, self._where) from exc
        except ParseError as exc:
            raise ValueError(path) from exc
        if not found.get("kind"):
            # The library reads what is no answer of Compute Engine's as an empty one: a list as one of nothing.
            raise ValueError(path)
        return found

    def close(self) -> None:
        """Give back connections."""
        with self._lock:
            for client in self._clients.values():
                client.transport._session.close()  # noqa: SLF001  (see `_client`)
            self._clients.clear()

    def _client(self, name: str) -> Any:
        with self._lock:
            if name not in self._clients:
                made = getattr(self._library, name)
                transport = made.get_transport_class("rest")(
                    credentials=self._credentials, host=self._endpoint.netloc, url_scheme=self._endpoint.scheme
                )
                # The library has no public way to bound answers, or to name a proxy.
                self._bind(transport._session)  # noqa: SLF001
                self._clients[name] = made(transport=transport)
            return self._clients[name]


def _call(library: Any, verb: str, path: str) -> _Call:
    """Which call of the library a path stands for.

    Raises:
        ValueError: None.
    """
    _, project, *parts = path.split("/")
    scope, kind, rest = {"project": project}, "", parts
    if len(parts) > 2 and parts[0] in _SCOPES:
        kind, rest = _SCOPES[parts[0]], parts[2:]
        scope[kind] = parts[1]
    elif len(parts) > 1 and parts[0] == "global":
        kind, rest = "global", parts[1:]
    collection, name, action = (*rest, "", "", "")[:3]
    if not parts or len(parts) == 1:
        # The project itself, or something done with it.
        collection, name, action = "projects", project, parts[0] if parts else ""
    title = _title(collection)
    names = (f"{kind.title()}Operations",) if collection == "operations" else (f"Region{title}", title)
    if kind != "region" and collection != "operations":
        names = (title,)
    client = next((f"{found}Client" for found in names if hasattr(library, f"{found}Client")), "")
    if not client:
        raise ValueError(path)
    if (collection, name) == ("images", "family"):
        return _Call(client, ("get_from_family",), scope, action)
    if action:
        return _Call(client, (_LOOKS.get(action, _snake(action)),), scope, name)
    if verb == "GET":
        return _Call(client, ("get" if name else "list",), scope, name)
    return _Call(client, _METHODS[verb], scope, name)


@cache
def _request_of(method: Callable[..., Any]) -> Any:
    """The class of a method's request."""
    return typing.get_args(inspect.signature(method).parameters["request"].annotation)[0]


def _fields(request: Any, call: _Call, body: Mapping[str, Any] | None, query: Mapping[str, str]) -> dict[str, Any]:
    """The JSON of a request."""
    known = list(request.meta.fields)
    found: dict[str, Any] = {**call.scope, **query}
    if body is not None:
        (holder,) = (field for field in known if field.endswith("_resource"))
        found[_camel(holder)] = body
    if call.name and call.client != "ProjectsClient":
        found[_camel(_own(known, call))] = call.name
    return found


def _own(known: list[str], call: _Call) -> str:
    """The field that has the resource's own name: the collection in the singular, or a common word."""
    collection = _snake(call.client.removesuffix("Client")).removeprefix("region_")
    fitting = [field for field in known if collection.startswith(field[:-1]) and field not in call.scope]
    common = [field for field in ("operation", "family", "resource") if field in known]
    return max(fitting, key=len, default="") or common[0]


def _title(name: str) -> str:
    return name[:1].upper() + name[1:]


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])([A-Z])", r"_\1", name).lower()


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(part.title() for part in rest)
