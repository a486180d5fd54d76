"""What blueprints are made of: a component a unit, and its servers with firewalls, volumes and first-boot scripts.

Importing this imports Pulumi; blueprints do it in `build` only.
"""

from collections.abc import Mapping
from typing import Any

import msgspec
import pulumi

from blueprints.building.userdata import names_of, script
from blueprints.names import slug
from providers import sdk
from pse.core.documents.deployment import Deployment
from pse.core.documents.plan import PlannedServer, Unit
from pse.core.errors import BadInput


class Architecture(pulumi.ComponentResource):
    """The component that holds a unit's resources; its type tells the blueprint."""

    def __init__(self, blueprint: str, unit: Unit) -> None:
        """Register it under the unit's id."""
        super().__init__(f"pse:blueprints:{blueprint}", unit.id)


def build_servers(blueprint: str, unit: Unit, landing: Deployment | None) -> dict[str, object]:
    """Register every server of ``unit`` in its order, those that others need first.

    Returns:
        The stack's outputs: ``servers`` as in `BuiltServer`, and an empty ``outputs``.

    Raises:
        BadInput: There is no landing zone, or it lacks an output.
    """
    if landing is None:
        raise BadInput(
            "the landing zone of its place does not stand", where=unit.id, hint="Run `pse up` with --landing first."
        )
    component = Architecture(blueprint, unit)
    opts = pulumi.ResourceOptions(parent=component)
    built: dict[str, sdk.Server] = {}
    for server in unit.servers:
        built[server.name] = _server(unit, server, landing, built, opts)
    component.register_outputs({})
    return {
        "servers": [
            {
                "name": server.name,
                "id": built[server.name].id,
                "address": built[server.name].address,
                "ssh_port": built[server.name].ssh_port,
                "ssh_user": built[server.name].ssh_user,
                "host_key": built[server.name].host_key,
            }
            for server in unit.servers
        ],
        "outputs": {},
    }


def common(unit: Unit, name: str) -> dict[str, Any]:
    """What every resource takes: name at the cloud, owner and place."""
    return {"name": slug(name), "workload": unit.workload, "place": unit.place}


def _server(
    unit: Unit,
    server: PlannedServer,
    landing: Deployment,
    built: Mapping[str, sdk.Server],
    opts: pulumi.ResourceOptions,
) -> sdk.Server:
    firewall = sdk.Firewall(
        f"{server.name}-firewall",
        **common(unit, f"{server.name}-firewall"),
        network=_output(landing, "network"),
        rules=[msgspec.to_builtins(rule) for rule in (*server.inbound, *server.outbound)],
        opts=opts,
    )
    made = sdk.Server(
        server.name,
        **common(unit, server.name),
        shape=server.shape,
        image=server.image,
        subnet=_output(landing, "subnet"),
        firewalls=[firewall.id],
        key_pair=_output(landing, "key_pair"),
        **({"apart": server.apart} if server.apart else {}),
        user_data=_user_data(unit, server, built),
        opts=opts,
    )
    for volume in server.volumes:
        disk = sdk.Volume(
            volume.name,
            **common(unit, volume.name),
            size_gib=volume.size_gib,
            storage_class=volume.storage_class,
            opts=opts,
        )
        sdk.Attachment(
            f"{volume.name}-attachment",
            **common(unit, f"{volume.name}-attachment"),
            server=made.id,
            volume=disk.id,
            mount=volume.mount,
            opts=opts,
        )
    return made


def _user_data(unit: Unit, server: PlannedServer, built: Mapping[str, sdk.Server]) -> pulumi.Input[str] | None:
    names = names_of(unit.servers)
    needed = [name for name in server.needs if name in built]
    if not needed:
        return script(server, {}) or None

    def write(addresses: list[str]) -> str:
        known = zip(needed, addresses, strict=True)
        return script(server, {name: address for need, address in known for name in names[need]})

    return pulumi.Output.all(*(built[name].address for name in needed)).apply(write)


def _output(landing: Deployment, name: str) -> str:
    if name not in landing.outputs:
        raise BadInput(
            f"the landing zone gives no {name}", where=landing.stack, hint="Run `pse up` with --landing again."
        )
    return landing.outputs[name]
