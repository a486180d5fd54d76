"""The stores of the lab: what all kinds share, and what each kind adds to it."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, ClassVar, Protocol

import msgspec

from providers.lab.account import COPIED, Account, Record, port_errors
from providers.lab.disks import AttachmentWork, VolumeWork
from providers.lab.network import FirewallWork, KeyPairWork, NetworkWork, SubnetWork
from providers.lab.servers import ServerWork
from providers.lab.snapshots import SnapshotWork
from providers.ports import Identity, Made, PartlyMade, PortError, Target
from pse.core.errors import PseError
from pse.core.names import NAME_WORDS, is_name
from pse.core.schema import KINDS, Inputs, Outputs, Placement
from pse.core.text import printable


class Work(Protocol):
    """What one kind does. Every method may be repeated after a crash."""

    aspects: tuple[str, ...]
    """Aspects of the object that rest somewhere, besides the object itself."""

    def __init__(self, account: Account) -> None:
        """Remember the account."""

    def check(self, inputs: Inputs, /) -> None:
        """Raise `PortError` where the inputs cannot be."""

    def build(self, record: Record, inputs: Inputs, /) -> tuple[dict[str, Any], tuple[str, ...]]:
        """Make the object what ``inputs`` say; return its outputs by wire name and why it is not healthy."""

    def look(self, record: Record, /) -> tuple[str, ...]:
        """Why the live object is not healthy."""

    def tear(self, record: Record, /) -> None:
        """Remove what `build` made and wait until it is gone."""


class LabStore:
    """One kind at one place; see `providers.ports.Store`.

    Args:
        target: The place.
        kind: Name of the kind.

    Attributes:
        settle_s: See `providers.ports.Settling`. What is made here is made by the process that was asked.
    """

    settle_s: ClassVar[float] = 0.0

    def __init__(self, target: Target, kind: str) -> None:
        """Open the account; nothing is made yet."""
        self._account = Account(target)
        self._kind = KINDS[kind]
        self._work = WORKS[kind](self._account)

    def create(self, inputs: Inputs, *, identity: Identity) -> Made:
        """See `providers.ports.Store.create`; the same ``identity.op`` again finishes or returns the same object."""
        with port_errors(self._account.place):
            with self._account.lock():
                record = self._opened(identity)
                if record is None:
                    self._check(inputs)
                    self._account.check_quota(self._kind.name)
                    record = self._account.put(
                        Record(
                            id=self._account.new_id(self._kind.name),
                            kind=self._kind.name,
                            identity=identity,
                            state="creating",
                            inputs=self._plain(inputs),
                            first_boot=bool(getattr(inputs, "user_data", "")),
                        )
                    )
            try:
                return self._build(record, inputs)
            except PartlyMade:
                raise
            except (PseError, OSError):
                # Nothing may be left of what is reported as not made.
                self._remove(record)
                raise

    def read(self, object_id: str, inputs: Inputs | None) -> Made | None:
        """See `providers.ports.Store.read`."""
        with port_errors(self._account.place):
            record = self._account.get(self._kind.name, object_id)
            return None if record is None else self._made(record, inputs)

    def update(self, object_id: str, old: Inputs, new: Inputs) -> Made:
        """See `providers.ports.Store.update`; the account itself knows what was before."""
        with port_errors(self._account.place):
            with self._account.lock():
                record = self._account.get(self._kind.name, object_id)
                if record is None:
                    raise PortError(f"no {self._kind.name} {object_id!r} here", reason="not-found", where=old.name)
                self._check_change(record, self._plain(new))
                self._check(new, beside=record)
                record = self._account.put(
                    msgspec.structs.replace(
                        record, inputs=self._plain(new), first_boot=bool(getattr(new, "user_data", ""))
                    )
                )
            return self._build(record, new)

    def delete(self, object_id: str) -> None:
        """See `providers.ports.Store.delete`."""
        with port_errors(self._account.place):
            with self._account.lock():
                record = self._account.get(self._kind.name, object_id)
                if record is None:
                    return
                users = [other for other in self._account.users(record) if record.kind not in {"Server", *COPIED}]
                if users:
                    what = ", ".join(f"{other.kind} {other.id}" for other in users[:3])
                    raise PortError(f"{object_id} is used by {what}", reason="in-use", where=self._account.place)
            self._remove(record)

    def find(self, stack: str, urn: str) -> tuple[Made, ...]:
        """See `providers.ports.Store.find`."""
        with port_errors(self._account.place):
            return tuple(
                self._made(record, None)
                for record in self._account.records(self._kind.name)
                if record.identity is not None and (record.identity.stack, record.identity.urn) == (stack, urn)
            )

    def list(self) -> tuple[Made, ...]:
        """See `providers.ports.Store.list`."""
        with port_errors(self._account.place):
            return tuple(self._made(record, None) for record in self._account.records(self._kind.name))

    def _opened(self, identity: Identity) -> Record | None:
        return next((r for r in self._account.records(self._kind.name) if r.identity == identity), None)

    def _check(self, inputs: Inputs, beside: Record | None = None) -> None:
        if inputs.place != self._account.place:
            raise PortError(f"{inputs.place} is not this account's place", reason="invalid", where=self._account.place)
        if not is_name(inputs.name):
            raise PortError(f"not a name: {printable(inputs.name)!r}", reason="invalid", hint=NAME_WORDS)
        self._account.check_references(self._kind.name, inputs, made=beside is not None)
        if beside is None:
            self._work.check(inputs)

    def _check_change(self, record: Record, new: Mapping[str, Any]) -> None:
        for wire, field in self._kind.input_fields().items():
            before, after = record.inputs.get(wire), new.get(wire)
            shrinks = field.rule.grow_only and int(str(after)) < int(str(before))
            if shrinks or (field.rule.replaces and not field.rule.secret and before != after):
                raise PortError(f"{wire} cannot be changed to this in place", reason="invalid", where=record.id)

    def _build(self, record: Record, inputs: Inputs) -> Made:
        outputs, reasons = self._work.build(record, inputs)
        record = self._account.put(msgspec.structs.replace(record, state="ready", outputs=outputs, reasons=reasons))
        made = self._made(record, inputs)
        if not made.healthy:
            raise PartlyMade(made)
        return made

    def _remove(self, record: Record) -> None:
        self._work.tear(record)
        self._account.drop(record)

    def _plain(self, inputs: Inputs) -> dict[str, Any]:
        secret = {wire for wire, field in self._kind.input_fields().items() if field.rule.secret}
        plain: dict[str, Any] = msgspec.to_builtins(inputs)
        return {wire: value for wire, value in plain.items() if wire not in secret}

    def _made(self, record: Record, known: Inputs | None) -> Made:
        secrets = {
            field.name: getattr(known, field.name)
            for field in self._kind.input_fields().values()
            if field.rule.secret and known is not None
        }
        inputs = msgspec.structs.replace(msgspec.convert(record.inputs, self._kind.inputs), **secrets)
        reasons = record.reasons or self._work.look(record)
        if record.state == "creating":
            reasons = ("its creation was cut short", *reasons)
        return Made(
            id=record.id,
            identity=record.identity,
            inputs=inputs,
            outputs=self._outputs(record),
            healthy=not reasons,
            reasons=reasons,
        )

    def _outputs(self, record: Record) -> Outputs:
        blank = {wire: field.type() for wire, field in self._kind.output_fields().items() if field.type in {str, int}}
        aspects = ("resource", *self._work.aspects)
        placement = [Placement(what, self._account.place, "set") for what in aspects]
        return msgspec.convert(
            {**blank, **record.outputs, "placement": msgspec.to_builtins(placement)}, self._kind.outputs
        )


WORKS: Mapping[str, Callable[[Account], Work]] = MappingProxyType(
    {
        "Network": NetworkWork,
        "Subnet": SubnetWork,
        "Firewall": FirewallWork,
        "KeyPair": KeyPairWork,
        "Volume": VolumeWork,
        "Snapshot": SnapshotWork,
        "Server": ServerWork,
        "Attachment": AttachmentWork,
    }
)
"""What the lab can make."""
