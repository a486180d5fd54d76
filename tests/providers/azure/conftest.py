"""Fixtures of Azure: one fake for the session, empty before and after each test."""

import importlib.util
from collections.abc import Iterator
from pathlib import Path

import pytest

from providers.azure import AzureProvider
from providers.azure.sdk import PACKAGES
from providers.azure.worldwide import AzureDnsProvider
from tests.providers.azure.cloud import Cloud, running
from tests.require import missing


@pytest.fixture(scope="session")
def arm_cloud() -> Iterator[Cloud]:
    """Azure on loopback ports."""
    for module in PACKAGES:
        if importlib.util.find_spec("azure") is None or importlib.util.find_spec(module) is None:
            missing(module)
    with running() as cloud:
        yield cloud


@pytest.fixture(scope="session")
def shared(arm_cloud: Cloud, tmp_path_factory: pytest.TempPathFactory) -> Iterator[AzureProvider]:
    """One adapter for all tests that need nothing special."""
    made = AzureProvider(arm_cloud.target(tmp_path_factory.mktemp("workspace")))
    made.store("Network").list()
    yield made
    made.close()


@pytest.fixture(scope="session")
def world(arm_cloud: Cloud) -> Iterator[AzureDnsProvider]:
    """Azure DNS for all tests."""
    made = AzureDnsProvider(arm_cloud.world())
    made.store("DnsZone").list()
    yield made
    made.close()


@pytest.fixture
def cloud(arm_cloud: Cloud) -> Iterator[Cloud]:
    """The same with a calm proxy, and an account that has to be empty in the end."""
    arm_cloud.proxy.calm()
    yield arm_cloud
    left, shown = arm_cloud.arm.standing(), arm_cloud.arm.authorized
    arm_cloud.reset()
    assert left == {}
    # A test on this machine gets nobody's credential.
    assert shown == 0


@pytest.fixture
def provider(cloud: Cloud, tmp_path: Path) -> Iterator[AzureProvider]:
    """An adapter of the test's own."""
    made = AzureProvider(cloud.target(tmp_path))
    yield made
    made.close()
