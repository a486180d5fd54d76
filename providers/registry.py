"""Which adapters there are: the entry-point group ``pse.providers``, each loaded when it is first asked for."""

from collections.abc import Mapping
from importlib.metadata import EntryPoint, entry_points

from providers.ports import ByOptions, Provider
from pse.core.errors import BadInput, MissingTool

GROUP = "pse.providers"

SDKS = {
    "boto3": "aws",
    "botocore": "aws",
    "azure": "azure",
    "google": "google",
    "openstack": "openstack",
}
"""Vendor SDKs by top-level module, and the extra of this package that installs them."""


def names() -> tuple[str, ...]:
    """Names of all installed adapters, sorted; none is imported."""
    return tuple(sorted({entry.name for entry in entry_points(group=GROUP)}))


def load(name: str) -> type[Provider]:
    """The adapter called ``name``.

    Raises:
        BadInput: No installed package has it.
        MissingTool: Its vendor's SDK is not installed. Any other import error is a defect and stays loud.
    """
    found: list[EntryPoint] = [entry for entry in entry_points(group=GROUP) if entry.name == name]
    if not found:
        raise BadInput(
            f"no provider is called {name!r}",
            hint=f"Installed: {', '.join(names())}. The register names the provider of each place.",
            where=name,
        )
    try:
        loaded: type[Provider] = found[0].load()
    except ModuleNotFoundError as exc:
        top = (exc.name or "").partition(".")[0]
        if top not in SDKS:
            raise
        raise MissingTool(
            f"the provider {name} needs {exc.name}, which is not installed",
            hint=f"Run `pip install 'pse-cloud[{SDKS[top]}]'`.",
            where=name,
        ) from exc
    return loaded


def fitted(name: str, options: Mapping[str, str]) -> type[Provider]:
    """The adapter called ``name`` as it is with the options of a register's entry.

    Raises:
        BadInput: See `load`.
        MissingTool: See `load`.
    """
    loaded = load(name)
    asked: object = loaded  # a class may have what instances of it need not have
    return asked.by_options(options) if isinstance(asked, ByOptions) else loaded
