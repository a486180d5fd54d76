"""Everything the law says of a workspace on one day, read and verified together."""

from datetime import date
from functools import cached_property

from policy.jurisdictions import refuse_unknown
from policy.labels import FILE as LABELS
from policy.labels import Labels, load_labels
from policy.nocs import FILE as NOCS
from policy.nocs import Nocs, load_nocs
from policy.register import Register, load_register
from policy.rulebook import Rules, load_rules
from pse.core.documents.gate import GateRule
from pse.core.errors import BadInput
from pse.core.settings import Workspace


class Policy:
    """Rules, register, NOCs and labels of a workspace.

    Attributes:
        rules: Shipped and own.
        register: Its signature verified.
        nocs: Their signature verified.
        labels: Categories by host, tag and workload.
        jurisdiction: Whose register counts for the entity.
    """

    def __init__(
        self, *, rules: Rules, register: Register, nocs: Nocs, labels: Labels, jurisdiction: str = "federal"
    ) -> None:
        """Hold the parts; `load_policy` reads and verifies them."""
        self.rules = rules
        self.register = register
        self.nocs = nocs
        self.labels = labels
        self.jurisdiction = jurisdiction

    @cached_property
    def inputs(self) -> dict[str, str]:
        """SHA-256 of labels, nocs, register and rules, by those names."""
        return {
            "labels": self.labels.hash,
            "nocs": self.nocs.hash,
            "register": self.register.hash,
            "rules": self.rules.hash,
        }

    @property
    def sample(self) -> bool:
        """The register, or a CSP in it, is invented."""
        return self.register.sample

    def gate_rules(self, day: date) -> tuple[GateRule, ...]:
        """Words of the gate in force on ``day``."""
        return self.rules.of_gate(day)


def load_policy(workspace: Workspace, *, as_of: date) -> Policy:
    """Read and verify everything that decides for a workspace.

    Args:
        workspace: Where it is.
        as_of: Day that decisions are made for.

    Raises:
        BadInput: A file is missing, not TOML, or has an unknown key, a duplicate or a wrong value, or a NOC names a
            rule that is not there; file and row or path are named.
        Refused: Register or NOCs are unsigned, altered or signed by another key, or the register expired.
    """
    refuse_unknown(workspace.settings.jurisdiction, where=f"{workspace.path('pse.toml')}, $.jurisdiction")
    rules = load_rules(workspace.path("policy", "rules"))
    nocs = load_nocs(workspace)
    known = {rule.id for rule in rules.all}
    for number, noc in enumerate(nocs.noc):
        if strange := sorted(set(noc.rules) - known):
            where = f"{workspace.path(NOCS)}, $.noc[{number}].rules"
            raise BadInput(f"no such rule: {', '.join(strange)}", where=where, hint="Name the rules that it lifts.")
    return Policy(
        rules=rules,
        register=load_register(workspace, as_of=as_of),
        nocs=nocs,
        labels=load_labels(workspace.path(LABELS)),
        jurisdiction=workspace.settings.jurisdiction,
    )
