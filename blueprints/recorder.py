"""Evaluates a program without the CLI: a recording monitor takes the resources and makes nothing.

Resources made inside ``apply`` of an unknown value are missed; blueprints make none there.
"""

import asyncio
import contextvars
import gc
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import msgspec

from pse.core.errors import PseError

STACK = "pulumi:pulumi:Stack"


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
    from pulumi.runtime.mocks import MockMonitor

    mocks = _mocks()
    monitor = MockMonitor(mocks)
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
    urns = {(r.name, r.type): r for r in mocks.found}
    found = []
    for urn in monitor.get_registered_resources():
        *_, types, name = urn.split("::", 3)
        seen = urns[name, types.rpartition("$")[2]]
        found.append(Recorded(urn=urn, type=seen.type, name=name, custom=seen.custom, inputs=seen.inputs))
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


def _mocks() -> Any:
    from pulumi.runtime.mocks import MockCallArgs, MockResourceArgs, Mocks

    class Recording(Mocks):
        """Gives every resource back as it was asked for, without an id, as a preview does."""

        def __init__(self) -> None:
            self.found: list[Recorded] = []

        def call(self, args: MockCallArgs) -> tuple[dict[Any, Any], None]:
            del args
            return {}, None

        def new_resource(self, args: MockResourceArgs) -> tuple[str | None, dict[Any, Any]]:
            plain = {key: value for key, value in args.inputs.items() if _plain(value)}
            self.found.append(Recorded(urn="", type=args.typ, name=args.name, custom=bool(args.custom), inputs=plain))
            return None, dict(args.inputs)

    return Recording()


def _plain(value: object) -> bool:
    if isinstance(value, dict):
        return all(_plain(item) for item in value.values())
    if isinstance(value, list):
        return all(_plain(item) for item in value)
    return value is None or isinstance(value, str | int | float | bool)
