"""Where attempts on the plan and the program are made: the sample ministry, its plan, and the `pse` command."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, ClassVar

import msgspec
from click.testing import CliRunner

from blueprints.building.program import planned_landing, program
from blueprints.model import Fit, Wanted
from blueprints.names import landing_id
from blueprints.planning.bundle import Bundle
from blueprints.planning.matching import Matcher
from policy import Ledger
from policy.gate import write_gate
from providers.driving.recorder import evaluate
from pse.cli.main import root
from pse.core.documents.deployment import Deployment
from pse.core.documents.plan import Unit
from pse.core.settings import Workspace
from tests.blueprints.estates import ABROAD, IN_COUNTRY, bundle, ministry_estate
from tests.providers.bypass.scene import said

DAY = "2026-11-25"


class Office:
    """A workspace in which everything is known and nothing is built.

    Args:
        workspace: The sample's.
    """

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace
        self.bundle = bundle(workspace, ministry_estate())
        self.folder = self.bundle.write(self.bundle.default_folder(workspace)).parent

    def path(self, *parts: str) -> Path:
        """A file of the workspace."""
        return self.workspace.path(*parts)

    def pse(self, *words: str) -> str:
        """What the command says to somebody who agrees to everything."""
        done = CliRunner().invoke(root, [*words, "--workspace", str(self.workspace.root)])
        assert done.exit_code, f"it was done: {done.output}"
        return f"{done.stdout}\n{done.stderr}"

    def pse_done(self, *words: str) -> None:
        """Run the command where something may be found, and nothing is refused as a whole."""
        done = CliRunner().invoke(root, [*words, "--workspace", str(self.workspace.root)])
        assert done.exit_code in (0, 1), done.output

    def up(self, *words: str) -> str:
        """What `pse up` says of the plan."""
        return self.pse("up", str(self.folder), "--yes", *words)

    def plan(self, *words: str) -> str:
        """What `pse plan` says."""
        return self.pse("plan", "--json", *words)

    def edit(self, part: str, *changes: tuple[str, str]) -> None:
        """Change the text of a part of the plan."""
        file = self.folder / part
        for old, new in changes:
            assert old in file.read_text()
            file.write_text(file.read_text().replace(old, new))

    def sealed(self, name: str, **changes: Any) -> Bundle:
        """The plan with a unit changed, every hash and the signature made to fit, as somebody with the key could."""
        unit = msgspec.structs.replace(self.bundle.units[name], **changes)
        made = self.bundle
        forged = Bundle.sealed(
            self.workspace,
            made.plan,
            units={**made.units, name: unit},
            gates=made.gates,
            verdicts=made.verdicts,
        )
        self.folder = forged.write(self.workspace.path("plans", "forged")).parent
        return forged

    def run(self, unit: Unit | None = None, *, landing: str = IN_COUNTRY, matcher: Matcher | None = None) -> str:
        """What is said when the program of a unit is evaluated, no engine behind it."""
        chosen = unit or self.bundle.units["portal"]
        write_gate(self.workspace, self.bundle.gates[chosen.id])
        stands = planned_landing(landing, landing_id(landing))
        with said() as words:
            evaluate(program(chosen, landing=stands, workspace=self.workspace, matcher=matcher), stack=chosen.id)
        return "\n".join(words)

    def stray(self, act: Callable[[Unit], object]) -> str:
        """What is said of a blueprint of an outside package that does ``act`` instead of what the plan says."""
        unit = msgspec.structs.replace(self.bundle.units["portal"], blueprint="straying")
        return self.run(unit, matcher=Matcher({"straying": Straying(act)}))

    def refused(self, gate: str) -> set[str]:
        """Rules by which a gate refused, and reasons why a command was refused as a whole."""
        entries = Ledger(self.workspace).entries()
        rules = {str(e.data["rule"]) for e in entries if e.kind == "refusal" and e.data["gate"] == gate}
        whole = {str(e.data["why"]) for e in entries if e.kind == "refused" and gate == "plan"}
        return rules | whole

    def abroad(self) -> list[dict[str, Any]]:
        """What stands, in files of the lab's cloud, at the place that no data of the ministry's own may be at."""
        folder = self.workspace.private / "lab" / ABROAD.replace("/", "_")
        return [json.loads(path.read_text()) for path in folder.rglob("*.json")] if folder.is_dir() else []


class Straying:
    """A blueprint that does what it is told."""

    name: ClassVar[str] = "straying"

    def __init__(self, act: Callable[[Unit], object]) -> None:
        self.act = act

    def fits(self, wanted: Wanted) -> Fit:
        return Fit(0 * len(wanted.servers))

    def build(self, unit: Unit, landing: Deployment | None, public_key: str) -> Mapping[str, object]:
        assert landing is not None
        assert not public_key
        self.act(unit)
        return {}
