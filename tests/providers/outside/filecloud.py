"""A cloud of JSON files: strict about what it is asked, with fault points, shared by all processes of a test.

Account folder: ``<workspace>/.pse/filecloud/<place>/``; one file an object. A fault is a file
``<workspace>/.pse/filecloud/faults/<verb>-<Kind>-<name>`` whose text says what happens at that call; it is used up by
it; ``any`` is every name. Faults: ``lost`` (done, and the answer is lost), ``partly`` (made, not usable), ``quota``,
``throttle``, ``hang`` (not done, waits until the fault's ``.hung`` file is removed), ``late`` (done, then hangs so),
``kill`` (done, then this process dies), ``slow`` (0.2 s), ``lost-late`` and ``kill-late`` (the answer is lost, or this
process dies, and what was made is found by the third look for it). The files ``faults/limit``, ``faults/settle``
and ``faults/look`` last: how many calls a second the cloud takes of one process, the seconds that a store says it takes
to settle, and those that a look takes which finds something.
"""

import json
import os
import secrets
import threading
import time
from collections import deque
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, ClassVar

import msgspec

from providers.ports import FoundImage, Identity, Made, PartlyMade, PortError, Store, Target
from pse.core.schema import KINDS, Inputs, Kind, Outputs, Placement

HANG_S = 120.0


class Record(msgspec.Struct):
    """One object as the account keeps it."""

    id: str
    kind: str
    identity: dict[str, str] | None
    inputs: dict[str, Any]
    ready: bool = True
    where: str = ""
    """Where it rests, if that is not the place."""


class FileCloud:
    """The adapter."""

    name: ClassVar[str] = "filecloud"
    kinds: ClassVar[Mapping[str, str]] = dict.fromkeys(KINDS, "files")
    lacks: ClassVar[Mapping[str, str]] = {"Server.apart": "files share one disk"}

    def __init__(self, target: Target) -> None:
        self.target = target
        self._named = target.options.get("account", "")
        folder = target.place.replace("/", "_") + self._named
        self.folder = target.workspace / ".pse" / "filecloud" / folder
        self.faults = target.workspace / ".pse" / "filecloud" / "faults"
        self._lock = threading.Lock()
        self._taken: deque[float] = deque()

    def takes(self) -> bool:
        """Whether the account takes one more call in this second."""
        limit = self.faults / "limit"
        if not limit.exists():
            return True
        with self._lock:
            now = time.monotonic()
            while self._taken and self._taken[0] <= now - 1:
                self._taken.popleft()
            if len(self._taken) >= int(limit.read_text()):
                return False
            self._taken.append(now)
            return True

    def store(self, kind: str) -> Store:
        return FileStore(self, KINDS[kind])

    def find_image(self, name: str) -> FoundImage | None:
        with (self.folder.parent / "calls.jsonl").open("a") as file:
            file.write(json.dumps({"verb": "image", "kind": "Image", "name": name, "taken": True}) + "\n")
        return FoundImage(id=f"{name}-b", created="2026-02-01") if name == "debian-12" else None

    def account(self) -> str:
        return self._named or "first"

    def close(self) -> None:
        pass


class FileStore:
    """One kind of object."""

    def __init__(self, cloud: FileCloud, kind: Kind) -> None:
        self._cloud = cloud
        self._kind = kind
        self._folder = cloud.folder / kind.name
        self._folder.mkdir(parents=True, exist_ok=True)

    def create(self, inputs: Inputs, *, identity: Identity) -> Made:
        fault = self._begin("create", inputs.name)
        self._references(inputs)
        record = Record(
            id=f"{self._kind.name.lower()}-{secrets.token_hex(6)}",
            kind=self._kind.name,
            identity=msgspec.to_builtins(identity),
            inputs=msgspec.to_builtins(inputs),
            ready=fault != "partly",
        )
        self._write(record, suffix=".late2" if fault.endswith("-late") else ".json")
        self._end(fault.removesuffix("-late"), "create", inputs.name)
        made = self._made(record)
        if not made.healthy:
            raise PartlyMade(made)
        return made

    def read(self, object_id: str, inputs: Inputs | None) -> Made | None:
        record = self._load(object_id)
        self._begin("read", record.inputs["name"] if record else object_id)
        if record and inputs is None:
            # Who does not know a secret is not told it, as at every cloud.
            secret = {wire: "" for wire, field in self._kind.input_fields().items() if field.rule.secret}
            record = msgspec.structs.replace(record, inputs={**record.inputs, **secret})
        return self._made(record) if record else None

    def update(self, object_id: str, old: Inputs, new: Inputs) -> Made:
        del old  # the live object counts
        fault = self._begin("update", new.name)
        record = self._load(object_id)
        if record is None:
            raise PortError(f"no {object_id}", reason="not-found", vendor_code="NoSuchObject")
        wanted = msgspec.json.decode(msgspec.json.encode(new))
        fixed = [w for w, f in self._kind.input_fields().items() if f.rule.replaces and wanted[w] != record.inputs[w]]
        if fixed:
            raise PortError(f"{', '.join(fixed)} cannot be changed", reason="invalid", vendor_code="Immutable")
        if record.inputs.get("sizeGib", 0) > wanted.get("sizeGib", 0):
            raise PortError("a volume cannot shrink", reason="invalid", vendor_code="Shrink")
        self._references(new)
        record.inputs, record.ready = wanted, fault != "partly"
        self._write(record)
        self._end(fault, "update", new.name)
        made = self._made(record)
        if not made.healthy:
            raise PartlyMade(made)
        return made

    def delete(self, object_id: str) -> None:
        record = self._load(object_id)
        fault = self._begin("delete", record.inputs["name"] if record else object_id)
        if record is None:
            return
        users = [other.id for other in self._all() if object_id in _ids(other)]
        if users:
            raise PortError(f"{object_id} is used by {', '.join(users)}", reason="in-use", vendor_code="InUse")
        self._path(object_id).unlink(missing_ok=True)
        self._end(fault, "delete", record.inputs["name"])

    @property
    def settle_s(self) -> float:
        settle = self._cloud.faults / "settle"
        return float(settle.read_text()) if settle.exists() else 0.0

    def find(self, stack: str, urn: str) -> tuple[Made, ...]:
        for path in list(self._folder.glob("*.late?")):
            path.replace(path.with_suffix({".late2": ".late1", ".late1": ".late0", ".late0": ".json"}[path.suffix]))
        found = tuple(
            made for made in self.list() if made.identity and (made.identity.stack, made.identity.urn) == (stack, urn)
        )
        look = self._cloud.faults / "look"
        time.sleep(float(look.read_text()) if found and look.exists() else 0)
        return found

    def list(self) -> tuple[Made, ...]:
        found = (self._load(path.stem) for path in sorted(self._folder.glob("*.json")))
        return tuple(self._made(record) for record in found if record)

    # -- below: the account --

    def _path(self, object_id: str) -> Path:
        return self._folder / f"{object_id}.json"

    def _load(self, object_id: str) -> Record | None:
        try:
            return msgspec.json.decode(self._path(object_id).read_bytes(), type=Record)
        except FileNotFoundError:
            return None

    def _write(self, record: Record, *, suffix: str = ".json") -> None:
        path = self._path(record.id).with_suffix(suffix)
        draft = path.with_suffix(f".draft-{secrets.token_hex(4)}")
        draft.write_bytes(msgspec.json.encode(record))
        draft.replace(path)

    def _all(self) -> Sequence[Record]:
        found = []
        for path in self._cloud.folder.glob("*/*.json"):
            with suppress(FileNotFoundError):
                found.append(msgspec.json.decode(path.read_bytes(), type=Record))
        return found

    def _references(self, inputs: Inputs) -> None:
        if inputs.place != self._cloud.target.place:
            raise PortError(f"this is {self._cloud.target.place}", reason="invalid", vendor_code="WrongPlace")
        for field in self._kind.input_fields().values():
            if not field.rule.to:
                continue
            given = getattr(inputs, field.name)
            for object_id in given if isinstance(given, tuple) else (given,) if given else ():
                if not (self._cloud.folder / field.rule.to / f"{object_id}.json").exists():
                    raise PortError(f"no {field.rule.to} {object_id}", reason="invalid", vendor_code="NoSuchReference")

    def _made(self, record: Record) -> Made:
        place = self._cloud.target.place
        known: dict[str, Any] = {
            "placement": (
                Placement("resource", record.where, "unknown") if record.where else Placement("resource", place, "set"),
            ),
            "address": "127.0.0.1",
            "ssh_port": 22,
            "ssh_user": "admin",
            "host_key": "ssh-ed25519 AAAA",
            "fingerprint": "SHA256:file",
            "device": "/dev/file",
            "host_name": "lb.example",
            "size_gib": 1,
            "size_bytes": 1,
            "url": "file:",
            "name_servers": ("127.0.0.1",),
        }
        outputs: Outputs = self._kind.outputs(
            **{field.name: known[field.name] for field in self._kind.output_fields().values()}
        )
        return Made(
            id=record.id,
            identity=msgspec.convert(record.identity, Identity) if record.identity else None,
            inputs=msgspec.convert(record.inputs, self._kind.inputs),
            outputs=outputs,
            healthy=record.ready,
            reasons=() if record.ready else ("it does not answer",),
        )

    def _begin(self, verb: str, name: str) -> str:
        call = {"verb": verb, "kind": self._kind.name, "name": name, "pid": os.getpid()}
        call["passphrase"] = any("PASSPHRASE" in key for key in os.environ)
        call["taken"] = taken = self._cloud.takes()
        with (self._cloud.folder.parent / "calls.jsonl").open("a") as file:
            file.write(json.dumps(call) + "\n")
        if not taken:
            raise PortError("too many calls", reason="throttle", vendor_code="429")
        for whose in (name, "any"):
            path = self._cloud.faults / f"{verb}-{self._kind.name}-{whose}"
            used = path.with_suffix(".used")
            with suppress(FileNotFoundError):
                path.replace(used)
                break
        else:
            return ""
        fault = used.read_text()
        if fault in {"quota", "throttle"}:
            raise PortError(f"{fault} reached", reason=fault, vendor_code=fault.title())
        if fault == "hang":
            self._hang(verb, name)
        if fault == "slow":
            time.sleep(0.2)
        return fault

    def _end(self, fault: str, verb: str, name: str) -> None:
        if fault == "kill":
            os.kill(os.getpid(), 9)
        if fault == "late":
            self._hang(verb, name)
        if fault == "lost":
            raise PortError("the connection broke", reason="transient", vendor_code="EOF")

    def _hang(self, verb: str, name: str) -> None:
        hung = self._cloud.faults / f"{verb}-{self._kind.name}-{name}.hung"
        hung.touch()
        deadline = time.monotonic() + HANG_S
        while hung.exists() and time.monotonic() < deadline:
            time.sleep(0.02)


def _ids(record: Record) -> set[str]:
    fields = KINDS[record.kind].input_fields().items()
    found: set[str] = set()
    for wire, field in fields:
        if field.rule.to:
            value = record.inputs.get(wire)
            found.update(value if isinstance(value, list) else [value] if isinstance(value, str) else [])
    return found
