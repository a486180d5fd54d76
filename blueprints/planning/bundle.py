"""Bundle: a plan with all its parts, on disk and back, every hash checked."""

import re
from collections.abc import Mapping
from pathlib import Path

import msgspec

from blueprints.planning.parts import Lazily, Parts
from pse.core import canonical
from pse.core.documents.gate import SignedGate, UnitGate
from pse.core.documents.plan import Plan, Unit
from pse.core.documents.verdicts import Refusal, Verdicts
from pse.core.errors import BadInput, Refused
from pse.core.schema import Rests
from pse.core.settings import Workspace
from pse.core.text import printable

FILE = "plan.json"
SIGNATURE = f"{FILE}.sig"
_HASH = re.compile(rb'^ "hash": "[0-9a-f]{64}"$', re.MULTILINE)
_UNSIGNED = (
    "Only `pse plan` signs a plan, with this workspace's key. Bring plan.json and plan.json.sig as it wrote them, or "
    "make the plan again and have it reviewed."
)
_AGAIN = "Make the plan again with `pse plan`, and have it reviewed."


class Bundle(msgspec.Struct, frozen=True, kw_only=True):
    """A plan and its parts.

    Attributes:
        plan: For review; holds the hash of every part.
        units: By unit id; for the engine.
        gates: By unit id; signed when the plan was made.
        verdicts: What the rules said of every class at every place.
        signature: Of the workspace's key over ``plan``, and so over the hash of every part: gates hold places, and
            only this holds shapes, ports and bills.
        raw: ``plan.json`` as it was made or read. A later version of this program knows more fields, and would write
            another file.
    """

    plan: Plan
    units: Mapping[str, Unit]
    gates: Mapping[str, SignedGate]
    verdicts: Verdicts
    signature: str = ""
    raw: bytes = b""

    @property
    def signed(self) -> bytes:
        """The bytes of ``plan.json``, which are signed: as they were made or read."""
        return self.raw or canonical.encode(self.plan)

    @classmethod
    def sealed(
        cls,
        workspace: Workspace,
        plan: Plan,
        *,
        units: Mapping[str, Unit],
        gates: Mapping[str, SignedGate],
        verdicts: Verdicts,
    ) -> "Bundle":
        """``plan`` with the hashes of these parts and its own, signed with the workspace's key; writes nothing.

        Raises:
            BadInput: No key here.
            Refused: The key here is not the pinned one.
        """
        from policy.signing import sign

        units, gates = Parts.of(Unit, units), Parts.of(SignedGate, gates)
        whole = msgspec.structs.replace(plan, units=part_hashes(units, gates, verdicts), hash="")
        # A whole estate's plan has a hundred million bytes: it is encoded once, and its hash put where it belongs, at
        # its end; see `named_by`.
        head, blank, tail = canonical.encode(whole).rpartition(b'"hash": ""')
        hash_ = canonical.digest(head + blank + tail)
        raw = head + b'"hash": "%s"' % hash_.encode() + tail
        return cls(
            plan=msgspec.structs.replace(whole, hash=hash_),
            units=units,
            gates=gates,
            verdicts=verdicts,
            signature=sign(workspace, raw),
            raw=raw,
        )

    def default_folder(self, workspace: Workspace) -> Path:
        """``plans/`` + the first 12 digits of the plan's hash."""
        return workspace.path("plans", self.plan.hash[:12])

    def write(self, folder: Path) -> Path:
        """Write the parts and then, last, ``plan.json`` its signature beside it; stale files are taken away.

        Returns:
            Path of ``plan.json``.

        Raises:
            BadInput: The folder cannot be written, or a unit's name is not that of a file in it.
        """
        for name in self.units:
            if "/" in name or name.startswith(".") or "\0" in name:
                raise BadInput(f"a unit cannot be called {printable(name)!r}", where=str(folder))
        few = {
            folder / "verdicts.json": canonical.encode(self.verdicts),
            folder / SIGNATURE: f"{self.signature}\n".encode(),
        }
        many: dict[Path, tuple[Mapping[str, bytes], str]] = {}
        for kind, data in (
            ("units", Parts.of(Unit, self.units).encoded),
            ("gate", Parts.of(SignedGate, self.gates).encoded),
        ):
            many |= {folder / kind / f"{name}.json": (data, name) for name in data}
            for stale in (folder / kind).glob("*.json"):
                if stale.stem not in data:
                    stale.unlink()

        def fetched(path: Path) -> bytes:
            if path in few:
                return few[path]
            data, name = many[path]
            return data[name]

        canonical.write_many(Lazily(fetched, (*few, *many)))
        canonical.write_bytes(folder / FILE, self.signed)
        return folder / FILE

    @classmethod
    def read(cls, workspace: Workspace, path: Path) -> "Bundle":
        """Read a plan and check its signature, every part against its hash and every gate against the workspace's pin.

        Args:
            workspace: Whose pin signs the plan and its gates.
            path: ``plan.json``, its folder, or the name of a folder under ``plans/``.

        Raises:
            BadInput: A file is missing or not readable.
            Refused: The plan is not signed by the workspace's key, a file is not what its hash stands for, or a gate
                is not signed.
        """
        file = _find(workspace, path)
        raw = canonical.read_bytes(file)
        plan = canonical.decode(raw, Plan, where=str(file))
        if named_by(raw) != plan.hash:
            raise Refused("the plan was changed after it was made", where=str(file), hint=_AGAIN)
        signature = _signature(file.with_name(SIGNATURE))
        _signed(workspace, raw, signature, where=str(file))
        units = {}
        gates = {}
        for name in plan.units:
            if name == "verdicts":
                continue
            if name.startswith("gate/"):
                gates[name.removeprefix("gate/")] = _part(file.parent, name, plan.units)
            else:
                units[name] = _part(file.parent, name, plan.units)
        verdicts = _part(file.parent, "verdicts", plan.units)
        bundle = cls(
            plan=plan,
            units=Parts(Unit, units),
            gates=Parts(SignedGate, gates),
            verdicts=canonical.decode(verdicts, Verdicts, where=str(file.with_name("verdicts.json"))),
            signature=signature,
            raw=raw,
        )
        bundle.verify(workspace)
        return bundle

    def verify(self, workspace: Workspace) -> None:
        """Check that the parts are those that the plan's hash stands for.

        Raises:
            Refused: They are not, the plan or a gate is not signed by the workspace's key, or a unit is where its gate
                does not let it be; that refusal is in the ledger too.
        """
        from policy.gate import open_gate

        where = f"plan {self.plan.hash[:12]}"
        if (
            canonical.decode(self.signed, Plan, where=where) != self.plan
            or named_by(self.signed) != self.plan.hash
            or part_hashes(self.units, self.gates, self.verdicts) != dict(self.plan.units)
        ):
            raise Refused("the plan was changed after it was made", where=self.plan.hash[:12], hint=_AGAIN)
        _signed(workspace, self.signed, self.signature, where=where)
        if set(self.gates) != set(self.units):
            raise Refused("a unit of the plan has no gate of its own", where=self.plan.hash[:12], hint=_AGAIN)
        gates: dict[str, UnitGate] = {}
        for name, raw in Parts.of(SignedGate, self.gates).encoded.items():
            where = f"gate/{name}.json"
            gate = open_gate(workspace, raw, where=where)
            if gate.unit != name or gate.plan_inputs != self.verdicts.inputs:
                raise Refused("the gate is of another unit or plan", where=where, hint=_AGAIN)
            gates[name] = gate
        for name, unit in self.units.items():
            if unit.id != name:
                raise Refused("a unit of the plan has no gate of its own", where=self.plan.hash[:12], hint=_AGAIN)
            self._judge(workspace, unit, gates[name])

    def _judge(self, workspace: Workspace, unit: Unit, gate: UnitGate) -> None:
        refusals = misplaced(unit, gate)
        if not refusals:
            return
        from policy import Ledger

        Ledger(workspace).refuse(plan=self.plan.hash, unit=unit.id, urn=unit.id, gate="plan", refusals=refusals)
        words = "; ".join(f"{refusal.rule}: {refusal.message}" for refusal in refusals)
        raise Refused(words, where=f"unit {unit.id} at {unit.place}", hint=_AGAIN)


def misplaced(unit: Unit, gate: UnitGate) -> tuple[Refusal, ...]:
    """Why the unit may not be at its place by its own gate, on the day of the plan; empty when it may."""
    from policy.gate import Subject, Value, judge

    subject = Subject(unit.id, "Network", unit.workload, (Value("place", Rests.PLACE, unit.place),))
    return judge(gate, subject, today=gate.as_of)


def plan_hash(plan: Plan) -> str:
    """SHA-256 over everything in ``plan`` but its hash."""
    return canonical.hash_of(msgspec.structs.replace(plan, hash=""))


def named_by(raw: bytes) -> str:
    """The hash that ``plan.json`` has to hold by its bytes: that of the same bytes with an empty hash in them.

    So a plan keeps its name in every later version of this program. Empty when they do not hold one hash.
    """
    blank, times = _HASH.subn(b' "hash": ""', raw)
    return canonical.digest(blank) if times == 1 else ""


def part_hashes(units: Mapping[str, Unit], gates: Mapping[str, SignedGate], verdicts: Verdicts) -> dict[str, str]:
    """SHA-256 of every part by its name in ``Plan.units``."""
    named = {
        **Parts.of(Unit, units).digests,
        **{f"gate/{name}": found for name, found in Parts.of(SignedGate, gates).digests.items()},
        "verdicts": canonical.hash_of(verdicts),
    }
    return dict(sorted(named.items()))


def path_of(workspace: Workspace, hash_: str) -> Path:
    """``plan.json`` of the plan called ``hash_``.

    Raises:
        BadInput: It is not under ``plans/``.
    """
    for file in sorted(workspace.path("plans").glob(f"*/{FILE}")):
        if canonical.read(file, Plan).hash == hash_:
            return file
    raise BadInput(
        f"plan {hash_[:12]}, which the moves follow, is not there any more",
        where=str(workspace.path("plans")),
        hint="Put its folder back from a copy or from version control; another plan has to be named as PLAN.",
    )


def _signature(file: Path) -> str:
    try:
        return canonical.read_bytes(file).decode("ascii", "replace").removesuffix("\n")
    except BadInput:
        return ""


def _signed(workspace: Workspace, raw: bytes, signature: str, *, where: str) -> None:
    from policy.signing import believe, pin

    if not signature:
        raise Refused(f"the plan is not signed: it has no {SIGNATURE} beside it", where=where, hint=_UNSIGNED)
    believe(workspace, pin(workspace), raw, signature, where=where, hint=_UNSIGNED)


def _find(workspace: Workspace, path: Path) -> Path:
    named = workspace.path("plans", str(path))
    for candidate in (path, path / FILE, named / FILE):
        if candidate.is_file():
            return candidate
    raise BadInput("there is no plan here", where=str(path), hint="`pse plan` makes one and prints its path.")


def _part(folder: Path, name: str, hashes: Mapping[str, str]) -> bytes:
    file = folder / (f"{name}.json" if name == "verdicts" or name.startswith("gate/") else f"units/{name}.json")
    if not file.resolve().is_relative_to(folder.resolve()):
        raise Refused("the plan names a file outside its folder", where=name, hint=_AGAIN)
    data = canonical.read_bytes(file)
    if canonical.digest(data) != hashes[name]:
        raise Refused("this part of the plan was changed after it was made", where=str(file), hint=_AGAIN)
    return data
