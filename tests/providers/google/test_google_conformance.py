"""The adapter of Google Cloud under the conformance suite, on the fake."""

from collections.abc import Iterator, Mapping
from typing import ClassVar

import pytest

from providers.conformance import HostileContract, Rig, StoreContract, Trouble
from providers.google import GoogleProvider
from tests.providers.google.cloud import Cloud, troubles


class TestGoogle(StoreContract):
    adapter = GoogleProvider
    unable: ClassVar[Mapping[str, str]] = {
        "range_that_is_none_is_refused": "a network has no range of its own at Google",
        "subnet_outside_its_network_is_refused": "a network has no range of its own at Google",
    }


class TestGoogleHostile(HostileContract):
    adapter = GoogleProvider

    @pytest.fixture
    def trouble(self, cloud: Cloud) -> Trouble:
        return troubles(cloud)

    @pytest.fixture(autouse=True)
    def calmed(self, rig: Rig, trouble: Trouble) -> Iterator[None]:  # noqa: ARG002  (calm before it is cleared)
        yield
        trouble.calm()
