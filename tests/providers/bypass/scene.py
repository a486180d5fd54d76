"""Where an attempt is made: a small workspace, a plugin that is running, and what can be seen afterwards."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

import grpc
from pulumi.runtime.proto import provider_pb2 as pb

from providers.plugin.wire import to_struct
from pse.core.errors import PseError
from tests.providers.house import ABROAD, HERE, UNIT, House, inputs, urn
from tests.providers.plugins import Connection, Plugin

MADE = ("create", "update", "delete")


class Stage(Protocol):
    """Where attempts are made, and what can be seen there afterwards."""

    def refused(self, gate: str) -> set[str]:
        """Rules by which a gate refused, and reasons why a command was refused as a whole, as the ledger has it."""
        ...

    def abroad(self) -> list[dict[str, Any]]:
        """What stands at the place that nothing may be at."""
        ...


T = TypeVar("T", bound=Stage)


@dataclass(frozen=True)
class Attempt:
    """One way to place or pass data outside of what is allowed.

    Attributes:
        name: What is tried, in words.
        gate: The gate that it is aimed at: ``plan``, ``program``, ``pack``, ``check`` or ``audit``.
        rules: Any of them has to be what refuses it; where a command is refused as a whole, its reason.
        stage: Fixture that has the stage.
        act: Tries it, and gives back what was said.
    """

    name: str
    gate: str
    rules: tuple[str, ...]
    stage: str
    act: Callable[[Any], str]


ATTEMPTS: list[Attempt] = []


def attempt(
    name: str, gate: str, *rules: str, stage: str = "scene"
) -> Callable[[Callable[[T], str]], Callable[[T], str]]:
    """Add an attempt to the list."""

    def add(act: Callable[[T], str]) -> Callable[[T], str]:
        ATTEMPTS.append(Attempt(name, gate, rules, stage, act))
        return act

    return add


class Scene:
    """A workspace whose one unit may be in two places of its country, and a plugin.

    Args:
        house: The workspace.
        plugin: Its process.
    """

    def __init__(self, house: House, plugin: Plugin) -> None:
        self.house = house
        self._plugin = plugin

    def connect(self, **settings: str) -> Connection:
        """A new connection, as each engine has one."""
        return self._plugin.connect().configure(self.house, **settings)

    def check(self, kind: str, *, stack: str = UNIT, **given: Any) -> str:
        """What Check says of a resource; see `inputs` for what it has besides."""
        wanted = pb.CheckRequest(urn=urn(kind, "a", unit=stack), news=to_struct({**inputs("a"), **given}))
        with said() as words:
            answer = self.connect().stub.Check(wanted)
            words.extend(failure.reason for failure in answer.failures)
        return "\n".join(words)

    def create(self, kind: str, *, stack: str = UNIT, **given: Any) -> str:
        """What Create says to a client that asks for no Check before."""
        wanted = pb.CreateRequest(urn=urn(kind, "a", unit=stack), properties=to_struct({**inputs("a"), **given}))
        with said() as words:
            self.connect().stub.Create(wanted)
        return "\n".join(words)

    def make(self, kind: str, *, place: str = HERE, **given: Any) -> str:
        """Make something by the front door; its id."""
        name = str(given.pop("name", kind.lower()))
        wanted = {**inputs(name, place=place), **given}
        return str(self.connect().stub.Create(pb.CreateRequest(urn=urn(kind, name), properties=to_struct(wanted))).id)

    def up(self, program: Callable[[], None], **options: Any) -> str:
        """What the engine says to a program, without the pack: Check stands alone."""
        with said() as words:
            self.house.raw_up(program, pack=False, **options)
        return "\n".join(words)

    def preview(self, program: Callable[[], None]) -> str:
        """What a preview says to a program: the pack is asked."""
        with said() as words:
            self.house.engine.preview(self.house.unit(), program, plan="p" * 64)
        return "\n".join(words)

    def refused(self, gate: str) -> set[str]:
        """Rules by which a gate refused, as the ledger has it."""
        return {rule for said, rule in self.house.refusals() if said == gate}

    def abroad(self) -> list[dict[str, Any]]:
        """What stands at the place that nothing may be at."""
        return self.house.objects(place=ABROAD)


@contextmanager
def said() -> Iterator[list[str]]:
    """Words of whatever the block is refused with."""
    words: list[str] = []
    try:
        yield words
    except PseError as exc:
        words.append(f"{exc} {exc.hint}")
    except grpc.RpcError as exc:
        words.append(str(exc.details()))
