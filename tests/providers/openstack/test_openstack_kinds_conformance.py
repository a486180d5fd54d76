"""The adapter of OpenStack under the conformance suite, on the real control plane: the kinds without a server."""

from typing import ClassVar

from providers.conformance import KindContract
from providers.registry import fitted
from pse.core.schema import KINDS
from tests.providers.openstack.permissions import SERVERS


class TestOpenStackKinds(KindContract):
    adapter = fitted("openstack", {"dns_server": "there is one"})
    part: ClassVar[frozenset[str]] = frozenset(KINDS) - SERVERS
