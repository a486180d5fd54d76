"""The fake of ARM with the SDK's clients, one for a module, and empty for each test."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from tests.fakes.azure import Azure, Server

if TYPE_CHECKING:
    from tests.fakes.azure.sdk import Clients


@pytest.fixture(scope="module")
def served() -> Iterator["Clients"]:
    from tests.fakes.azure.sdk import Clients

    cloud = Azure()
    with Server(cloud) as server:
        clients = Clients(cloud, server.url)
        yield clients
        clients.close()


@pytest.fixture
def arm(served: "Clients") -> Iterator["Clients"]:
    yield served
    served.cloud.reset()
