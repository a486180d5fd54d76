"""The adapter of Route 53 under what the conformance suite asks of every kind; it makes names only."""

from collections.abc import Iterator

import pytest

from providers.aws.worldwide import Route53Provider
from providers.conformance import KindContract, Rig
from tests.providers.aws.cloud import Cloud, world_rig


class TestRoute53(KindContract):
    adapter = Route53Provider

    @pytest.fixture
    def rig(self, world: Route53Provider, swept: Cloud) -> Iterator[Rig]:
        with world_rig(swept, world) as rig:
            yield rig
