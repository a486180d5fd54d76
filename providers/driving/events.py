"""What the engine tells while it works: progress, changes, and in the end why it failed, in plain words."""

import re
import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING

import msgspec

from providers.gatekeeper import MARK
from pse.core.progress import Event, Progress
from pse.core.text import printable, without_userinfo

if TYPE_CHECKING:
    from pulumi.automation.events import EngineEvent, StepEventMetadata

_COLOUR = re.compile(r"<\{%.*?%\}>|\x1b\[[0-9;]*m")
_WRAPPED = re.compile(r"rpc error: code = \w+ desc = ")
_COUNTED = re.compile(r"^\d+ errors? occurred:\s*\* ")
_PROBLEM = re.compile(r"^pse:index:\w+ resource '[^']*': property \w+ value \{.*?\} has a problem: ", re.DOTALL)
_STEPS: Mapping[str, str] = {
    "create": "create",
    "create-replacement": "replace",
    "replace": "replace",
    "delete-replaced": "replace",
    "update": "update",
    "delete": "delete",
    "read": "read",
    "read-replacement": "replace",
    "import": "read",
    "import-replacement": "replace",
    "same": "same",
}
_WEIGHT = ("same", "read", "update", "create", "delete", "replace")
_NOISE = ("update failed", "preview failed", "destroy failed", "resource plugin pse", "refresh failed")


class Change(msgspec.Struct, frozen=True, kw_only=True, order=True):
    """What the engine would do, or did, to one resource.

    Attributes:
        urn: Pulumi's name of the resource.
        type: Type token, for example ``pse:index:Server``.
        name: Name in the program.
        op: ``create``, ``update``, ``replace``, ``delete``, ``read`` or ``same``.
    """

    urn: str
    type: str
    name: str
    op: str


class Listener:
    """Takes the engine's events of one operation; they come from several threads.

    Args:
        step: Name of the operation for progress: ``up``, ``preview`` …
        unit: The stack.
        progress: Told of every resource.
    """

    def __init__(self, step: str, unit: str, progress: Progress) -> None:
        """Nothing was heard yet."""
        self._step = step
        self._unit = unit
        self._progress = progress
        self._lock = threading.Lock()
        self._changes: dict[str, Change] = {}
        self._errors: list[str] = []
        self._done = 0

    def __call__(self, event: "EngineEvent") -> None:
        """Take one event."""
        if event.resource_pre_event is not None:
            self._before(event.resource_pre_event.metadata)
        elif event.res_outputs_event is not None:
            self._after(event.res_outputs_event.metadata, "done")
        elif event.res_op_failed_event is not None:
            self._after(event.res_op_failed_event.metadata, "failed")
        elif event.policy_event is not None and event.policy_event.enforcement_level == "mandatory":
            self._error(event.policy_event.message)
        elif event.diagnostic_event is not None:
            said = event.diagnostic_event
            if said.severity == "error":
                self._error(said.message)
            elif said.severity == "warning":
                self._tell("update", _clean(said.message))

    def changes(self) -> tuple[Change, ...]:
        """The changes heard of, sorted by URN; components and the stack itself are left out."""
        with self._lock:
            return tuple(sorted(self._changes.values()))

    def refusals(self) -> tuple[str, ...]:
        """What the gate refused, each once."""
        return tuple(error for error in self.errors() if MARK in error)

    def errors(self) -> tuple[str, ...]:
        """Why the operation failed, each once, without the engine's own summary lines."""
        with self._lock:
            return tuple(dict.fromkeys(self._errors))

    def _before(self, step: "StepEventMetadata") -> None:
        op = _STEPS.get(str(getattr(step.op, "value", step.op)), "")
        if not op or not step.type.startswith("pse:index:"):
            return
        with self._lock:
            known = self._changes.get(step.urn)
            if known is None or _WEIGHT.index(op) > _WEIGHT.index(known.op):
                name = step.urn.rpartition("::")[2]
                self._changes[step.urn] = Change(urn=step.urn, type=step.type, name=name, op=op)

    def _after(self, step: "StepEventMetadata", state: str) -> None:
        op = _STEPS.get(str(getattr(step.op, "value", step.op)), "")
        if not op or not step.type.startswith("pse:index:"):
            return
        with self._lock:
            self._done += state == "done"
        kind, name = step.type.rpartition(":")[2], step.urn.rpartition("::")[2]
        self._tell("update", f"{op} {kind} {name}" + ("" if state == "done" else " failed"))

    def _error(self, message: str) -> None:
        text = _clean(message)
        if text and not text.startswith(_NOISE):
            with self._lock:
                self._errors.append(text)

    def _tell(self, state: str, message: str) -> None:
        self._progress(Event(self._step, state, subject=self._unit, message=message, done=self._done, unit="resources"))


def _clean(message: str) -> str:
    text = _COLOUR.sub("", message).strip()
    text = _COUNTED.sub("", _WRAPPED.sub("", _PROBLEM.sub("", text)))
    return printable(without_userinfo(" ".join(text.split())))
