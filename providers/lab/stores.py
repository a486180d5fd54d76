"""The stores of the lab, by kind."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from providers.ports import Store, Target

STORES: Mapping[str, Callable[[Target], Store]] = MappingProxyType({})
