"""A real control plane whose answers get lost, lie, repeat themselves or do not end."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from providers.conformance import Rig
from providers.conformance.rig import rigged
from providers.ports import PortError
from pse.core.schema import KINDS, ImageOutputs
from tests.fakes.hostile import (
    Layer,
    cut_after,
    cut_before,
    error_after,
    refuse,
    replace,
)
from tests.providers.openstack.accounts import PLACE, Cloud, Project
from tests.providers.openstack.regions import Region, hostile_region, one_a_page, posted

MAKES = {
    "Network": ("network", "/networks"),
    "Subnet": ("network", "/subnets"),
    "Firewall": ("network", "/security-groups"),
    "KeyPair": ("compute", "/os-keypairs"),
    "Volume": ("block-storage", "/volumes"),
    "Server": ("compute", "/servers"),
    "Attachment": ("compute", "/os-volume_attachments"),
}
"""The call that makes each kind."""


@pytest.fixture(scope="module")
def region(admin: Cloud) -> Iterator[Region]:
    with hostile_region(admin) as region:
        yield region


@pytest.fixture
def rig(region: Region, signed_in: Project, tmp_path: Path) -> Iterator[Rig]:
    with rigged(signed_in.provider(tmp_path, region=region.name), place=PLACE) as rig:
        yield rig
        region.calm()


@pytest.mark.parametrize("lost", [cut_after, error_after(500)], ids=["cut", "500"])
@pytest.mark.parametrize("kind", MAKES)
def test_lost_answer_leaves_one_object_that_is_found_and_finished(
    region: Region, rig: Rig, kind: str, lost: Layer
) -> None:
    inputs, identity, store = rig.inputs(kind), rig.identity(), rig.store(kind)
    service, path = MAKES[kind]
    fault = region.proxies[service].plant(lost, when=posted(path))
    with pytest.raises(PortError) as caught:
        store.create(inputs, identity=identity)
    assert (caught.value.reason, fault.hits) == ("transient", 1)
    (found,) = store.find(identity.stack, identity.urn)
    rig._made.append((kind, found.id))
    assert found.identity == identity
    finished = store.update(found.id, found.inputs, inputs)
    assert (finished.id, finished.healthy, finished.inputs) == (found.id, True, inputs)


def test_image_is_whole_when_its_bytes_were_sent_twice_because_the_token_was_not_taken(
    region: Region, signed_in: Project, tmp_path: Path
) -> None:
    content = b"image" * 1000
    folder = tmp_path / "images"
    folder.mkdir()
    (folder / "suite.img").write_bytes(content)
    told = {"image_file": "suite.img", "image_sha256": hashlib.sha256(content).hexdigest()}
    with rigged(signed_in.provider(tmp_path, region=region.name), place=PLACE, **told) as rig:
        fault = region.proxies["image"].plant(refuse(401), when=lambda request: request.path.endswith("/file"))
        made = rig.make("Image")
        assert fault.hits == 1
        assert made.healthy
        assert isinstance(made.outputs, ImageOutputs)
        assert made.outputs.size_bytes == len(content)
    region.calm()


def test_server_that_was_never_asked_for_takes_the_port_that_stands_ready(
    region: Region, signed_in: Project, rig: Rig
) -> None:
    inputs, identity = rig.inputs("Server"), rig.identity()
    region.proxies["compute"].plant(cut_before, when=posted("/servers"))
    with pytest.raises(PortError) as caught:
        rig.store("Server").create(inputs, identity=identity)
    assert caught.value.reason == "transient"
    assert rig.store("Server").find(identity.stack, identity.urn) == ()
    (port,) = signed_in.holds()["port"]
    rig.make("Server", inputs, identity)
    assert signed_in.holds()["port"] == [port]


def test_port_that_no_server_ever_took_goes_with_its_subnet(region: Region, signed_in: Project, rig: Rig) -> None:
    inputs = rig.inputs("Server")
    region.proxies["compute"].plant(cut_before, when=posted("/servers"))
    with pytest.raises(PortError):
        rig.store("Server").create(inputs, identity=rig.identity())
    rig.clear()
    assert signed_in.holds() == {}


def test_firewall_whose_rules_are_refused_is_not_left_open(region: Region, signed_in: Project, rig: Rig) -> None:
    wanted = rig.changed("Firewall", rig.inputs("Firewall"))
    assert wanted is not None
    region.proxies["network"].plant(refuse(403), when=posted("/security-group-rules"))
    with pytest.raises(PortError) as caught:
        rig.store("Firewall").create(wanted, identity=rig.identity())
    assert caught.value.reason == "auth"
    assert "security_group" not in signed_in.holds()


@pytest.mark.parametrize(
    ("kind", "service", "true", "false"),
    [
        ("Server", "compute", '"OS-EXT-AZ:availability_zone": "nova"', '"OS-EXT-AZ:availability_zone": "abroad"'),
        ("Volume", "block-storage", '"availability_zone": "nova"', '"availability_zone": "abroad"'),
        ("Volume", "block-storage", '"replication_status": null', '"replication_status": "enabled"'),
    ],
)
def test_object_at_another_place_is_deleted_again_and_never_taken_over(
    region: Region, rig: Rig, kind: str, service: str, true: str, false: str
) -> None:
    inputs, identity = rig.inputs(kind), rig.identity()
    made = rig.make(kind)
    region.proxies[service].layers = (replace(true, false),)
    with pytest.raises(PortError) as caught:
        rig.store(kind).create(inputs, identity=identity)
    assert (caught.value.reason, caught.value.vendor_code) == ("invalid", "wrong-place")
    assert rig.store(kind).find(identity.stack, identity.urn) == ()
    assert made.identity is not None
    with pytest.raises(PortError, match="which was not asked for"):
        rig.store(kind).find(made.identity.stack, made.identity.urn)
    seen = rig.store(kind).read(made.id, made.inputs)
    assert seen is not None
    assert "unknown" in {aspect.source for aspect in seen.outputs.placement}


def test_lists_of_one_object_a_page_are_whole(region: Region, rig: Rig) -> None:
    made = {kind: {rig.make(kind).id for _ in range(3)} for kind in ("Network", "KeyPair", "Volume")}
    for proxy in region.proxies.values():
        proxy.layers = (one_a_page,)
    for kind, ids in made.items():
        before = len([r for proxy in region.proxies.values() for r in proxy.requests])
        assert ids <= {found.id for found in rig.store(kind).list()}
        assert len([r for proxy in region.proxies.values() for r in proxy.requests]) - before >= 3
    rig.make("Server")


def test_every_kind_has_its_call() -> None:
    assert set(MAKES) <= set(KINDS)
