"""Views of the reference architectures."""

import msgspec

from blueprints.library.reference import Architecture, Rule, architectures
from blueprints.planning.matching import installed
from pse.cli.view import Grid, View
from pse.core.errors import BadInput


def architecture(name: str) -> Architecture:
    """The architecture called ``name``.

    Raises:
        BadInput: There is none, or an outside package has it and says nothing of it.
    """
    found = architectures().get(name)
    if found is None:
        outside = name in installed()
        raise BadInput(
            f"the package of {name!r} does not describe it" if outside else f"there is no blueprint {name!r}",
            where=name,
            hint=f"Described: {', '.join(architectures())}.",
        )
    return found


def list_view() -> View:
    """All installed ones, with how many of their controls are built."""
    items = []
    for name in installed():
        known = architectures().get(name)
        controls = known.control if known else ()
        items.append(
            {
                "name": name,
                "title": known.title if known else "",
                "summary": known.summary if known else "of an outside package",
                "controls": len(controls),
                "built": sum(control.built for control in controls),
            }
        )
    rows = tuple((str(i["name"]), str(i["summary"]), f"{i['built']} of {i['controls']}") for i in items)
    return View({"items": items}, (Grid("Blueprints", ("blueprint", "what it is", "controls built"), rows),))


def show_view(name: str) -> View:
    """When it fits, what it has, and its controls."""
    one = architecture(name)
    fits = tuple((str(rule.score), "; ".join(_when(rule)) or "always") for rule in one.fit)
    controls = tuple(("built" if c.built else "for people", c.name, c.by) for c in one.control)
    blocks = (
        f"{one.title} ({name})",
        one.summary,
        *((Grid("Fits", (">score", "when"), fits),) if fits else ("Planning makes one a place; it fits no workload.",)),
        Grid("Controls", ("state", "control", "by"), controls),
    )
    return View({"name": name, **msgspec.to_builtins(one), "items": msgspec.to_builtins(one.control)}, blocks)


def drawn_view(name: str, drawn: str) -> View:
    """A drawing as one object."""
    return View({"name": name, "svg": drawn})


def _when(rule: Rule) -> list[str]:
    words = [f"a server of role {role}" for role in rule.roles]
    if rule.every or rule.only:
        words.append(f"all of role {' or '.join(rule.every or rule.only)}")
    if rule.uses:
        words.append(f"{rule.uses[0]} seen to use {rule.uses[1]}")
    if rule.published is not None:
        words.append(f"{'something' if rule.published else 'nothing'} reached from outside")
    return words
