"""The records of a workload: what they were, who may switch them, and a switch that got no answer.

See ADR 0012 for the ticket without which a late update is worth nothing.
"""

import secrets
from functools import partial
from typing import Any

from migrate.findings import finding
from migrate.replicators.ports import FreezeOver
from migrate.steps import Steps
from pse.core.documents.plan import DnsSwitch
from pse.core.errors import Refused
from pse.core.findings import Finding
from pse.core.journal import Intent, once


class Switching(Steps):
    """Steps that touch records."""

    def astray(self, switch: DnsSwitch) -> Finding | None:
        """A record that names the new side with nobody having switched it: its users would be where nothing is."""
        address, _ = self.runtime.dns.lookup(switch.name)
        if address != self.address(switch):
            return None
        text = f"{switch.name} points at the new side ({address}) already, and this move has not switched it"
        return finding("PSE-M033", self.workload, text, "Point it at the source by hand, then run again.", source="dns")

    def recorded(self) -> tuple[DnsSwitch, ...]:
        """Records that this tool switches."""
        return self.work.switches if self.runtime.dns.used else ()

    def address(self, switch: DnsSwitch) -> str:
        """Where its record points after the switch."""
        return self.runtime.built(self.work, switch.server).address

    def ticket(self, switch: DnsSwitch) -> str:
        """What the update of this attempt has to show; asked early, so that a refusal comes before the freeze."""

        def admit() -> dict[str, Any]:
            ticket = secrets.token_hex(8)
            self.runtime.dns.admit(switch.name, ticket)
            return {"ticket": ticket}

        what = f"let {switch.name} be switched"
        return str(self.effect(f"ticket-{switch.name}", what, admit, lambda: None)["ticket"])

    def before(self, name: str) -> dict[str, Any]:
        """Address and TTL of a record as they were before the first attempt of this plan touched it."""

        def look(_intent: Intent) -> dict[str, Any]:
            address, ttl = self.runtime.dns.lookup(name)
            if not address:
                raise Refused(f"{name} has no A record to switch", where=self.workload, hint="Correct its name.")
            return {"address": address, "ttl": ttl}

        key = f"{self.runtime.plan[:16]}/dns/{name}"
        return once(self.runtime.journal, key, f"note the record {name}", detail={}, probe=lambda _: None, act=look)

    def point(self, switch: DnsSwitch) -> str:
        """Point a record at the target, once an attempt; returns from where to where."""
        old, new, ticket = self.before(switch.name)["address"], self.address(switch), self.ticket(switch)
        swap = partial(self.swap, switch.name, old, new, ticket)
        probe = partial(self.points, switch.name, new)
        self.effect(f"switch-{switch.name}", f"point {switch.name} at {new}", swap, probe)
        return f"{switch.name}: {old} to {new}"

    def complete(self) -> str:
        """Switch what the name server did not take; the source is stopped, and its guards have stood down.

        Raises:
            Refused: A host of the source was started anew meanwhile, so its services may have come up; or somebody
                changed a record.
            RemoteError: The name server or a host still does not answer.
        """
        taken_back = self.known("unproved") is not None
        unsure = [one for one in self.recorded() if taken_back or self.known(f"switch-{one.name}") is None]
        late = [switch for switch in unsure if not self.points(switch.name, self.address(switch))]
        for switch in late:
            self.must_point(switch.name, (self.before(switch.name)["address"], self.address(switch)))
        if late:
            self._source_is_stopped()
        if late or taken_back:
            # Giving the source back was begun, perhaps: what was stopped at the target for it goes on.
            self.together(lambda move: self.runtime.replicator(move).thaw(self.task(move), at_target=True))
            self.forget_commands("target")
            self.start_services(self.new, "target", bounded=False)
        for switch in late:
            for effect in ("ticket", "switch"):
                self.runtime.journal.forget(self.name_of(f"{effect}-{switch.name}"))
        notes = [self.point(switch) for switch in self.recorded()]
        self.runtime.journal.forget(self.name_of("unproved"))
        return "; ".join(notes) if late else ""

    def _source_is_stopped(self) -> None:
        try:
            self.guards.claim()
        except FreezeOver as exc:
            raise Refused(
                f"{exc.message}; the record still points there",
                where=exc.where,
                hint="Look where users have written since: the old side if its services came up with it, else run "
                "`pse rollback`. Nothing was switched.",
            ) from exc

    def swap(self, name: str, old: str, new: str, ticket: str = "") -> dict[str, Any]:
        """See `migrate.dns.Dns.swap`; with the TTL of the cut-over."""
        ttl = self.runtime.workspace.settings.migrate.ttl_s
        self.runtime.dns.swap(name, old=old, new=new, ttl=ttl, ticket=ticket)
        return {"address": new}

    def points(self, name: str, address: str) -> dict[str, Any] | None:
        """Whether a record points there, as the probe of an effect."""
        return {"address": address} if self.runtime.dns.lookup(name)[0] == address else None
