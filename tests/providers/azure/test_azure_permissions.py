"""The published lists of permissions against the calls that are made."""

import json
from pathlib import Path

from tests.providers.azure.cloud import Cloud
from tests.providers.azure.permissions import NAMES, ROLE, recorded, recorded_names, role


def test_published_role_permits_exactly_what_is_called(cloud: Cloud, tmp_path: Path) -> None:
    assert json.loads(ROLE.read_text(encoding="utf-8")) == role(recorded(cloud, tmp_path))


def test_published_role_for_names_permits_exactly_what_is_called(cloud: Cloud) -> None:
    wanted = role(recorded_names(cloud), name="pse-dns", linked=())
    assert json.loads(NAMES.read_text(encoding="utf-8")) == wanted
