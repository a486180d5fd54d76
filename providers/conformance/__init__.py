"""The conformance suite: what every adapter has to do, as tests. It is the port in executable form.

An adapter's test file is a class on each contract: `StoreContract` with a fixture ``rig`` holds its stores to the port
(where one process would take too long, it is split into its own parts, each a class in a file of its own),
`HostileContract` holds one whose cloud is reached over a network to what it does when answers get lost or lie,
and `EngineContract` goes once through the real engine and plugin.
What it cannot show is said in ``unable``, with the reason. The plugin module `providers.conformance.plugin` prints the
table of adapters by behaviour.
"""

import importlib
import sys
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from providers.conformance.base import Contract, behaviours
    from providers.conformance.contract import KindContract, StoreContract
    from providers.conformance.engine import EngineContract
    from providers.conformance.hostile import HostileContract, Trouble
    from providers.conformance.identities import IdentityContract
    from providers.conformance.insides import InsideContract
    from providers.conformance.journey import Journey, Site, Told
    from providers.conformance.refusals import RefusalContract
    from providers.conformance.rig import Rig

__all__ = [
    "Contract",
    "EngineContract",
    "HostileContract",
    "IdentityContract",
    "InsideContract",
    "Journey",
    "KindContract",
    "RefusalContract",
    "Rig",
    "Site",
    "StoreContract",
    "Told",
    "Trouble",
    "behaviours",
]

_WHERE = MappingProxyType(
    {
        "Contract": "base",
        "EngineContract": "engine",
        "HostileContract": "hostile",
        "IdentityContract": "identities",
        "InsideContract": "insides",
        "Journey": "journey",
        "KindContract": "contract",
        "RefusalContract": "refusals",
        "Rig": "rig",
        "Site": "journey",
        "StoreContract": "contract",
        "Told": "journey",
        "Trouble": "hostile",
        "behaviours": "base",
    }
)
_TESTS = ("base", "contract", "engine", "hostile", "identities", "insides", "refusals")


def __getattr__(name: str) -> Any:
    """Import a name when it is asked for: pytest rewrites the suite's asserts only before it is imported."""
    if name not in _WHERE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    if name != "Rig" and not any(f"{__name__}.{module}" in sys.modules for module in _TESTS):
        import pytest

        pytest.register_assert_rewrite(*(f"{__name__}.{module}" for module in _TESTS))
    return getattr(importlib.import_module(f"{__name__}.{_WHERE[name]}"), name)
