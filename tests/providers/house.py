"""A small workspace on the file cloud: two places inside, one outside, a signed gate for one unit."""

import json
import os
import secrets
import shutil
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec

import policy
from policy.categories import inputs_of, write_categories
from policy.gate import sign_gate, write_gate
from policy.ledger import Ledger
from policy.register import sign_register
from policy.rulebook import load_rules
from providers import pulumi_cli
from providers.driving.operation import Operation, operation
from providers.engine import Engine
from pse.core.documents.category import Category
from pse.core.documents.deployment import Deployment
from pse.core.documents.gate import AllowedPlace, RefusedPlace, UnitGate
from pse.core.documents.plan import Cost, Unit
from pse.core.documents.verdicts import Refusal
from pse.core.progress import silent
from pse.core.settings import Workspace
from tests.policy.house import build

OUTSIDE = Path(__file__).parent / "outside"
HERE = "sample-north/isb/one"
ALSO = "sample-north/khi/two"
ABROAD = "sample-far/abroad/one"
UNIT = "portal"
PLAN = "p" * 64
AS_OF = date(2026, 6, 1)
ABROAD_RULE = Refusal(rule="PSE-R003", clause="clause 7", message="It is abroad.", source="test")

REGISTER = """
name = "Test register"
issued = 2026-01-01
valid_until = 2099-12-31
sample = true
source = "made for tests"

[[csp]]
id = "sample-north"
name = "North"
[[csp.site]]
region = "isb"
site = "one"
name = "One"
country = "PK"
cloud = "government"
provider = "filecloud"
endpoint = "lab:north"
evidence = "test"
[[csp.site]]
region = "khi"
site = "two"
name = "Two"
country = "PK"
cloud = "government"
provider = "filecloud"
endpoint = "lab:north-two"
evidence = "test"

[[csp.state]]
state = "accredited"
categories = ["open", "public", "restricted", "sensitive"]
start = 2026-01-01

[[csp]]
id = "sample-far"
name = "Far"
[[csp.site]]
region = "abroad"
site = "one"
name = "Away"
country = "XA"
provider = "filecloud"
endpoint = "lab:far"
evidence = "test"
"""


class House:
    """A workspace and hands to work with it."""

    def __init__(self, root: Path, *, template: Path | None = None) -> None:
        self.root = root
        if template is not None:
            shutil.copytree(template, root)
        else:
            self._make()
        self.workspace = Workspace(root)
        self.cloud = root / ".pse" / "filecloud"
        self.faults = self.cloud / "faults"
        self.engine = Engine(self.workspace)
        if template is None:
            self.gate()

    def _make(self) -> None:
        build(self.root, register=REGISTER, labels="")
        passphrase = self.root / ".pse" / "passphrase"
        passphrase.write_text(secrets.token_hex(16))
        passphrase.chmod(0o600)
        (self.root / ".pse" / "filecloud" / "faults").mkdir(parents=True)

    def init_stack(self) -> None:
        """Make the unit's empty stack, which a template then has."""
        with self.opened("init", lambda: None):
            pass

    def opened(self, step: str, program: Callable[[], None] | None = None) -> AbstractContextManager[Operation]:
        """The unit's stack as an operation of the engine has it."""
        cli = pulumi_cli.find()
        return operation(
            self.workspace,
            step,
            UNIT,
            cli=cli,
            plan=PLAN if program else "",
            program=program,
            facts={},
            progress=silent,
        )

    def gate(self, *, unit: str = UNIT, workloads: tuple[str, ...] = (UNIT,)) -> UnitGate:
        """Write the unit's signed gate: both inner places allowed, the outer one refused."""
        gate = UnitGate(
            unit=unit,
            workloads=workloads,
            plan_inputs=policy.load_policy(self.workspace, as_of=AS_OF).inputs,
            as_of=AS_OF,
            category=Category.RESTRICTED,
            class_id="restricted",
            allowed=(AllowedPlace(place=HERE), AllowedPlace(place=ALSO)),
            refused=(RefusedPlace(place=ABROAD, refusals=(ABROAD_RULE,)),),
            endpoints={HERE: "lab:north", ALSO: "lab:north-two"},
            sample=True,
            rules=load_rules().of_gate(AS_OF),
        )
        law = policy.load_policy(self.workspace, as_of=AS_OF)
        write_categories(
            self.workspace, inputs_of(self.workspace, law), dict.fromkeys((UNIT, *workloads), Category.RESTRICTED)
        )
        write_gate(self.workspace, sign_gate(self.workspace, gate))
        return gate

    def move(self, provider: str, endpoint: str, options: Mapping[str, str] = {}) -> None:
        """Put the first place at another provider; register and gate are signed again and name its endpoint."""
        register = self.root / "policy" / "register.toml"
        told = ", ".join(f'"{name}" = "{value}"' for name, value in options.items())
        here = f'provider = "{provider}"\nendpoint = "{endpoint}"\noptions = {{ {told} }}\n'
        register.write_text(register.read_text().replace('provider = "filecloud"\nendpoint = "lab:north"\n', here))
        sign_register(self.workspace)
        gate = self.gate()
        gate = msgspec.structs.replace(gate, endpoints={**gate.endpoints, HERE: endpoint})
        write_gate(self.workspace, sign_gate(self.workspace, gate))

    def unit(self, unit_id: str = UNIT) -> Unit:
        cost = Cost(monthly=Decimal(0), one_time=Decimal(0), no_price=0)
        return Unit(
            id=unit_id,
            workload=unit_id,
            blueprint="test",
            category=Category.RESTRICTED,
            class_id="restricted",
            place=HERE,
            provider="filecloud",
            cost=cost,
        )

    def up(self, program: Callable[[], None], *, unit: str = UNIT) -> Deployment:
        """Run the program, whatever stands already."""
        return self.engine.ensure(self.unit(unit), program, plan=PLAN, unit_hash=secrets.token_hex(32))

    def raw_up(self, program: Callable[[], None], *, known: bool = True, pack: bool = True, **options: Any) -> None:
        """An up with the engine's own options, such as ``replace``; without known ids as a plain ``pulumi up`` is."""
        with self.opened("up", program) as run:
            if not known:
                run.stack.workspace.env_vars = {
                    key: value for key, value in run.stack.workspace.env_vars.items() if key != "PSE_KNOWN"
                }
            standard: dict[str, Any] = dict(self.engine._with_pack(run))
            if not pack:
                del standard["policy_packs"]
            run.stack.up(**{**standard, **options})

    def export(self) -> list[dict[str, Any]]:
        """Our resources in the state."""
        with self.opened("export") as run:
            return run.export().ours()

    def fault(self, verb: str, kind: str, name: str, what: str) -> Path:
        """Plant a fault; returns the marker that a hanging call leaves, to be removed to let it go on."""
        path = self.faults / f"{verb}-{kind}-{name}"
        path.write_text(what)
        return path.with_name(path.name + ".hung")

    def objects(self, kind: str = "*", place: str = HERE) -> list[dict[str, Any]]:
        """What the cloud has, straight from its files."""
        folder = self.cloud / place.replace("/", "_")
        return [json.loads(path.read_text()) for path in sorted(folder.glob(f"{kind}/*.json"))]

    def ids(self, kind: str = "*") -> set[str]:
        return {str(found["id"]) for found in self.objects(kind)}

    def one(self, kind: str) -> dict[str, Any]:
        (found,) = self.objects(kind)
        return found

    def calls(self, *verbs: str) -> list[dict[str, Any]]:
        """Calls that reached the cloud."""
        path = self.cloud / "calls.jsonl"
        lines = [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
        return [line for line in lines if not verbs or line["verb"] in verbs]

    def refusals(self) -> list[tuple[str, str]]:
        """Gate and rule of each refusal in the ledger."""
        entries = Ledger(self.workspace).entries()
        return [(entry.data["gate"], entry.data["rule"]) for entry in entries if entry.kind == "refusal"]

    def state_bytes(self) -> bytes:
        """Everything that Pulumi wrote."""
        folders = (self.root / ".pse" / "state", self.root / ".pse" / "project")
        return b"".join(path.read_bytes() for folder in folders for path in folder.rglob("*") if path.is_file())


def python_path(*extra: Path) -> str:
    """PYTHONPATH under which the plugin process finds the file cloud."""
    return os.pathsep.join(str(path) for path in (OUTSIDE, *extra))


def inputs(name: str, *, place: Any = HERE, workload: Any = UNIT, **more: Any) -> dict[str, Any]:
    return {"name": name, "workload": workload, "place": place, **more}


def volumes(*names: str, size: int = 10, **more: Any) -> Callable[[], None]:
    """A program of independent volumes."""

    def program() -> None:
        from providers import sdk

        for name in names:
            sdk.Volume(name, **inputs(name, size_gib=size, storage_class="ssd", **more))

    return program


def networks(*names: str, cidr: str = "10.0.0.0/16", opts: Any = None, **more: Any) -> Callable[[], None]:
    """A program of independent networks."""

    def program() -> None:
        from providers import sdk

        for name in names:
            sdk.Network(name, opts=opts, **inputs(name, cidr=cidr, **more))

    return program


def server(
    *,
    shape: str = "std-2-8",
    image: str = "debian-12",
    user_data: str = "#!/bin/sh\n",
    names: Sequence[str] = ("web",),
    place: Any = HERE,
) -> Callable[[], None]:
    """A whole small stack: network, subnet, firewall, key, and servers with a volume each."""

    def program() -> None:
        import pulumi

        from providers import sdk

        net = sdk.Network("net", **inputs("net", cidr="10.0.0.0/16", place=place))
        sub = sdk.Subnet("sub", **inputs("sub", network=net.id, cidr="10.0.1.0/24", place=place))
        rules = [{"direction": "in", "protocol": "tcp", "port": 22, "peer": "10.0.0.0/8", "why": "test"}]
        fire = sdk.Firewall("fire", **inputs("fire", network=net.id, rules=rules, place=place))
        key = sdk.KeyPair("key", **inputs("key", public_key="ssh-ed25519 AAAAC3Nza test", place=place))
        exported = []
        for name in names:
            built = sdk.Server(
                name,
                **inputs(
                    name,
                    place=place,
                    shape=shape,
                    image=image,
                    subnet=sub.id,
                    firewalls=[fire.id],
                    key_pair=key.id,
                    user_data=user_data,
                ),
            )
            disk = sdk.Volume(f"{name}-data", **inputs(f"{name}-data", size_gib=5, storage_class="ssd", place=place))
            sdk.Attachment(
                f"{name}-at", **inputs(f"{name}-at", server=built.id, volume=disk.id, mount="/srv/data", place=place)
            )
            exported.append(
                {
                    "name": name,
                    "id": built.id,
                    "address": built.address,
                    "ssh_port": built.ssh_port,
                    "ssh_user": built.ssh_user,
                    "host_key": built.host_key,
                }
            )
        pulumi.export("servers", exported)
        pulumi.export("outputs", {"network": net.id, "subnet": sub.id})

    return program


def urn(kind: str, name: str, *, unit: str = UNIT) -> str:
    return f"urn:pulumi:{unit}::pse::pse:index:{kind}::{name}"
