"""Giving a frozen source back to its writers: in the attempt that froze it, or in a later one that finds it so."""

import time

from migrate.replicators.ports import Task
from migrate.standing import frozen_by
from migrate.steps import PERMIT
from migrate.switching import Switching
from pse.core.documents.plan import Move


class Thawing(Switching):
    """Steps that end a freeze without a cut-over."""

    def begun_to_switch(self) -> bool:
        """A record was about to be switched, and it was not proved that it points at the source again.

        Where no record is ours to switch, people or hooks do it, and may from the permit on.
        """
        if not self.recorded() and self.known(PERMIT) is not None:
            return True
        switches = [self.runtime.journal.find(self.name_of(f"switch-{one.name}")) for one in self.work.switches]
        return any(switches) or self.known("unproved") is not None

    def frozen_before(self) -> list[str]:
        """Keys of earlier attempts that stopped writers and did not give them back, in their order."""
        prefix = f"{self.runtime.plan[:16]}/{self.workload}"
        found = frozen_by(self.runtime.journal, prefix, range(1, int(self.key[1:])))
        return [key.rpartition("/")[2] for key in found]

    def thaw_earlier(self) -> str:
        """Give back what earlier attempts stopped and could not: their users wait, and a copy may take hours.

        Raises:
            PseError: As `thaw`; what can be given back is.
        """
        return "; ".join(
            f"{key}: {Thawing(runtime=self.runtime, work=self.work, key=key).thaw()}" for key in self.frozen_before()
        )

    def thaw(self) -> str:
        """Give the source back to its writers: first prove that nobody writes at the target.

        Raises:
            PseError: That was not proved; or something of the source did not come back, and all else of it did.
        """
        begun_to_switch = self.begun_to_switch()
        if begun_to_switch:
            self.effect("unproved", f"give {self.workload} back", lambda: {"at": time.time()}, lambda: None)
            # An update that got no answer may still be on its way: called off first, then the record is asked.
            for switch in self.recorded():
                self.runtime.dns.withdraw(switch.name)
            for switch in self.recorded():
                # Before it is taken back, which may take effect without an answer; `unproved` stands until all is.
                self.runtime.journal.forget(self.name_of(f"switch-{switch.name}"))
                if self.points(switch.name, self.address(switch)):
                    self.swap(switch.name, self.address(switch), self.before(switch.name)["address"])

        notes = ["writers work at the source again"]
        begun = [self.runtime.journal.find(self.name_of(f"target-start-{s.name}")) for s in self.work.services]
        if any(begun):
            notes += self.tried(lambda: self.stop_services(self.new, "target"), strict=begun_to_switch)
        if begun_to_switch:
            # Somebody may have written at the target already.
            self.together(self._bring_back)
        self.runtime.journal.forget(self.name_of("unproved"))
        self.runtime.journal.forget(self.name_of(PERMIT))
        notes += self.tried(self.guards.give_back)
        notes += self.give_all_back(self._old_task, strict=begun_to_switch)
        notes += self.tried(self.guards.remove)
        self.mark_thawed()
        return "; ".join(notes)

    def _old_task(self, move: Move) -> Task:
        """The task of a move, also where its target is gone: the source asks nothing of it."""
        task = self.runtime.task(self.work, move, self.key, without_target=True)
        # The freeze may be over; giving back has all the time that it needs.
        task.over = task.stop_source = None
        return task

    def _bring_back(self, move: Move) -> None:
        replicator, task = self.runtime.replicator(move), self.task(move)
        replicator.freeze(task, at_target=True)
        replicator.catch_up(task)
