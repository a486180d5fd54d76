"""Places by another name, and places that are not known."""

from tests.providers.bypass.scene import Scene, attempt
from tests.providers.house import ABROAD, HERE, inputs

NETWORK = {"cidr": "10.0.0.0/16"}


@attempt("the place abroad, by its name", "check", "PSE-R003")
def _(scene: Scene) -> str:
    return scene.check("Network", **NETWORK, place=ABROAD)


@attempt("the place abroad, asked of Create without Check", "check", "PSE-R003")
def _(scene: Scene) -> str:
    return scene.create("Network", **NETWORK, place=ABROAD)


def _alike(what: str, place: str) -> None:
    @attempt(f"a name that looks like an allowed place: {what}", "check", "PSE-G002")
    def _(scene: Scene) -> str:
        return scene.check("Network", **NETWORK, place=place)


for _what, _place in {
    "capitals": HERE.upper(),
    "one capital": HERE.replace("isb", "Isb"),
    "a space behind it": f"{HERE} ",
    "a space before it": f" {HERE}",
    "a line feed behind it": f"{HERE}\n",
    "a NUL behind it": f"{HERE}\0",
    "a Cyrillic letter": HERE.replace("o", "\u043e", 1),
    "fullwidth letters": HERE.replace("isb", "\uff49\uff53\uff42"),
    "a zero-width joiner": HERE.replace("/isb", "/\u200disb"),
    "a soft hyphen": HERE.replace("north", "nor\u00adth"),
    "a division slash": HERE.replace("/", "\u2215"),
    "a decomposed letter": HERE.replace("one", "one\u0301"),
    "dots that lead elsewhere": f"{HERE}/../../../{ABROAD}",
    "two slashes": HERE.replace("/isb", "//isb"),
    "the region alone": HERE.rpartition("/")[0],
    "the region of the place abroad": "abroad",
    "both places": f"{HERE},{ABROAD}",
    "a pattern": "sample-north/*/*",
    "an address": "https://cloud.example/isb/one",
    "nothing": "",
}.items():
    _alike(_what, _place)


@attempt("a place that is a number", "check", "PSE-G001")
def _(scene: Scene) -> str:
    return scene.check("Network", **NETWORK, place=7)


@attempt("no place at all", "check", "PSE-G001")
def _(scene: Scene) -> str:
    return scene.check("Network", **NETWORK, place=None)


@attempt("a place that is not known at preview", "pack", "PSE-G001")
def _(scene: Scene) -> str:
    def program() -> None:
        from providers import sdk

        first = sdk.Network("first", **inputs("first", **NETWORK))
        sdk.Network("second", **inputs("second", cidr="10.1.0.0/16", place=first.id.apply(lambda _: ABROAD)))

    return scene.preview(program)


@attempt("a place that becomes known only while the program runs", "check", "PSE-R003")
def _(scene: Scene) -> str:
    def program() -> None:
        from providers import sdk

        first = sdk.Network("first", **inputs("first", **NETWORK))
        sdk.Network("second", **inputs("second", cidr="10.1.0.0/16", place=first.id.apply(lambda _: ABROAD)))

    return scene.up(program)


@attempt("a place wrapped as a secret", "check", "PSE-R003")
def _(scene: Scene) -> str:
    def program() -> None:
        import pulumi

        from providers import sdk

        sdk.Network("a", **inputs("a", **NETWORK, place=pulumi.Output.secret(ABROAD)))

    return scene.up(program)
