"""The only driver of Pulumi: real engine, Automation API, inline programs.

`Engine.ensure` makes a stack what its unit says, once for each hash of the unit; `Engine.preview` tells what that would
do; `Engine.destroy` takes it away. A stack is called like its unit, the project is always ``pse``.
"""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, TypedDict

import msgspec

from policy.deeds import note
from providers import pulumi_cli
from providers.driving import backend
from providers.driving.endings import refused
from providers.driving.events import Change, Listener
from providers.driving.losses import holding, losses, refuse_losses, replaced, system_disks
from providers.driving.operation import Operation, operation
from providers.driving.recorder import evaluate
from providers.driving.recovery import clear_intents, clear_leftovers
from providers.driving.state import State
from providers.driving.statefile import is_remote, read_state
from providers.identity import PROJECT
from providers.known import intents_of, path_of, write_known
from pse.core.canonical import read, write
from pse.core.documents.deployment import Deployment
from pse.core.documents.plan import Unit
from pse.core.progress import Event, Progress, silent
from pse.core.settings import Workspace

__all__ = ["Change", "Engine"]

PARALLEL = 64


class _Options(TypedDict):
    policy_packs: list[str]
    on_event: Listener
    color: str
    parallel: int


class Engine:
    """Drives the stacks of one workspace; safe to use from several threads for different units.

    Args:
        workspace: Where state, gate files and deployments are.
        progress: Told of every resource that is done.
        cli: Path of the Pulumi CLI; found by `providers.pulumi_cli` when not given.
    """

    def __init__(self, workspace: Workspace, *, progress: Progress = silent, cli: Path | None = None) -> None:
        """Remember where to work; nothing is started."""
        self._workspace = workspace
        self._progress = progress
        self._cli = cli

    def ensure(
        self, unit: Unit, program: Callable[[], None], *, plan: str, unit_hash: str, again: bool = False
    ) -> Deployment:
        """Make the unit's stack what ``program`` says, and write its Deployment.

        Does nothing when the Deployment has this ``unit_hash`` already.

        Args:
            unit: What is to stand.
            program: Inline Pulumi program; ends by exporting ``servers`` and ``outputs``.
            plan: Hash of the plan.
            unit_hash: SHA-256 of the unit's file.
            again: Run also when the Deployment says that it stands, as ``pse adopt`` does.

        Raises:
            Refused: The gate refused a resource, or data that stands would be lost.
            Incomplete: Some resources stand and some do not; calling again goes on.
            RemoteError: The engine or a cloud failed before anything was changed.
            MissingTool: No Pulumi CLI of the pinned version.
        """
        standing = self.deployment(unit.id)
        if standing is not None and standing.unit_hash == unit_hash and not again:
            if standing.plan != plan:
                standing = msgspec.structs.replace(standing, plan=plan)
                write(self._path(unit.id), standing)
            self._tell("up", unit.id, "done", "stands already")
            return standing
        facts = {"unit_hash": unit_hash, "place": unit.place}
        with self._operation("up", unit.id, plan=plan, program=program, facts=facts) as run:
            self._lose_nothing(run, unit, program)
            # From here on the last document is no longer true, whatever happens.
            self._path(unit.id).unlink(missing_ok=True)
            run.work(lambda: run.stack.up(**self._with_pack(run)), guard=lambda: self._lose_nothing(run, unit, program))
            if run.listener.refusals():  # whatever the engine made of them
                raise refused(run.listener.refusals(), unit.id)
            after = run.export()
            deployment = after.deployment(stack=unit.id, plan=plan, unit_hash=unit_hash, place=unit.place)
            write_known(self._workspace.private, PROJECT, unit.id, after.urns())
            cleared = clear_intents(self._workspace, unit.id, after.ids())
            if cleared:
                self._tell("up", unit.id, "update", f"deleted what an earlier run left: {', '.join(cleared)}")
            write(self._path(unit.id), deployment)
            done = run.before.changed_to(after, also_deleted=len(cleared))
            if any(done.values()) or standing is None or standing.unit_hash != unit_hash:
                note(self._workspace, "up", {**run.facts, **done}, self._progress)
            return deployment

    def preview(self, unit: Unit, program: Callable[[], None], *, plan: str) -> tuple[Change, ...]:
        """What `ensure` would do, sorted by URN; changes nothing.

        Raises:
            Refused: The gate would refuse a resource.
            RemoteError: The engine failed.
            MissingTool: No Pulumi CLI of the pinned version.
        """
        with self._operation("preview", unit.id, plan=plan, program=program) as run:
            new = not run.before.resources()
            try:
                run.work(lambda: run.stack.preview(**self._with_pack(run)))
            finally:
                if new:
                    # The engine needs a stack to compare with; one that was made for this goes again.
                    run.stack.workspace.remove_stack(unit.id)
            return run.listener.changes()

    def refresh(self, unit_id: str) -> tuple[Change, ...]:
        """Compare the state with the cloud and take over what changed there.

        Where something did, the Deployment stands no longer for its unit, and the next `ensure` runs.

        Returns:
            Resources that are gone (``delete``) or differ (``update``), sorted by URN.

        Raises:
            RemoteError: There is no such stack, or the engine or a cloud failed.
        """
        with self._operation("refresh", unit_id) as run:
            before = run.before.live()
            run.work(lambda: run.stack.refresh(on_event=run.listener, color="never", parallel=PARALLEL))
            after = run.export().live()
            changes = tuple(
                Change(urn=urn, type=found[0], name=urn.rpartition("::")[2], op="update" if urn in after else "delete")
                for urn, found in sorted(before.items())
                if after.get(urn) != found
            )
            standing = self.deployment(unit_id)
            if changes and standing is not None:
                write(self._path(unit_id), msgspec.structs.replace(standing, unit_hash=""))
            return changes

    def destroy(self, unit_id: str, *, with_moved_data: bool = False) -> None:
        """Delete everything of the unit, also what a killed run left behind; quiet when there is no such stack.

        Args:
            unit_id: Name of the stack.
            with_moved_data: Users were moved to it; for the ledger.

        Raises:
            Incomplete: Something could not be deleted; calling again goes on.
            RemoteError: The engine or a cloud failed before anything was changed.
        """
        from pulumi.automation import StackNotFoundError

        standing = self.deployment(unit_id)
        places = {standing.place} if standing else set()
        facts = {"place": "".join(places), "with_moved_data": with_moved_data}
        gone: dict[str, int] = {}
        try:
            with self._operation("destroy", unit_id, facts=facts) as run:
                # From here on the document is no longer true, whatever happens.
                self._path(unit_id).unlink(missing_ok=True)
                at = places | run.before.places()
                cleared = clear_leftovers(self._workspace, PROJECT, unit_id, at, keep=run.before.ids())
                run.work(lambda: run.stack.destroy(on_event=run.listener, color="never", parallel=PARALLEL))
                run.stack.workspace.remove_stack(unit_id)
                gone = run.before.changed_to(State({}))
        except StackNotFoundError:
            cleared = clear_leftovers(self._workspace, PROJECT, unit_id, places, keep=frozenset())
        if cleared:
            self._tell("destroy", unit_id, "update", f"deleted what an earlier run left: {', '.join(cleared)}")
        self._path(unit_id).unlink(missing_ok=True)
        path_of(self._workspace.private, PROJECT, unit_id).unlink(missing_ok=True)
        # What it knew and meant is over with it: an audit takes either for a sign that something may stand.
        intents_of(self._workspace.private, PROJECT, unit_id).unlink(missing_ok=True)
        deleted = gone.get("deleted", 0) + len(cleared)
        if deleted or standing:
            told = {"plan": standing.plan if standing else "", "unit": unit_id, **facts, "deleted": deleted}
            note(self._workspace, "destroy", told, self._progress)

    def deployment(self, unit_id: str) -> Deployment | None:
        """What stands, as the last successful `ensure` wrote it.

        Raises:
            BadInput: The file cannot be read.
        """
        path = self._path(unit_id)
        return read(path, Deployment) if path.exists() else None

    def standing(self, unit_id: str, *, offline: bool = False) -> State:
        """What stands, by the state itself; empty when nothing does.

        A local state is read from its file. Another one is asked by the CLI, or, offline, told by the last Deployment,
        which knows nothing of a run that failed since or was another machine's.

        Raises:
            RemoteError: The backend cannot be asked.
            BadInput: A file cannot be read.
        """
        found = read_state(self._workspace, PROJECT, unit_id)
        if found is not None:
            return found
        if is_remote(self._workspace) and not offline:
            return backend.exported(self._workspace, unit_id, self._found())
        return State.of_document(self.deployment(unit_id))

    def stacks(self) -> tuple[str, ...]:
        """Names of the stacks in the backend, sorted.

        Raises:
            RemoteError: The backend cannot be asked.
        """
        return backend.stacks(self._workspace, self._found())

    # -- below: what the operations share --

    def _operation(
        self,
        step: str,
        unit_id: str,
        *,
        plan: str = "",
        program: Callable[[], None] | None = None,
        facts: Mapping[str, Any] = {},
    ) -> AbstractContextManager[Operation]:
        return operation(
            self._workspace,
            step,
            unit_id,
            cli=self._found(),
            plan=plan,
            program=program,
            facts=facts,
            progress=self._progress,
        )

    def _lose_nothing(self, run: Operation, unit: Unit, program: Callable[[], None]) -> None:
        """Refuse a program that would delete or replace what holds data, by the state that stands.

        Raises:
            Refused: It would.
        """
        if not holding(run.state, unit):
            return
        refuse_losses(losses(run.state, evaluate(program, stack=unit.id), unit), unit)
        if system_disks(run.state, unit):
            # A first-boot script is secret, so only the engine itself can tell whether it is another one.
            heard = Listener("preview", unit.id, silent)
            options = self._with_pack(run)
            options["on_event"] = heard
            run.stack.preview(**options)
            refuse_losses(replaced(heard.changes(), run.state, unit), unit)

    def _with_pack(self, run: Operation) -> _Options:
        return {
            "policy_packs": [str(self._workspace.private / "plugin" / "pack")],
            "on_event": run.listener,
            "color": "never",
            "parallel": PARALLEL,
        }

    def _found(self) -> Path:
        if self._cli is None:
            self._cli = pulumi_cli.find(progress=self._progress)
        return self._cli

    def _path(self, unit_id: str) -> Path:
        return self._workspace.private / "deployments" / f"{unit_id}.json"

    def _tell(self, step: str, unit_id: str, state: str, message: str) -> None:
        self._progress(Event(step, state, subject=unit_id, message=message))
