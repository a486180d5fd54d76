"""Moving a workload: from provisioning to the switch and the checks after it."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from msgspec.structs import replace

from migrate import boot
from migrate.beginning import not_moved_by_another, still_ours
from migrate.clearance import cleared
from migrate.durable import Stopped
from migrate.preflight import clocks, path, records
from migrate.probe import Probe
from migrate.steps import PERMIT
from migrate.thawing import Thawing
from pse.core.documents.campaign import MoveState
from pse.core.documents.plan import Move
from pse.core.errors import PseError, Refused
from pse.core.findings import Finding, Severity
from pse.core.text import counted

STALE_S = 120.0
"""Seconds after the last pass from which on one more is made before writers are stopped."""
MAX_DELTAS = 5
"""Passes before the freeze; who writes faster than that is caught up with when writers are stopped, or not at all."""


@dataclass(eq=False)
class Forward(Thawing):
    """One attempt to move a workload; see `Steps`."""

    probes: list[Probe] = field(default_factory=list)
    _guarded: bool = False

    def go(self) -> None:
        """The whole way. Before the switch every failure gives the source back; after it, nothing is undone by itself.

        Raises:
            PseError: What failed.
        """
        # Before anything is carried, and in no attempt to move: what fails here leaves everything as it stood.
        self.step("thaw-earlier", self.thaw_earlier, always=True, wanted=self._begins)
        try:
            self.step("provision", self.provision, state=MoveState.SEEDING)
            self.step("preflight", self.preflight)
            self.step("lower-ttl", self.lower_ttl)
            self.step("seed", self.seed)
            self.step("delta", self.delta, state=MoveState.SYNCED)
            self.step("wait-ttl", self.wait_ttl)
            self.step("clearance", self.clearance)
            self._window()
        except Exception:
            if self.begun_to_switch():
                # Users may write at the target, and what they write is on its way back: nothing may be taken away.
                self.set_state(MoveState.SWITCHED)
                raise
            self.step("tidy", self.tidy, always=True)
            self.set_state(MoveState.FAILED)
            raise
        finally:
            self._end_probes()
        self.settle()

    def resume(self) -> None:
        """Go on with a switch that was not proved: make it where the record still names the source, then settle."""
        self.step("complete", self.complete, always=True)
        self.settle()

    def settle(self) -> None:
        """What comes after the switch; may be repeated for as long as it fails."""
        self._ensure_probes()
        try:
            self.step("checks", self.checks_after)
            self.step("rest", self.rest, state=MoveState.VERIFIED)
        finally:
            self._end_probes()

    def _begins(self) -> list[str]:
        """Whether earlier attempts left something stopped; refuses what another plan has in hand, or has moved.

        Who asked for this turn looked, too, but that may be days ago.
        """
        still_ours(self.runtime.store, self.runtime.journal, self.workload)
        return self.frozen_before()

    def _may_thaw(self) -> bool:
        """Nothing starts an old side that this attempt has not stopped and that another plan moved away from."""
        if self.frozen_at() is not None:
            return True
        try:
            not_moved_by_another(self.runtime.store, self.workload)
        except Refused:
            return False
        return True

    def _window(self) -> None:
        """The steps with writers stopped."""
        try:
            # Taken up inside of a freeze it goes on, whoever wants to stop or pause: its writers are stopped already.
            inside = self.frozen_at() is not None
            self.step("freeze", self.freeze, state=MoveState.FROZEN, first=self.still_cleared, always=inside)
            self.step("final-delta", self.final_delta, always=True)
            self.step("finish", self.finish, always=True)
            self.step("verify", self.verify, always=True)
            self.step("arm", self.arm, always=True)
            self.step("start", self.start, always=True)
            self.step("switch", self.switch, state=MoveState.SWITCHED, always=True)
        except Exception:
            # Whatever it was, also a defect of ours: the source must not stay frozen.
            self.step("thaw", self.thaw, state=MoveState.FAILED, always=True, wanted=self._may_thaw)
            raise

    # -- before --------------------------------------------------------------------------------------------------------

    def provision(self) -> str:
        """Build what the plan wants; does nothing where it stands."""
        self.set_state(MoveState.PROVISIONING)
        built = [self.runtime.provision(unit) for unit in self.work.units]
        return f"{counted(sum(built), 'resource')} in {counted(len(built), 'stack')}"

    def preflight(self) -> str:
        """Look at both ends of every move, and stop here when something cannot work.

        Raises:
            Refused: With the first reason; all are kept as findings.
        """
        found = [one for each in self.together(self._look) for one in each]
        found += records(self.work, self.runtime.dns)
        found += [one for switch in self.recorded() if (one := self.astray(switch)) is not None]
        self.findings(found)
        errors = [one for one in found if one.severity is Severity.ERROR]
        if errors:
            raise Refused(
                f"{errors[0].code}: {errors[0].message}" + (f" (and {len(errors) - 1} more)" if errors[1:] else ""),
                where=self.workload,
                hint=errors[0].remedy,
            )
        return "; ".join(f"{one.code}: {one.message}" for one in found)

    def _look(self, move: Move) -> list[Finding]:
        task = self.task(move)
        return [*clocks(task), *self.runtime.replicator(move).preflight(task), *path(task)]

    def lower_ttl(self) -> str:
        """Let clients ask again soon; what the records were is kept for the way back."""
        if not self.runtime.dns.used:
            return ""
        for switch in self.work.switches:
            self.ticket(switch)
        ttl = self.runtime.workspace.settings.migrate.ttl_s
        notes = []
        for switch in self.work.switches:
            address = self.before(switch.name)["address"]
            now = self.effect(
                f"ttl-{switch.name}", f"lower the TTL of {switch.name}", partial(self._ttl, switch.name), _no
            )
            if now["ttl"] > ttl:
                self.runtime.dns.swap(switch.name, old=address, new=address, ttl=ttl)
            notes.append(f"{switch.name}: {now['ttl']} s to {min(ttl, now['ttl'])} s")
        return "; ".join(notes)

    def _ttl(self, name: str) -> dict[str, Any]:
        """What clients may hold at most from here on: noted before it is lowered."""
        return {"ttl": self.runtime.dns.lookup(name)[1], "at": time.time()}

    def wait_ttl(self) -> str:
        """Wait until nobody can hold a record with the old TTL any more."""
        if not self.runtime.dns.used:
            return ""
        noted = [known for switch in self.work.switches if (known := self.known(f"ttl-{switch.name}"))]
        waited = still_held(noted, time.time())
        until = time.monotonic() + waited
        while (left := until - time.monotonic()) > 0:
            if self.runtime.stop.wait(min(left, 1.0)):
                raise Stopped
        return f"{waited:.0f} s" if waited else ""

    def seed(self) -> str:
        """The bulk, with writers going on; nothing of an earlier attempt shall still run at the target."""
        if self.begun_before("target-start"):
            # A server that was built anew since may not know the command.
            self.tried(lambda: self.stop_services(self.new, "earlier"))
        return self.passes(lambda move: self.runtime.replicator(move).seed(self.task(move)))

    def delta(self) -> str:
        """What changed meanwhile, until a final pass fits well into the freeze."""
        enough = self.runtime.workspace.settings.migrate.freeze_budget_s / 4
        notes = []
        for _ in range(MAX_DELTAS):
            behind = self.behind()
            if behind is not None and behind <= enough:
                break
            notes.append(self.passes(lambda move: self.runtime.replicator(move).delta(self.task(move), final=False)))
        return "; ".join(notes)

    def clearance(self) -> str:
        """Wait for the change window and for approvals, then carry what changed while it waited."""
        notes = [self._cleared()]
        known = self.known("behind")
        if known is not None and self.work.moves and time.time() - float(known.get("at", 0.0)) > STALE_S:
            notes.append(self.passes(lambda move: self.runtime.replicator(move).delta(self.task(move), final=False)))
            notes.append(self.delta())
            self._cleared()
        return "; ".join(note for note in notes if note)

    def still_cleared(self) -> str:
        """Look again at what the clearance saw: whoever waited since, for a pause or a place, may be late."""
        if self.frozen_at() is not None:
            return ""  # taken up inside of a freeze it goes on: its writers are stopped already
        still_ours(self.runtime.store, self.runtime.journal, self.workload)
        return self.clearance()

    def _cleared(self) -> str:
        return cleared(self.runtime.workspace, self.runtime.plan, self.workload)

    # -- writers are stopped -----------------------------------------------------------------------------------

    def freeze(self) -> str:
        """Stop services at the source, then whatever the replicators can stop."""
        self._ensure_probes()
        self.mark_frozen()
        self.within_budget()
        self.effect("guard", f"leave guards at the source of {self.workload}", self.arm_guards, _no)
        self._in_window()
        self.stop_services(self.old, "source", proved=True)
        self.together(lambda move: self.runtime.replicator(move).freeze(self.task(move, bounded=True), at_target=False))
        return ""

    def final_delta(self) -> str:
        """Nothing may be left behind."""
        self._in_window()
        return self.passes(lambda move: self.runtime.replicator(move).delta(self.task(move, bounded=True), final=True))

    def finish(self) -> str:
        """What passes do not carry."""
        self._in_window()
        return self.passes(lambda move: self.runtime.replicator(move).finish(self.task(move, bounded=True)))

    def verify(self) -> str:
        """Compare both ends."""
        self._in_window()
        return self.verified(
            self.together(lambda move: self.runtime.replicator(move).verify(self.task(move, bounded=True)))
        )

    def arm(self) -> str:
        """From here on the target's writes go back to the source."""
        self._in_window()
        return self.passes(lambda move: self.runtime.replicator(move).arm(self.task(move, bounded=True)))

    def start(self) -> str:
        """Start services at the target and ask them directly, not by name."""
        self._in_window()
        for switch in self.recorded():
            if (found := self.astray(switch)) is not None:
                raise Refused(f"{found.code}: {found.message}", where=self.workload, hint=found.remedy)
        return "; ".join(self.start_services(self.new, "target"))

    def switch(self) -> str:
        """Point the records at the target: from here on, the way back is a rollback."""
        self._in_window()
        self._permit()
        if not self.runtime.dns.used:
            return "records are switched by a person" if self.work.switches else ""
        return "; ".join(self.point(switch) for switch in self.work.switches)

    def _permit(self) -> None:
        """Take the decision from the guards. Asked just before: a record that cannot be switched lets them stand."""
        for switch in self.recorded():
            self.must_point(switch.name, (self.before(switch.name)["address"], self.address(switch)))

        def claim() -> dict[str, Any]:
            self.guards.claim()
            return {}

        self.effect(PERMIT, f"decide to switch {self.workload}", claim, _no)
        self.tell("switch", "update", "the guards at the source have stood down")

    def tidy(self) -> str:
        """Leave nothing at the source of an attempt that failed: the next one begins anew."""
        left: list[str] = []

        def one(move: Move) -> None:
            try:
                left.extend(self.runtime.replicator(move).cleanup(self.task(move)))
            except PseError as exc:
                left.append(str(exc))

        try:
            self.together(one)
        except PseError as exc:  # nothing was built yet
            left.append(str(exc))
        for switch in self.recorded():
            if self.known(f"ticket-{switch.name}") is not None:
                left += self.tried(partial(self.runtime.dns.withdraw, switch.name))
        return "; ".join(left)

    def _in_window(self) -> None:
        self._ensure_probes()
        self.within_budget()
        if self._guarded or self.begun_to_switch():
            return
        # Also after a crash: a host that served meanwhile has more than what was carried.
        self.guards.hold()
        self._guarded = True

    # -- after ------------------------------------------------------------------------------------------------------

    def checks_after(self) -> str:
        """Ask by name, as users do, then see how long they could not."""
        seen = self.check_by_name()
        gaps = [gap for gap in (probe.stop() for probe in self.probes) if gap is not None]
        if gaps:
            worst = max(gaps)
            self.runtime.store.update(self.workload, lambda progress: replace(progress, downtime_s=round(worst, 3)))
            seen.append(f"longest gap {worst:.2f} s")
        self.mark_thawed()
        return "; ".join(seen)

    def rest(self) -> str:
        """Take away keys; what keeps the way back warm stays. The ledger says that it was done."""
        self.together(lambda move: self.runtime.replicator(move).rest(self.task(move)))
        self.guards.remove()
        notes = self.tried(self._not_at_boot)
        self.told("cut-over")
        return "; ".join(notes)

    def _not_at_boot(self) -> None:
        """A host of the old room that is started anew must not serve beside the new side."""
        for service in self.work.services:
            if boot.units_of(service)[1]:
                old, name = self.old(service), service.name
                # Seen first and in a record of its own: what was off before stays off after a rollback.
                seen = self.effect(f"boot-{name}", f"see what starts {name}", partial(boot.enabled, old, service), _no)
                off = partial(boot.switch, old, service, seen["units"], "disable")
                self.effect(f"boot-off-{name}", f"keep {old.name} from starting {name}", off, _no)

    # -- the probe client --------------------------------------------------------------------------------------

    def _ensure_probes(self) -> None:
        """One client for each record with an HTTP check; after a crash the gap counts from the freeze."""
        if self.probes or not self.runtime.dns.used:
            return
        for switch in self.work.switches:
            asked = [c.http for s in self.work.services if s.server == switch.server for c in s.checks if c.http]
            if asked:
                self.probes.append(Probe(self.runtime.dns, switch.name, asked[-1], since=self.frozen_at()))

    def _end_probes(self) -> None:
        for probe in self.probes:
            probe.stop()
        self.probes.clear()


def still_held(noted: Sequence[Mapping[str, float]], now: float) -> float:
    """Seconds that somebody may still hold a record with the TTL that it had.

    Args:
        noted: Of each record its old ``ttl`` in seconds, and ``at``, the moment (`time.time`) when it was lowered.
        now: `time.time`. A clock that went back since never makes it more than the TTL itself.
    """
    return max((max(0.0, min(one["ttl"], one["at"] + one["ttl"] - now)) for one in noted), default=0.0)


def _no() -> None:
    return None
