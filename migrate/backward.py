"""Giving a workload back to its source, with everything that was written at the target."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any

from migrate import boot
from migrate.beginning import not_moved_by_another
from migrate.replicators.ports import Task
from migrate.standing import half_back
from migrate.steps import Steps
from migrate.thawing import Thawing
from migrate.work import guards_of
from pse.core.documents.campaign import MoveState
from pse.core.documents.plan import DnsSwitch, Move
from pse.core.errors import PseError

CAUGHT_UP = "everything is back already"


@dataclass(eq=False)
class Backward(Steps):
    """One attempt to roll a workload back; see `Steps`.

    Attributes:
        forward: Key of the attempt that moved it, such as ``a1``.
        switched: Its records were switched, or may have been.
    """

    forward: str = "a1"
    switched: bool = True

    def go(self) -> None:
        """The whole way back. Until the records point back every failure gives the target to its writers again.

        Raises:
            PseError: What failed; rolling back again goes on.
        """
        if not self.switched:
            self.step("unfreeze", self.unfreeze, state=MoveState.ROLLED_BACK)
            return
        # Asked inside a step: the answer must be the same when this attempt is taken up again.
        try:
            seen = self.step("look-back", self.look_back)
        except Exception:
            if self._stopped_in_vain():
                self.step("thaw-target", self.thaw_target, always=True)
            raise
        if seen != CAUGHT_UP:
            try:
                self.step("freeze-target", self.freeze_target)
                self.step("catch-up", self.catch_up, always=True)
                self.step("verify-back", self.verify_back, always=True)
            except Exception:
                self.step("thaw-target", self.thaw_target, always=True)
                raise
        self.step("switch-back", self.switch_back, always=True)
        self.step("start-source", self.start_source, always=True)
        self.step("close-back", self.close_back, state=MoveState.ROLLED_BACK, always=True)

    def _stopped_in_vain(self) -> bool:
        """An earlier attempt stopped the target, brought not everything back, and could not give it to its writers."""
        at = half_back(self.runtime.store.get(self.workload))
        known = self.runtime.journal.find(self._caught_up)
        caught_up = known is not None and known.result is not None
        return at is not None and at.step in ("freeze-target", "catch-up", "verify-back") and not caught_up

    def look_back(self) -> str:
        """See that the way back can be gone before anything is stopped for it.

        Raises:
            Refused: Something written at the target cannot come back, or somebody changed a record.
            RemoteError: A host, the name server or a database does not answer.
        """
        # An earlier attempt may have brought everything back and failed later; the target is frozen since.
        known = self.runtime.journal.find(self._caught_up)
        caught_up = known is not None and known.result is not None
        self._answer(both=not caught_up)
        for switch, before in self._records():
            self.must_point(switch.name, (self.runtime.built(self.work, switch.server).address, before["address"]))
        if caught_up:
            return CAUGHT_UP
        found = self.together(lambda move: self.runtime.replicator(move).way_back(self._forward_task(move)))
        self.findings([finding for each in found for finding in each])
        return "; ".join(finding.message for each in found for finding in each)

    def _answer(self, *, both: bool) -> None:
        """Log in to every host that is needed; a host whose key changed is refused here."""
        tasks = [self._forward_task(move) for move in self.work.moves]
        hosts = [self.old(service) for service in self.work.services] + [task.source for task in tasks]
        if both:
            hosts += [self.new(service) for service in self.work.services] + [task.target for task in tasks]
        each = {id(host): host for host in hosts}.values()
        with ThreadPoolExecutor(max(1, len(each))) as pool:
            waiting = [pool.submit(host.text, "true", timeout_s=30, what="logging in") for host in each]
        for done in waiting:
            done.result()

    def _records(self) -> list[tuple[DnsSwitch, dict[str, Any]]]:
        """Records that were touched, with what they were before."""
        noted = [
            (switch, self.runtime.journal.find(f"{self.runtime.plan[:16]}/dns/{switch.name}"))
            for switch in (self.work.switches if self.runtime.dns.used else ())
        ]
        return [(switch, before.result) for switch, before in noted if before is not None and before.result is not None]

    @property
    def _caught_up(self) -> str:
        return f"{self.runtime.plan[:16]}/{self.workload}/{self.forward}/caught-up"

    def unfreeze(self) -> str:
        """Before the switch the source has everything: undo what was begun at the target.

        Raises:
            Refused: Another plan has moved it since: its old side stays stopped.
            PseError: Something of the source did not come back, and all else of it did.
        """
        not_moved_by_another(self.runtime.store, self.workload)
        earlier = Thawing(runtime=self.runtime, work=self.work, key=self.forward).thaw_earlier()
        frozen = self.runtime.journal.find(self._frozen) is not None
        if not frozen and not all(self.runtime.stands(self.work, move.target) for move in self.work.moves):
            return earlier or "nothing was built, nothing was begun"
        notes = [earlier] if earlier else []
        guards = guards_of(self.runtime, self.work, self.forward)
        if self._begun("target-start"):
            notes += self.tried(lambda: self.stop_services(self.new, "target"))

        # The source first: its users wait for it, and what is left at the target harms nobody.
        notes += self.tried(guards.give_back)
        notes += self.give_all_back(partial(self._forward_task, without_target=True), services=frozen)
        notes += self.tried(guards.remove)
        notes += self._tidy()
        notes += self.tried(lambda: self.runtime.give_back_ttls(self.work))
        self._forget_freeze()
        return "; ".join(notes)

    def freeze_target(self) -> str:
        """Stop services at the target, then whatever the replicators can stop."""
        self.stop_services(self.new, "target", proved=True)
        self.together(lambda move: self.runtime.replicator(move).freeze(self._forward_task(move), at_target=True))
        return ""

    def catch_up(self) -> str:
        """Bring what the target wrote to the source."""
        return self.passes(lambda move: self.runtime.replicator(move).catch_up(self._forward_task(move)))

    def verify_back(self) -> str:
        """Compare both ends: every row and file of the target is at the source."""
        note = self.verified(self.together(lambda move: self.runtime.replicator(move).verify(self._forward_task(move))))
        self.runtime.journal.note(self._caught_up, f"{self.workload} is back at its source", lambda _: {})
        return note

    def thaw_target(self) -> str:
        """Give the target back to its writers.

        Raises:
            PseError: Something of it did not come back, and all else of it did.
        """
        self.runtime.journal.forget(self._caught_up)

        def thaw(move: Move) -> list[str]:
            self.runtime.replicator(move).thaw(self._forward_task(move), at_target=True)
            return []

        self.start_again(thaw, self.new, "target")
        self.forget_commands("target")
        return "writers work at the target again"

    def switch_back(self) -> str:
        """Point the records at the source again, with the TTL that they had."""
        notes = []
        for switch, before in self._records():
            old, ttl = before["address"], before["ttl"]
            new = self.runtime.built(self.work, switch.server).address
            act = partial(self._swap, switch.name, new, old, ttl)
            self.effect(f"switch-back-{switch.name}", f"point {switch.name} at {old}", act, lambda: None)
            notes.append(f"{switch.name}: {new} to {old}")
        return "; ".join(notes)

    def _swap(self, name: str, new: str, old: str, ttl: int) -> dict[str, Any]:
        # A switch that got no answer may still be on its way.
        self.runtime.dns.withdraw(name)
        self.runtime.dns.swap(name, old=new, new=old, ttl=ttl)
        return {"address": old}

    def start_source(self) -> str:
        """End the way back, then let the source be written and start its services."""
        notes = self.tried(self._at_boot_again)
        return "; ".join([*self.give_all_back(self._forward_task), *notes])

    def _at_boot_again(self) -> None:
        """What the cut-over kept the old host from starting by itself, it starts again."""
        for service in self.work.services:
            prefix = f"{self.runtime.plan[:16]}/{self.workload}/{self.forward}"
            if (seen := self.runtime.journal.find(f"{prefix}/boot-{service.name}")) is not None and seen.result:
                boot.switch(self.old(service), service, seen.result["units"], "enable")
                self.runtime.journal.forget(f"{prefix}/boot-off-{service.name}")

    def close_back(self) -> str:
        """Ask by name, and take away what the move left on both ends."""
        seen = self._by_name()
        left = [*self._tidy(), *self.tried(guards_of(self.runtime, self.work, self.forward).remove)]
        self._forget_freeze()
        self.told("rollback")
        return "; ".join([*seen, *(f"left: {what}" for what in left)])

    def _tidy(self) -> list[str]:
        """Take away what the move left on both ends; returns what is left."""

        def one(move: Move) -> list[str]:
            left: list[str] = []
            task = self._forward_task(move)
            return [*self.tried(lambda: left.extend(self.runtime.replicator(move).cleanup(task))), *left]

        return [what for each in self.together(one) for what in each]

    def _by_name(self) -> list[str]:
        try:
            return self.check_by_name()
        except PseError as exc:
            # The source runs and has everything; that a name lags is for a person to see, not to stop on.
            return [f"by name: {exc}"]

    def _forward_task(self, move: Move, *, without_target: bool = False) -> Task:
        """The move as the forward attempt knows it: the method chosen there counts here, too."""
        task = self.runtime.task(self.work, move, self.forward, without_target=without_target)
        task.over, task.back = None, True
        return task

    def _begun(self, what: str) -> bool:
        prefix = f"{self.runtime.plan[:16]}/{self.workload}/{self.forward}/{what}"
        return any(self.runtime.journal.find(f"{prefix}-{s.name}") is not None for s in self.work.services)

    def _forget_freeze(self) -> None:
        self.runtime.journal.forget(self._frozen)

    @property
    def _frozen(self) -> str:
        return f"{self.runtime.plan[:16]}/{self.workload}/{self.forward}/frozen"
