"""The adapter of AWS under the conformance suite, on moto."""

from collections.abc import Iterator, Mapping
from functools import partial
from typing import ClassVar

import pytest

from providers.aws import AwsProvider
from providers.conformance import HostileContract, Rig, StoreContract, Trouble
from tests.providers.aws.cloud import Cloud, Furnished, Furniture, rig_of, troubles


@pytest.fixture(scope="module")
def furniture(swept: Cloud, shared: AwsProvider) -> Iterator[Furniture]:
    with rig_of(swept, shared) as rig:
        yield Furniture(rig)


class TestAws(StoreContract):
    adapter = AwsProvider
    unable: ClassVar[Mapping[str, str]] = {
        "volume_of_no_size_is_refused": "EC2 refuses it; moto makes it",
    }

    @pytest.fixture
    def rig(self, swept: Cloud, shared: AwsProvider, furniture: Furniture) -> Iterator[Rig]:
        with rig_of(swept, shared, partial(Furnished, furniture)) as rig:
            yield rig


class TestAwsHostile(HostileContract):
    adapter = AwsProvider

    @pytest.fixture
    def trouble(self, swept: Cloud) -> Trouble:
        return troubles(swept)

    @pytest.fixture
    def rig(self, swept: Cloud, shared: AwsProvider, trouble: Trouble) -> Iterator[Rig]:
        with rig_of(swept, shared) as rig:
            yield rig
            trouble.calm()
