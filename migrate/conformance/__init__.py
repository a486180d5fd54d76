"""The conformance suite of replicators: what everybody who carries a kind of move has to do, as tests.

A replicator's test file is a class on `ReplicatorContract` with a fixture ``house``: a `House` is two real hosts with
something of that kind at the source, and ways to write and to read it that know nothing of the replicator. It says
eight things: `House.task`, `House.fill`, `House.empty`, `House.write`, `House.spoil`, `House.contents`, `House.strike`
and `House.leftovers`; the suite does the rest. ``tests/migrate/test_migrate_conformance_*.py`` hold our own to it.
"""

import importlib
import sys
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from migrate.conformance.contract import ReplicatorContract
    from migrate.conformance.house import House, Side
    from migrate.conformance.journey import Journey

__all__ = ["House", "Journey", "ReplicatorContract", "Side"]

_WHERE = MappingProxyType({"House": "house", "Journey": "journey", "ReplicatorContract": "contract", "Side": "house"})


def __getattr__(name: str) -> Any:
    """Import a name when it is asked for: pytest rewrites the suite's asserts only before it is imported."""
    if name not in _WHERE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    if name == "ReplicatorContract":
        import pytest

        modules = (f"{__name__}.contract", f"{__name__}.journey")
        pytest.register_assert_rewrite(*(module for module in modules if module not in sys.modules))
    return getattr(importlib.import_module(f"{__name__}.{_WHERE[name]}"), name)
