"""Fixtures of AWS: one moto for the session, its account empty before each test."""

import importlib.util
from collections.abc import Iterator
from pathlib import Path

import pytest

from providers.aws import AwsProvider
from providers.aws.worldwide import Route53Provider
from tests.providers.aws.cloud import CREDENTIALS, OPTIONS, Cloud, running
from tests.providers.house import House
from tests.require import missing


@pytest.fixture(scope="session")
def moto_cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    """AWS on loopback ports."""
    for module in ("boto3", "moto"):
        if importlib.util.find_spec(module) is None:
            missing(module)
    with running(tmp_path_factory.mktemp("aws")) as cloud:
        yield cloud


@pytest.fixture(scope="session")
def shared(moto_cloud: Cloud, tmp_path_factory: pytest.TempPathFactory) -> Iterator[AwsProvider]:
    """One adapter for all tests that need nothing special: the SDK takes half a second to make a client."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in CREDENTIALS.items():
            patch.setenv(name, value)
        made = AwsProvider(moto_cloud.target(tmp_path_factory.mktemp("workspace")))
        made.store("Network").list()
    yield made
    made.close()


@pytest.fixture(scope="module")
def world(swept: Cloud) -> Iterator[Route53Provider]:
    """One adapter of Route 53 for a module."""
    made = Route53Provider(swept.world())
    yield made
    made.close()


@pytest.fixture(scope="module")
def swept(moto_cloud: Cloud) -> Iterator[Cloud]:
    """The same for a module whose tests leave the account as they found it: it has to be empty after the last one."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in CREDENTIALS.items():
            patch.setenv(name, value)
        moto_cloud.proxy.calm()
        yield moto_cloud
    _see_empty(moto_cloud)


@pytest.fixture
def cloud(moto_cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cloud]:
    """The same with a calm proxy, and an account that has to be empty in the end; credentials by the environment."""
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    moto_cloud.proxy.calm()
    yield moto_cloud
    _see_empty(moto_cloud)


def _see_empty(cloud: Cloud) -> None:
    cloud.late.seconds = 0.0
    cloud.proxy.calm()
    left = cloud.standing()
    if left:
        cloud.reset()
    assert left == {}


@pytest.fixture
def provider(cloud: Cloud, tmp_path: Path) -> Iterator[AwsProvider]:
    """An adapter of the test's own."""
    made = AwsProvider(cloud.target(tmp_path))
    yield made
    made.close()


@pytest.fixture
def aws_house(cloud: Cloud, engine_house: House) -> House:
    """A workspace whose first place is at AWS; its gate names that endpoint."""
    engine_house.move("aws", cloud.proxy.url, OPTIONS)
    return engine_house
