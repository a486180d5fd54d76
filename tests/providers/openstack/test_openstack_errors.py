"""OpenStack's own errors in the port's words: made by the real services wherever they can be brought to it."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from providers.conformance import Rig
from providers.conformance.rig import rigged
from providers.openstack import OpenStackProvider
from providers.openstack.balancers import LoadBalancerWork
from providers.openstack.errors import port_errors, refusal
from providers.openstack.images import Images
from providers.openstack.keys import KeyPairWork
from providers.ports import PortError, Target
from pse.core.schema import KeyPairInputs, LoadBalancerInputs, Placement
from tests.providers.openstack.accounts import OPTIONS, PLACE, REGION, Cloud, Project
from tests.providers.openstack.control import IDENTITY


@pytest.fixture
def rig(signed_in: Project, tmp_path: Path) -> Iterator[Rig]:
    with rigged(signed_in.provider(tmp_path), place=PLACE) as rig:
        yield rig


def refused(rig: Rig, kind: str, **changed: Any) -> PortError:
    """The error of a creation; what its inputs refer to is made before anything is counted."""
    inputs = msgspec.structs.replace(rig.inputs(kind), **changed)
    return refused_as(rig, kind, inputs)


def refused_as(rig: Rig, kind: str, inputs: Any) -> PortError:
    before = rig.count(kind)
    with pytest.raises(PortError) as caught:
        rig.store(kind).create(inputs, identity=rig.identity())
    assert type(caught.value) is PortError
    assert rig.count(kind) == before
    return caught.value


@pytest.mark.parametrize(
    ("kind", "service", "limit", "code"),
    [
        ("Network", "network", "network", "OverQuota"),
        ("KeyPair", "compute", "key_pairs", "forbidden"),
        ("Volume", "block-storage", "volumes", "overLimit"),
        ("Server", "compute", "instances", "forbidden"),
    ],
)
def test_quota_of_the_project(signed_in: Project, rig: Rig, kind: str, service: str, limit: str, code: str) -> None:
    inputs = rig.inputs(kind)
    signed_in.limit(service, **{limit: 0})
    try:
        error = refused_as(rig, kind, inputs)
    finally:
        signed_in.limit(service, **{limit: 1000})
    assert (error.reason, error.vendor_code) == ("quota", code)
    assert "port" not in signed_in.holds()


def test_server_that_finds_no_host_is_capacity_and_leaves_nothing(signed_in: Project, rig: Rig) -> None:
    error = refused(rig, "Server", shape="huge-900-900")
    assert (error.reason, error.vendor_code) == ("capacity", "NoValidHost")
    assert not {"server", "port"} & set(signed_in.holds())


def test_what_the_cloud_does_not_have_is_invalid(signed_in: Project, rig: Rig, tmp_path: Path) -> None:
    server = rig.inputs("Server")
    for changed in ({"image": "no-such"}, {"shape": "no-such"}, {"key_pair": "no-such"}):
        assert refused_as(rig, "Server", msgspec.structs.replace(server, **changed)).reason == "invalid"
    elsewhere = signed_in.provider(tmp_path, availability_zone="elsewhere")
    for kind in ("Server", "Volume"):
        inputs = server if kind == "Server" else rig.inputs(kind)
        with pytest.raises(PortError) as caught:
            elsewhere.store(kind).create(inputs, identity=rig.identity())
        assert caught.value.reason == "invalid"
    elsewhere.close()
    assert not {"server", "port", "volume"} & set(signed_in.holds())


def test_script_that_is_too_long_is_not_told_back(rig: Rig) -> None:
    error = refused(rig, "Server", user_data="#!/bin/sh\n# hush" + "x" * 70_000)
    assert error.reason == "invalid"
    assert "first-boot script" in error.message
    assert "hush" not in str(error) + repr(error.__cause__)


def test_ids_mean_something_in_the_credentials_project(signed_in: Project, tmp_path: Path) -> None:
    assert signed_in.provider(tmp_path).account() == f"{signed_in.id}/{REGION}"


def test_same_name_twice_is_a_conflict(rig: Rig) -> None:
    identity = rig.identity()
    made = rig.make("KeyPair", identity=identity)
    with pytest.raises(PortError) as caught:
        rig.store("KeyPair").create(made.inputs, identity=identity)
    assert (caught.value.reason, caught.value.vendor_code) == ("conflict", "conflictingRequest")


def test_image_whose_name_somebody_else_uses_too_is_not_guessed(admin: Cloud, rig: Rig) -> None:
    # Not the sample's own image: other processes make servers from it meanwhile.
    twin = f"twin-{os.getpid()}"
    body = {"name": twin, "disk_format": "raw", "container_format": "bare", "visibility": "public"}
    images = [admin.call("image", "POST", "/images", json=body)["id"] for _ in range(2)]
    try:
        for image in images:
            kind = {"Content-Type": "application/octet-stream"}
            admin.call("image", "PUT", f"/images/{image}/file", data=b"1", headers=kind)
        error = refused(rig, "Server", image=twin)
        # Who asks for the newest of a name, and not for that name, is told it by its id.
        provider: Any = rig.provider
        newest = provider.find_image(twin)
        assert newest is not None
        assert newest.id in images
        assert provider.find_image(newest.id) == newest
        assert provider.find_image("no-such") is None
    finally:
        for image in images:
            admin.call("image", "DELETE", f"/images/{image}")
    assert (error.reason, error.message) == ("invalid", f"2 active images are called {twin!r}")


def provider(tmp_path: Path, endpoint: str = IDENTITY, **options: str) -> OpenStackProvider:
    return OpenStackProvider(
        Target(place=PLACE, country="PK", endpoint=endpoint, workspace=tmp_path, options={**OPTIONS, **options})
    )


def said(provider: OpenStackProvider) -> PortError:
    with pytest.raises(PortError) as caught:
        provider.store("Network").list()
    provider.close()
    return caught.value


def test_wrong_password_is_auth_and_is_not_told(
    signed_in: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OS_PASSWORD", "guessed")
    error = said(provider(tmp_path))
    assert error.reason == "auth"
    assert "guessed" not in str(error) + error.hint
    monkeypatch.delenv("OS_PASSWORD")
    assert said(provider(tmp_path)).reason == "auth"


def test_region_zone_and_address_have_to_be_the_registers(signed_in: Project, tmp_path: Path) -> None:
    assert "does not say the region" in said(provider(tmp_path, region="")).message
    assert said(provider(tmp_path, region="elsewhere")).vendor_code == "EndpointNotFound"
    # A password goes to the address that it is for, whatever the register says.
    error = said(provider(tmp_path, endpoint="http://127.0.0.2:9/v3"))
    assert (error.reason, "another cloud" in error.message) == ("auth", True)


def test_catalogue_that_leads_to_another_host_is_not_followed(admin: Cloud, signed_in: Project, tmp_path: Path) -> None:
    region = f"lure-{os.getpid()}"
    admin.call("identity", "POST", "/regions", json={"region": {"id": region}})
    services = admin.call("identity", "GET", "/services?type=network")["services"]
    body = {
        "service_id": services[0]["id"],
        "interface": "public",
        "region_id": region,
        "url": "http://127.0.0.9:9/v2.0",
    }
    endpoint = admin.call("identity", "POST", "/endpoints", json={"endpoint": body})["endpoint"]["id"]
    try:
        assert said(provider(tmp_path, region=region)).vendor_code == "foreign-endpoint"
    finally:
        admin.call("identity", "DELETE", f"/endpoints/{endpoint}")
        admin.call("identity", "DELETE", f"/regions/{region}")
    assert region != REGION


NOVA_BUSY = {"conflictingRequest": {"code": 409, "message": "Cannot 'attach_volume' while it is in vm_state building"}}
CINDER_USED = {"badRequest": {"code": 400, "message": "Invalid volume: status must be available or error"}}


@pytest.mark.parametrize(
    ("status", "headers", "body", "reason", "code"),
    [
        (429, {}, {"overLimit": {"message": "This request was rate-limited.", "code": 429}}, "throttle", "overLimit"),
        (413, {"Retry-After": "3"}, {"overLimit": {"message": "slow down"}}, "throttle", "overLimit"),
        (413, {}, {"overLimit": {"message": "VolumeLimitExceeded: limit exceeded (10)"}}, "quota", "overLimit"),
        (403, {}, {"forbidden": {"message": "Policy doesn't allow it"}}, "auth", "forbidden"),
        (404, {}, {"NeutronError": {"type": "PortNotFound", "message": "no"}}, "not-found", "PortNotFound"),
        (409, {}, {"NeutronError": {"type": "SubnetInUse", "message": "no"}}, "in-use", "SubnetInUse"),
        (
            409,
            {},
            {"NeutronError": {"type": "IpAddressGenerationFailure", "message": "no"}},
            "capacity",
            "IpAddressGenerationFailure",
        ),
        (409, {}, NOVA_BUSY, "transient", "conflictingRequest"),
        (400, {}, CINDER_USED, "in-use", "badRequest"),
        (302, {"Location": "http://127.0.0.9/"}, None, "invalid", "HTTP 302"),
        (500, {}, None, "transient", "HTTP 500"),
        (503, {}, "<html>busy</html>", "transient", "HTTP 503"),
    ],
)
def test_answers_that_the_services_here_do_not_give(
    status: int, headers: dict[str, str], body: object, reason: str, code: str
) -> None:
    raw = b"" if body is None else body.encode() if isinstance(body, str) else json.dumps(body).encode()
    error = refusal(status, headers, raw, where="GET test")
    assert (error.reason, error.vendor_code) == (reason, code)
    assert error.retry_after_s == float(headers.get("Retry-After", 0))
    assert error.message


def test_answer_of_another_shape_is_transient_and_a_defect_stays_loud() -> None:
    with pytest.raises(PortError) as caught, port_errors(PLACE):
        raise KeyError("network")
    assert (caught.value.reason, caught.value.vendor_code) == ("transient", "malformed")
    with pytest.raises(AssertionError), port_errors(PLACE):
        raise AssertionError


def test_pool_that_goes_between_its_listing_and_the_look_at_its_members_fails_no_read() -> None:
    balancer = {"id": "b", "vip_port_id": ""}
    listener = {"id": "l", "protocol": "TCP", "protocol_port": 443, "default_pool_id": "p"}
    listed: dict[str, list[Any]] = {
        "listeners": [listener],
        "pools": [{"id": "p", "name": "8443", "healthmonitor_id": ""}],
    }

    class Client:
        project = "own"

        def pages(self, _service: str, path: str, key: str, _query: object = None) -> Iterator[Any]:
            if key == "members":
                raise PortError(path, reason="not-found")
            yield from listed.get(key, ())

    account: Any = SimpleNamespace(client=Client())
    (port,) = LoadBalancerWork(account)._whole(balancer)["ports"]
    assert (port.pool, port.members) == (None, ())
    # It is not whole, so the next change makes its pool anew.
    assert port.said().member_port == 0


def test_account_that_an_image_names_is_one_or_nobodys() -> None:
    account: Any = SimpleNamespace(client=None, target=SimpleNamespace(options={}))
    for told in ("a; touch /tmp/x", "-oProxyCommand=x", "a b", "a\n", "$(id)"):
        assert Images(account).user_of({"os_admin_user": told, "os_distro": "debian"}) == "debian"


def test_what_the_cloud_tells_in_another_order_or_line_is_the_same() -> None:
    account: Any = SimpleNamespace(client=None, regional=lambda: Placement("resource", PLACE, "set"))
    balancer = {
        **dict.fromkeys(("name", "id", "description", "vip_address"), "x"),
        "vip_subnet_id": "a",
        "additional_vips": [{"subnet_id": "c"}, {"subnet_id": "b"}],
        "vip_sg_ids": [],
        "provisioning_status": "ACTIVE",
    }
    given = LoadBalancerInputs(name="x", workload="x", place=PLACE, subnets=("a", "b", "c"), listeners=())
    raw: dict[str, Any] = {"balancer": balancer, "ports": [], "outside": None}
    assert LoadBalancerWork(account).see(raw, given).live["subnets"] == given.subnets
    key = KeyPairInputs(name="x", workload="x", place=PLACE, public_key="ssh-ed25519 AAAAC3NzaC1l me\n")
    told = {"name": "x", "public_key": "ssh-ed25519 AAAAC3NzaC1l"}
    assert KeyPairWork(account).see(told, key).live["public_key"] == key.public_key
