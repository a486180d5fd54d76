"""The adapter of OpenStack under the conformance suite, on the real control plane: servers, and what takes one."""

from typing import ClassVar

from providers.conformance import KindContract
from providers.registry import fitted
from tests.providers.openstack.permissions import SERVERS


class TestOpenStackServers(KindContract):
    adapter = fitted("openstack", {"dns_server": "there is one"})
    part: ClassVar[frozenset[str]] = SERVERS
