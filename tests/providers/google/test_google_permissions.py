"""The published list of permissions against the calls that are made."""

import json

from providers.google import GoogleProvider
from tests.providers.google.cloud import Cloud
from tests.providers.google.permissions import NAMES, ROLE, recorded, recorded_names, role


def test_published_role_permits_exactly_what_is_called(cloud: Cloud, provider: GoogleProvider) -> None:
    assert json.loads(ROLE.read_text(encoding="utf-8")) == role(recorded(cloud, provider))


def test_published_role_of_names_permits_exactly_what_is_called(cloud: Cloud) -> None:
    assert json.loads(NAMES.read_text(encoding="utf-8")) == role(recorded_names(cloud))
