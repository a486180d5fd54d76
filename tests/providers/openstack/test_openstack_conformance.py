"""The adapter of OpenStack under the conformance suite, on the real control plane."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from providers.conformance import Rig, StoreContract
from providers.conformance.rig import rigged
from tests.providers.openstack.accounts import PLACE, Project


class TestOpenStack(StoreContract):
    adapter = "openstack"

    @pytest.fixture
    def rig(self, signed_in: Project, tmp_path: Path) -> Iterator[Rig]:
        with rigged(signed_in.provider(tmp_path), place=PLACE) as rig:
            yield rig
