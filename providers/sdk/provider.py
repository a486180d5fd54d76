"""The explicit provider."""

import pulumi


class Provider(pulumi.ProviderResource):
    """An explicit provider, for programs that hold resources of several units."""

    def __init__(
        self,
        resource_name: str,
        *,
        workspace: pulumi.Input[str] | None = None,
        unit: pulumi.Input[str] | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Configure the plugin.

        Args:
            resource_name: Name in the program.
            workspace: Absolute path of the workspace; default ``PSE_WORKSPACE``, else the nearest ``pse.toml``.
            unit: Unit whose gate file holds; default the stack's name.
            opts: Pulumi's options.
        """
        given = {"workspace": workspace, "unit": unit}
        super().__init__("pse", resource_name, {name: v for name, v in given.items() if v is not None}, opts)
