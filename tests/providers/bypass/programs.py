"""What a program, its options and its surroundings can say to the engine."""

import json
import os

from tests.providers.bypass.scene import Scene, attempt
from tests.providers.house import ABROAD, HERE, UNIT, inputs, networks, volumes

NETWORK = {"cidr": "10.0.0.0/16"}


@attempt("the place abroad, in a preview", "pack", "PSE-R003")
def _(scene: Scene) -> str:
    return scene.preview(networks("a", place=ABROAD))


@attempt("the place abroad, by a plain `pulumi up`", "check", "PSE-R003")
def _(scene: Scene) -> str:
    return scene.up(networks("a", place=ABROAD))


@attempt("another unit's gate by `provider=`", "check", "PSE-G010")
def _(scene: Scene) -> str:
    scene.house.gate(unit="records", workloads=("records",))

    def program() -> None:
        import pulumi

        from providers import sdk

        other = sdk.Provider("other", workspace=str(scene.house.root), unit="records")
        given = inputs("a", **NETWORK, workload="records")
        sdk.Network("a", **given, opts=pulumi.ResourceOptions(provider=other))

    return scene.up(program)


@attempt("a place that `transformations` put in", "check", "PSE-R003")
def _(scene: Scene) -> str:
    def program() -> None:
        import pulumi

        from providers import sdk

        def move(args: pulumi.ResourceTransformationArgs) -> pulumi.ResourceTransformationResult:
            return pulumi.ResourceTransformationResult(props={**args.props, "place": ABROAD}, opts=args.opts)

        sdk.Network("a", **inputs("a", **NETWORK), opts=pulumi.ResourceOptions(transformations=[move]))

    return scene.up(program)


@attempt("a place that `ignore_changes` would keep as it stood", "check", "PSE-R003")
def _(scene: Scene) -> str:
    scene.house.up(networks("a"))
    _edit_state(scene, HERE, ABROAD)

    def program() -> None:
        import pulumi

        from providers import sdk

        sdk.Network("a", **inputs("a", **NETWORK), opts=pulumi.ResourceOptions(ignore_changes=["place"]))

    return scene.up(program)


@attempt("an existing object abroad, by `import_`", "check", "PSE-G001")
def _(scene: Scene) -> str:
    _plant(scene)

    def program() -> None:
        import pulumi

        from providers import sdk

        given = inputs("a", size_gib=10, storage_class="ssd", place=ABROAD)
        sdk.Volume("a", **given, opts=pulumi.ResourceOptions(import_="volume-away"))

    words = scene.up(program)
    _take_away(scene)
    return words


@attempt("an alias of a resource that stood abroad", "check", "PSE-R003")
def _(scene: Scene) -> str:
    def program() -> None:
        import pulumi

        from providers import sdk

        old = "urn:pulumi:elsewhere::pse::pse:index:Network::a"
        sdk.Network("a", **inputs("a", **NETWORK, place=ABROAD), opts=pulumi.ResourceOptions(aliases=[old]))

    return scene.up(program)


@attempt("a region in the environment", "check", "PSE-R003")
def _(scene: Scene) -> str:
    told = {"AWS_REGION": "eu-west-1", "AWS_ENDPOINT_URL": "https://elsewhere.example", "OS_REGION_NAME": "elsewhere"}
    before = {name: os.environ.get(name) for name in told}
    os.environ.update(told)
    try:
        return scene.up(networks("a", place=ABROAD))
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


@attempt("the place abroad in the provider's configuration", "check", "PSE-G001")
def _(scene: Scene) -> str:
    from pulumi.runtime.proto import provider_pb2 as pb

    from providers.plugin.wire import to_struct
    from tests.providers.house import urn

    given = {"name": "a", "workload": UNIT, **NETWORK}
    told = scene.connect(place=ABROAD, region="abroad", endpoint="lab:far")
    answer = told.stub.Check(pb.CheckRequest(urn=urn("Network", "a"), news=to_struct(given)))
    return "\n".join(failure.reason for failure in answer.failures)


@attempt("an image asked for at the place abroad", "check", "PSE-R003")
def _(scene: Scene) -> str:
    from tests.providers.bypass.scene import said

    with said() as words:
        _, failures = scene.connect(unit=UNIT).invoke("getImage", place=ABROAD, name="debian-12")
        words.extend(failures.values())
    return "\n".join(words)


@attempt("an object of ours that was made abroad by hand", "audit", "PSE-R003")
def _(scene: Scene) -> str:
    from policy.gate import read_gate
    from providers.audit import audit
    from pse.core.time import today

    scene.house.up(volumes("a"))
    _plant(scene)
    found = audit(scene.house.workspace, UNIT, read_gate(scene.house.workspace, UNIT, now=today()))
    _take_away(scene)
    return "\n".join(f"{refusal.rule} {refusal.message}" for refusal in found)


def _plant(scene: Scene) -> None:
    """An object with our tags at the place abroad, as if somebody had gone round every gate."""
    from providers.identity import stack_tag

    tag = stack_tag(scene.house.workspace.settings.signer, "pse", UNIT)
    folder = scene.house.cloud / ABROAD.replace("/", "_") / "Volume"
    folder.mkdir(parents=True, exist_ok=True)
    given = {"name": "a", "workload": UNIT, "place": ABROAD, "sizeGib": 10, "storageClass": "ssd"}
    identity = {"stack": tag, "urn": "0" * 32, "op": "0" * 32}
    record = {"id": "volume-away", "kind": "Volume", "identity": identity, "inputs": given, "ready": True}
    (folder / "volume-away.json").write_text(json.dumps(record))


def _take_away(scene: Scene) -> None:
    scene.house.cloud.joinpath(ABROAD.replace("/", "_"), "Volume", "volume-away.json").unlink()


def _edit_state(scene: Scene, old: str, new: str) -> None:
    """Write another place into the stack's state, as an editor would."""
    for path in (scene.house.root / ".pse" / "state").rglob("*.json"):
        text = path.read_text()
        if old in text:
            path.write_text(text.replace(old, new))
