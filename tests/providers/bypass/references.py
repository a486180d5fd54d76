"""Data that would rest or pass elsewhere by what a resource refers to: copies, keys, disks, back ends."""

from typing import Any

from pse.core.schema import KINDS, Rests
from tests.neutral import INPUTS
from tests.policy.resources import FIELDS
from tests.providers.bypass.scene import Scene, attempt
from tests.providers.house import ABROAD, UNIT

KEY = "ssh-ed25519 AAAAC3Nza test"


def _server(scene: Scene, **changes: Any) -> dict[str, Any]:
    """Inputs of a server, everything that it refers to in the country."""
    network = scene.make("Network", cidr="10.0.0.0/16")
    return {
        "shape": "std-2-8",
        "image": "debian-12",
        "subnet": scene.make("Subnet", network=network, cidr="10.0.1.0/24"),
        "keyPair": scene.make("KeyPair", publicKey=KEY),
        "firewalls": [],
        **changes,
    }


def _image(what: str, image: str, *rules: str) -> None:
    @attempt(f"a server from an image {what}", "check", *rules)
    def _(scene: Scene) -> str:
        return scene.check("Server", **_server(scene, image=image))


for _what, _named in {
    "of the place abroad": f"{ABROAD}:debian-12",
    "of a place that nobody knows": "sample-north/lhe/three:debian-12",
    "by an address": "https://images.example/debian-12.qcow2",
    "by an account's path": "projects/elsewhere/global/images/debian-12",
    "by a bucket": "s3://elsewhere/debian-12.vmdk",
    "by a name with a slash": "elsewhere/debian-12",
}.items():
    _image(_what, _named, "PSE-G004", "PSE-R003")


@attempt("an image whose file comes from an address", "check", "PSE-G004")
def _(scene: Scene) -> str:
    return scene.check("Image", source="https://images.example/x.qcow2", sha256="0" * 64, format="qcow2")


def _reference(kind: str, wire: str) -> None:
    @attempt(f"{kind}.{wire} is an object that the unit does not have", "check", "PSE-G001", "PSE-G011")
    def _(scene: Scene) -> str:
        many = "tuple" in str(KINDS[kind].input_fields()[wire].type)
        said = scene.check(kind, **{**INPUTS[kind], wire: ["thing-elsewhere"] if many else "thing-elsewhere"})
        assert f"{kind}.{wire}" in said
        return said


def _place(kind: str) -> None:
    @attempt(f"{kind} at the place abroad", "check", "PSE-R003")
    def _(scene: Scene) -> str:
        return scene.check(kind, **{**INPUTS[kind], "place": ABROAD})


for _kind, _wire, _rests in FIELDS:
    if _rests is Rests.REFERENCE:
        _reference(_kind, _wire)
    elif _wire == "place":
        _place(_kind)


@attempt("a server that boots from a volume of nobody", "check", "PSE-G001", "PSE-G011")
def _(scene: Scene) -> str:
    return scene.check("Server", **_server(scene, bootVolume="volume-elsewhere"))


@attempt("a volume of another workload's data", "check", "PSE-G005")
def _(scene: Scene) -> str:
    return scene.check("Volume", workload="records", sizeGib=1, storageClass="ssd")


@attempt("a resource of no workload", "check", "PSE-G005")
def _(scene: Scene) -> str:
    return scene.check("Volume", workload="", sizeGib=1, storageClass="ssd")


@attempt("a workload by a look-alike of its name", "check", "PSE-G005")
def _(scene: Scene) -> str:
    return scene.check("Volume", workload=UNIT.replace("o", "\u043e"), sizeGib=1, storageClass="ssd")


@attempt("another unit's stack under this unit's gate", "check", "PSE-G010")
def _(scene: Scene) -> str:
    return scene.check("Network", stack="records", cidr="10.0.0.0/16")
