"""The conformance suite on a real account. Nothing is here unless `make test-live` asks for it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from providers.conformance import Rig, StoreContract
from providers.ports import Provider
from tests.live.settings import Settings, told

if settings := told():
    given: Settings = settings

    @pytest.fixture(scope="module")
    def provider(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Provider]:
        provider = given.open(tmp_path_factory.mktemp("live"))
        yield provider
        provider.close()

    class TestLive(StoreContract):
        adapter = given.adapter()

        @pytest.fixture
        def rig(self, provider: Provider, tmp_path: Path) -> Iterator[Rig]:
            rig = given.rig(provider, tmp_path)
            try:
                yield rig
            finally:
                rig.clear()
