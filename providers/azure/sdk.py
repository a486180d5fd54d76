"""Which parts of Azure's SDK are called, and whether they are installed."""

from importlib.util import find_spec

from pse.core.errors import MissingTool

PACKAGES = (
    "azure.identity",
    *(f"azure.mgmt.{name}" for name in ("compute", "dns", "network", "resource.resources", "storage")),
    "azure.storage.blob",
)


def must_be_there(provider: str, place: str) -> None:
    """See that all are installed; none is imported.

    Raises:
        MissingTool: One is not.
    """
    for package in PACKAGES:
        try:
            found = find_spec(package)
        except ModuleNotFoundError:
            found = None
        if found is None:
            raise MissingTool(
                f"the provider {provider} needs {package.replace('.', '-').removesuffix('-resources')}, which is not "
                "installed",
                hint="Run `pip install 'pse-cloud[azure]'`.",
                where=place,
            )
