"""The Pulumi program of one unit, with the gate's third point in it.

Every resource is judged as the program is evaluated, before it is registered with the engine; a refusal goes to the
ledger and ends the program.
"""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from blueprints.planning.matching import Matcher
from pse.core import secrets
from pse.core.documents.deployment import Deployment
from pse.core.documents.plan import Unit
from pse.core.errors import BadInput, Refused
from pse.core.names import NAME_WORDS, is_name
from pse.core.schema import KINDS
from pse.core.settings import Workspace
from pse.core.text import printable
from pse.core.time import today

if TYPE_CHECKING:
    import pulumi

    from pse.core.documents.gate import UnitGate

GATE = "program"
_KIND_OF = {kind.token: kind for kind in KINDS.values()}


def program(
    unit: Unit,
    *,
    landing: Deployment | None,
    workspace: Workspace,
    plan: str = "",
    matcher: Matcher | None = None,
    gate: "UnitGate | None" = None,
) -> Callable[[], None]:
    """The program that builds ``unit``, to be run by the engine or by `providers.driving.recorder.evaluate`.

    Args:
        unit: What to build.
        landing: The landing zone at its place; None for a landing zone itself.
        workspace: Where the unit's gate file, the ledger and the public key are.
        plan: Hash of the plan, for the ledger.
        matcher: Blueprints to take; those that are installed when None.
        gate: The unit's gate, its signature verified by the caller; that of ``.pse/gate`` when None.

    Raises:
        BadInput: The program is run and its blueprint, landing zone or public key is missing, or a name can be none.
        Refused: The program is run and the gate says no, or the gate file cannot be believed.
    """

    def run() -> None:
        import pulumi

        for server in unit.servers:
            for name in (server.name, *(volume.name for volume in server.volumes)):
                _must_be_name(name, where=f"unit {unit.id}")
        blueprint = (matcher or Matcher()).get(unit.blueprint)
        guard = Guard(workspace, unit, landing, plan=plan, gate=gate)
        pulumi.runtime.register_stack_transformation(guard.check)
        key = public_key(workspace) if unit.landing else ""
        for output, value in blueprint.build(unit, landing, key).items():
            pulumi.export(output, value)
        # A later plan may not name a server any more, and has to know what is lost with it.
        pulumi.export("roles", {server.name: server.role for server in unit.servers})

    return run


def _must_be_name(name: str, *, where: str) -> None:
    if not is_name(name):
        raise BadInput(f"not a name at a cloud: {printable(name)!r}", where=where, hint=NAME_WORDS)


def public_key(workspace: Workspace) -> str:
    """The public half of the key that opens new servers, one line in OpenSSH format.

    Read from the file beside the private key; where there is none, worked out from the private key.

    Raises:
        BadInput: There is no such key.
    """
    reference = workspace.settings.ssh_key
    if reference.startswith("file:"):
        beside = workspace.root / Path(reference.removeprefix("file:") + ".pub").expanduser()
        if beside.is_file():
            return beside.read_text(encoding="utf-8").strip()
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_ssh_private_key

    private = secrets.resolve(reference, base=workspace.root)
    try:
        loaded = load_ssh_private_key(private.encode() + b"\n", password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        # Not chained: what such an error quotes may be part of the key.
        raise BadInput("not an SSH private key without a passphrase", where=reference) from None
    return loaded.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()


class Guard:
    """The gate as the program stands at it: one transformation over every resource of the stack."""

    def __init__(
        self,
        workspace: Workspace,
        unit: Unit,
        landing: Deployment | None,
        *,
        plan: str,
        gate: "UnitGate | None" = None,
    ) -> None:
        """Read the unit's gate, where it is not given, and hold it against the law of today.

        Raises:
            Refused: It is missing, altered or not signed by the pinned key, the law changed since, or the clock is
                behind.
        """
        from blueprints.estate.categories import note_today
        from policy import load_policy
        from policy.gate import effective_day, gate_today, read_gate

        self._workspace = workspace
        self._unit = unit
        self._plan = plan
        day = effective_day(workspace, today())
        note_today(workspace, load_policy(workspace, as_of=day))
        self._gate: UnitGate = (
            read_gate(workspace, unit.id, now=today())
            if gate is None
            else gate_today(workspace, gate, now=today(), where=f"gate/{unit.id}.json")
        )
        self._day = day
        self._landing = {} if landing is None else dict.fromkeys(landing.outputs.values(), landing.place)
        self._seen: list[tuple[pulumi.Resource, str | None]] = []

    def check(self, args: "pulumi.ResourceTransformationArgs") -> None:
        """Judge one resource before it is registered; nothing about it is changed.

        Raises:
            Refused: The gate says no; it is in the ledger.
            BadInput: Its name can be none.
        """
        import pulumi

        from policy.gate import Subject, judge, subject_of
        from policy.ledger import Ledger

        if isinstance(args.resource, pulumi.ComponentResource):
            return
        urn = self._urn(args)
        name = args.props.get("name")
        if isinstance(name, str):
            _must_be_name(name, where=printable(urn))
        kind = _KIND_OF.get(args.type_)
        if kind is None:
            subject = Subject(urn, args.type_, self._unit.workload, ())
        else:
            wires = {field.name: wire for wire, field in kind.input_fields().items()}
            inputs = {wires[name]: value for name, value in args.props.items() if name in wires}
            subject = subject_of(kind.name, inputs, urn=urn, place_of=self._place_of, unknown=_unknown)
        refusals = judge(self._gate, subject, today=self._day)
        if refusals:
            Ledger(self._workspace).refuse(plan=self._plan, unit=self._unit.id, urn=urn, gate=GATE, refusals=refusals)
            raise Refused(
                "; ".join(f"{r.rule}: {r.message}" for r in refusals),
                where=printable(urn),
                hint="Nothing was built. Plan again; the refusals are in the ledger.",
            )
        place = args.props.get("place")
        self._seen.append((args.resource, place if isinstance(place, str) else None))

    def _place_of(self, _wire: str, value: object) -> str | None:
        """Place of what a reference points at: a resource of this program, or an output of the landing zone."""
        if isinstance(value, str):
            return self._landing.get(value)
        return next((place for resource, place in self._seen if getattr(resource, "id", None) is value), None)

    def _urn(self, args: "pulumi.ResourceTransformationArgs") -> str:
        import pulumi

        parent: Any = args.opts.parent
        outer = f"{parent.pulumi_resource_type}$" if isinstance(parent, pulumi.ComponentResource) else ""
        return f"urn:pulumi:{self._unit.id}::pse::{outer}{args.type_}::{args.name}"


def _unknown(value: object) -> bool:
    import pulumi

    return isinstance(value, pulumi.Output)


def planned_landing(place: str, landing: str) -> Deployment:
    """Stands in for a landing zone that is not built yet, for evaluation without the engine only."""
    outputs = {name: f"planned:{name}" for name in ("network", "subnet", "key_pair")}
    return Deployment(stack=landing, plan="", unit_hash="", place=place, outputs=outputs)
