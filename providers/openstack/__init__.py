"""OpenStack: any cloud with Keystone, Nova, Neutron, Cinder and Glance.

`OpenStackProvider` is the adapter. It speaks the REST APIs through keystoneauth; openstacksdk gives the configuration
(`clouds.yaml`, ``OS_…``) and the credentials. Docs: docs/providers/openstack.md.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from providers.openstack.provider import OpenStackProvider

__all__ = ["OpenStackProvider"]


def __getattr__(name: str) -> object:
    """Import the adapter only when somebody asks for it."""
    if name == "OpenStackProvider":
        from providers.openstack.provider import OpenStackProvider

        return OpenStackProvider
    raise AttributeError(name)
