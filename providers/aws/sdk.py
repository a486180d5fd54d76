"""Whether AWS's SDK is installed."""

from importlib.util import find_spec

from pse.core.errors import MissingTool


def must_be_there(provider: str, place: str) -> None:
    """See that it is; it is not imported.

    Raises:
        MissingTool: It is not.
    """
    if find_spec("boto3") is None:
        raise MissingTool(
            f"the provider {provider} needs boto3, which is not installed",
            hint="Run `pip install 'pse-cloud[aws]'`.",
            where=place,
        )
