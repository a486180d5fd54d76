"""The policy room: what the law allows. It is not legal advice.

Rules are data (`policy/rules/*.toml`), the register of CSPs is signed, labels give categories and NOCs give dated
deviations; `decide` turns them into verdicts, `policy.gate.judge` holds every resource to them, and
`policy.ledger.Ledger` keeps what was refused. Importing this package loads none of it.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from policy.labels import Classification, Labels, classify
    from policy.ledger import Ledger
    from policy.load import Policy, load_policy
    from policy.nocs import Noc
    from policy.register import Place, Register
    from policy.rulebook import Rule
    from policy.signing import init_keys
    from policy.verdicts import decide

__all__ = [
    "Classification",
    "Labels",
    "Ledger",
    "Noc",
    "Place",
    "Policy",
    "Register",
    "Rule",
    "classify",
    "decide",
    "init_keys",
    "load_policy",
]


def __getattr__(name: str) -> Any:
    """Import a public name when it is first asked for, so that the provider plugin starts fast."""
    homes = {
        "policy.labels": ("Classification", "Labels", "classify"),
        "policy.ledger": ("Ledger",),
        "policy.load": ("Policy", "load_policy"),
        "policy.nocs": ("Noc",),
        "policy.register": ("Place", "Register"),
        "policy.rulebook": ("Rule",),
        "policy.signing": ("init_keys",),
        "policy.verdicts": ("decide",),
    }
    for module, names in homes.items():
        if name in names:
            return getattr(import_module(module), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
