"""One engine operation on one stack: opened with a clean state, run past a dead engine's lock, its failure in words."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from policy.deeds import note
from providers.driving.endings import hint_after, keeping, killed, last_line, listed, refused
from providers.driving.events import Listener
from providers.driving.recovery import all_gone, one_driver, owners
from providers.driving.state import State
from providers.identity import PROJECT
from providers.known import intents_of, write_known
from pse.core.errors import Incomplete, PseError, RemoteError
from pse.core.journal import FileJournal
from pse.core.progress import Event, Progress
from pse.core.settings import Workspace
from pse.core.text import counted

if TYPE_CHECKING:
    from providers.driving.project import QuietStack

OWNER_S = 90.0
"""Seconds to wait for an engine whose driver was killed; it ends once its calls under way have."""
T = TypeVar("T")


class Operation:
    """An operation at work on a stack.

    Args:
        workspace: Where state and intents are.
        step: ``up``, ``preview``, ``refresh`` or ``destroy``.
        stack: The stack, just opened.
        listener: Hears the engine.
        facts: What the ledger is told of it beside counts.
        progress: Told when the ledger cannot be written.

    Attributes:
        stack: The stack.
        listener: Who heard the engine.
        facts: As given.
        before: The state that it was opened with; what is counted is counted from there.
        state: The state that the engine begins from. A dead driver's engine may have changed it since ``before``.
    """

    def __init__(
        self,
        workspace: Workspace,
        step: str,
        stack: "QuietStack",
        *,
        listener: Listener,
        facts: Mapping[str, Any],
        progress: Progress,
    ) -> None:
        """Clean the state of what a crash left in it, and tell the plugin which ids are known."""
        self._workspace = workspace
        self._step = step
        self._progress = progress
        self.stack = stack
        self.listener = listener
        self.facts = facts
        self.before = self.state = self._prepared(opened=True)

    def work(self, act: Callable[[], T], *, guard: Callable[[], object] = lambda: None) -> T:
        """Run the engine, again when a lock stood in its way whose owner is dead.

        Args:
            act: Runs it.
            guard: Looks at ``state`` once more before the second time: the dead engine may have made what this one
                would lose.

        Raises:
            RemoteError: The lock's owner lives, or is another host's.
        """
        from pulumi.automation import ConcurrentUpdateError

        try:
            return act()
        except ConcurrentUpdateError as exc:
            self._unlock(exc)
            self.state = self._prepared()
            guard()
            return act()

    def export(self) -> State:
        """The state as it stands now."""
        return State(self.stack.export_stack().deployment or {})

    def failure(self, error: Exception) -> PseError:
        """What went wrong, in words, and whether something was changed; that is noted in the ledger.

        Args:
            error: What the engine's command ended with.
        """
        from pulumi.automation import CommandError

        unit = self.stack.name
        if self.listener.refusals():
            return refused(self.listener.refusals(), unit)
        errors = self.listener.errors()
        said = "; ".join(filter(None, (killed(error), listed(errors)))) or last_line(error)
        if self._step == "preview":
            return RemoteError(said, where=unit, hint=hint_after(error, errors))
        try:
            after = self.export()
        except CommandError as exc:
            unread = f"{said}; the state cannot be read: {last_line(exc)}"
            return Incomplete(unread, where=unit, hint=hint_after(exc, begun=True))
        left = FileJournal(intents_of(self._workspace.private, PROJECT, unit)).pending()
        if after.fingerprint() == self.before.fingerprint() and not left and not after.partly():
            return RemoteError(said, where=unit, hint=hint_after(error, errors))
        if self._step != "refresh":
            done = {**self.facts, **self.before.changed_to(after), "incomplete": True}
            note(self._workspace, self._step, done, self._progress)
        partly = f"; not usable yet: {', '.join(after.partly())}" if after.partly() else ""
        stands = f"what stands: {counted(len(after.ids()), 'resource')}{partly}; {said}"
        return Incomplete(stands, where=unit, hint=hint_after(error, errors, begun=True))

    def _prepared(self, *, opened: bool = False) -> State:
        """The state without a crash's pending operations; the plugin is told which ids are known.

        Args:
            opened: It was read a moment ago, when the stack was opened.
        """
        from pulumi.automation import ConcurrentUpdateError
        from pulumi.automation import Deployment as Exported

        exported = self.stack.opened if opened else self.stack.export_stack()
        state = State(exported.deployment or {})
        if state.pending():
            cleaned = Exported(version=exported.version, deployment=state.without_pending())
            try:
                self.stack.import_stack(cleaned)
            except ConcurrentUpdateError as exc:
                self._unlock(exc)
                return self._prepared()
        write_known(self._workspace.private, PROJECT, self.stack.name, state.urns())
        return state

    def _unlock(self, error: Exception) -> None:
        """Take away a lock whose owner was a process of this host and is gone.

        Raises:
            RemoteError: It lives, or it is another host's.
        """
        holders = owners(str(error))
        if not all_gone(holders, wait_s=OWNER_S):
            held = ", ".join(f"process {pid} on {host}" for host, pid in holders) or "somebody"
            raise RemoteError(
                f"the stack is locked by {held}",
                where=self.stack.name,
                hint="Wait until it has ended. If it is surely dead, run `pulumi cancel` for this stack.",
            ) from error
        self.stack.cancel()


@contextmanager
def operation(
    workspace: Workspace,
    step: str,
    unit_id: str,
    *,
    cli: Path,
    plan: str,
    program: Callable[[], None] | None,
    facts: Mapping[str, Any],
    progress: Progress,
) -> Iterator[Operation]:
    """Hold the stack, open it, and turn the engine's errors into ours.

    Args:
        workspace: Where everything is.
        step: ``up``, ``preview``, ``refresh`` or ``destroy``.
        unit_id: Name of the stack.
        cli: Path of the Pulumi CLI.
        plan: Hash of the plan, or nothing.
        program: Inline Pulumi program; without one the stack has to be there.
        facts: What the ledger is told of it beside plan and unit.
        progress: Told of the step and of every resource.

    Raises:
        StackNotFoundError: There is none, and none is to be made.
        PseError: What went wrong, in words.
    """
    from pulumi.automation import CommandError, StackNotFoundError

    from providers.driving.project import open_stack

    raised: list[PseError] = []
    listener = Listener(step, unit_id, progress)
    run: Operation | None = None
    progress(Event(step, "start", subject=unit_id, message=step))
    with one_driver(workspace.private, unit_id):
        try:
            stack = open_stack(
                workspace,
                unit_id,
                cli=cli,
                plan=plan,
                program=keeping(program, raised) if program else None,
                create=program is not None,
            )
            told = {"plan": plan, "unit": unit_id, **facts}
            run = Operation(workspace, step, stack, listener=listener, facts=told, progress=progress)
            yield run
        except StackNotFoundError:
            raise
        except CommandError as exc:
            progress(Event(step, "failed", subject=unit_id, message=f"{step} failed"))
            if raised:
                raise raised[0] from exc
            if run is None:
                text = f"the state cannot be used: {last_line(exc)}"
                raise RemoteError(text, where=unit_id, hint=hint_after(exc)) from exc
            raise run.failure(exc) from exc
    progress(Event(step, "done", subject=unit_id, message=step))
