"""Pulumi's protocol without Pulumi's SDK: a plugin has to answer within a fraction of a second.

``import pulumi`` costs half a second and the plugin needs none of it. Modules with nothing but a path take the place
of its packages, so that the generated protocol modules can be imported alone. For plugin processes only.
"""

import importlib.util
import sys
from types import ModuleType

_PACKAGES = ("pulumi", "pulumi.runtime", "pulumi.runtime.proto")


def stub_packages() -> None:
    """Put the stand-ins in place; does nothing in a process that has imported Pulumi already."""
    if "pulumi" in sys.modules:
        return
    spec = importlib.util.find_spec("pulumi")
    if spec is None or not spec.submodule_search_locations:
        raise ModuleNotFoundError("No module named 'pulumi'", name="pulumi")
    root = spec.submodule_search_locations[0]
    for name in _PACKAGES:
        module = ModuleType(name)
        module.__path__ = ["/".join((root, *name.split(".")[1:]))]
        sys.modules[name] = module
