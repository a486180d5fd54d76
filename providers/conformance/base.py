"""What the contracts share: the adapter that is held to them, and what it cannot show."""

from collections.abc import Collection, Mapping
from typing import ClassVar

import pytest

from providers.conformance.rig import Rig
from providers.ports import PortError, Provider
from pse.core.schema import KINDS, Inputs

REASONS = frozenset(
    {"quota", "capacity", "throttle", "not-found", "conflict", "in-use", "auth", "invalid", "transient"}
)
"""The common words of `providers.ports.PortError`."""


class Contract:
    """A contract is a class of tests on this one; a subclass names the adapter.

    A test that takes ``kind`` runs for every kind that the adapter makes.
    """

    adapter: ClassVar[type[Provider]]
    unable: ClassVar[Mapping[str, str]] = {}
    """Behaviours that it cannot show, by the test's name without ``test_``, each with the reason. They stand in the
    table as not capable, and are not run."""
    part: ClassVar[Collection[str]] = KINDS
    """Kinds that this class is about, where several share them so that they can run beside each other."""

    def __init_subclass__(cls) -> None:
        """See that what cannot be shown is a behaviour, and has a reason."""
        strange = sorted(set(cls.unable) - set(behaviours(cls)))
        if strange or not all(cls.unable.values()):
            raise TypeError(f"{cls.__name__}.unable: no such behaviours: {strange}; each needs a reason")

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        """Each kind that the adapter makes, of those that the class is about, in turn."""
        if "kind" in metafunc.fixturenames:
            metafunc.parametrize("kind", [kind for kind in KINDS if kind in self.adapter.kinds and kind in self.part])


def behaviours(contract: type[Contract]) -> tuple[str, ...]:
    """What a contract demands, by the names of its tests without ``test_``."""
    return tuple(name.removeprefix("test_") for name in dir(contract) if name.startswith("test_"))


def refused(rig: Rig, kind: str, inputs: Inputs) -> PortError:
    """The error of a creation that has to be refused, and has to make nothing."""
    before = {made.id for made in rig.store(kind).list()}
    with pytest.raises(PortError) as caught:
        rig.make(kind, inputs)
    assert caught.value.reason in REASONS
    assert caught.value.message
    assert {made.id for made in rig.store(kind).list()} == before
    return caught.value
