"""A real bind9, and a way to it that may misbehave."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.nameserver import NameServer, name_server
from tests.providers.rfc2136.between import Between, between
from tests.providers.rfc2136.desk import Desk


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NameServer]:
    with name_server(tmp_path_factory.mktemp("names"), tuple(f"t{n}.example" for n in range(1, 60))) as server:
        yield server


@pytest.fixture
def desk(server: NameServer, tmp_path: Path) -> Desk:
    return Desk(server, tmp_path)


@pytest.fixture
def proxy(server: NameServer) -> Iterator[Between]:
    with between(server.port) as proxy:
        yield proxy
