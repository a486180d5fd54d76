"""The conformance suite: what every adapter has to do, as tests. It is the port in executable form.

An adapter's test file is a class on `StoreContract` with a fixture ``rig``: under 30 lines. The plugin module
`providers.conformance.plugin` prints the table of adapters by behaviour.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from providers.conformance.contract import StoreContract
    from providers.conformance.rig import Rig

__all__ = ["Rig", "StoreContract"]


def __getattr__(name: str) -> Any:
    """Import a name when it is asked for: pytest rewrites the suite's asserts only before it is imported."""
    if name == "StoreContract":
        import sys

        import pytest

        if "providers.conformance.contract" not in sys.modules:
            pytest.register_assert_rewrite("providers.conformance.contract")
        from providers.conformance.contract import StoreContract

        return StoreContract
    if name == "Rig":
        from providers.conformance.rig import Rig

        return Rig
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
