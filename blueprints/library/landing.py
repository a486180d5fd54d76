"""Landing zone: the network, subnet and key pair of a place, which all its workloads share."""

from collections.abc import Mapping
from typing import ClassVar

from blueprints.model import Fit, Wanted
from blueprints.planning.network import subnet_range
from pse.core.documents.deployment import Deployment
from pse.core.documents.plan import Unit


class Landing:
    """See `blueprints.model.Blueprint`. Planning makes one a place; no workload is one."""

    name: ClassVar[str] = "landing"

    def fits(self, wanted: Wanted) -> Fit:  # noqa: ARG002  (the protocol's shape)
        """Never: it holds no workload."""
        return Fit(0)

    def build(self, unit: Unit, landing: Deployment | None, public_key: str) -> Mapping[str, object]:  # noqa: ARG002  (the protocol's shape)
        """Register network, subnet and key pair; their ids are the stack's outputs."""
        import pulumi

        from blueprints.library.parts import Architecture, common
        from providers import sdk

        component = Architecture("Landing", unit)
        opts = pulumi.ResourceOptions(parent=component)
        network = sdk.Network("network", **common(unit, f"{unit.id}-network"), cidr=unit.cidr, opts=opts)
        subnet = sdk.Subnet(
            "subnet",
            **common(unit, f"{unit.id}-subnet"),
            network=network.id,
            cidr=subnet_range(unit.cidr),
            opts=opts,
        )
        key = sdk.KeyPair("key", **common(unit, f"{unit.id}-key"), public_key=public_key, opts=opts)
        component.register_outputs({})
        return {"servers": [], "outputs": {"network": network.id, "subnet": subnet.id, "key_pair": key.id}}
