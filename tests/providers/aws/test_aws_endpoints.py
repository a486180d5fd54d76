"""Whom the adapter calls: the register's address and region, whatever this machine is set to."""

from pathlib import Path

import pytest

from providers.aws.account import Account
from providers.ports import Target

OWN = "https://ec2.me-south-1.amazonaws.com"
HERE = {"region": "me-south-1", "zone": "me-south-1a"}
SURROUNDINGS = {
    "AWS_REGION": "eu-west-1",
    "AWS_DEFAULT_REGION": "eu-west-1",
    "AWS_ENDPOINT_URL": "https://elsewhere.example",
    "AWS_ENDPOINT_URL_EC2": "https://elsewhere.example",
    "AWS_ENDPOINT_URL_S3": "https://elsewhere.example",
}


@pytest.mark.parametrize(
    ("endpoint", "service", "address"),
    [
        (OWN, "ec2", OWN),
        (OWN, "s3", "https://s3.me-south-1.amazonaws.com"),
        (OWN, "kms", "https://kms.me-south-1.amazonaws.com"),
        ("http://127.0.0.1:1", "ec2", "http://127.0.0.1:1"),
    ],
)
def test_environment_and_profile_move_no_call(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, endpoint: str, service: str, address: str
) -> None:
    profile = tmp_path / "config"
    profile.write_text("[default]\nregion = eu-west-1\nendpoint_url = https://elsewhere.example\n")
    told = {"AWS_CONFIG_FILE": str(profile), "AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "y"}
    for name, value in (SURROUNDINGS | told).items():
        monkeypatch.setenv(name, value)
    target = Target(place="c/r/s", country="XA", endpoint=endpoint, options=HERE, workspace=tmp_path)
    meta = Account(target).client(service).meta
    assert (meta.endpoint_url, meta.region_name) == (address, "me-south-1")
