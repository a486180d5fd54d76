"""Blueprints by what fits: every installed one is asked, the highest score is taken."""

from collections.abc import Mapping
from importlib.metadata import EntryPoint, entry_points

from blueprints.library.reference import references
from blueprints.model import Blueprint, Wanted
from pse.core.errors import BadInput

GROUP = "pse.blueprints"

OWN = {"landing": "blueprints.library.landing:Landing"}
"""Those of this package that are classes, as pyproject.toml declares them; the others are files beside them."""


class Matcher:
    """The installed blueprints; an outside package adds one by the entry-point group ``pse.blueprints``."""

    def __init__(self, blueprints: Mapping[str, Blueprint] | None = None) -> None:
        """Use ``blueprints`` by name; those that are installed when None."""
        self._blueprints = dict(sorted((installed() if blueprints is None else blueprints).items()))

    def choose(self, wanted: Wanted) -> tuple[str, tuple[str, ...]]:
        """Name of the blueprint for ``wanted`` and why.

        Raises:
            BadInput: The one that a person named is not installed, or none fits.
        """
        if wanted.blueprint:
            self.get(wanted.blueprint)
            return wanted.blueprint, ("declared",)
        fits = [(blueprint.fits(wanted), name) for name, blueprint in self._blueprints.items()]
        best = min(((-fit.score, name, fit) for fit, name in fits if fit.score > 0), default=None, key=lambda f: f[:2])
        if best is None:
            raise BadInput(
                "no installed blueprint fits", where=wanted.id, hint=f"Installed: {', '.join(self._blueprints)}."
            )
        return best[1], best[2].reasons

    def get(self, name: str) -> Blueprint:
        """The blueprint called ``name``.

        Raises:
            BadInput: It is not installed.
        """
        if name not in self._blueprints:
            raise BadInput(
                f"there is no blueprint {name!r}", where=name, hint=f"Installed: {', '.join(self._blueprints)}."
            )
        return self._blueprints[name]


def installed() -> dict[str, Blueprint]:
    """Every blueprint by name, those of outside packages too; an import error of one is loud.

    The names of this package's own are not to be had: a plan says a name, and the name says what is built.
    """
    own: dict[str, Blueprint] = {
        **references(),
        **{name: _loaded(EntryPoint(name, at, GROUP)) for name, at in OWN.items()},
    }
    outside = {point.name: _loaded(point) for point in entry_points(group=GROUP) if point.name not in own}
    return dict(sorted((outside | own).items()))


def _loaded(point: EntryPoint) -> Blueprint:
    blueprint: Blueprint = point.load()()
    return blueprint
