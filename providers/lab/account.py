"""The account of one place in the lab: one JSON record an object, written atomically and tagged from the first byte.

``.pse/lab/places/<place>/<Kind>/<id>.json``. A record is written as ``creating`` before anything else is made, so that
a maker killed at any moment leaves an object that `find` sees, or nothing.
"""

import errno
import os
import re
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import msgspec

from providers.lab.files import locked
from providers.lab.hosts import Hosts
from providers.ports import Identity, PortError, Target
from providers.rfc2136 import OPTIONS
from pse.core import canonical
from pse.core.errors import PseError, RemoteError
from pse.core.schema import KINDS, Inputs
from pse.core.text import printable

COPIED = frozenset({"Snapshot"})
"""Kinds whose objects are copied by what refers to them, and not needed any more."""
_BOOT_S = 120.0
"""Seconds that a first boot may take where the register's entry says nothing."""


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """One object of the account.

    Attributes:
        id: The lab's id.
        kind: Kind of neutral resource.
        identity: Its tags; None when a stranger made it.
        state: ``creating`` or ``ready``.
        inputs: Inputs by wire name, secrets left out.
        outputs: Outputs by wire name, without ``placement``.
        first_boot: A server whose inputs hold a first-boot script.
        reasons: Why it was not healthy when it was last made or changed.
    """

    id: str
    kind: str
    identity: Identity | None
    state: str
    inputs: dict[str, Any]
    outputs: dict[str, Any] = {}
    first_boot: bool = False
    reasons: tuple[str, ...] = ()


def _options(target: Target) -> tuple[float, dict[str, int]]:
    """Seconds of a first boot, and the most objects of a kind by the kind in small letters.

    Raises:
        PortError: An option that the lab does not know, or a value that cannot be; entry and key are named.
    """
    boot_s, quotas = _BOOT_S, {}
    kinds = {kind.lower() for kind in KINDS}
    for key, value in target.options.items():
        where = f"the register's entry of {target.place}, options.{printable(key)}"
        shown = printable(value[:40])
        kind = key.removeprefix("quota_")
        if key == "boot_s":
            if not re.fullmatch(r"\d{1,4}(\.\d{1,3})?", value) or not float(value):
                raise PortError(f"not a number of seconds: {shown!r}", reason="invalid", where=where)
            boot_s = float(value)
        elif kind != key and kind in kinds:
            if not re.fullmatch(r"\d{1,6}", value):
                raise PortError(f"not a number of objects: {shown!r}", reason="invalid", where=where)
            quotas[kind] = int(value)
        elif key != "ssh_port" and key not in OPTIONS:  # others read those
            hint = "The lab knows boot_s, ssh_port, quota_<kind>, such as quota_server, and those of a name server."
            raise PortError("the lab knows no such option", reason="invalid", where=where, hint=hint)
    return boot_s, quotas


class Account:
    """The records of one place.

    Args:
        target: The place and its workspace.

    Raises:
        PortError: The endpoint is not the lab's, the place has no id, or an option of its entry cannot be.

    Attributes:
        boot_s: Seconds that a first boot may take.
    """

    def __init__(self, target: Target) -> None:
        """Remember the target; nothing is made before the first record."""
        if not target.endpoint.startswith("lab:"):
            raise PortError("not a lab endpoint", reason="invalid", where=target.endpoint)
        if not re.fullmatch(r"[a-z0-9-]+(/[a-z0-9-]+)*", target.place):
            raise PortError("not a place's id", reason="invalid", where=printable(target.place))
        self.place = target.place
        self.boot_s, self._quotas = _options(target)
        self.hosts = Hosts(target.workspace)
        self.folder = self.hosts.root / ".pse" / "lab" / "places" / target.place.replace("/", "+")

    def lock(self) -> AbstractContextManager[None]:
        """Keep others from changing the account; held for short."""
        return locked(self.folder / "lock")

    def new_id(self, kind: str) -> str:
        """An id that was never given before."""
        return f"{kind.lower()[:3]}-{os.urandom(8).hex()}"

    def put(self, record: Record) -> Record:
        """Write a record and return it."""
        canonical.write(self._path(record.kind, record.id), record)
        return record

    def get(self, kind: str, object_id: str) -> Record | None:
        """The record, or None."""
        path = self._path(kind, object_id)
        return canonical.read(path, Record) if path.is_file() else None

    def drop(self, record: Record) -> None:
        """Forget a record; quiet when it is gone."""
        self._path(record.kind, record.id).unlink(missing_ok=True)

    def records(self, kind: str) -> Iterator[Record]:
        """All records of a kind, by id."""
        for path in sorted((self.folder / kind).glob("*.json")):
            try:
                raw = path.read_bytes()
            except FileNotFoundError:
                continue  # deleted by somebody else since the folder was listed
            yield canonical.decode(raw, Record, where=str(path))

    def users(self, record: Record) -> Iterator[Record]:
        """Records whose inputs refer to this one, by the declaration in `pse.core.schema`."""
        for kind in KINDS.values():
            wires = [field.wire for field in kind.input_fields().values() if field.rule.to == record.kind]
            for other in self.records(kind.name) if wires else ():
                if any(record.id in _ids(other.inputs.get(wire)) for wire in wires):
                    yield other

    def check_references(self, kind: str, inputs: Inputs, *, made: bool) -> None:
        """See that everything that ``inputs`` refer to is in this account; what was copied when it was ``made`` may go.

        Raises:
            PortError: It is not.
        """
        for field in KINDS[kind].input_fields().values():
            counts = field.rule.to and not (made and field.rule.to in COPIED)
            for object_id in _ids(getattr(inputs, field.name)) if counts else ():
                if self.get(field.rule.to, object_id) is None:
                    raise PortError(f"no {field.rule.to} {object_id!r} here", reason="not-found", where=self.place)

    def check_quota(self, kind: str) -> None:
        """See that one more object of ``kind`` is within the account's quota (option ``quota_<kind>``).

        Raises:
            PortError: It is not.
        """
        quota = self._quotas.get(kind.lower())
        if quota is not None and sum(1 for _ in self.records(kind)) >= quota:
            raise PortError(
                f"the quota of {quota} {kind}s is used up",
                reason="quota",
                vendor_code=f"quota_{kind.lower()}",
                where=self.place,
            )

    def volume(self, object_id: str) -> Path:
        """Where a volume's files are while it is not attached.

        Raises:
            PortError: Not an id.
        """
        return self._files("volume", object_id)

    def snapshot(self, object_id: str) -> Path:
        """Where a snapshot's files are.

        Raises:
            PortError: Not an id.
        """
        return self._files("snapshot", object_id)

    def _files(self, kind: str, object_id: str) -> Path:
        if not _plain(object_id):
            raise PortError(f"no {kind} {printable(object_id)!r} here", reason="not-found", where=self.place)
        return self.folder / f"{kind}s" / object_id

    def _path(self, kind: str, object_id: str) -> Path:
        if not _plain(object_id):
            return self.folder / kind / "none"
        return self.folder / kind / f"{object_id}.json"


def _plain(object_id: str) -> bool:
    """Whether an id can be part of a path: what came from outside may be anything."""
    return re.fullmatch(r"[A-Za-z0-9-]+", object_id) is not None


def _ids(value: object) -> tuple[str, ...]:
    if isinstance(value, str):
        return (value,) if value else ()
    return tuple(str(item) for item in value) if isinstance(value, (list, tuple)) else ()


@contextmanager
def port_errors(where: str) -> Iterator[None]:
    """Turn what the machine says into the port's words."""
    try:
        yield
    except PortError:
        raise
    except OSError as exc:
        raise _of_machine(exc, where) from exc
    except PseError as exc:
        if isinstance(exc.__cause__, OSError):
            raise _of_machine(exc.__cause__, where) from exc
        reason = "transient" if isinstance(exc, RemoteError) else "invalid"
        raise PortError(exc.message, reason=reason, vendor_code=exc.code, hint=exc.hint, where=where) from exc


def _of_machine(exc: OSError, where: str) -> PortError:
    full = exc.errno in {errno.ENOSPC, errno.EDQUOT, errno.EMFILE, errno.ENFILE}
    code = errno.errorcode.get(exc.errno or 0, "")
    return PortError(
        f"the lab failed: {exc.strerror}", reason="capacity" if full else "transient", vendor_code=code, where=where
    )
