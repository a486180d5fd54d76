"""The store of every kind: what they all do, around what each kind does for itself."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, ClassVar, get_origin

import msgspec

from providers.openstack.account import Account, Seen, Stuck, Work, inputs_beside
from providers.openstack.attachments import AttachmentWork
from providers.openstack.balancers import LoadBalancerWork
from providers.openstack.buckets import BucketWork
from providers.openstack.errors import port_errors
from providers.openstack.firewalls import FirewallWork
from providers.openstack.keys import KeyPairWork
from providers.openstack.network import NetworkWork, SubnetWork
from providers.openstack.ownimages import ImageWork
from providers.openstack.routers import AddressWork, RouterWork
from providers.openstack.servers import ServerWork
from providers.openstack.snapshots import SnapshotWork
from providers.openstack.volumes import VolumeWork
from providers.ports import Identity, Made, PartlyMade, PortError
from pse.core.schema import KINDS, Inputs, Kind


class OpenStackStore:
    """One kind at one place; see `providers.ports.Store`.

    Args:
        account: The place's project.
        kind: Name of the kind.

    Attributes:
        settle_s: See `providers.ports.Settling`. No service takes a token, and a request may wait in its queue.
    """

    settle_s: ClassVar[float] = 10.0

    def __init__(self, account: Account, kind: str) -> None:
        """Make no call yet."""
        self._account = account
        self._kind = KINDS[kind]
        self._work = WORKS[kind](account)

    def create(self, inputs: Inputs, *, identity: Identity) -> Made:
        """See `providers.ports.Store.create`. What came to be at another place than asked is deleted again."""
        with port_errors(self._account.place):
            self._at_home(inputs)
            try:
                raw = self._work.make(inputs, identity)
            except Stuck as exc:
                raise self._partly(exc, inputs, identity) from exc
            made = self._made(raw, inputs)
            self._placed(made, undo=True)
            if not made.healthy:
                raise PartlyMade(made)
            return made

    def read(self, object_id: str, inputs: Inputs | None) -> Made | None:
        """See `providers.ports.Store.read`."""
        with port_errors(self._account.place):
            raw = self._work.get(object_id)
            return None if raw is None else self._made(raw, inputs)

    def update(self, object_id: str, old: Inputs, new: Inputs) -> Made:
        """See `providers.ports.Store.update`; what is live counts, not what was thought to be."""
        with port_errors(self._account.place):
            self._at_home(new)
            raw = self._work.get(object_id)
            if raw is None:
                raise PortError(f"no {self._kind.name} {object_id!r} here", reason="not-found", where=old.name)
            before = self._made(raw, new)
            self._placed(before, undo=False)
            self._changeable(before.inputs, new)
            try:
                made = self._made(self._work.change(raw, new), new)
            except Stuck as exc:
                raise PartlyMade(msgspec.structs.replace(before, healthy=False, reasons=(exc.message,))) from exc
            if not made.healthy:
                raise PartlyMade(made)
            return made

    def delete(self, object_id: str) -> None:
        """See `providers.ports.Store.delete`."""
        with port_errors(self._account.place):
            self._work.drop(object_id)

    def find(self, stack: str, urn: str) -> tuple[Made, ...]:
        """See `providers.ports.Store.find`.

        Raises:
            PortError: One of them is at another place; it is not to be taken over.
        """
        with port_errors(self._account.place):
            everything = (self._made(raw, None) for raw in self._work.all(urn))
            found = tuple(m for m in everything if m.identity and (m.identity.stack, m.identity.urn) == (stack, urn))
            for made in found:
                self._placed(made, undo=False)
            return found

    def list(self) -> tuple[Made, ...]:
        """See `providers.ports.Store.list`."""
        with port_errors(self._account.place):
            return tuple(self._made(raw, None) for raw in self._work.all(""))

    # -- below: what keeps the kinds short --

    def _made(self, raw: Any, given: Inputs | None) -> Made:
        seen = self._work.see(raw, given)
        return self._told(seen, given)

    def _told(self, seen: Seen, given: Inputs | None) -> Made:
        notes = {"workload": seen.marks["workload"]} if seen.marks["workload"] else {}
        live = {"place": self._account.place, **notes, **seen.live}
        return Made(
            id=seen.id,
            identity=seen.marks.identity,
            inputs=inputs_beside(given, blank(self._kind), live),
            outputs=self._kind.outputs(placement=seen.placement, **seen.outputs),
            healthy=not seen.reasons,
            reasons=seen.reasons,
        )

    def _partly(self, exc: Stuck, inputs: Inputs, identity: Identity) -> PartlyMade:
        """The object that `make` could not finish; where it cannot even be read, its id at least is kept."""
        try:
            raw = self._work.get(exc.object_id)
        except PortError:
            raw = None
        if raw is not None:
            made = msgspec.structs.replace(self._made(raw, inputs), healthy=False, reasons=(exc.message,))
        else:
            nothing = {f.name: f.type() for f in self._kind.output_fields().values() if f.name != "placement"}
            made = Made(
                id=exc.object_id,
                identity=identity,
                inputs=inputs,
                outputs=self._kind.outputs(placement=(self._account.zonal("resource", " ", None),), **nothing),
                healthy=False,
                reasons=(exc.message,),
            )
        return PartlyMade(made)

    def _placed(self, made: Made, *, undo: bool) -> None:
        wrong = [
            aspect for aspect in made.outputs.placement if (aspect.where, aspect.source) != (self._account.place, "set")
        ]
        if not wrong or (not made.healthy and not undo):
            return
        if undo:
            try:
                self._work.drop(made.id)
            except PortError as exc:
                why = (f"it rests at {wrong[0].where} and could not be deleted: {exc.message}",)
                raise PartlyMade(msgspec.structs.replace(made, healthy=False, reasons=why)) from exc
        raise PortError(
            f"{self._kind.name} {made.id}: its {wrong[0].what} rests at {wrong[0].where}, which was not asked for",
            reason="invalid",
            vendor_code="wrong-place",
            where=self._account.place,
        )

    def _at_home(self, inputs: Inputs) -> None:
        if inputs.place != self._account.place:
            raise PortError(f"{inputs.place} is not this account's place", reason="invalid", where=self._account.place)

    def _changeable(self, live: Inputs, new: Inputs) -> None:
        for wire, field in self._kind.input_fields().items():
            before, after = getattr(live, field.name), getattr(new, field.name)
            shrinks = field.rule.grow_only and after < before
            if shrinks or (field.rule.replaces and not field.rule.secret and before not in {"", after}):
                raise PortError(f"{wire} cannot be changed to this in place", reason="invalid", where=new.name)


def blank(kind: Kind) -> Inputs:
    """Inputs of nothing, for an object of which only what the cloud tells is known."""
    required = [field for field in kind.input_fields().values() if field.required]
    return kind.inputs(**{field.name: (get_origin(field.type) or field.type)() for field in required})


WORKS: Mapping[str, Callable[[Account], Work]] = MappingProxyType(
    {
        "Network": NetworkWork,
        "Subnet": SubnetWork,
        "Firewall": FirewallWork,
        "KeyPair": KeyPairWork,
        "Volume": VolumeWork,
        "Server": ServerWork,
        "Attachment": AttachmentWork,
        "Router": RouterWork,
        "Address": AddressWork,
        "Snapshot": SnapshotWork,
        "Image": ImageWork,
        "Bucket": BucketWork,
        "LoadBalancer": LoadBalancerWork,
    }
)
"""What the adapter can make; a further kind is one more row and its class."""
