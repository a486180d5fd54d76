"""Evaluates a program without the CLI: a recording monitor takes the resources and makes nothing.

Resources made inside ``apply`` of an unknown value are missed; blueprints make none there.
"""

import asyncio
import contextvars
import gc
from collections.abc import Callable
from contextlib import suppress
from typing import Any, cast

import msgspec

from pse.core.errors import PseError

STACK = "pulumi:pulumi:Stack"
UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
SIGNATURE = "4dabf18193072939515e22adb298388d"


class Recorded(msgspec.Struct, frozen=True, kw_only=True):
    """One resource of a program.

    Attributes:
        urn: As the engine would write it.
        type: Pulumi type token.
        name: Name in the program.
        custom: A resource of a provider, not a component.
        inputs: Plain known inputs by wire name; secrets and unknown ones left out.
    """

    urn: str
    type: str
    name: str
    custom: bool
    inputs: dict[str, Any]


def evaluate(program: Callable[[], None], *, stack: str, project: str = "pse") -> tuple[Recorded, ...]:
    """Run ``program`` as a preview of an empty stack and return its resources in the order they were registered.

    Safe to call from several threads; must not be called from inside a running event loop.

    Raises:
        PseError: What the program raised.
    """
    return contextvars.Context().run(_evaluate, program, stack, project)


def _evaluate(program: Callable[[], None], stack: str, project: str) -> tuple[Recorded, ...]:
    from pulumi.runtime import Settings, configure, run_in_stack

    monitor = _monitor(stack, project)
    configure(Settings(project=project, stack=stack, monitor=monitor, engine=_Quiet(), dry_run=True, parallel=1))
    loop = asyncio.new_event_loop()
    collecting = gc.isenabled()
    # Tens of thousands of futures live until the end; walking them again and again is most of the time.
    gc.disable()
    try:
        loop.run_until_complete(run_in_stack(program))
    finally:
        if collecting:
            gc.enable()
        _close(loop)
    found: list[Recorded] = monitor.found
    return tuple(found)


class _Quiet:
    """Takes the program's log lines in place of the engine; what it raises is told by the caller."""

    def Log(self, request: object) -> None:  # noqa: N802  (the engine's name for it)
        """Drop a line."""


def _close(loop: asyncio.AbstractEventLoop) -> None:
    for task in asyncio.all_tasks(loop):
        task.cancel()
        with suppress(asyncio.CancelledError, PseError):
            loop.run_until_complete(task)
    loop.run_until_complete(loop.shutdown_default_executor())
    loop.close()


def _monitor(stack: str, project: str) -> Any:
    from google.protobuf import json_format
    from pulumi.runtime.mocks import MockMonitor, Mocks
    from pulumi.runtime.proto import resource_pb2

    class Recorder(MockMonitor):
        """Takes every resource and gives it back as it was asked for, without an id, as a preview does.

        Called from several threads of one event loop's executor.
        """

        def __init__(self) -> None:
            super().__init__(cast("Mocks", None))
            self.found: list[Recorded] = []

        def RegisterResource(self, request: Any) -> Any:  # noqa: N802  (the engine's name for it)
            """Note one resource."""
            types = request.type
            outer = request.parent.split("::")[2] if request.parent else STACK
            if outer != STACK:
                types = f"{outer}${types}"
            urn = f"urn:pulumi:{stack}::{project}::{types}::{request.name}"
            if request.type != STACK:
                raw = json_format.MessageToDict(request.object)
                inputs = {key: value for key, value in raw.items() if _plain(value)}
                self.found.append(
                    Recorded(urn=urn, type=request.type, name=request.name, custom=request.custom, inputs=inputs)
                )
            return resource_pb2.RegisterResourceResponse(urn=urn, object=request.object)

    return Recorder()


def _plain(value: object) -> bool:
    """A known value that is no secret: those are objects with a signature, and unknown ones a fixed word."""
    if isinstance(value, dict):
        return SIGNATURE not in value and all(_plain(item) for item in value.values())
    if isinstance(value, list):
        return all(_plain(item) for item in value)
    return value != UNKNOWN
