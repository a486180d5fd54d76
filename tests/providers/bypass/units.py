"""What is tried in a unit's program before any engine runs: the blueprint of an outside package may do anything."""

from typing import Any

import msgspec

from pse.core.documents.plan import Unit
from tests.blueprints.estates import ABROAD, IN_COUNTRY
from tests.providers.bypass.office import Office
from tests.providers.bypass.scene import attempt


@attempt("a unit whose place was edited in memory", "program", "PSE-R003", stage="office")
def _(office: Office) -> str:
    return office.run(msgspec.structs.replace(office.bundle.units["portal"], place=ABROAD), landing=ABROAD)


@attempt("the landing zone of the place abroad", "program", "PSE-R003", stage="office")
def _(office: Office) -> str:
    return office.run(landing=ABROAD)


def _volume(unit: Unit, place: Any = IN_COUNTRY, **words: Any) -> None:
    from providers import sdk

    given = {"name": "x", "workload": unit.workload, "size_gib": 1, "storage_class": "ssd"}
    sdk.Volume("x", place=place, **{**given, **words})


def _place(what: str, rule: str, place: str) -> None:
    @attempt(f"a blueprint's volume {what}", "program", rule, stage="office")
    def _(office: Office) -> str:
        return office.stray(lambda unit: _volume(unit, place))


for _what, _rule, _where in (
    ("abroad", "PSE-R003", ABROAD),
    ("at its place in capitals", "PSE-G002", IN_COUNTRY.upper()),
    ("at its place with a Cyrillic letter", "PSE-G002", IN_COUNTRY.replace("a", "\u0430", 1)),
    ("at a region without a site", "PSE-G002", IN_COUNTRY.rpartition("/")[0]),
):
    _place(_what, _rule, _where)


@attempt("a blueprint's volume at a place that is not known yet", "program", "PSE-G001", stage="office")
def _(office: Office) -> str:
    import pulumi

    return office.stray(lambda unit: _volume(unit, pulumi.Output.from_input(IN_COUNTRY)))


@attempt("a blueprint's volume of another workload", "program", "PSE-G005", stage="office")
def _(office: Office) -> str:
    return office.stray(lambda unit: _volume(unit, workload="records"))


@attempt("a blueprint's volume with a key that nobody made", "program", "PSE-G001", stage="office")
def _(office: Office) -> str:
    return office.stray(lambda unit: _volume(unit, encryption_key="key-elsewhere"))


@attempt("a blueprint's resource of another package", "program", "PSE-G006", stage="office")
def _(office: Office) -> str:
    import pulumi

    return office.stray(
        lambda _: pulumi.CustomResource("aws:s3/bucket:Bucket", "x", {"region": "us-east-1", "workload": "portal"})
    )


@attempt("a blueprint's image by an address", "program", "PSE-G004", stage="office")
def _(office: Office) -> str:
    from providers import sdk

    return office.stray(
        lambda unit: sdk.Image(
            "x",
            name="x",
            workload=unit.workload,
            place=unit.place,
            source="https://images.example/x.qcow2",
            sha256="0" * 64,
            format="qcow2",
        )
    )


@attempt("a blueprint's bucket behind a component of its own", "program", "PSE-R003", stage="office")
def _(office: Office) -> str:
    import pulumi

    from providers import sdk

    def hidden(unit: Unit) -> None:
        parent = pulumi.ComponentResource("x:index:Box", "box")
        sdk.Bucket("x", name="x", workload=unit.workload, place=ABROAD, opts=pulumi.ResourceOptions(parent=parent))

    return office.stray(hidden)


@attempt(
    "a blueprint's resource whose place a transformation of its own puts in", "program", "PSE-R003", stage="office"
)
def _(office: Office) -> str:
    import pulumi

    def late(unit: Unit) -> None:
        def move(args: pulumi.ResourceTransformationArgs) -> pulumi.ResourceTransformationResult:
            return pulumi.ResourceTransformationResult(props={**args.props, "place": ABROAD}, opts=args.opts)

        from providers import sdk

        given = {"name": "x", "workload": unit.workload, "place": IN_COUNTRY, "cidr": "10.0.0.0/16"}
        sdk.Network("x", **given, opts=pulumi.ResourceOptions(transformations=[move]))

    return office.stray(late)
