"""Fixtures of Google Cloud: one fake for the session, its project empty before each test."""

import importlib.util
from collections.abc import Iterator
from pathlib import Path

import pytest

from providers.conformance import Rig
from providers.google import GoogleProvider
from tests.providers.google.cloud import Cloud, rig_of, running
from tests.require import missing


@pytest.fixture(scope="session")
def google_cloud() -> Iterator[Cloud]:
    """Compute Engine on loopback ports."""
    for module in ("google.auth", "googleapiclient"):
        if importlib.util.find_spec(module) is None:
            missing(module)
    with running() as cloud:
        yield cloud


@pytest.fixture
def cloud(google_cloud: Cloud) -> Iterator[Cloud]:
    """The same with a calm proxy, and a project that has to be empty in the end."""
    google_cloud.proxy.calm()
    google_cloud.fake.reset()
    yield google_cloud
    google_cloud.proxy.calm()
    assert google_cloud.standing() == {}


@pytest.fixture
def provider(cloud: Cloud, tmp_path: Path) -> Iterator[GoogleProvider]:
    """An adapter of the test's own."""
    made = GoogleProvider(cloud.target(tmp_path))
    yield made
    made.close()


@pytest.fixture
def rig(provider: GoogleProvider, cloud: Cloud, tmp_path: Path) -> Iterator[Rig]:
    """The suite's rig on it."""
    with rig_of(provider, again=lambda: GoogleProvider(cloud.target(tmp_path))) as rig:
        yield rig
