"""A Pulumi program of nobody's: neither our gate nor our policy pack is in it, so the plugin alone judges it."""

import json
import tempfile
from pathlib import Path


def refused(root: Path, place: str) -> bool:
    """Ask for ``place`` in the workspace at ``root``; whether the plugin's Check refused it."""
    from pulumi import automation

    from providers import pulumi_cli, sdk
    from providers.driving.project import CLI

    def program() -> None:
        sdk.Volume("loot", name="loot", workload="portal", place=place, size_gib=1, storage_class="ssd")

    with tempfile.TemporaryDirectory(prefix="pse-bare-") as folder:
        project = {
            "name": "bare",
            "runtime": "python",
            "plugins": {"providers": [{"name": "pse", "path": str(root / ".pse" / "plugin")}]},
        }
        (Path(folder) / "Pulumi.yaml").write_text(json.dumps(project))
        stack = automation.create_or_select_stack(
            "portal",
            project_name="bare",
            program=program,
            opts=automation.LocalWorkspaceOptions(
                work_dir=folder,
                pulumi_command=CLI(pulumi_cli.find()),
                env_vars={
                    "PULUMI_BACKEND_URL": f"file://{folder}",
                    "PULUMI_CONFIG_PASSPHRASE": "nothing is kept here",
                    "PULUMI_SKIP_UPDATE_CHECK": "1",
                    "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "1",
                    "PSE_WORKSPACE": str(root),
                },
            ),
        )
        stack.set_config("pse:unit", automation.ConfigValue("portal"))
        try:
            stack.preview(color="never")
        except automation.CommandError:
            return True
    return False
